"""Running sums of what left say at every moment what adding it all up anew says."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cases import sample
from policies.document import load
from policies.metered import Metered
from policies.metering import counting
from policies.spending import Running, level
from policies.terms import Cap, PolicyDocument
from strongroom.model import Address, TokenId

POLICY = load(sample("active_treasury")[0])
CAPS = POLICY.metered_caps()
RECIPIENTS = tuple(map(Address, ("alice", "bob", "somebody")))
CLASSES = (*POLICY.caps, "a class without caps", None)

GAPS = st.sampled_from((0, 0, 1, 3_600, 86_399, 86_400, 5 * 86_400, 40 * 86_400)) | st.integers(0, 10**7)
UNITS = st.integers(0, 3) | st.integers(0, 10**12) | st.sampled_from([cap.at_once_units for cap in CAPS])
PAYMENTS = st.lists(
    st.tuples(
        GAPS, st.sampled_from([*POLICY.tokens, *POLICY.shares()]), UNITS, st.sampled_from(RECIPIENTS),
        st.sampled_from(CLASSES),
    ),
    max_size=40,
)  # fmt: skip


def metered(payments: list[tuple[int, TokenId, int, Address, str | None]]) -> tuple[Metered, ...]:
    times = accumulate(gap for gap, *_ in payments)
    return tuple(Metered(token, units, to, name, at) for at, (_, token, units, to, name) in zip(times, payments))  # noqa: B905


def counted(history: tuple[Metered, ...], cap: Cap, since: int) -> list[Metered]:
    """The plain definition: what counts in the cap, one by one."""
    return [each for each in counting(history, cap) if each.timestamp > since]


def running(history: tuple[Metered, ...], policy: PolicyDocument = POLICY) -> Running:
    sums = Running(policy)
    for each in history:
        sums.add(each)
    return sums


@given(PAYMENTS, st.sampled_from(CAPS), GAPS, GAPS)
def test_running_sums_are_the_plain_sums(
    payments: list[tuple[int, TokenId, int, Address, str | None]], cap: Cap, later: int, window: int
) -> None:
    history = metered(payments)
    now = (history[-1].timestamp if history else 0) + later
    plain, sums = counted(history, cap, now - window), running(history)
    assert sums.units(cap, now - window) == sum(each.units for each in plain)
    assert sums.level(cap, now - window, now) == level(cap, plain, now)
    assert sorted(sums.listed(cap, now - window), key=repr) == sorted(plain, key=repr)
    for whom in {each.counterparty for each in history} | {"nobody"}:
        assert sums.units_to(cap, whom, now - window) == sum(m.units for m in plain if m.counterparty == whom)


@given(PAYMENTS, st.sampled_from(CAPS))
def test_they_say_it_at_every_moment_on_the_way(
    payments: list[tuple[int, TokenId, int, Address, str | None]], cap: Cap
) -> None:
    """What was asked before changes nothing of what is said later."""
    history, sums = metered(payments), Running(POLICY)
    for place, each in enumerate(history, 1):
        sums.add(each)
        since = each.timestamp - max(cap.window_seconds, cap.drain_seconds)
        assert sums.level(cap, since, each.timestamp) == level(
            cap, counted(history[:place], cap, since), each.timestamp
        )


@pytest.mark.parametrize("cap", CAPS, ids=lambda cap: f"{cap.bucket_class} {cap.token}")
def test_a_bucket_that_was_full_has_drained_after_its_time_and_no_sooner(cap: Cap) -> None:
    sums = running((Metered(cap.token, cap.at_once_units, RECIPIENTS[0], cap.bucket_class, 100),))
    assert sums.level(cap, 0, 100) == cap.at_once_units
    assert sums.level(cap, 0, 100 + cap.drain_seconds - 1) > 0
    assert sums.level(cap, 0, 100 + cap.drain_seconds) == 0
