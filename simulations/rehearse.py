"""Rehearsal: exactly this action, executed at the pinned block in a simulation, and what it really changes.

Deltas are differences of balances read before and after the action inside the same simulated block. Transfer logs are
never used: a simulated call whose inner call reverts and is caught still reports the log of a transfer that never was.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from simulations.caught import caught
from simulations.probes import (
    NATIVE_READER,
    Picture,
    Probes,
    deltas,
    inner_calls,
    native_id,
    pairs_to_watch,
    picture,
    probes,
    standing,
)
from simulations.reverts import revert_reason
from strongroom.addresses import from_digest, keccak, to_address
from strongroom.model import NATIVE, Action, Address, Block, Delta, Facts, KernelCall, Rehearsal, SafeTx, Token, TokenId
from strongroom.ports import Chain, Override, Read, SimulatedCall, SimulatedResult
from strongroom.protocols.erc20 import read_balance
from strongroom.protocols.safe import (
    NONCE_SLOT,
    encode_exec,
    exec_succeeded,
    join_signatures,
    prevalidated,
    safe_tx_hash,
)

APPROVED_HASHES_SLOT = 8
"""`approvedHashes` of Safe 1.3.0 to 1.5.0 (source: `SafeStorage.sol`)."""

_ONE = (1).to_bytes(32, "big")


def rehearse(
    chain: Chain,
    action: Action,
    facts: Facts,
    holders: Iterable[Address],
    spenders: Iterable[Address],
    assumed: Mapping[Address, Override] = MappingProxyType({}),
) -> Rehearsal:
    """The outcome of `action` on top of `facts.block`: balance changes of the Safe and `holders` in every listed token
    and the native coin, the Safe's allowances left to `spenders` and to every approval found in the calldata, the
    Safe's state before and after, gas.

    A `SafeTx` runs as `execTransaction` from an owner, with the owners' approvals of its hash and its nonce written
    into the Safe's storage, so that unsigned transactions and future nonces run too; the threshold stays what it is.
    `safe_before` therefore shows the action's own nonce, and each owner's real signature will cost about 3,000 gas
    more than its stand-in. A `KernelCall` runs from the agent. `assumed` is state that the action will find and the
    block does not have yet, of contracts other than the Safe. What the sender pays for gas is in no delta; unchanged
    balances and zero allowances are left out; an unlisted token's allowance goes by its address.

    Anything but a complete measurement of a successful action is `success=False` with the reason in `revert` and no
    effects. Raises `NodeUnreachable` and `NodeRefused` (a node that cannot simulate): a rehearsal is never skipped.
    """
    if action.account != facts.account:
        return _failed(facts, f"the action is for `{action.account.safe}`, the facts are of `{facts.account.safe}`")
    if isinstance(action, SafeTx) and not _signers(facts):
        return _failed(facts, "the Safe has no owner who could execute")
    reader = _fresh_address()
    pairs = pairs_to_watch(action, (token.address for token in facts.tokens.values()), spenders)
    watched = probes(facts.account.safe, facts.tokens, [facts.account.safe, *holders], pairs, reader)
    looks = _looks(watched.reads(), _fresh_address())
    overrides = {reader: Override({}, code=NATIVE_READER), **assumed, **_approvals(action, facts)}
    results = chain.simulate([*looks, _entry(action, facts), *looks], overrides, facts.block)
    if len(results) != 2 * len(looks) + 1:
        return _failed(facts, f"the node simulated `{len(results)}` of `{2 * len(looks) + 1}` calls")
    outcome = results[len(looks)]
    reason = _refusal(action, outcome)
    if reason:
        return _failed(facts, _inner_refusal(chain, action, facts) or reason, outcome.gas_used)
    measured = _measured(facts, action, watched, results, outcome.gas_used)
    return replace(measured, caught=caught(chain.trace(_entry(action, facts), overrides, facts.block)))


def _fresh_address() -> Address:
    # Random: a constant address would tell a hostile contract that it is being rehearsed.
    return to_address(secrets.token_bytes(20))


def _looks(reads: Sequence[Read[Any]], sender: Address) -> list[SimulatedCall]:
    return [SimulatedCall(sender, read.target, 0, read.data) for read in reads]


def _signers(facts: Facts) -> list[Address]:
    return sorted(facts.safe.owners, key=lambda owner: int(owner, 16))[: facts.safe.threshold]


def _entry(action: Action, facts: Facts) -> SimulatedCall:
    if isinstance(action, KernelCall):
        return SimulatedCall(action.agent, action.kernel, 0, action.data)
    signers = _signers(facts)
    signatures = join_signatures(prevalidated(owner) for owner in signers)
    return SimulatedCall(signers[0], action.account.safe, 0, encode_exec(action, signatures))


def _approvals(action: Action, facts: Facts) -> dict[Address, Override]:
    """The storage words that stand for the owners' signatures. Lowering the threshold instead would hide an action that
    lowers it itself."""
    if isinstance(action, KernelCall):
        return {}
    words = {_approval_slot(owner, action): _ONE for owner in _signers(facts)}
    return {action.account.safe: Override({NONCE_SLOT: action.nonce.to_bytes(32, "big"), **words})}


def _approval_slot(owner: Address, tx: SafeTx) -> int:
    of_owner = keccak(bytes(12) + bytes.fromhex(owner[2:]) + APPROVED_HASHES_SLOT.to_bytes(32, "big"))
    return int.from_bytes(keccak(from_digest(safe_tx_hash(tx)) + of_owner), "big")


def _refusal(action: Action, outcome: SimulatedResult) -> str:
    if not outcome.success:
        return revert_reason(outcome.returned, outcome.error)
    if isinstance(action, KernelCall):
        return ""
    try:
        return "" if exec_succeeded(outcome.returned) else "the Safe reports an execution failure"
    except ValueError:
        return "the Safe returned no result"


def _inner_refusal(chain: Chain, action: Action, facts: Facts) -> str:
    """The Safe and MultiSend swallow what an inner call said (GS013, empty bytes): run those calls alone to hear it."""
    calls = inner_calls(action)
    if not calls:
        return ""
    alone = [SimulatedCall(facts.account.safe, call.to, call.value_wei, call.data) for call in calls]
    if (sent := sum(call.value_wei for call in calls)) > (
        held := chain.balances_wei([facts.account.safe], facts.block)[0]
    ):
        # Nodes refuse to simulate what its sender cannot pay.
        return f"the calls send `{sent}` wei, the Safe holds `{held}`"
    for number, result in enumerate(chain.simulate(alone, {}, facts.block), 1):
        if not result.success:
            return f"call {number} of {len(calls)} reverts: {revert_reason(result.returned, result.error)}"
    return ""


def _measured(
    facts: Facts, action: Action, watched: Probes, results: Sequence[SimulatedResult], gas_used: int
) -> Rehearsal:
    middle = len(results) // 2
    try:
        before, after = picture(watched, results[:middle]), picture(watched, results[middle + 1 :])
    except ValueError as error:
        return _failed(facts, f"not measured: {error}", gas_used)
    if not _as_observed(before, action, facts):
        return _failed(facts, "the simulation does not start from the Safe's observed state", gas_used)
    changed, left = deltas(watched, before, after), standing(watched, after)
    return Rehearsal(facts.block, True, "", changed, left, gas_used, before.state, after.state)


def _as_observed(before: Picture, action: Action, facts: Facts) -> bool:
    nonce = action.nonce if isinstance(action, SafeTx) else facts.safe.nonce
    return before.state == replace(facts.safe, nonce=nonce)


def _failed(facts: Facts, reason: str, gas_used: int = 0) -> Rehearsal:
    return Rehearsal(facts.block, False, reason, (), (), gas_used, facts.safe, facts.safe)


def executed_deltas(
    chain: Chain, before: Block, after: Block, holders: Iterable[Address], tokens: Mapping[TokenId, Token]
) -> tuple[Delta, ...] | None:
    """Balance changes of `holders` in `tokens` and the native coin, in the order and form of a rehearsal's, between the
    block before a receipt's and the receipt's own. Other transactions of that block, and gas that a holder paid, are in
    them. `None` when any balance cannot be read. Raises `NodeUnreachable` and `NodeRefused`."""
    unique = list(dict.fromkeys(holders))
    early = _balances(chain, before, unique, tokens)
    late = _balances(chain, after, unique, tokens)
    if early is None or late is None:
        return None
    return tuple(Delta(*key, late[key] - early[key]) for key in early if late[key] != early[key])


def _balances(
    chain: Chain, block: Block, holders: Sequence[Address], tokens: Mapping[TokenId, Token]
) -> dict[tuple[Address, TokenId], int] | None:
    listed = [token for token in tokens.values() if token.address != NATIVE]
    units = chain.read([read_balance(token.address, holder) for holder in holders for token in listed], block)
    if any(value is None for value in units):
        return None
    remaining = iter(units)
    balances: dict[tuple[Address, TokenId], int] = {}
    for holder, wei in zip(holders, chain.balances_wei(holders, block), strict=True):
        balances[holder, native_id(tokens)] = wei
        balances.update({(holder, token.id): next(remaining) for token in listed})
    return balances
