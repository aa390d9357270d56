"""Planning a re-key: the Safe transaction that is next on the way to another agent's key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.installing import free_nonce
from guardians.app import Console
from strongroom.model import Address, Call, Operation, SafeTx
from strongroom.observe import safe_state
from strongroom.plain import to_plain
from strongroom.protocols.kernel import encode_announce
from strongroom.protocols.kernel_events import pending_read
from strongroom.protocols.owner_guard import change_hash
from strongroom.protocols.safe import safe_tx_hash
from strongroom.protocols.watch import encode_rebase
from strongroom.wallet.deploy import batch


def plan_next(console: Console, kernel: Address, call: bytes) -> dict[str, Any]:
    """What the owners sign now: the announcement of the re-key `call`, and once that is in force, what makes it, with a
    new mark where there is a watch. `ready_at` and `expires_at`, Unix time, are zero until it is announced."""
    block = console.chain.head()
    (standing,) = console.chain.read([pending_read(kernel, change_hash(call))], block)
    state = safe_state(console.chain, console.treasury.account.safe, block)
    nonce = free_nonce(console.chain, console.treasury, state)
    told = encode_announce(call) if standing is None else call
    tx = _transaction(console, [Call(console.treasury.account, kernel, 0, told)], standing is not None, nonce)
    return {
        "ready_at": standing.ready_at if standing else 0,
        "expires_at": standing.expires_at if standing else 0,
        "is_ready": standing is not None and standing.ready_at <= block.timestamp,
        "safe_tx_hash": safe_tx_hash(tx),
        "transaction": to_plain(tx),
    }


def _transaction(console: Console, calls: Sequence[Call], makes: bool, nonce: int) -> SafeTx:
    policy, watch = console.document, console.treasury.watch
    if makes and watch:
        marked = (*calls, Call(policy.account, watch, 0, encode_rebase()))
        return batch(policy.account, marked, policy.multisend, nonce)
    return SafeTx(policy.account, calls[0].to, 0, calls[0].data, Operation.CALL, nonce)
