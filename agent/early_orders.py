"""Standing orders that a Kernel would pay at once though their payees got that money lately: for people to judge before
they sign, since an order under changed terms, and any order of a new Kernel, was never paid."""

from __future__ import annotations

from collections.abc import Iterator

from policies.dues import due_at_once
from policies.kernel_rules import order_rule
from policies.terms import PolicyDocument
from strongroom.model import NATIVE, Address, Block, Outflow
from strongroom.ports import Chain
from strongroom.protocols.kernel_orders import last_paid_read


def early_orders(chain: Chain, policy: PolicyDocument, kernel: Address | None, block: Block) -> tuple[str, ...]:
    """A line for each, with what to write; `kernel` is the one that stands and keeps what it remembers, `None` for one
    to be. Raises `NodeError`."""
    if not policy.orders:
        return ()
    leaves = [order_rule(each, policy).leaf for each in policy.orders.values()]
    found = chain.read([last_paid_read(kernel, leaf) for leaf in leaves], block) if kernel else [0] * len(leaves)
    remembered = {leaf: at or 0 for leaf, at in zip(leaves, found, strict=True)}
    return due_at_once(policy, remembered, tuple(_paid(chain, policy, block)), block.timestamp)


def _paid(chain: Chain, policy: PolicyDocument, block: Block) -> Iterator[Outflow]:
    """What left the Safe lately in the tokens of orders; the chain's own coin leaves no such trace."""
    named = (policy.tokens[order.token].token for order in policy.orders.values())
    ids = {token.address: token.id for token in named if token.address != NATIVE}
    since = block.timestamp - policy.history_seconds()
    for each in chain.transfers_from(policy.account.safe, tuple(ids), since, block):
        yield Outflow(ids[each.token], each.recipient, each.units, each.timestamp, each.tx_hash)
