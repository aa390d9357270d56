"""The meters of a block of paths say what the policy's own rules say."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.forecasting import _meter
from policies.metering import Metered
from policies.spending import level
from policies.terms import SWAPS, Cap, Tier
from simulations.treasury.book import ALLOW, ASK, DAY_SECONDS, DENY
from simulations.treasury.metering import counted, meter_of, moves_of, room, still_counting, verdict
from simulations.treasury.state import LENT, SOLD, TAKEN, Moved
from strongroom.model import Address, TokenId
from tests.simulations.treasury import dao

WETH = TokenId("WETH")
UNITS = st.integers(1, 1_000)


@st.composite
def caps(draw: st.DrawFn) -> Cap:
    at_once = draw(UNITS)
    cap = at_once + draw(UNITS)
    window = draw(st.integers(1, 9)) * DAY_SECONDS
    tiers = [Tier(2, draw(UNITS), draw(st.integers(1, 9)) * DAY_SECONDS) for _ in range(draw(st.integers(0, 2)))]
    return Cap(SWAPS, WETH, cap, window, at_once, at_once + draw(UNITS), tuple(tiers))


@given(caps(), st.lists(st.tuples(st.integers(0, 20), UNITS), max_size=6), UNITS)
def test_a_move_gets_the_verdict_of_the_rules_caps_and_approvals(
    cap: Cap, history: list[tuple[int, int]], units: int
) -> None:
    """Whatever moved on the twenty days before, at the very edges of windows too."""
    today = 20
    past = sorted(history)
    metered = [Metered(WETH, each, Address("pool"), SWAPS, day * DAY_SECONDS) for day, each in past]
    now = today * DAY_SECONDS
    inside = lambda seconds: tuple(m for m in metered if m.timestamp > now - seconds)  # noqa: E731
    filled = level(cap, inside(max(cap.window_seconds, cap.drain_seconds)), now)
    asked = (
        sum(m.units for m in inside(cap.window_seconds)) + units > cap.cap_units
        or filled + units > cap.at_once_units
        or any(sum(m.units for m in inside(t.window_seconds)) + units > t.above_units for t in cap.tiers)
    )
    expected = DENY if units > cap.never_units else ASK if asked else ALLOW
    found = one(cap, past, today, units)
    # The rule rounds the level up to a unit; no float is nearer to it than that.
    edge = abs(filled + units - cap.at_once_units) <= 1
    assert found == expected or (edge and found != DENY)


def one(cap: Cap, past: list[tuple[int, int]], today: int, units: int) -> int:
    meter = _meter(cap)
    before = counted(meter, tuple((day, np.array([float(each)])) for day, each in past), 0, today)
    return int(verdict(meter, 0, before, np.array([float(units)]))[0])


@given(caps(), st.lists(st.tuples(st.integers(0, 20), UNITS), max_size=6))
def test_what_there_is_room_for_needs_no_guardian_and_a_unit_more_does(
    cap: Cap, history: list[tuple[int, int]]
) -> None:
    """As far as tiers go, only a first move of the window is asked: the planner's own bound is on one loan."""
    bare = Cap(SWAPS, WETH, cap.cap_units, cap.window_seconds, cap.at_once_units, cap.never_units)
    meter = _meter(bare)
    assert meter is not None
    past = tuple((day, np.array([float(each)])) for day, each in sorted(history))
    free = float(room(meter, 0, counted(meter, past, 0, 20))[0])
    assert free >= 0
    whole = int(free)
    if whole:
        assert one(bare, sorted(history), 20, whole) == ALLOW
    assert one(bare, sorted(history), 20, whole + 1) != ALLOW


def test_what_is_exactly_a_window_old_counts_no_more() -> None:
    """Nor in a tier's; a day younger it does."""
    tier = Tier(2, 60, 2 * DAY_SECONDS)
    cap = Cap(SWAPS, WETH, 1_000, 5 * DAY_SECONDS, 900, 1_000, (tier,))
    assert one(cap, [(18, 50)], 20, 50) == ALLOW
    assert one(cap, [(19, 50)], 20, 50) == ASK
    wide = Cap(SWAPS, WETH, 100, 5 * DAY_SECONDS, 99, 1_000)
    meter = _meter(wide)
    for day, total in ((15, 0.0), (16, 50.0)):
        assert counted(meter, ((day, np.array([50.0])),), 0, 20)[0].tolist() == [total]


@given(st.lists(st.integers(0, 20), max_size=6, unique=True))
def test_what_is_forgotten_counted_nowhere(days: list[int]) -> None:
    """For each meter of a book, whatever moved on the days before."""
    book, shape = dao.book(), (3, 5, 1)
    past = tuple(Moved(day, np.full(shape, 7.0)) for day in sorted(days))
    kept = still_counting(book, past, 20)
    for place, asset in enumerate(book.assets):
        for kind in (SOLD, LENT, TAKEN):
            meter = meter_of(asset, kind)
            every, few = (counted(meter, moves_of(each, kind, place), asset.decimals, 20) for each in (past, kept))
            assert [float(one[0]) for one in every] == [float(one[0]) for one in few]


def test_without_a_meter_nothing_of_a_token_moves() -> None:
    assert verdict(None, 6, (), np.array([0.0, 1.0])).tolist() == [ALLOW, DENY]
