"""Rules of the market: what a swap accepts, moves and takes of a pool, where the pool stands, how prices swing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.cases import sample
from policies.document import document_hash, load
from policies.engine import judge
from policies.grants import off_chain_only
from policies.market_scene import tick_at
from policies.pool_prices import apart_bps_up, depth_units_down, pair_apart_bps_up, spot_out
from policies.rules import volatility
from policies.scenario import Judged
from policies.selling import sold_alone_units_down
from policies.swings import swing_bps_up
from policies.template import render
from policies.terms import UNISWAP_V2, PolicyDocument
from policies.trading import TradingTerms, VolatilityTerms
from strongroom.errors import InputError
from strongroom.model import Address, Call, PairState, PoolAverage, PoolState, Round, TokenId, Verdict
from strongroom.protocols.abi import encode_arguments
from strongroom.protocols.uniswap_v3 import decode_exact_input, encode_exact_input
from strongroom.protocols.uniswap_v3_ticks import average_read, sqrt_price_at_tick
from strongroom.valuation import Problem

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
USDC, WETH = TokenId("USDC"), TokenId("WETH")
POOL = Address("0x2E24C4639a2d2A57f2dFf3fD43ED8b310c8966bF")
DAY = 86_400
Desk = Any

positive = st.integers(1, 2**112 - 1)


def bounded(desk: Desk, **terms: int) -> Desk:
    return desk.under(replace(desk.document, trading=TradingTerms(**terms)))


def ordering(desk: Desk, judged: Judged, **changes: Any) -> Judged:
    approve, call = judged.compiled.calls
    order = replace(decode_exact_input(call.data), **changes)
    ordered: Judged = desk.with_calls(judged, approve, replace(call, data=encode_exact_input(order)))
    return ordered


def brings(desk: Desk, judged: Judged, units: int) -> Judged:
    """The same unit where the Safe gets exactly so much USDC."""
    safe = desk.document.account.safe
    deltas = [replace(d, units=units) if (d.holder, d.token) == (safe, USDC) else d for d in judged.rehearsal.deltas]
    brought: Judged = desk.with_rehearsal(judged, deltas=tuple(deltas))
    return brought


def pool_of(judged: Judged, address: Address = POOL) -> PoolState:
    return next(pool for pool in judged.facts.pools if pool.pool == address)


def with_pool(desk: Desk, judged: Judged, **changes: Any) -> Judged:
    pools = [replace(pool, **changes) if pool.pool == POOL else pool for pool in judged.facts.pools]
    changed: Judged = desk.with_facts(judged, pools=tuple(pools))
    return changed


# Slippage


@pytest.mark.parametrize(("min_out", "says"), [(-1, {"slippage": DENY}), (0, {}), (1, {})])
def test_a_swap_accepts_what_the_bound_says_and_no_unit_less(
    desk: Desk, min_out: int, says: dict[str, Verdict]
) -> None:
    strict = bounded(desk, max_slippage_bps=30)
    judged = strict.stage("swap 1 WETH to USDC", arrives="99.7 %")
    floor = -(-(2_991 * 10**6 * 9_970) // 10_000)
    assert strict.says(ordering(strict, judged, min_out_units=floor + min_out)) == says


def test_what_is_paid_on_does_not_hide_slippage(desk: Desk) -> None:
    """The Safe keeps little of what a swap brings when the same unit pays it on: that counts as brought."""
    strict = bounded(desk, max_slippage_bps=30)
    paid = strict.stage("swap 1 WETH to USDC", "pay 1_000 USDC to alice", arrives="99.7 %")
    alone = strict.stage("swap 1 WETH to USDC", arrives="99.7 %")
    found = [next(f for f in strict.decide(each).findings if f.rule == "slippage") for each in (paid, alone)]
    assert found[0].measure == found[1].measure


def test_a_failed_rehearsal_measures_no_slippage(desk: Desk) -> None:
    strict = bounded(desk, max_slippage_bps=30)
    assert strict.says(strict.stage("swap 1 WETH to USDC", reverts="STF"))["slippage"] is DENY


@given(brought=st.integers(1, 10**30), accepted=st.integers(0, 10**30), bps=st.integers(1, 9_999))
def test_slippage_is_judged_as_exact_fractions_have_it(desk: Desk, brought: int, accepted: int, bps: int) -> None:
    strict = bounded(desk, max_slippage_bps=bps)
    judged = strict.stage("swap 1 WETH to USDC")
    tried = brings(strict, ordering(strict, judged, min_out_units=accepted), brought)
    holds = Fraction(accepted) >= Fraction(brought) * (1 - Fraction(bps, 10_000))
    assert (strict.says(tried).get("slippage") is None) is holds


# Price impact


@pytest.mark.parametrize(("more", "says"), [(-1, {"impact": DENY}), (0, {}), (1, {})])
def test_a_swap_moves_its_price_as_far_as_the_bound_and_no_unit_further(
    desk: Desk, more: int, says: dict[str, Verdict]
) -> None:
    strict = bounded(desk, max_impact_bps=25)
    judged = strict.stage("swap 1 WETH to USDC", arrives="99.7 %")
    pool = pool_of(judged)
    ratio = Fraction(pool.sqrt_price_x96**2, 1 << 192)
    price = ratio if pool.token0 == strict.document.tokens[WETH].token.address else 1 / ratio
    least = price * 10**18 * Fraction(999_500, 1_000_000) * Fraction(9_975, 10_000)
    assert strict.says(brings(strict, judged, -(-least.numerator // least.denominator) + more)) == says


def test_a_pool_that_did_not_answer_has_no_price_depth_or_average(desk: Desk) -> None:
    strict = bounded(desk, max_impact_bps=100, max_pool_share_bps=500, average_seconds=1_800, max_from_average_bps=100)
    judged = strict.stage("swap 1 WETH to USDC", arrives="99.7 %", no_market=True)
    assert strict.says(judged) == {"impact": DENY, "depth": DENY, "averages": DENY}


@given(units=positive, reserves=st.tuples(positive, positive), fee=st.sampled_from([100, 500, 3_000, 10_000]))
def test_the_price_of_a_pair_is_its_reserves(
    document: PolicyDocument, units: int, reserves: tuple[int, int], fee: int
) -> None:
    weth, usdc = (document.tokens[token].token.address for token in (WETH, USDC))
    pair = PairState(POOL, weth, usdc, *reserves)
    kept = 1 - Fraction(fee, 1_000_000)
    assert spot_out(units, WETH, pair, document, fee) == units * kept * Fraction(reserves[1], reserves[0])
    assert spot_out(units, USDC, pair, document, fee) == units * kept * Fraction(reserves[0], reserves[1])


def test_a_pool_of_other_tokens_is_not_measured(document: PolicyDocument) -> None:
    pair = PairState(POOL, document.tokens[WETH].token.address, document.tokens[USDC].token.address, 1, 1)
    with pytest.raises(ValueError, match="does not trade DAI"):
        spot_out(1, TokenId("DAI"), pair, document, 500)


# Depth


@pytest.mark.parametrize(
    ("amount", "says"),
    [("0.999999999999999999", {}), ("1", {}), ("1.000000000000000001", {"depth": ASK})],
)
def test_a_large_share_of_a_pool_is_for_guardians(desk: Desk, amount: str, says: dict[str, Verdict]) -> None:
    """At a price of one, the virtual reserve of either token is the liquidity."""
    strict = bounded(desk, max_pool_share_bps=500)
    judged = strict.stage(f"swap {amount} WETH to USDC", arrives="99.7 %")
    assert strict.says(with_pool(strict, judged, sqrt_price_x96=1 << 96, liquidity=20 * 10**18)) == says


@pytest.mark.parametrize(("holds", "says"), [("20.1 WETH", {}), ("19.9 WETH", {"depth": ASK})])
def test_a_case_says_what_its_pools_hold(desk: Desk, holds: str, says: dict[str, Verdict]) -> None:
    strict = bounded(desk, max_pool_share_bps=500)
    assert strict.says(strict.stage("swap 1 WETH to USDC", arrives="99.7 %", pool_holds=[holds])) == says


@given(liquidity=st.integers(0, 2**100), tick=st.integers(-500_000, 500_000))
def test_the_depth_of_a_pool_is_its_virtual_reserve_rounded_down(
    document: PolicyDocument, liquidity: int, tick: int
) -> None:
    weth, usdc = (document.tokens[token].token.address for token in (WETH, USDC))
    price = sqrt_price_at_tick(tick)
    pool = PoolState(POOL, weth, usdc, 500, 10, price, tick, liquidity, ())
    root = Fraction(price, 1 << 96)
    for token, exact in ((WETH, liquidity / root), (USDC, liquidity * root)):
        assert depth_units_down(token, pool, document) == exact.numerator // exact.denominator


def test_two_swaps_in_one_pool_take_their_share_together(desk: Desk) -> None:
    strict = bounded(desk, max_pool_share_bps=500)
    judged = strict.stage("swap 2 WETH to USDC", arrives="99.7 %")
    approve, call = judged.compiled.calls
    order = decode_exact_input(call.data)
    half = encode_exact_input(replace(order, amount_in_units=10**18, min_out_units=order.min_out_units // 2))
    calls = [Call(strict.document.account, call.to, 0, half)] * 2
    both = with_pool(strict, strict.with_calls(judged, approve, *calls), sqrt_price_x96=1 << 96)
    assert strict.says(with_pool(strict, both, liquidity=40 * 10**18)) == {}
    assert strict.says(with_pool(strict, both, liquidity=40 * 10**18 - 1)) == {"depth": ASK}


# Averages


def averaged(desk: Desk) -> Desk:
    return bounded(desk, average_seconds=1_800, max_from_average_bps=100)


@pytest.mark.parametrize(("tick", "says"), [(99, {}), (100, {"averages": DENY}), (-99, {}), (-100, {"averages": DENY})])
def test_a_pool_stands_near_its_average(desk: Desk, tick: int, says: dict[str, Verdict]) -> None:
    """1.0001^99 is below 1.01, 1.0001^100 above; either way alike."""
    near = averaged(desk)
    judged = with_pool(near, near.stage("swap 1 WETH to USDC", arrives="99.7 %"), sqrt_price_x96=1 << 96)
    means = tuple(replace(mean, mean_tick=tick) for mean in judged.facts.averages)
    assert near.says(near.with_facts(judged, averages=means)) == says


def test_an_average_over_another_time_is_none(desk: Desk) -> None:
    near = averaged(desk)
    judged = near.stage("swap 1 WETH to USDC", arrives="99.7 %")
    assert near.says(judged) == {}
    shorter = tuple(replace(mean, over_seconds=1_799) for mean in judged.facts.averages)
    assert near.says(near.with_facts(judged, averages=shorter)) == {"averages": DENY}
    assert near.says(near.with_facts(judged, averages=())) == {"averages": DENY}


@pytest.mark.parametrize(("tick", "says"), [(99, {}), (100, {"averages": DENY}), (-99, {}), (-100, {"averages": DENY})])
def test_a_pair_is_held_to_the_average_of_a_listed_pool_of_its_tokens(
    desk: Desk, tick: int, says: dict[str, Verdict]
) -> None:
    """A pool's average may be 99 ticks from the pair's price and not 100: 1 % lies between."""
    document = averaged(desk).document
    pairs = {id_: v for id_, v in document.venues.items() if v.kind == UNISWAP_V2}
    (pair,) = {pool for venue in pairs.values() for pool in venue.pools if WETH in pool.tokens}
    beside = desk.under(replace(document, venues={**pairs, **document.venues}))
    judged = beside.stage("swap 1 WETH to USDC", arrives="99.7 %")
    assert {each.pool for each in beside.open(judged).exchanges} == {pair.address}
    market = next(each for each in judged.facts.pairs if each.pool == pair.address)
    level = replace(market, reserve0_units=10**24, reserve1_units=10**24)
    means = tuple(replace(mean, mean_tick=tick) for mean in judged.facts.averages)
    pushed = beside.with_facts(judged, averages=means, pairs=(level,))
    assert beside.says(pushed) == says
    assert beside.says(beside.with_facts(pushed, pairs=())) == {"averages": DENY}
    assert beside.says(beside.with_facts(pushed, averages=())) == {"averages": ASK}
    others = tuple(replace(mean, pool=pair.address) for mean in means)
    assert beside.says(beside.with_facts(pushed, averages=others)) == {"averages": ASK}
    empty = replace(level, reserve0_units=0)
    assert beside.says(beside.with_facts(pushed, pairs=(empty,))) == {"averages": DENY}


@given(st.integers(1, 2**112 - 1), st.integers(1, 2**112 - 1), st.integers(-100_000, 100_000))
def test_a_pairs_distance_is_exact(zero: int, one: int, mean: int) -> None:
    exact = Fraction(one, zero) / (Fraction(sqrt_price_at_tick(mean)) / 2**96) ** 2
    apart = (max(exact, 1 / exact) - 1) * 10_000
    pair = PairState(POOL, POOL, POOL, zero, one)
    assert pair_apart_bps_up(pair, mean) == -(-apart.numerator // apart.denominator)


def test_a_pair_keeps_no_average_so_guardians_look(desk: Desk) -> None:
    document = averaged(desk).document
    only = {id_: venue for id_, venue in document.venues.items() if venue.kind == UNISWAP_V2}
    pairs = desk.under(replace(document, venues=only))
    assert pairs.says(pairs.stage("swap 1 WETH to USDC", arrives="99.7 %")) == {"averages": ASK}


@given(st.integers(-200_000, 200_000), st.integers(-200_000, 200_000))
def test_distance_from_the_average_is_exact_and_alike_both_ways(spot: int, mean: int) -> None:
    def pool(tick: int) -> PoolState:
        return PoolState(POOL, POOL, POOL, 500, 10, sqrt_price_at_tick(tick), tick, 1, ())

    ends = [Fraction(sqrt_price_at_tick(tick)) ** 2 for tick in (spot, mean)]
    exact = (max(ends) / min(ends) - 1) * 10_000
    assert apart_bps_up(pool(spot), mean) == -(-exact.numerator // exact.denominator) == apart_bps_up(pool(mean), spot)


@given(st.integers(-(2**55), 2**55 - 1), st.integers(-(2**48), 2**48), st.integers(60, DAY))
def test_the_mean_tick_is_rounded_toward_negative_infinity_and_the_count_may_run_over(
    before: int, moved: int, over: int
) -> None:
    after = (before + moved + 2**55) % 2**56 - 2**55
    told = encode_arguments(["int56[]", "uint160[]"], [[before, after], [0, 0]])
    assert average_read(POOL, over).decode(told) == PoolAverage(POOL, over, floor(Fraction(moved, over)))


@given(st.integers(-887_272, 887_271))
def test_the_scene_finds_the_tick_of_a_price(tick: int) -> None:
    assert tick_at(sqrt_price_at_tick(tick)) == tick
    assert tick_at(sqrt_price_at_tick(tick + 1) - 1) == tick


# Volatility


def stormy(desk: Desk) -> Desk:
    return desk.under(replace(desk.document, volatility=VolatilityTerms(DAY, 300)))


@pytest.mark.parametrize(
    ("request_", "swing", "says"),
    [
        ("swap 10 WETH to USDC", "3 %", {}),
        ("swap 10 WETH to USDC", "6 %", {}),
        ("swap 10.000000000000000001 WETH to USDC", "6 %", {"volatility": ASK, "approvals": ASK}),
        ("swap 9.983361064891846921 WETH to USDC", "6.01 %", {}),
        ("swap 9.983361064891846922 WETH to USDC", "6.01 %", {"volatility": ASK}),
    ],
)
def test_twice_the_calm_swing_halves_what_is_sold_alone(
    desk: Desk, request_: str, swing: str, says: dict[str, Verdict]
) -> None:
    """[caps.swaps.WETH] lets 20 go at once; calm is 3 %."""
    storm = stormy(desk)
    assert storm.says(storm.stage(request_, arrives="99.7 %", swing=swing)) == says


@pytest.mark.parametrize(
    ("swung", "says"), [("1 hour", {"volatility": ASK}), ("20 hours", {"volatility": ASK}), ("25 hours", {})]
)
def test_a_swing_counts_while_the_policy_looks_back_so_far(desk: Desk, swung: str, says: dict[str, Verdict]) -> None:
    storm = stormy(desk)
    assert storm.says(storm.stage("swap 8 WETH to USDC", arrives="99.7 %", swing="9 %", swung=swung)) == says


@settings(max_examples=30, deadline=None)
@given(swing=st.integers(0, 3_000), before=st.integers(0, 20), waits=st.integers(0, 1))
def test_a_sale_sized_by_what_is_left_is_allowed_and_one_unit_more_is_not(
    desk: Desk, swing: int, before: int, waits: int
) -> None:
    """In calm and in storm, whatever was sold before."""
    storm = stormy(desk)
    pool = storm.document.venues["uniswap"].pools[0].address
    keys: dict[str, Any] = {"arrives": "99.7 %", "swing": f"{swing / 100:.2f} %", "balances": ["400 WETH"]}
    keys["past"] = [f"{before} WETH to {pool} 3 hours ago"] * (before > 0)
    keys["waiting"] = [f"0.5 WETH to {pool}"] * waits
    facts = storm.stage("swap 1 WETH to USDC", **keys).facts
    most = sold_alone_units_down(WETH, USDC, facts, storm.document)
    assert isinstance(most, int)
    told = {"volatility", "caps", "approvals"}
    if most:
        assert told.isdisjoint(storm.says(storm.stage(f"swap {Decimal(most) / 10**18:f} WETH to USDC", **keys)))
    more = storm.says(storm.stage(f"swap {Decimal(most + 1) / 10**18:f} WETH to USDC", **keys))
    assert told & more.keys()


def test_a_swing_that_is_not_known_sizes_no_sale(desk: Desk) -> None:
    storm = stormy(desk)
    facts = storm.stage("swap 1 WETH to USDC", no_market=True).facts
    assert isinstance(sold_alone_units_down(WETH, USDC, facts, storm.document), Problem)
    assert sold_alone_units_down(TokenId("HALL"), USDC, facts, storm.document) == 0


def test_what_was_sold_a_minute_ago_counts_as_if_it_were_sold_now(desk: Desk) -> None:
    """Splitting a sale hides nothing while prices swing."""
    storm = stormy(desk)
    pool = storm.document.venues["uniswap"].pools[0].address
    one = {"arrives": "99.7 %", "swing": "12 %", "past": [f"2 WETH to {pool} 1 minute ago"]}
    alone = storm.says(storm.stage("swap 5 WETH to USDC", arrives="99.7 %", swing="12 %"))
    assert "volatility" not in alone
    assert storm.says(storm.stage("swap 5 WETH to USDC", **one))["volatility"] is Verdict.ASK


def past(desk: Desk, judged: Judged, *rows: tuple[int, int, int]) -> int | Problem:
    """The swing of WETH by these rounds of its first feed: id, answer, age in seconds."""
    feed, now = desk.document.feeds_of(WETH)[0], judged.facts.block.timestamp
    rounds = tuple(Round(feed, 8, id_, answer, now - age, now - age, id_) for id_, answer, age in rows)
    current = {**judged.facts.rounds, WETH: (*rounds[:1], *judged.facts.rounds[WETH][1:])}
    facts = replace(judged.facts, past_rounds={WETH: rounds}, rounds=current)
    return swing_bps_up(WETH, facts, desk.document, DAY)


def test_the_round_in_force_as_the_window_began_counts_and_none_before(desk: Desk) -> None:
    judged = desk.stage("swap 1 WETH to USDC")
    assert past(desk, judged, (9, 100, 60), (8, 103, DAY)) == 300
    assert past(desk, judged, (9, 100, 60), (8, 100, DAY), (7, 200, DAY + 1)) == 0
    assert past(desk, judged, (9, 100, DAY)) == 0


@pytest.mark.parametrize(
    "rows",
    [
        (),
        ((9, 100, 60), (8, 103, DAY - 1)),
        ((9, 100, 60), (7, 103, DAY)),
        ((9, 0, 60), (8, 103, DAY)),
        ((9, 100, -1), (8, 103, DAY)),
    ],
    ids=["none", "too young", "gap", "no price", "future"],
)
def test_a_record_that_is_not_whole_tells_no_swing(desk: Desk, rows: tuple[tuple[int, int, int], ...]) -> None:
    assert isinstance(past(desk, desk.stage("swap 1 WETH to USDC"), *rows), Problem)


def test_a_record_that_ends_before_the_current_round_denies_however_calm_it_was(desk: Desk) -> None:
    """The latest round fell by a tenth; the record of the hour before knows nothing of it."""
    storm = stormy(desk)
    judged = storm.stage("swap 1 WETH to USDC", arrives="99.7 %")
    assert storm.says(judged) == {}
    first, *others = judged.facts.rounds[WETH]
    fallen = replace(first, answer=first.answer * 9 // 10, round_id=first.round_id + 1)
    late = storm.with_facts(judged, rounds={**judged.facts.rounds, WETH: (fallen, *others)})
    (finding,) = judge(storm.open(late), {volatility.RULE: volatility.judge}).findings
    assert (finding.verdict, finding.reason) == (
        DENY,
        "the past rounds of the first feed of WETH end before its current one",
    )


def test_without_past_rounds_nothing_is_swapped(desk: Desk) -> None:
    storm = stormy(desk)
    judged = storm.stage("swap 1 WETH to USDC", arrives="99.7 %", no_market=True)
    assert storm.says(judged) == {"volatility": DENY}


@given(st.lists(st.integers(1, 10**12), min_size=2, max_size=8))
def test_a_swing_is_highest_over_lowest(desk: Desk, answers: list[int]) -> None:
    rows = [(100 - place, answer, place * DAY // (len(answers) - 1)) for place, answer in enumerate(answers)]
    exact = (Fraction(max(answers), min(answers)) - 1) * 10_000
    assert past(desk, desk.stage("swap 1 WETH to USDC"), *rows) == -(-exact.numerator // exact.denominator)


MARKET = TradingTerms(50, 60, 500, 1_800, 100)


@pytest.mark.parametrize(
    ("rule", "keys"),
    [
        ("slippage", {"accepts": "99.1 %"}),
        ("impact", {"accepts": "99 %", "arrives": "99.1 %"}),
        ("depth", {"pool_holds": ["10 WETH"]}),
        ("averages", {"average": "98 %"}),
        ("volatility", {"swing": "90 %"}),
    ],
)
def test_without_a_rule_its_attack_gets_further(desk: Desk, rule: str, keys: dict[str, Any]) -> None:
    """Policy mutation: with the rule the attack is stopped, with it deleted it passes."""
    full = desk.under(replace(desk.document, trading=MARKET, volatility=VolatilityTerms(DAY, 300)))
    judged = full.stage("swap 1 WETH to USDC", **{"arrives": "99.7 %", **keys})
    assert full.decide(judged).verdict is not ALLOW
    assert full.decide(judged, without=rule).verdict is ALLOW


# The document


def test_a_policy_keeps_its_bounds_through_its_template(document: PolicyDocument) -> None:
    plain, bound = replace(document, trading=TradingTerms(), volatility=None), VolatilityTerms(DAY, 300)
    full = replace(plain, trading=MARKET, volatility=bound)
    for each in (plain, full, replace(plain, trading=TradingTerms(max_impact_bps=7))):
        assert load(render(each)) == each
    assert len({document_hash(each) for each in (plain, full, replace(full, volatility=None))}) == 3


def test_what_the_kernel_does_not_enforce_is_said(document: PolicyDocument) -> None:
    full = replace(document, trading=MARKET, volatility=VolatilityTerms(DAY, 300))
    said = set(off_chain_only(full)) - set(off_chain_only(replace(document, trading=TradingTerms(), volatility=None)))
    assert said == {
        "`max_slippage` of swaps",
        "`max_impact` of swaps",
        "`max_pool_share` of swaps",
        "`max_from_average` of swaps",
        "smaller swaps while prices swing",
    }


@pytest.mark.parametrize(
    ("swaps", "table", "said"),
    [
        ('max_slippage = "0 %"', "", "more than zero, less than `100 %`"),
        ('max_impact = "100 %"', "", "more than zero, less than `100 %`"),
        ('max_impct = "1 %"', "", "did you mean `max_impact`"),
        ('average_over = "30 minutes"', "", "`average_over` needs it"),
        ('max_from_average = "1 %"', "", "`max_from_average` needs it"),
        ('max_from_average = "1 %"\naverage_over = "59 seconds"', "", "at least 1 minute"),
        ('max_from_average = "1 %"\naverage_over = "2 days"', "", "at most 1 day"),
        ("", '[volatility]\nover = "1 day"', "`calm`"),
        ("", '[volatility]\nover = "1 day"\ncalm = "0 %"', "no price stands still"),
        ("", '[volatility]\nover = "8 days"\ncalm = "3 %"', "at most 1 week"),
    ],
)
def test_a_bound_that_cannot_hold_is_refused_with_a_mend(swaps: str, table: str, said: str) -> None:
    text = sample("payroll_only")[0]
    assert "[swaps]\n" in text
    broken = text.replace("[swaps]\n", f"[swaps]\n{swaps}\n") + f"\n{table}\n"
    with pytest.raises(InputError) as refusal:
        load(broken)
    assert said in str(refusal.value)
