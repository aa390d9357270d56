"""Lending in the policy: what is refused when it is written, what is denied when it is asked for, and which grant
covers it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.compiler import compile_unit
from policies.cases import sample
from policies.conversions import Conversion
from policies.document import document_hash, load
from policies.effects import Opaque, inner_calls, understand
from policies.grants import compile_policy, granted_legs, shortage
from policies.markets import EXITS, LENDING, ROUNDING_UNITS
from policies.pricing import holdings, nav
from policies.scenario import Judged
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.addresses import keccak, to_address
from strongroom.errors import BadValue, InputError
from strongroom.model import (
    Allowance,
    Bucket,
    Call,
    Finding,
    KernelCall,
    Label,
    Labelled,
    Lane,
    Supply,
    TokenId,
    Unit,
    Verdict,
    Withdraw,
)
from strongroom.protocols import aave_v3
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.kernel import bucket_key, class_number
from strongroom.protocols.kernel_acts import ActRule, ExitRule, GrantedAct
from strongroom.protocols.kernel_legs import encode_legs

TEXT = sample("active_treasury")[0]
USDC, SHARE = TokenId("USDC"), TokenId("USDC@aave")
STRANGER = to_address(keccak(b"stranger")[12:])
DENY = Verdict.DENY

Desk = Any


def asked(kind: type[Supply] | type[Withdraw], units: int, token: str = "USDC", venue: str = "aave") -> Unit:
    by = Label.MANDATE
    values = Labelled(TokenId(token), by), Labelled(units, by), Labelled(venue, by), Labelled("", by)
    return Unit("lend", load(TEXT).account, (kind("lend", *values),))


@pytest.fixture
def supplying(desk: Desk) -> Judged:
    judged: Judged = desk.stage("supply 1_000 USDC to aave")
    return judged


def with_market(judged: Judged, **changes: Any) -> Judged:
    state = replace(judged.facts.lending[0], **changes)
    return replace(judged, facts=replace(judged.facts, lending=(state,)))


def with_reserve(judged: Judged, **changes: Any) -> Judged:
    first, *others = judged.facts.lending[0].reserves
    return with_market(judged, reserves=(replace(first, **changes), *others))


# WRITTEN


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('most = "300_000 USDC"', 'most = "0 USDC"', "`most` of USDC"),
        ('most = "300_000 USDC"', 'most = "300_000 DAI"', "DAI"),
        ('token = "DAI"\nshare', 'token = "EURC"\nshare', "name a listed token"),
        ('kind = "aave_v3"', 'kind = "aave_v4"', "choose one of"),
        ('kind = "aave_v3"', 'kind = "aave_v3"\nrouter = "0x"', "router"),
        ('class = "team"', 'class = "lending"', "theirs for themselves"),
        ('class = "team"', 'class = "exits"', "theirs for themselves"),
        ("[caps.lending.DAI]", "[caps.exits.DAI]", "caps.lending.DAI"),
        ('[venues.uniswap_v2]\nkind = "uniswap_v2"', '[venues.uniswap_v2]\nkind = "uniswap_v2"\nlens = "0x"', "lens"),
    ],
)
def test_a_market_that_cannot_be_meant_is_refused_with_its_key(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(InputError, match=said):
        load(TEXT.replace(old, new, 1))


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("USDC", "list each token once"),
        ("ETH", "its wrapped token"),
        ("HALL", r"write \[caps.lending.HALL\] first"),
    ],
)
def test_what_a_market_lists_must_be_lendable(document: PolicyDocument, token: str, said: str) -> None:
    market = document.markets["aave"]
    first, second = market.reserves
    other = replace(market, reserves=(first, replace(second, token=TokenId(token))))
    with pytest.raises(BadValue, match=said):
        load(render(replace(document, markets={"aave": other})))


def test_a_pair_takes_one_fee_and_a_share_has_an_address_of_its_own(document: PolicyDocument) -> None:
    pairs = document.venues["uniswap_v2"]
    dear = replace(pairs, pools=(replace(pairs.pools[0], fee_pips=500),))
    with pytest.raises(BadValue, match=r"a pair takes `0.3 %`"):
        load(render(replace(document, venues={**document.venues, "uniswap_v2": dear})))
    market = document.markets["aave"]
    taken = replace(market.reserves[0], share=document.payees["alice"].address)
    with pytest.raises(BadValue, match="it stands there twice"):
        load(render(replace(document, markets={"aave": replace(market, reserves=(taken,))})))


def test_every_word_about_a_market_is_under_the_hash_and_survives_being_written(document: PolicyDocument) -> None:
    market = document.markets["aave"]
    first, *others = market.reserves
    changed = (
        replace(market, pool=STRANGER),
        replace(market, reserves=(replace(first, share=STRANGER), *others)),
        replace(market, reserves=(replace(first, most_units=first.most_units + 1), *others)),
        replace(market, reserves=(first,)),
    )
    documents = [replace(document, markets={"aave": each}) for each in changed]
    assert len({document_hash(document), *map(document_hash, documents)}) == 1 + len(changed)
    assert all(load(render(each)) == each for each in documents)


# ASKED


def test_the_compiler_lends_in_the_safe_s_own_name_and_declares_what_it_moves(desk: Desk, supplying: Judged) -> None:
    compiled = compile_unit(asked(Supply, 10**9), supplying.facts, desk.document, Lane.OWNER)
    assert not isinstance(compiled, Finding)
    assert compiled.calls == supplying.compiled.calls
    assert compiled.envelope == supplying.compiled.envelope
    back = compile_unit(asked(Withdraw, 10**9), supplying.facts, desk.document, Lane.AGENT)
    assert not isinstance(back, Finding)
    assert [(each.token, each.units) for each in back.envelope.max_out] == [(SHARE, 10**9 + ROUNDING_UNITS)]
    assert [(each.token, each.units) for each in back.envelope.min_in] == [(USDC, 10**9)]
    assert not back.envelope.spenders


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        (asked(Supply, 5, venue="uniswap"), "lends nothing; known: `aave`"),
        (asked(Supply, 5, token="WETH"), "is not listed with token `WETH`; known: `USDC`, `DAI`"),
        (asked(Withdraw, 0), "is not more than zero"),
    ],
)
def test_what_cannot_be_lent_is_said_before_anything_is_rehearsed(
    desk: Desk, supplying: Judged, unit: Unit, said: str
) -> None:
    found = compile_unit(unit, supplying.facts, desk.document, Lane.OWNER)
    assert isinstance(found, Finding)
    assert said in found.reason


@pytest.mark.parametrize(
    "changes", [{"active": False}, {"frozen": True}, {"paused": True}, {"supply_room_units": 10**9 - 1}]
)
def test_a_market_that_is_shut_or_full_takes_nothing(desk: Desk, supplying: Judged, changes: dict[str, Any]) -> None:
    assert desk.says(supplying) == {}
    assert desk.says(with_reserve(supplying, **changes)) == {"lending": DENY}


def test_a_frozen_market_still_gives_back_and_a_paused_one_does_not(desk: Desk) -> None:
    judged = desk.stage("withdraw 1_000 USDC from aave", supplied=["5_000 USDC"])
    assert desk.says(with_reserve(judged, frozen=True)) == {}
    assert desk.says(with_reserve(judged, paused=True)) == {"lending": DENY}


@pytest.mark.parametrize("changes", [{"borrows": True}, {"debt_e8": 1}, {"reserves": ()}, {"pool": STRANGER}])
def test_debts_and_what_was_not_observed_deny(desk: Desk, supplying: Judged, changes: dict[str, Any]) -> None:
    assert desk.says(with_market(supplying, **changes)) == {"lending": DENY}


def test_another_share_than_the_policy_s_denies(desk: Desk, supplying: Judged) -> None:
    assert desk.says(with_reserve(supplying, receipt=STRANGER)) == {"lending": DENY}


def test_facts_of_old_that_hold_no_market_deny(desk: Desk, supplying: Judged) -> None:
    assert desk.says(desk.with_facts(supplying, lending=())) == {"lending": DENY}


def test_an_approval_that_stays_is_refused(desk: Desk, supplying: Judged) -> None:
    left = Allowance(USDC, desk.document.markets["aave"].pool, 1)
    assert desk.says(desk.with_rehearsal(supplying, allowances=(left,))) == {"leftovers": DENY}


@given(st.integers(1, 300_000 * 10**6), st.integers(0, 300_000 * 10**6))
def test_no_supply_is_allowed_that_ends_above_the_largest_position(desk: Desk, units: int, lies: int) -> None:
    words = [f"{each // 10**6}.{each % 10**6:06d} USDC" for each in (units, lies)]
    judged = desk.stage(f"supply {words[0]} to aave", supplied=[words[1]])
    denied = desk.says(judged).get("lending") is DENY
    assert denied == (units + lies > 300_000 * 10**6)


@given(st.integers(-9, 9), st.booleans())
def test_shares_may_be_off_by_the_market_s_rounding_and_no_more(desk: Desk, off: int, is_supply: bool) -> None:
    request = "supply 1_000 USDC to aave" if is_supply else "withdraw 1_000 USDC from aave"
    judged = desk.stage(request, supplied=["50_000 USDC"])
    moved = desk.with_delta(judged, desk.document.account.safe, SHARE, off)
    denied = desk.says(moved).get("envelope") is DENY
    assert denied == (off < -ROUNDING_UNITS)


def test_a_payment_s_own_withdrawal_cannot_be_used_to_pay_more(desk: Desk) -> None:
    judged = desk.stage("withdraw 1_000 USDC from aave", "pay 1_000 USDC to alice", supplied=["50_000 USDC"])
    assert desk.says(judged) == {}
    assert desk.says(desk.with_delta(judged, desk.document.account.safe, USDC, -1)) == {"envelope": DENY}


def test_what_a_market_is_told_is_read_to_the_last_byte(desk: Desk, supplying: Judged) -> None:
    document = desk.document
    market, usdc = document.markets["aave"], document.tokens[USDC].token.address
    assert isinstance(understand(supplying.compiled.calls[1], document), Conversion)
    safe, weth = document.account.safe, document.tokens[TokenId("WETH")].token.address
    for data in (
        aave_v3.encode_supply(aave_v3.Supply(weth, 5, safe)),
        aave_v3.encode_supply(aave_v3.Supply(usdc, 0, safe)),
        supplying.compiled.calls[1].data + b"\0",
        encode_approve(market.pool, 5),
    ):
        assert isinstance(understand(Call(document.account, market.pool, 0, data), document), Opaque)


def test_a_share_counts_as_its_token(desk: Desk, supplying: Judged) -> None:
    facts = desk.stage("supply 1 USDC to aave", supplied=["40_000 USDC"]).facts
    none = supplying.facts
    assert holdings(facts, desk.document)[USDC] - holdings(none, desk.document)[USDC] == 40_000 * 10**6
    assert nav(facts, desk.document).usd_e8 - nav(none, desk.document).usd_e8 == 40_000 * 10**8
    unseen = replace(facts, balances={id_: units for id_, units in facts.balances.items() if id_ != SHARE})
    assert USDC not in holdings(unseen, desk.document)
    with pytest.raises(KeyError):
        nav(unseen, desk.document)


def test_what_was_lent_before_counts_in_its_class_and_what_came_back_in_the_share_s(desk: Desk) -> None:
    usdc, share = desk.document.markets["aave"].reserves[0].share, "0x" + "00" * 20
    lent = desk.stage("supply 60_000 USDC to aave", past=[f"60_000 USDC to {usdc} 1 minute ago"])
    assert desk.says(lent) == {"caps": Verdict.ASK, "approvals": Verdict.ASK}
    assert desk.says(desk.stage("pay 10 USDC to alice", past=[f"60_000 USDC to {usdc} 1 minute ago"])) == {}
    back = desk.stage("withdraw 60_000 USDC from aave", supplied=["90_000 USDC"])
    burned = replace(lent.facts.outflows[0], token=SHARE, recipient=share)
    again = desk.says(desk.with_facts(back, outflows=(burned,)))
    assert again == {"caps": Verdict.ASK, "approvals": Verdict.ASK}


# GRANTED


def legs_of(calls: tuple[Call, ...], document: PolicyDocument) -> tuple[GrantedAct, ...] | None:
    found = granted_legs(calls, document)
    return None if found is None else tuple(leg for leg in found if isinstance(leg, GrantedAct))


@pytest.mark.parametrize("request_", ["supply 1_000 USDC to aave", "withdraw 1_000 USDC from aave"])
def test_a_grant_carries_exactly_the_calls(desk: Desk, request_: str) -> None:
    calls = desk.stage(request_, supplied=["5_000 USDC"]).compiled.calls
    legs = granted_legs(calls, desk.document)
    assert legs is not None and len(legs) == 1
    action = KernelCall(desk.document.account, STRANGER, STRANGER, encode_legs(legs))
    assert inner_calls(action, desk.document) == calls


def test_there_is_no_grant_for_more_for_another_or_without_exactly_the_approval(desk: Desk, supplying: Judged) -> None:
    document = desk.document
    market = document.markets["aave"]
    approve, call = supplying.compiled.calls
    assert legs_of((approve, call), document)
    over = desk.stage("supply 100_000.000001 USDC to aave").compiled.calls
    usdc, units = document.tokens[USDC].token.address, 10**9
    foreign = replace(call, data=aave_v3.encode_supply(aave_v3.Supply(usdc, units, STRANGER)))
    more = replace(approve, data=encode_approve(market.pool, units + 1))
    paid = replace(call, value_wei=1)
    for calls in (over, (approve, foreign), (more, call), (approve, paid), (call,), (call, approve)):
        assert legs_of(tuple(calls), document) is None


def test_a_bucket_of_the_share_bounds_what_is_taken_back(desk: Desk) -> None:
    document = desk.document
    judged = desk.stage("withdraw 1_000 USDC from aave", supplied=["5_000 USDC"])
    legs = granted_legs(judged.compiled.calls, document)
    assert legs is not None
    key = bucket_key(document.markets["aave"].reserves[0].share, class_number(LENDING))
    settings = compile_policy(document).buckets
    buckets = {each.key: Bucket(each.capacity_units, 0, 0, each.drain_seconds) for each in settings}
    kernel: Any = type("Kernel", (), {"buckets": buckets})()
    facts = replace(judged.facts, kernel=kernel)
    assert shortage(legs, facts, document) == ""
    # One unit more may be burned, and the Kernel charges it.
    kernel.buckets = buckets | {key: replace(buckets[key], capacity=10**9 + 1)}
    assert shortage(legs, facts, document) == ""
    kernel.buckets = buckets | {key: replace(buckets[key], capacity=10**9)}
    assert "room for 1000000000 units, 1000000001 are needed" in shortage(legs, facts, document)


def test_an_exit_has_its_own_bucket_and_is_never_a_grant(desk: Desk) -> None:
    document = desk.document
    compiled = compile_policy(document)
    exits = [rule for rule in compiled.rules.values() if isinstance(rule, ExitRule)]
    assert {rule.bucket_class for rule in exits} == {class_number(EXITS)}
    assert {rule.max_units for rule in exits} == {each.most_units for each in document.markets["aave"].reserves}
    calls = desk.stage("withdraw 1_000 USDC from aave", supplied=["5_000 USDC"]).compiled.calls
    (leg,) = legs_of(calls, document) or ()
    assert type(leg.rule) is ActRule
    own = next(rule for rule in exits if rule.token_in == leg.rule.token_in)
    action = KernelCall(document.account, STRANGER, STRANGER, encode_legs((replace(leg, rule=own),)))
    with pytest.raises(ValueError, match="never for the agent"):
        inner_calls(action, document)


def test_more_than_the_agent_may_alone_is_not_covered_by_the_guardians_exit(desk: Desk) -> None:
    calls = desk.stage("withdraw 200_000 USDC from aave", supplied=["250_000 USDC"]).compiled.calls
    assert granted_legs(calls, desk.document) is None


def test_the_position_is_bounded_on_chain_too(document: PolicyDocument) -> None:
    rules = [rule for rule in compile_policy(document).rules.values() if isinstance(rule, ActRule)]
    bounded = {rule.max_holding_units for rule in rules if rule.token_out in _shares(document)}
    assert bounded == {each.most_units for each in document.markets["aave"].reserves}


def _shares(document: PolicyDocument) -> set[str]:
    return {reserve.share for reserve in document.markets["aave"].reserves}
