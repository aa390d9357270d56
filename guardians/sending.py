"""What a guardian sends from an own account, with the treasurer running or not: the execution of what enough owners
have signed, and vetoes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from guardians.announced import Pending
from guardians.key import GuardianKey
from guardians.review import Review
from policies.quorums import lacking, names_of, precedence
from simulations.reverts import revert_reason
from strongroom.errors import (
    MustWait,
    NotComplete,
    NotMade,
    NotNext,
    NotVetoable,
    OthersMustSign,
    RunStands,
    WouldRevert,
)
from strongroom.fees import TIP_WEI, gas_limit, offered_wei
from strongroom.model import Account, Address, Approval, Call, Digest, Verdict
from strongroom.ports import Chain, MinedTransaction, SimulatedCall
from strongroom.protocols.kernel_runs import encode_veto_run
from strongroom.protocols.owner_guard import encode_veto
from strongroom.protocols.safe import encode_exec, join_signatures
from strongroom.quantities import format_seconds

_PATIENCE_SECONDS, _POLL_SECONDS = 120.0, 0.2


def needed_signatures(review: Review) -> int:
    """The Safe's threshold, or more where the policy asks for more."""
    return max(review.facts.safe.threshold, review.decision.approvals_needed)


def require_complete(review: Review) -> tuple[Approval, ...]:
    """The signatures to execute with, as many as the Safe demands. Raises `NotNext` or `NotComplete`."""
    proposal, safe = review.proposal, review.facts.safe
    if proposal.tx.nonce != safe.nonce:
        raise NotNext(proposal.tx.nonce, safe.nonce)
    signed = tuple(approval for approval in proposal.queued.approvals if approval.guardian in safe.owners)
    if len(signed) < needed_signatures(review):
        raise NotComplete(proposal.safe_tx_hash, len(signed), needed_signatures(review))
    _require_allowed(review, {approval.guardian for approval in signed})
    ordered = sorted(signed, key=lambda approval: precedence(review.decision, approval.guardian))
    return tuple(ordered[: safe.threshold])


def _require_allowed(review: Review, signed: set[Address]) -> None:
    """What the Safe does not know: whose signatures count, and how long the proposal waits."""
    decision, digest = review.decision, review.proposal.safe_tx_hash
    if review.proposal.is_rejection or decision.verdict is not Verdict.ASK:
        return
    if missing := lacking(decision, signed):
        raise OthersMustSign(digest, " and ".join(names_of(each, review.document) for each in missing))
    if decision.delay_seconds:
        raise MustWait(digest, format_seconds(decision.delay_seconds))


def execute(review: Review, key: GuardianKey, chain: Chain, told: Callable[[Digest], None]) -> MinedTransaction | None:
    """Sends exactly what was reviewed; `told` hears the hash once it is sent. `None` when it is not mined within two
    minutes: unknown is not failed. Raises `GuardianError` or `NodeError`, with nothing sent."""
    tx = review.proposal.tx
    data = encode_exec(tx, join_signatures(require_complete(review)))
    try:
        return _send(SimulatedCall(key.address, tx.account.safe, 0, data), tx.account.chain_id, key, chain, told)
    except _Reverts as reverts:
        raise WouldRevert(review.proposal.safe_tx_hash, str(reverts)) from reverts


def veto(
    account: Account, pending: Pending, key: GuardianKey, chain: Chain, told: Callable[[Digest], None]
) -> MinedTransaction | None:
    """Sends a veto of an announced change, from the guardian's or owner's own account; `told` and the answer as in
    `execute`. Raises `NotVetoable` or `NodeError`, with nothing sent."""
    call = SimulatedCall(key.address, pending.at, 0, encode_veto(pending.change))
    try:
        return _send(call, account.chain_id, key, chain, told)
    except _Reverts as reverts:
        raise NotVetoable(pending.change, key.address, str(reverts)) from reverts


def veto_run(
    account: Account, kernel: Address, run: Digest, key: GuardianKey, chain: Chain, told: Callable[[Digest], None]
) -> MinedTransaction | None:
    """Sends a guardian's or owner's veto of an announced run, from an own account; `told` and the answer as in
    `execute`. Raises `RunStands` or `NodeError`, with nothing sent."""
    try:
        return _send(SimulatedCall(key.address, kernel, 0, encode_veto_run(run)), account.chain_id, key, chain, told)
    except _Reverts as reverts:
        raise RunStands(run, key.address, str(reverts)) from reverts


def send_creation(
    call: Call, address: Address, key: GuardianKey, chain: Chain, told: Callable[[Digest], None]
) -> MinedTransaction | None:
    """Sends the factory what makes the contract at `address`, from an own account; `told` and the answer as in
    `execute`. Raises `NotMade` or `NodeError`, with nothing sent."""
    wanted = SimulatedCall(key.address, call.to, 0, call.data)
    try:
        return _send(wanted, call.account.chain_id, key, chain, told)
    except _Reverts as reverts:
        raise NotMade(address, str(reverts)) from reverts


class _Reverts(Exception):
    """Why the newest block refuses a call that is not sent then."""


def _send(
    call: SimulatedCall, chain_id: int, key: GuardianKey, chain: Chain, told: Callable[[Digest], None]
) -> MinedTransaction | None:
    head = chain.head()
    (outcome,) = chain.simulate([call], {}, head)
    if not outcome.success:
        raise _Reverts(revert_reason(outcome.returned, outcome.error))
    gas = gas_limit(outcome.gas_used)
    fee = offered_wei(chain.base_fee_wei(head))
    sent = chain.send(key.sign_sending(_transaction(call, chain_id, chain.nonce(key.address), gas, fee)))
    told(sent)
    return _mined(chain, sent)


def _transaction(call: SimulatedCall, chain_id: int, nonce: int, gas: int, fee_wei: int) -> Mapping[str, Any]:
    return {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "to": Address(call.to),
        "value": 0,
        "data": call.data,
        "gas": gas,
        "maxPriorityFeePerGas": TIP_WEI,
        "maxFeePerGas": fee_wei,
    }


def _mined(chain: Chain, tx_hash: Digest) -> MinedTransaction | None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (mined := chain.transaction(tx_hash)) is None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return mined
