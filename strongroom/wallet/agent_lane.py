"""The agent lane: one call from the agent's key to the Kernel, which enforces the policy on chain."""

from __future__ import annotations

from strongroom.model import Digest, KernelCall
from strongroom.protocols.kernel import action_hash
from strongroom.protocols.kernel_legs import with_leaf
from strongroom.wallet.executor import Outgoing


def execution(call: KernelCall, ledger_leaf: Digest, gas: int) -> Outgoing:
    """The call with the ledger's leaf in it; bound to the hash of the call without it."""
    binding = action_hash(call.account, call.kernel, call.data)
    return Outgoing(call.account, binding, call.kernel, with_leaf(call.data, ledger_leaf), gas)
