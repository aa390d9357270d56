"""A pair of Uniswap V2 is judged and granted like a pool; neither router is taken to understand the other's words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policies.effects import inner_calls
from policies.grants import compile_policy, granted_legs
from policies.scenario import Judged
from policies.terms import UNISWAP_V2, LossLimit, PolicyDocument
from strongroom.addresses import keccak, to_address
from strongroom.model import Address, Call, KernelCall, TokenId, Verdict
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.kernel_legs import GrantedSwap, SwapRule, encode_legs
from strongroom.protocols.uniswap_v2 import PairSwap, decode_swap, encode_swap
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input

Desk = Any
DENY = Verdict.DENY
USDC, WETH = TokenId("USDC"), TokenId("WETH")


def address(name: str) -> Address:
    return to_address(keccak(name.encode())[12:])


@pytest.fixture
def pairs(desk: Desk) -> Desk:
    """A desk whose policy lists the pair alone, with what the Kernel needs to swap there."""
    document: PolicyDocument = desk.document
    sourced = {t: replace(document.tokens[t], source=address(t)) for t in (USDC, WETH)}
    only = {id_: venue for id_, venue in document.venues.items() if venue.kind == UNISWAP_V2}
    losses = LossLimit(20_000 * 10**8, 30 * 86_400, 5_000 * 10**8)
    return desk.under(replace(document, tokens={**document.tokens, **sourced}, venues=only, losses=losses))


@pytest.fixture
def swapped(pairs: Desk) -> Judged:
    judged: Judged = pairs.stage("swap 1 WETH to USDC", arrives="99.7 %")
    return judged


def ordering(desk: Desk, judged: Judged, **changes: Any) -> Judged:
    approve, call = judged.compiled.calls
    data = encode_swap(replace(decode_swap(call.data), **changes))
    ordered: Judged = desk.with_calls(judged, approve, replace(call, data=data))
    return ordered


def test_a_swap_in_a_pair_meets_no_objection_and_pays_into_the_safe(pairs: Desk, swapped: Judged) -> None:
    assert pairs.says(swapped) == {}
    assert pairs.says(ordering(pairs, swapped, recipient=address("stranger"))) == {"venues": DENY}
    assert pairs.says(ordering(pairs, swapped, min_out_units=0)) == {"venues": DENY, "losses": DENY}
    assert pairs.says(ordering(pairs, swapped, token_out=address("stranger")))["calls"] is DENY
    assert pairs.says(ordering(pairs, swapped, amount_in_units=10**18 + 1))["venues"] is DENY


def test_a_router_of_one_kind_does_not_understand_the_other(desk: Desk, pairs: Desk, swapped: Judged) -> None:
    approve, call = swapped.compiled.calls
    order = decode_swap(call.data)
    pair = (order.token_in, order.token_out)
    amounts = (order.amount_in_units, order.min_out_units)
    pooled = encode_exact_input(ExactInput(*pair, 3_000, order.recipient, order.deadline, *amounts))
    assert pairs.says(pairs.with_calls(swapped, approve, replace(call, data=pooled)))["calls"] is DENY
    router = desk.document.venues["uniswap"].router
    paired = replace(call, to=router, data=encode_swap(order))
    assert desk.says(desk.with_calls(swapped, approve, paired))["calls"] is DENY


def test_the_grant_of_a_pair_carries_exactly_its_calls(pairs: Desk, swapped: Judged) -> None:
    document, calls = pairs.document, swapped.compiled.calls
    legs = granted_legs(calls, document)
    assert legs is not None
    (leg,) = legs
    assert isinstance(leg, GrantedSwap) and isinstance(leg.swap, PairSwap)
    action = KernelCall(document.account, address("agent"), address("kernel"), encode_legs(legs))
    assert inner_calls(action, document) == calls


def test_a_pair_s_rule_covers_no_other_recipient_amount_or_approval(pairs: Desk, swapped: Judged) -> None:
    document = pairs.document
    (rule,) = [
        rule
        for rule in compile_policy(document).rules.values()
        if isinstance(rule, SwapRule) and rule.token_in == document.tokens[WETH].token.address
    ]
    assert rule.fee_pips is None
    approve, call = swapped.compiled.calls
    for changes in (
        {"recipient": address("stranger")},
        {"amount_in_units": rule.max_units + 1},
        {"amount_in_units": 0},
        {"min_out_units": 0},
    ):
        other = ordering(pairs, swapped, **changes).compiled.calls
        matching = replace(approve, data=encode_approve(rule.router, decode_swap(other[1].data).amount_in_units))
        assert granted_legs((matching, other[1]), document) is None
    generous: Call = replace(approve, data=encode_approve(rule.router, 10**18 + 1))
    assert granted_legs((generous, call), document) is None
