"""What the Kernel may charge its loss bucket for swaps, at worst, and how much it takes before it pauses the agent.

Source: `contracts/src/KernelSwaps.sol`, `contracts/src/libraries/LeakyBucket.sol`.
"""

from __future__ import annotations

from collections.abc import Iterable

from policies.kernel.buckets import level_at, soft_limit
from policies.source_prices import SourcePrice, source_price
from policies.terms import PolicyDocument
from strongroom.model import Address, Bucket, Facts
from strongroom.protocols.kernel_legs import AnySwap
from strongroom.valuation import Problem


def worst_loss_e8(swap: AnySwap, facts: Facts, document: PolicyDocument) -> int | Problem:
    """USD scaled by 1e8 that one swap loses if it brings no more than it must: all that is spent at the higher price,
    rounded up, less the least that may come at the lower, rounded down; never below zero. No swap that the Kernel lets
    pass in the facts' block is charged more."""
    paid, got = (_price_at(token, facts, document) for token in (swap.token_in, swap.token_out))
    if isinstance(paid, Problem):
        return paid
    if isinstance(got, Problem):
        return got
    return max(paid.high_value_e8(swap.amount_in_units) - got.low_value_e8(swap.min_out_units), 0)


def worst_losses_e8(swaps: Iterable[AnySwap], facts: Facts, document: PolicyDocument) -> int | Problem:
    """The sum over the swaps, or the first reason why one of them has none: what one gains makes up for nothing."""
    total = 0
    for swap in swaps:
        loss = worst_loss_e8(swap, facts, document)
        if isinstance(loss, Problem):
            return loss
        total += loss
    return total


def unalarming_e8(bucket: Bucket, at: int) -> int:
    """USD scaled by 1e8 that the loss bucket takes at time `at` without reaching over three quarters of its capacity,
    rounded down. A level that is over them already leaves nothing, though the Kernel would let the last quarter be
    used: a little later it has drained below, and the next loss pauses."""
    return max(soft_limit(bucket) - level_at(bucket, at), 0)


def _price_at(token: Address, facts: Facts, document: PolicyDocument) -> SourcePrice | Problem:
    listed = document.token_at(token)
    if listed is None:
        return Problem(f"`{token}` is not a listed token")
    return source_price(listed.token.id, facts, document)
