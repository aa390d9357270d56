"""Calls inside calls: what a wrapper hides counts as if it lay open, and a wrapper that is no honest way denies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from policies.effects import Exchange, Opaque, Payment
from policies.metering import of_unit, promised
from policies.scenario import Judged
from policies.unwrapping import DEEPEST, moves_of
from strongroom.model import Address, Call, Operation, Queued, SafeTx, TokenId, Verdict
from strongroom.protocols.abi import encode_call
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.safe import encode_exec, safe_tx_hash
from strongroom.protocols.uniswap_v3 import MULTICALL

DENY = Verdict.DENY
STRANGER = Address("0x71C7656EC7ab88b098defB751B7401B5f6d8976F")
SWAP = "swap 1 WETH to USDC"


def _multicall(call: Call, *data: bytes) -> Call:
    return replace(call, data=encode_call(MULTICALL, list(data)))


def _asked_of(safe: Address, call: Call) -> Call:
    """A call that asks a Safe to make `call`."""
    inner = SafeTx(call.account, call.to, call.value_wei, call.data, Operation.CALL, 0)
    return Call(call.account, safe, 0, encode_exec(inner, b""))


def test_a_swap_in_the_routers_multicall_is_judged_like_the_swap(desk: Any) -> None:
    judged = desk.stage(SWAP, arrives="99.7 %")
    approval, swap = judged.compiled.calls
    wrapped = desk.with_calls(judged, approval, _multicall(swap, swap.data))
    assert desk.open(wrapped).moves == desk.open(judged).moves
    assert desk.says(wrapped) == desk.says(judged) == {}


def test_a_second_swap_hidden_in_a_multicall_is_seen(desk: Any) -> None:
    judged = desk.stage(SWAP, arrives="99.7 %")
    approval, swap = judged.compiled.calls
    twice = desk.with_calls(judged, approval, _multicall(swap, swap.data, swap.data))
    assert [type(move) for move in desk.open(twice).moves[1:]] == [Exchange, Exchange]
    # Only one was approved and only one was asked for.
    assert {"intents", "venues"} <= desk.says(twice).keys()


@pytest.mark.parametrize(
    "hidden",
    [
        encode_call("sweepToken(address,uint256,address)", STRANGER, 0, STRANGER),
        encode_call("refundETH()"),
        encode_call(MULTICALL, []),
        b"",
    ],
)
def test_an_unknown_call_hidden_in_a_multicall_denies_by_name(desk: Any, hidden: bytes) -> None:
    judged = desk.stage(SWAP, arrives="99.7 %")
    approval, swap = judged.compiled.calls
    tampered = desk.with_calls(judged, approval, _multicall(swap, swap.data, hidden))
    assert desk.says(tampered)["calls"] is DENY


def test_a_multicall_with_a_byte_too_many_denies(desk: Any) -> None:
    judged = desk.stage(SWAP, arrives="99.7 %")
    approval, swap = judged.compiled.calls
    whole = _multicall(swap, swap.data)
    assert desk.says(desk.with_calls(judged, approval, replace(whole, data=whole.data + b"\0")))["calls"] is DENY


def test_a_payment_that_the_safe_is_asked_for_within_counts_and_denies(desk: Any) -> None:
    judged = desk.stage("pay 5_000 USDC to alice")
    (payment,) = judged.compiled.calls
    wrapped = desk.with_calls(judged, _asked_of(desk.document.account.safe, payment))
    assert [type(move) for move in desk.open(wrapped).moves] == [Opaque, Payment]
    assert of_unit(desk.open(wrapped)) == of_unit(desk.open(judged))
    assert desk.says(wrapped) == {"calls": DENY}


def test_what_another_safe_is_asked_for_moves_nothing_of_ours(desk: Any) -> None:
    (payment,) = desk.stage("pay 5_000 USDC to alice").compiled.calls
    (move,) = moves_of((_asked_of(STRANGER, payment),), desk.document)
    assert isinstance(move, Opaque) and "as a Safe" in move.why


def test_a_batch_within_the_safes_own_execution_is_taken_apart(desk: Any) -> None:
    calls = desk.stage("pay 5_000 USDC to alice", "pay 1_000 USDC to bob").compiled.calls
    account, multisend = desk.document.account, desk.document.multisend
    batch = SafeTx(account, multisend, 0, encode_multisend(calls), Operation.DELEGATECALL, 0)
    asked = Call(account, account.safe, 0, encode_exec(batch, b""))
    assert moves_of((asked,), desk.document)[1:] == moves_of(calls, desk.document)
    elsewhere = Call(account, account.safe, 0, encode_exec(replace(batch, to=STRANGER), b""))
    assert all(isinstance(move, Opaque) for move in moves_of((elsewhere,), desk.document))


def test_a_batch_by_a_plain_call_is_not_in_the_safes_name(desk: Any) -> None:
    calls = desk.stage("pay 5_000 USDC to alice").compiled.calls
    plain = Call(desk.document.account, desk.document.multisend, 0, encode_multisend(calls))
    (move,) = moves_of((plain,), desk.document)
    assert isinstance(move, Opaque) and "in its own name" in move.why


@pytest.mark.parametrize("wraps", range(DEEPEST + 2))
def test_wrapping_ends_at_the_deepest(desk: Any, wraps: int) -> None:
    _, swap = desk.stage(SWAP).compiled.calls
    call = swap
    for _ in range(wraps):
        call = _multicall(swap, call.data)
    (move,) = moves_of((call,), desk.document)
    assert isinstance(move, Exchange if wraps <= DEEPEST else Opaque)


def _waiting(desk: Any, judged: Judged, wrap: Callable[[Call], Call]) -> Queued:
    (call,) = map(wrap, judged.compiled.calls)
    tx = SafeTx(call.account, call.to, call.value_wei, call.data, Operation.CALL, judged.facts.safe.nonce + 1)
    return Queued(tx, safe_tx_hash(tx), desk.document.guardians.members[0], (), "")


def test_what_waits_wrapped_in_the_queue_takes_room_too(desk: Any) -> None:
    judged = desk.stage("pay 5_000 USDC to alice")
    safe = desk.document.account.safe
    queue = (_waiting(desk, judged, lambda call: _asked_of(safe, call)),)
    waiting = desk.with_facts(judged, queue=queue)
    assert promised(waiting.facts, desk.document) == {TokenId("USDC"): desk.units("5_000 USDC")}
