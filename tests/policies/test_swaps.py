"""Rules about swaps: venue, prices, loss against the oracles, metering in units."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.pricing import nav, price_of
from policies.scenario import Judged
from policies.terms import PolicyDocument
from strongroom.model import Address, Call, TokenId, Verdict
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.uniswap_v3 import decode_exact_input, encode_exact_input
from strongroom.valuation import E8, Price, Problem

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
STRANGER = Address("0x71C7656EC7ab88b098defB751B7401B5f6d8976F")
WETH, USDC, ETH = TokenId("WETH"), TokenId("USDC"), TokenId("ETH")


@pytest.fixture
def swapped(desk: Any) -> Judged:
    return desk.stage("swap 1 WETH to USDC", arrives="99.7 %")


def ordering(desk: Any, judged: Judged, **changes: Any) -> Judged:
    """The same unit with another order to the venue."""
    approve, call = judged.compiled.calls
    order = replace(decode_exact_input(call.data), **changes)
    return desk.with_calls(judged, approve, replace(call, data=encode_exact_input(order)))


def test_a_small_swap_meets_no_objection(desk: Any, swapped: Judged) -> None:
    assert desk.says(swapped) == {}


def test_what_is_bought_comes_to_the_safe(desk: Any, swapped: Judged) -> None:
    assert desk.says(ordering(desk, swapped, recipient=STRANGER)) == {"venues": DENY}


def test_a_swap_without_a_floor_is_denied(desk: Any, swapped: Judged) -> None:
    assert desk.says(ordering(desk, swapped, min_out_units=0)) == {"venues": DENY, "losses": DENY}


def test_a_swap_that_was_not_asked_for_is_denied(desk: Any, swapped: Judged) -> None:
    for request in ("swap 0.999999999999999999 WETH to USDC", "swap 1 USDC to WETH"):
        other = desk.stage(request, arrives="99.7 %").compiled.unit
        assert desk.says(replace(swapped, compiled=replace(swapped.compiled, unit=other))) == {"intents": DENY}


@pytest.mark.parametrize("change", [{"fee_pips": 10_000}, {"token_out": STRANGER}, {"price_limit_x96": 1}])
def test_a_pool_or_token_that_is_not_listed_is_not_understood(
    desk: Any, swapped: Judged, change: dict[str, Any]
) -> None:
    assert desk.says(ordering(desk, swapped, **change))["calls"] is DENY


def test_a_call_to_another_router_is_not_understood(desk: Any, swapped: Judged) -> None:
    approve, call = swapped.compiled.calls
    assert desk.says(desk.with_calls(swapped, approve, replace(call, to=STRANGER)))["calls"] is DENY


@pytest.mark.parametrize("units", [0, 10**18 - 1, 10**18 + 1, 2**256 - 1])
def test_the_router_is_approved_exactly_what_it_takes(desk: Any, swapped: Judged, units: int) -> None:
    approve, call = swapped.compiled.calls
    router = desk.document.venues["uniswap"].router
    tampered = desk.with_calls(swapped, replace(approve, data=encode_approve(router, units)), call)
    assert desk.says(tampered) == {"venues": DENY}


def test_an_order_split_over_two_pools_is_one_swap(desk: Any, document: PolicyDocument) -> None:
    judged = desk.stage("swap 2 WETH to USDC", arrives="99.7 %")
    approve, call = judged.compiled.calls
    order = decode_exact_input(call.data)
    half = replace(order, amount_in_units=10**18, min_out_units=order.min_out_units // 2)
    router, account = document.venues["uniswap"].router, document.account
    calls = [Call(account, router, 0, encode_exact_input(replace(half, fee_pips=fee))) for fee in (500, 3_000)]
    pools = [pool.address for pool in document.venues["uniswap"].pools[:2]]
    split = desk.with_calls(judged, approve, *calls)
    moved = desk.with_delta(desk.with_delta(split, pools[0], "WETH", -(10**18)), pools[1], "WETH", 10**18)
    assert desk.says(moved) == {}


@pytest.mark.parametrize("token", ["WETH", "USDC"])
def test_a_swap_needs_healthy_prices_on_both_sides(desk: Any, token: str) -> None:
    says = desk.says(desk.stage("swap 1 WETH to USDC", arrives="99.7 %", stale=[token]))
    assert says == {"prices": DENY, "losses": DENY}


def test_a_missing_source_or_a_foreign_one_is_no_price(desk: Any, swapped: Judged) -> None:
    one, two = swapped.facts.rounds[WETH]
    for rounds in ((), (one,), (one, one), (one, replace(two, feed=STRANGER)), (one, two, replace(two, feed=STRANGER))):
        facts = {**swapped.facts.rounds, WETH: rounds}
        assert desk.says(desk.with_facts(swapped, rounds=facts)) == {"prices": DENY, "losses": DENY}
    without = {token: rounds for token, rounds in swapped.facts.rounds.items() if token != WETH}
    assert desk.says(desk.with_facts(swapped, rounds=without)) == {"prices": DENY, "losses": DENY}


def test_the_least_a_swap_accepts_may_lose_what_the_policy_says_and_no_unit_more(desk: Any, swapped: Judged) -> None:
    floor = 2_970 * 10**6
    at_floor = ordering(desk, swapped, min_out_units=floor)
    below = ordering(desk, swapped, min_out_units=floor - 1)
    assert desk.says(at_floor) == {}
    assert desk.says(below) == {"losses": DENY}


@pytest.mark.parametrize(("arrives", "says"), [("99.5 %", {}), ("99.49 %", {"envelope": DENY})])
def test_a_venue_that_gives_less_than_promised_is_refused(desk: Any, arrives: str, says: dict[str, Verdict]) -> None:
    assert desk.says(desk.stage("swap 1 WETH to USDC", arrives=arrives)) == says


def test_sources_that_differ_count_against_the_swap(desk: Any, swapped: Judged) -> None:
    """One of WETH's sources says 1 % more: what leaves counts at that price, and the loss is beyond the bound."""
    one, two = swapped.facts.rounds[WETH]
    higher = {**swapped.facts.rounds, WETH: (one, replace(two, answer=two.answer * 101 // 100))}
    assert desk.says(desk.with_facts(swapped, rounds=higher)) == {"losses": DENY}


@settings(deadline=None)
@given(st.integers(1, 10**19), st.integers(9_000, 10_100))
def test_an_allowed_swap_never_loses_more_than_the_bound(desk: Any, units: int, arrives_bps: int) -> None:
    whole, rest = divmod(units, 10**18)
    arrives = min(arrives_bps, 10_000)
    judged = desk.stage(f"swap {whole}.{rest:018d} WETH to USDC", arrives=f"{arrives // 100}.{arrives % 100:02d} %")
    got = sum(d.units for d in judged.rehearsal.deltas if d.token == USDC)
    if desk.decide(judged).verdict is not DENY:
        assert got * 10**12 * 10_000 >= units * 3_000 * 9_900


def test_ether_is_priced_as_its_wrapped_token(desk: Any, swapped: Judged) -> None:
    assert price_of(ETH, swapped.facts, desk.document) == Price(3_000 * E8, 3_000 * E8)
    unpriced = price_of(TokenId("HALL"), swapped.facts, desk.document)
    assert unpriced == Problem("`HALL` has no price sources")


def test_net_asset_value_counts_unpriced_tokens_zero_and_names_them(desk: Any, swapped: Judged) -> None:
    units = {TokenId(t): desk.units(f"10 {t}") for t in ("USDC", "DAI", "WETH", "ETH", "HALL")}
    nothing_lent = dict.fromkeys(desk.document.shares(), 0)
    facts = replace(swapped.facts, balances=units | nothing_lent)
    found = nav(facts, desk.document)
    assert found.usd_e8 == (10 + 10 + 30_000 + 30_000) * E8
    assert found.unpriced == (TokenId("HALL"),)
    with pytest.raises(KeyError):
        nav(replace(facts, balances={}), desk.document)
