"""A large rebalancing is sold in clips: all of it, in time, never twice, and only while the mandate still wants it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.planners.clips import Choice, choose
from agent.planners.sales import Sale, still_wanted
from policies.engine import decide
from policies.market_scene import MarketScene
from policies.scenario import NOW, Scenario, stage
from policies.terms import SWAPS
from strongroom.mandate import Trade
from strongroom.model import Outflow, Swap, Verdict
from strongroom.pacing_settings import Pacing
from strongroom.settings import Weight
from tests.planners.selling import HOUR, HOURLY, POOL, Desk, paced, sold
from tests.planners.study import DAI, DOCUMENT, E8, USDC, WETH, units

DAY = "rebalance-2030-03-17"
MIDNIGHT = -(-NOW // 86_400) * 86_400


@settings(max_examples=50)
@given(
    weth=st.integers(420, 900),
    clips=st.integers(1, 6),
    pause=st.integers(10, 130),
    gaps=st.lists(st.integers(600, 9_000), min_size=1, max_size=12),
    aversion=st.sampled_from([0, 1, 10, 1_000]),
)
def test_clips_add_up_to_the_order_are_no_more_than_allowed_and_keep_their_pause(
    weth: int, clips: int, pause: int, gaps: list[int], aversion: int
) -> None:
    """Whenever the job runs, and whatever the planner was told of its next runs. The rounding of values to 1e-8 USD may
    leave a few hundred millions of the 10^18 units of an ether."""
    mandate = paced(clips=clips, pause_seconds=pause * 60, risk_aversion=aversion)
    desk, alone = Desk(units(WETH, weth), mandate=mandate), Desk(units(WETH, weth), mandate=paced(clips=1))
    desk.now = MIDNIGHT
    (whole,) = sold(alone.plan()).values()
    last = 0
    for gap in (each for each in gaps if desk.now < MIDNIGHT + 86_400):
        last = desk.now
        desk.cycle()
        desk.now += gap
    times = [each.at for each in desk.filled]
    assert len(times) <= clips
    assert all(later - earlier >= pause * 60 for earlier, later in pairwise(times))
    assert sum(each.units for each in desk.filled) <= whole + 10**10
    if "rebalance-2030-03-18-WETH-USDC" in desk.spent:
        assert sum(each.units for each in desk.filled) >= whole - 10**10
    elif last - times[0] <= mandate.pacing.within_seconds:
        assert len(times) < clips


def test_a_sale_whose_job_runs_in_time_is_made_whole() -> None:
    desk = Desk()
    (whole,) = sold(Desk(mandate=paced(clips=1)).plan()).values()
    for hour in range(7):
        desk.cycle(tuple(each for each in HOURLY if each + hour * HOUR <= 6 * HOUR))
        desk.now += HOUR
    assert [each.unit for each in desk.filled] == [
        f"{DAY}-1-WETH-USDC", f"{DAY}-2-WETH-USDC", f"{DAY}-3-WETH-USDC", f"{DAY}-WETH-USDC",
    ]  # fmt: skip
    assert abs(sum(each.units for each in desk.filled) - whole) < 10**10


@settings(max_examples=25)
@given(at=st.integers(0, 3 * HOUR), half=st.booleans())
def test_what_is_planned_follows_from_what_is_known_and_not_from_what_was_planned(at: int, half: bool) -> None:
    """A crash between clips loses nothing: a planner that never planned before plans the very same."""
    one, other = Desk(), Desk()
    one.cycle()
    for each in (one.plan, one.plan) if half else ():
        each()
    other.cycle()
    one.now = other.now = NOW + at
    assert one.plan() == other.plan()


def test_a_clip_is_not_planned_again_while_a_block_does_not_show_it() -> None:
    """The runner knows of its transaction; a node that lags behind shows the Safe as it was before."""
    desk = Desk()
    desk.cycle()
    desk.now += HOUR
    behind = desk.plan(change=lambda facts: replace(facts, outflows=()))
    assert behind.units == ()
    assert "does not show it yet; nothing is traded" in behind.rationale
    assert desk.plan().units


def test_a_clip_that_policy_denied_is_planned_anew_from_new_prices() -> None:
    desk = Desk()
    desk.cycle()
    desk.now += HOUR
    denied, before = desk.plan(), desk.weth
    desk.now, desk.weth_e8 = desk.now + HOUR, desk.weth_e8 * 101 // 100
    again = desk.plan()
    assert sold(denied).keys() == sold(again).keys() == {f"{DAY}-2-WETH-USDC"}
    assert sold(denied) != sold(again)
    assert desk.weth == before


def test_once_the_price_has_come_back_the_rest_is_dropped() -> None:
    """At 2,850 USD the holdings before the first clip would be inside their band; what was sold stays sold."""
    desk = Desk(units(WETH, 2_000), units(USDC, 3_400_000))
    desk.cycle()
    desk.now += HOUR
    assert desk.plan().units
    desk.weth_e8 = 2_850 * E8
    calm = desk.plan()
    assert (calm.units, calm.rationale) == ((), "every weight is inside its band")


def test_once_less_is_wanted_than_was_sold_the_rest_is_dropped() -> None:
    """At 2,681 USD the whole of it would still be wanted, but only 39 ether, and 60 are sold."""
    narrow = replace(paced(clips=2), weights={WETH: Weight(6_000, 100), USDC: Weight(4_000, 100)})
    desk = Desk(units(WETH, 2_000), units(USDC, 3_400_000), mandate=narrow)
    desk.cycle()
    desk.now, desk.weth_e8 = desk.now + HOUR, 2_681 * E8
    assert replace(desk, spent={}, weth=units(WETH, 2_000), usdc=units(USDC, 3_400_000)).plan().units
    assert desk.plan().units == ()


def test_where_the_price_has_fallen_past_the_band_what_is_held_decides() -> None:
    """At 1,200 USD nothing of it would be wanted, and what is held by now is too little ether."""
    desk = Desk()
    desk.cycle()
    desk.now, desk.weth_e8 = desk.now + HOUR, 1_200 * E8
    assert [unit.id.split("-")[-2:] for unit in desk.plan().units] == [[USDC, WETH]]


def test_a_price_that_rises_on_makes_more_of_the_rest() -> None:
    calm, risen = Desk(mandate=paced(clips=2)), Desk(mandate=paced(clips=2))
    for desk in (calm, risen):
        desk.cycle()
        desk.now += HOUR
    risen.weth_e8 = 3_300 * E8
    (less,), (more,) = sold(calm.plan()).values(), sold(risen.plan()).values()
    assert more > less


def test_inside_the_band_a_sale_under_way_goes_on_to_the_target() -> None:
    """The band decides about the whole of it: it wanted that, and still would."""
    desk = Desk(units(WETH, 2_000), units(USDC, 3_400_000), mandate=paced(clips=2))
    desk.cycle()
    desk.now += HOUR
    assert replace(desk, spent={}).plan().units == ()
    (rest,) = sold(desk.plan()).values()
    assert rest > 0


def test_what_guardians_turned_down_is_not_begun_again_that_day() -> None:
    desk = Desk()
    desk.cycle()
    desk.now += HOUR
    (second,) = desk.plan().units
    desk.spent[second.id] = ""
    refused = desk.plan()
    assert refused.units == ()
    assert "not begun again: a clip of it was turned down" in refused.rationale
    desk.now = MIDNIGHT + 12 * HOUR
    assert desk.plan().units


def test_after_its_time_a_sale_is_over_for_the_day() -> None:
    desk = Desk()
    desk.cycle()
    desk.now += 6 * HOUR + 1
    desk.weth += units(WETH, 300)
    late = desk.plan()
    assert late.units == ()
    assert "not begun again: its time is over" in late.rationale


def test_a_run_after_the_sale_s_time_is_not_waited_for() -> None:
    """The second run was late: three hours on there would be another, an hour too late."""
    desk = Desk()
    desk.cycle()
    desk.now += 4 * HOUR
    assert list(sold(desk.plan((2 * HOUR,)))) == [f"{DAY}-2-WETH-USDC"]
    assert list(sold(desk.plan((3 * HOUR,)))) == [f"{DAY}-WETH-USDC"]


def test_a_sale_goes_on_past_midnight_under_its_first_day() -> None:
    desk = Desk(now=MIDNIGHT - 600)
    desk.cycle()
    desk.now += HOUR
    assert list(sold(desk.plan())) == [f"{DAY}-2-WETH-USDC"]


def test_what_is_made_under_the_day_s_own_id_is_not_begun_in_clips() -> None:
    desk = Desk(mandate=paced(clips=1))
    desk.cycle()
    desk.mandate, desk.weth, desk.now = paced(), desk.weth + units(WETH, 300), desk.now + HOUR
    assert list(sold(desk.plan())) == [f"{DAY}-WETH-USDC"]


def test_a_small_order_is_one_clip_and_says_no_more_than_before() -> None:
    desk = Desk(units(WETH, 220), units(USDC, 370_000), mandate=replace(paced(), weights=Desk().mandate.weights))
    plan = desk.plan()
    assert plan == replace(Desk(desk.weth, desk.usdc, mandate=paced(clips=1)).plan(), id=plan.id)


def test_without_a_run_soon_enough_it_is_sold_at_once_and_says_what_that_costs() -> None:
    desk = Desk()
    plan = desk.plan(runs_in=())
    assert list(sold(plan)) == [f"{DAY}-WETH-USDC"]
    assert "4 clips would be better by" in plan.rationale
    assert "no run of the job comes within 6 hours" in plan.rationale


def test_where_a_swing_is_not_known_it_is_sold_at_once_and_says_why() -> None:
    """The policy asks for the swing; the engine denies what it cannot judge."""
    plan = Desk().plan(change=lambda facts: replace(facts, past_rounds={}))
    assert list(sold(plan)) == [f"{DAY}-WETH-USDC"]
    assert "at once: the first feed of WETH does not tell its rounds" in plan.rationale


def test_the_plan_says_how_many_clips_over_what_time_at_what_cost_and_spread() -> None:
    said = Desk().plan().rationale
    assert "sells 120.00 WETH for USDC, in 4 clips over 3 hours: 30.00 WETH now, the next in 1 hour" in said
    assert "expected cost" in said and "spread" in said and "at once" in said


def test_the_more_a_spread_weighs_the_sooner_it_is_sold() -> None:
    trade, seen = Trade(WETH, USDC, units(WETH, 120)), Desk().facts()
    found = [choose(trade, HOURLY, Pacing(risk_aversion=each), seen, DOCUMENT) for each in (0, 1, 10, 1_000)]
    counts = [len(each.best.clips) for each in found]  # type: ignore[union-attr]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] == 1


def test_past_rounds_that_swung_wider_than_the_mandate_says_make_it_sooner() -> None:
    """A fifth within a day is some 230 % a year; a calm day does not make less of what the mandate says."""
    trade, seen = Trade(WETH, USDC, units(WETH, 200)), Desk().facts()
    clips = {}
    for swing_bps in (0, 100, 2_000):
        scene = Scenario((), seen.balances, {USDC: E8, WETH: 3_000 * E8}, market=MarketScene(swing_bps=swing_bps))
        told = replace(seen, past_rounds=stage(scene, DOCUMENT).facts.past_rounds)
        found = choose(trade, HOURLY, Pacing(risk_aversion=10), told, DOCUMENT)
        assert isinstance(found, Choice)
        clips[swing_bps] = found.best
    assert clips[0] == clips[100]
    assert len(clips[2_000].clips) < len(clips[0].clips)


@pytest.mark.parametrize("clips", [2, 3, 5])
def test_clips_do_not_pass_where_the_whole_would_be_more_than_the_window_allows(clips: int) -> None:
    """However a trade above the window's cap is cut, and however far apart its clips lie within the window: guardians
    are asked before more has left than the cap."""
    cap = DOCUMENT.cap(SWAPS, WETH)
    assert cap is not None
    whole = min(cap.cap_units + units(WETH, 3), cap.never_units)
    assert verdict(whole, ()) is Verdict.ASK
    gone, alone = list[Outflow](), 0
    for number in range(clips):
        at = NOW - (clips - number) * cap.window_seconds // (clips + 1)
        if verdict(whole // clips, tuple(gone), at) is Verdict.ALLOW:
            alone += whole // clips
        gone.append(Outflow(WETH, POOL, whole // clips, at, f"0x{number:064x}"))  # type: ignore[arg-type]
    assert alone <= cap.cap_units < whole
    assert verdict(whole // clips, tuple(gone)) is Verdict.ASK


def test_tiers_count_clips_of_a_day_together() -> None:
    """Above 10 ether a day two guardians are asked: 6 pass, 6 more an hour later do not."""
    assert verdict(units(WETH, 6), ()) is Verdict.ALLOW
    earlier = Outflow(WETH, POOL, units(WETH, 6), NOW - HOUR, f"0x{1:064x}")  # type: ignore[arg-type]
    assert verdict(units(WETH, 6), (earlier,)) is Verdict.ASK


def verdict(units_in: int, past: tuple[Outflow, ...], now: int = NOW) -> Verdict:
    """Of a clip, after these outflows."""
    (unit,) = Desk().plan().units
    (swap,) = (each for each in unit.intents if isinstance(each, Swap))
    clip = replace(swap, amount_in_units=replace(swap.amount_in_units, value=units_in))
    prices = {USDC: E8, WETH: 3_000 * E8}
    held = {**dict.fromkeys(DOCUMENT.tokens, 0), WETH: units(WETH, 500), USDC: units(USDC, 400_000)}
    staged = stage(Scenario((clip,), held, prices, past=past, arrives_bps=9_970, now=now), DOCUMENT)
    return decide(staged.compiled, staged.action, staged.rehearsal, staged.facts, DOCUMENT).verdict


def test_a_sale_that_sold_more_than_is_wanted_now_is_dropped_and_counts_for_nothing() -> None:
    """The others are then decided as if it had never been."""
    done = Sale(WETH, USDC, "2030-03-17", 1, 7, NOW, NOW)

    def wanted_after(going: tuple[Sale, ...]) -> tuple[Trade, ...]:
        return (Trade(WETH, USDC, 5), Trade(DAI, USDC, 9)) if going else (Trade(DAI, USDC, 2),)

    assert still_wanted([done], wanted_after) == (Trade(DAI, USDC, 2),)
    assert still_wanted([replace(done, sold_units=3)], wanted_after) == (Trade(WETH, USDC, 2), Trade(DAI, USDC, 9))
