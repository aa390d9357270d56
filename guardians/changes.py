"""Where a Safe announces changes: at its owners' guard, of who commands it, and at its Kernel, of what the agent may
do. Both as they stand, and all that is announced at either."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guardians.announced import Pending, Place, pending_at
from guardians.ours import is_ours
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE, Address, Block
from strongroom.ports import Chain
from strongroom.protocols.kernel import FixedTerms, fixed_from, fixed_reads, guardian_read, state_from, state_reads
from strongroom.protocols.kernel_changes import read_kernel_change
from strongroom.protocols.kernel_events import pending_read
from strongroom.protocols.owner_guard import GuardState, announced_read, guard_from, guard_reads
from strongroom.protocols.safe_changes import read_change

if TYPE_CHECKING:
    from strongroom.chain.transport import Transport


def find_guard(chain: Chain, safe: Address, guard: Address, block: Block) -> GuardState | None:
    """The owners' guard in the Safe's guard slot; `None` when there is none, when its code is not the one we ship, and
    when it was made for another Safe. Raises `NodeError`."""
    if guard == NATIVE or not is_ours(chain, "OwnerGuard", guard, block):
        return None
    state = guard_from(guard, chain.read(guard_reads(guard), block))
    return state if state and state.safe == safe else None


@dataclass(frozen=True, slots=True)
class StandingKernel:
    """A Kernel of our code and of this Safe, as far as its changes go."""

    address: Address
    agent: Address
    paused: bool
    terms: FixedTerms


def find_kernel(chain: Chain, safe: Address, kernel: Address | None, block: Block) -> StandingKernel | None:
    """The Kernel that documents name; `None` when they name none, when its code is not the one we ship, and when it
    was made for another Safe. Raises `NodeError`."""
    if kernel is None or not is_ours(chain, "Kernel", kernel, block):
        return None
    reads = state_reads(kernel)
    values = chain.read([*reads, *fixed_reads(kernel)], block)
    state, terms = state_from(kernel, values[: len(reads)], {}, True), fixed_from(values[len(reads) :])
    if state is None or terms is None or state.safe != safe:
        return None
    return StandingKernel(kernel, state.agent, state.paused, terms)


def announced_changes(chain: Chain, node: Transport, guard: GuardState, block: Block) -> tuple[Pending, ...] | None:
    """As `pending_at`, of the owners' guard; a removal of the guard itself is in `guard`."""
    longest = guard.delay_seconds + guard.window_seconds
    return pending_at(chain, node, Place(guard.address, longest, announced_read, read_change), block)


def kernel_changes(chain: Chain, node: Transport, kernel: StandingKernel, block: Block) -> tuple[Pending, ...] | None:
    """As `pending_at`, of the Kernel."""
    terms = kernel.terms
    longest = max(terms.config_delay_seconds, terms.rekey_delay_seconds) + terms.window_seconds
    return pending_at(chain, node, Place(kernel.address, longest, pending_read, read_kernel_change), block)


@dataclass(frozen=True, slots=True)
class Announced:
    """What is announced at a Safe's guard and Kernel. `guard` is there when it is ours, `foreign` when another stands
    in its place; `pending`, and `kernel_pending` of the Kernel, are missing where they cannot be known."""

    guard: GuardState | None
    foreign: Address | None
    pending: tuple[Pending, ...] | None
    kernel: StandingKernel | None = None
    kernel_pending: tuple[Pending, ...] | None = ()

    @property
    def all(self) -> tuple[Pending, ...]:
        """What is announced at either. Raises `NodeRefused` where it cannot be known: a guardian must not read silence
        as peace."""
        if self.pending is None or self.kernel_pending is None:
            why = "it shows no event logs far enough back; ask another node what is announced"
            raise NodeRefused("eth_getLogs", why)
        return *self.pending, *self.kernel_pending


def read_announced(
    chain: Chain, node: Transport, safe: Address, guard: Address, kernel: Address | None, block: Block
) -> Announced:
    """`guard` is what the Safe's slot holds, `kernel` what treasury.toml names. Raises `NodeError`."""
    found, standing = find_guard(chain, safe, guard, block), find_kernel(chain, safe, kernel, block)
    return Announced(
        guard=found,
        foreign=guard if found is None and guard != NATIVE else None,
        pending=announced_changes(chain, node, found, block) if found else (),
        kernel=standing,
        kernel_pending=kernel_changes(chain, node, standing, block) if standing else (),
    )


def may_veto(
    chain: Chain, kernel: Address, owners: Sequence[Address], others: Iterable[Address], block: Block
) -> tuple[Address, ...]:
    """Whose veto the Kernel takes: the owners of its Safe, and of `others`, keys that documents name, its guardians."""
    asked = [each for each in others if each not in owners]
    answers = chain.read([guardian_read(kernel, each) for each in asked], block)
    return (*owners, *(each for each, guards in zip(asked, answers, strict=True) if guards))
