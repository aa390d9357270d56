"""Which inner failures count as swallowed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulations.caught import MOST, caught
from strongroom.addresses import to_address
from strongroom.ports import Frame


def frame(error: str = "", *calls: Frame, to: int = 1) -> Frame:
    return Frame(to_address(to.to_bytes(20, "big")), b"\x12\x34\x56\x78rest", b"", error, calls)


frames = st.recursive(
    st.builds(frame, st.sampled_from(["", "execution reverted"])),
    lambda inner: st.builds(
        lambda error, calls: frame(error, *calls),
        st.sampled_from(["", "execution reverted"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


def failures(call: Frame) -> int:
    """Failed calls whose callers all went on."""
    return 1 if call.error else sum(map(failures, call.calls))


@given(frames)
def test_each_failure_counts_once_where_its_callers_went_on(root: Frame) -> None:
    found = caught(root)
    if root.error:
        assert found is None
    else:
        assert found is not None
        assert len(found) == min(failures(root), MOST)


def test_it_is_told_in_order_with_whom_what_and_why() -> None:
    inner = frame("out of gas", frame("execution reverted", to=9), to=3)
    found = caught(frame("", frame("", frame("execution reverted", to=2)), inner))
    assert found is not None
    assert [(int(each.to, 16), each.selector.hex(), each.reason) for each in found] == [
        (2, "12345678", "execution reverted"),
        (3, "12345678", "out of gas"),
    ]


def test_without_a_trace_nothing_is_said_of_it() -> None:
    assert caught(None) is None


def test_a_stranger_cannot_fill_the_screen() -> None:
    found = caught(frame("", *[frame("execution reverted")] * 1000))
    assert found is not None and len(found) == MOST
