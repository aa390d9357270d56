"""Rules about what bytes do and what the rehearsal saw: each is broken alone, and it alone objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policies.scenario import Judged
from strongroom.model import (
    NATIVE,
    Account,
    Address,
    Allowance,
    Call,
    Delta,
    KernelCall,
    Operation,
    TokenId,
    Verdict,
)
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_approve, encode_transfer

DENY = Verdict.DENY
STRANGER = Address("0x71C7656EC7ab88b098defB751B7401B5f6d8976F")
PAYMENT = "pay 5_000 USDC to alice"


@pytest.fixture
def paid(desk: Any) -> Judged:
    return desk.stage(PAYMENT)


@pytest.fixture
def batch(desk: Any) -> Judged:
    return desk.stage(PAYMENT, "pay 1_000 USDC to bob")


def test_a_plain_payment_meets_no_objection(desk: Any, paid: Judged, batch: Judged) -> None:
    assert desk.says(paid) == {}
    assert desk.says(batch) == {}


def test_another_chain_or_safe_anywhere_is_denied(desk: Any, paid: Judged) -> None:
    elsewhere = Account(1, desk.document.account.safe)
    other = replace(desk.document.account, safe=STRANGER)
    for account in (elsewhere, other):
        unit = replace(paid.compiled.unit, account=account)
        assert desk.says(replace(paid, compiled=replace(paid.compiled, unit=unit))) == {"account": DENY}
        assert desk.says(desk.with_facts(paid, account=account)) == {"account": DENY}
        assert "account" in desk.says(replace(paid, action=replace(paid.action, account=account)))


def test_an_action_that_is_not_the_compiled_calls_is_denied(desk: Any, paid: Judged, batch: Judged) -> None:
    other = desk.stage("pay 5_000 USDC to bob")
    assert desk.says(replace(paid, compiled=replace(paid.compiled, calls=other.compiled.calls))) == {"action": DENY}
    backwards = replace(batch.compiled, calls=batch.compiled.calls[::-1])
    assert desk.says(replace(batch, compiled=backwards)) == {"action": DENY}


def test_a_used_nonce_is_denied(desk: Any, paid: Judged) -> None:
    used = replace(paid, action=replace(paid.action, nonce=paid.facts.safe.nonce - 1))
    after = replace(paid.rehearsal.safe_after, nonce=paid.facts.safe.nonce)
    assert desk.says(desk.with_rehearsal(used, safe_after=after)) == {"action": DENY}


def test_a_delegatecall_goes_to_the_pinned_batch_contract_and_nowhere_else(desk: Any, paid: Judged) -> None:
    batch = desk.stage(PAYMENT, "pay 1_000 USDC to bob")
    moved = replace(batch, action=replace(batch.action, to=STRANGER))
    assert {"action", "calls"} <= desk.says(moved).keys()
    single = replace(paid, action=replace(paid.action, operation=Operation.DELEGATECALL))
    assert {"action", "calls"} <= desk.says(single).keys()
    with_value = replace(batch, action=replace(batch.action, value_wei=1))
    assert {"action", "calls"} <= desk.says(with_value).keys()


def test_an_inner_delegatecall_or_a_byte_too_many_in_a_batch_is_denied(desk: Any, batch: Judged) -> None:
    data = batch.action.data
    operation = data.index(bytes.fromhex(desk.document.tokens[TokenId("USDC")].token.address[2:])) - 1
    inner = data[:operation] + b"\x01" + data[operation + 1 :]
    for tampered in (inner, data + b"\0", data[:-1]):
        says = desk.says(replace(batch, action=replace(batch.action, data=tampered)))
        assert {"action", "calls"} <= says.keys()


def test_a_kernel_that_is_no_module_of_the_safe_is_denied(desk: Any, paid: Judged) -> None:
    call = KernelCall(desk.document.account, STRANGER, STRANGER, b"")
    assert desk.says(replace(paid, action=call))["action"] is DENY


def test_a_rehearsal_of_another_block_is_denied(desk: Any, paid: Judged) -> None:
    later = replace(paid.rehearsal.block, number=paid.facts.block.number + 1)
    assert desk.says(desk.with_rehearsal(paid, block=later)) == {"rehearsed": DENY}


def test_a_failed_rehearsal_is_denied_and_says_why(desk: Any, paid: Judged) -> None:
    failed = desk.with_rehearsal(paid, success=False, revert="GS013")
    assert desk.says(failed) == {"rehearsed": DENY}
    assert any("GS013" in finding.reason for finding in desk.decide(failed).findings)
    assert desk.says(desk.with_rehearsal(paid, revert="half of it")) == {"rehearsed": DENY}


_NAMED_BY_REVIEWS = (
    ("setApprovalForAll(address,bool)", STRANGER, True),
    ("transferFrom(address,address,uint256)", STRANGER, STRANGER, 1),
    ("increaseAllowance(address,uint256)", STRANGER, 1),
    ("approveAndCall(address,uint256,bytes)", STRANGER, 1, b""),
    ("approveAndCall(address,uint256)", STRANGER, 1),
    ("transferAndCall(address,uint256)", STRANGER, 1),
    ("transferAndCall(address,uint256,bytes)", STRANGER, 1, b""),
    ("transferFromAndCall(address,address,uint256)", STRANGER, STRANGER, 1),
    ("transferFromAndCall(address,address,uint256,bytes)", STRANGER, STRANGER, 1, b""),
    ("permit(address,uint256,uint256,bytes)", STRANGER, 1, 1, b""),
    ("push(address,uint256)", STRANGER, 1),
    ("pull(address,uint256)", STRANGER, 1),
    ("move(address,address,uint256)", STRANGER, STRANGER, 1),
    ("multicall(bytes[])", [b""]),
    ("aggregate((address,bytes)[])", [(STRANGER, b"")]),
    ("aggregate3((address,bool,bytes)[])", [(STRANGER, True, b"")]),
    ("aggregate3Value((address,bool,uint256,bytes)[])", [(STRANGER, True, 1, b"")]),
    ("blockAndAggregate((address,bytes)[])", [(STRANGER, b"")]),
    ("tryAggregate(bool,(address,bytes)[])", True, [(STRANGER, b"")]),
    ("tryBlockAndAggregate(bool,(address,bytes)[])", True, [(STRANGER, b"")]),
)
"""What moves or promises tokens, or hides calls: named in the contract, while here only what is known is understood."""


@pytest.mark.parametrize(
    "data",
    [
        *(encode_call(signature, *values) for signature, *values in _NAMED_BY_REVIEWS),
        encode_transfer(STRANGER, 1) + b"\0",
        encode_transfer(STRANGER, 1)[:-1],
        encode_transfer(STRANGER, 0),
        b"\0",
    ],
)
def test_calldata_that_is_not_known_to_its_last_byte_is_denied(desk: Any, paid: Judged, data: bytes) -> None:
    """On a token, on the router, on the Safe itself and on a stranger, beside an innocent payment."""
    router = desk.document.venues["uniswap"].router
    token = desk.document.tokens[TokenId("USDC")].token.address
    for target in (token, router, desk.document.account.safe, STRANGER):
        strange = Call(desk.document.account, target, 0, data)
        assert desk.says(desk.with_calls(paid, *paid.compiled.calls, strange)) == {"calls": DENY}


def test_ether_beside_calldata_and_empty_calls_are_denied(desk: Any, paid: Judged) -> None:
    (call,) = paid.compiled.calls
    assert desk.says(desk.with_calls(paid, replace(call, value_wei=1)))["calls"] is DENY
    assert desk.says(desk.with_calls(paid, call, Call(call.account, STRANGER, 0, b""))) == {"calls": DENY}
    assert desk.says(desk.with_calls(paid))["calls"] is DENY


def test_calls_that_do_more_or_less_than_was_asked_are_denied(desk: Any, paid: Judged, batch: Judged) -> None:
    """A second identical payment keeps every label honest and every address known: only the intents tell."""
    alice, units = desk.document.payees["alice"].address, desk.units("5_000 USDC")
    usdc, safe = TokenId("USDC"), desk.document.account.safe
    envelope = replace(paid.compiled.envelope, max_out=paid.compiled.envelope.max_out * 2)
    double = desk.with_calls(paid, *paid.compiled.calls * 2)
    double = replace(double, compiled=replace(double.compiled, envelope=envelope))
    double = desk.with_rehearsal(double, deltas=(Delta(safe, usdc, -2 * units), Delta(alice, usdc, 2 * units)))
    assert desk.says(double) == {"intents": DENY}
    fewer = replace(batch.compiled.unit, intents=batch.compiled.unit.intents[:1])
    assert desk.says(replace(batch, compiled=replace(batch.compiled, unit=fewer))) == {"intents": DENY}


def test_a_unit_without_intents_is_denied(desk: Any, paid: Judged) -> None:
    empty = replace(paid.compiled.unit, intents=())
    assert {"intents", "provenance"} <= desk.says(replace(paid, compiled=replace(paid.compiled, unit=empty))).keys()


def test_a_token_that_the_chain_knows_differently_is_denied(desk: Any, paid: Judged) -> None:
    usdc = TokenId("USDC")
    for change in ({"decimals": 9}, {"address": STRANGER}):
        tokens = {**paid.facts.tokens, usdc: replace(paid.facts.tokens[usdc], **change)}
        assert desk.says(desk.with_facts(paid, tokens=tokens)) == {"tokens": DENY}
    missing = {token: found for token, found in paid.facts.tokens.items() if token != usdc}
    assert desk.says(desk.with_facts(paid, tokens=missing)) == {"tokens": DENY}


def test_an_unlisted_token_or_unlisted_ether_that_moves_is_denied(desk: Any, paid: Judged) -> None:
    assert desk.says(desk.with_delta(paid, desk.document.account.safe, STRANGER, 1)) == {"tokens": DENY}
    says = desk.says(desk.with_delta(paid, desk.document.account.safe, "native", -1))
    assert says == {"tokens": DENY, "envelope": DENY, "reserves": DENY}


def test_whoever_gains_in_the_rehearsal_must_be_in_the_address_book(desk: Any, paid: Judged) -> None:
    assert desk.says(desk.with_delta(paid, STRANGER, "USDC", 1)) == {"payees": DENY}
    pool = desk.document.venues["uniswap"].pools[0].address
    assert desk.says(desk.with_delta(paid, pool, "USDC", 1)) == {"payees": DENY}


def test_a_recipient_that_looks_like_a_payee_is_named_with_its_twin(desk: Any) -> None:
    from strongroom.addresses import to_address

    alice = desk.document.payees["alice"].address
    twin = to_address(alice[:6] + "00" * 16 + alice[-4:])
    judged = desk.stage(f"pay 10 USDC to {twin}")
    assert desk.says(judged)["lookalikes"] is DENY
    assert any("looks like `alice`" in finding.reason for finding in desk.decide(judged).findings)


@pytest.mark.parametrize("missing", [1, 50 * 10**6])
def test_a_token_with_a_fee_on_transfer_is_refused(desk: Any, paid: Judged, missing: int) -> None:
    assert desk.says(desk.with_delta(paid, desk.document.payees["alice"].address, "USDC", -missing)) == {
        "envelope": DENY
    }


@pytest.mark.parametrize("more", [1, -1])
def test_what_leaves_is_exactly_what_was_sent(desk: Any, paid: Judged, more: int) -> None:
    """A fee on top, and a balance that was not measured, look like this."""
    assert desk.says(desk.with_delta(paid, desk.document.account.safe, "USDC", -more)) == {"envelope": DENY}


def test_a_token_that_nobody_declared_must_not_leave(desk: Any, paid: Judged) -> None:
    assert desk.says(desk.with_delta(paid, desk.document.account.safe, "WETH", -1)) == {"envelope": DENY}


def test_the_declared_envelope_binds(desk: Any, paid: Judged) -> None:
    def declaring(**changes: Any) -> Judged:
        return replace(paid, compiled=replace(paid.compiled, envelope=replace(paid.compiled.envelope, **changes)))

    (declared,) = paid.compiled.envelope.max_out
    assert desk.says(declaring(max_out=())) == {"envelope": DENY}
    assert desk.says(declaring(max_out=(replace(declared, units=declared.units - 1),))) == {"envelope": DENY}
    assert desk.says(declaring(max_out=(replace(declared, units=declared.units + 1),))) == {}
    assert desk.says(declaring(recipients=())) == {"envelope": DENY}
    assert desk.says(declaring(min_in=(replace(declared, units=1),))) == {"envelope": DENY}


def test_an_approval_left_behind_is_denied(desk: Any, paid: Judged) -> None:
    left = (Allowance(TokenId("USDC"), STRANGER, 1),)
    assert desk.says(desk.with_rehearsal(paid, allowances=left)) == {"leftovers": DENY}
    assert desk.says(desk.with_rehearsal(paid, allowances=(replace(left[0], units=0),))) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"owners": (STRANGER,)},
        {"threshold": 1},
        {"modules": (STRANGER,)},
        {"guard": STRANGER},
        {"fallback_handler": STRANGER},
        {"singleton": STRANGER},
        {"version": "1.5.0"},
    ],
)
def test_a_unit_that_changes_the_safe_is_denied(desk: Any, paid: Judged, change: dict[str, Any]) -> None:
    after = replace(paid.rehearsal.safe_after, **change)
    assert desk.says(desk.with_rehearsal(paid, safe_after=after)) == {"safe_state": DENY}
    before = replace(paid.rehearsal.safe_before, **change)
    both = desk.with_rehearsal(paid, safe_before=before, safe_after=after)
    assert desk.says(both) == {"safe_state": DENY}


@pytest.mark.parametrize("step", [0, 2])
def test_the_nonce_counts_exactly_this_unit(desk: Any, paid: Judged, step: int) -> None:
    after = replace(paid.rehearsal.safe_after, nonce=paid.action.nonce + step)
    assert desk.says(desk.with_rehearsal(paid, safe_after=after)) == {"safe_state": DENY}


def test_gas_stays_within_its_budget(desk: Any, paid: Judged) -> None:
    budget = desk.document.gas
    assert desk.says(desk.with_rehearsal(paid, gas_used=budget.max_gas_units)) == {}
    assert desk.says(desk.with_rehearsal(paid, gas_used=budget.max_gas_units + 1)) == {"gas": DENY}
    assert desk.says(desk.with_rehearsal(paid, gas_used=0)) == {"gas": DENY}
    fee = budget.max_base_fee_wei
    assert desk.says(desk.with_facts(paid, gas=replace(paid.facts.gas, base_fee_wei=fee))) == {}
    assert desk.says(desk.with_facts(paid, gas=replace(paid.facts.gas, base_fee_wei=fee + 1))) == {"gas": DENY}


def test_an_unmeasured_balance_denies(desk: Any, paid: Judged) -> None:
    balances = {t: units for t, units in paid.facts.balances.items() if t != TokenId("USDC")}
    assert desk.says(desk.with_facts(paid, balances=balances)) == {"reserves": DENY}


def test_ether_to_the_zero_address_is_denied(desk: Any, paid: Judged) -> None:
    burn = Call(desk.document.account, NATIVE, 10**18, b"")
    assert desk.says(desk.with_calls(paid, burn))["payees"] is DENY


def test_an_approval_beside_a_payment_is_denied(desk: Any, paid: Judged) -> None:
    token = desk.document.tokens[TokenId("USDC")].token.address
    approve = Call(desk.document.account, token, 0, encode_approve(STRANGER, 1))
    assert desk.says(desk.with_calls(paid, *paid.compiled.calls, approve)) == {"venues": DENY, "envelope": DENY}
