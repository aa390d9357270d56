"""A treasury's kill card: addresses, modules and delegates as chain and service have them now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from guardians.announced import Pending
from guardians.changes import Announced, may_veto, read_announced
from guardians.kill_card import cards
from guardians.kill_card.cards import Card, Delegation, KillCard, Pace
from strongroom.errors import BadValue, NodeRefused, ServiceError
from strongroom.model import NATIVE, Address, Block, KernelState, SafeState
from strongroom.observe import safe_state
from strongroom.protocols.kernel import burned_read, fixed_from, fixed_reads, state_from, state_reads
from strongroom.protocols.owner_guard import GuardState
from strongroom.protocols.watch import WatchBirth, birth_from, birth_reads
from strongroom.quantities import format_seconds

if TYPE_CHECKING:
    from guardians.app import Console

_PACE_BLOCKS = 1_000
_NO_KERNEL = "No Kernel: pause, re-key and disable module do not apply; nothing moves unsigned."
_NO_KEY = "RE-KEY: make a new key first, then print this again with --new-agent ADDRESS."
_NO_DELEGATE = "The service lists no delegate for this Safe; ones for all Safes of an owner are not listed."


def read_card(console: Console, new_agent: Address | None, known_agent: Address | None = None) -> KillCard:
    """The card at the newest block; `known_agent` is the agent's address where no Kernel names it.

    Raises `BadValue` for a new agent that the Kernel would refuse or that must not be one, `NotDeployed` without the
    Safe, `NodeError`. A service that does not answer is told on the card.
    """
    treasury, block = console.treasury, console.chain.head()
    safe = safe_state(console.chain, treasury.account.safe, block)
    kernel, watch = _kernel(console, safe, block), _watch(console, block)
    found = read_announced(console.chain, console.node, treasury.account.safe, safe.guard, treasury.kernel, block)
    guard, announced = found.guard, (*(found.pending or ()), *(found.kernel_pending or ()))
    if new_agent is not None:
        _require_fit(console, new_agent, safe, kernel, block)
    agent = kernel.agent if kernel else known_agent
    delegations, silent = _delegations(console, agent)
    return KillCard(
        name=treasury.name,
        account=treasury.account,
        block=block,
        owners=safe.owners,
        threshold=safe.threshold,
        kernel=treasury.kernel,
        watch=treasury.watch if watch else None,
        state=_state(kernel),
        agent=agent,
        registry=treasury.registry,
        guard=None if safe.guard == NATIVE else safe.guard,
        guard_word=_guard_word(safe, guard),
        service=_without_user(treasury.service),
        cards=tuple(_cards(console, safe, kernel, watch, new_agent, block, guard, announced)),
        delegations=delegations,
        missing=(
            *_missing(treasury.kernel, kernel, new_agent),
            *_unwatched(treasury.watch, watch),
            *_unseen(found),
            *silent,
        ),
    )


def _without_user(url: str) -> str:
    """Paper is seen by many: a name and password in the service's address stay off it."""
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"


def _kernel(console: Console, safe: SafeState, block: Block) -> KernelState | None:
    address = console.treasury.kernel
    if address is None:
        return None
    return state_from(address, console.chain.read(state_reads(address), block), {}, address in safe.modules)


def _watch(console: Console, block: Block) -> WatchBirth | None:
    address = console.treasury.watch
    return birth_from(console.chain.read(birth_reads(address), block)) if address else None


def _unwatched(named: Address | None, watch: WatchBirth | None) -> Iterator[str]:
    if named is not None and watch is None:
        yield f"No watch answers at {named}; trip, and its new mark after a re-key, are left out."


def _guard_word(safe: SafeState, guard: GuardState | None) -> str:
    if safe.guard == NATIVE:
        return ""
    return f"changes wait {format_seconds(guard.delay_seconds)}" if guard else "NOT ours"


def _unseen(found: Announced) -> Iterator[str]:
    if found.pending is None or found.kernel_pending is None:
        yield "VETO: this node shows too few event logs to know what is announced; print this from another."


def _state(kernel: KernelState | None) -> str:
    if kernel is None:
        return "does not answer as a Kernel"
    enabled = "" if kernel.enabled else ", not a module of the Safe"
    return f"{'PAUSED' if kernel.paused else 'live'}, epoch {kernel.epoch}{enabled}"


def _cards(
    console: Console,
    safe: SafeState,
    kernel: KernelState | None,
    watch: WatchBirth | None,
    new_agent: Address | None,
    block: Block,
    guard: GuardState | None,
    announced: Sequence[Pending],
) -> Iterator[Card]:
    account, watched = console.treasury.account, console.treasury.watch if watch else None
    if kernel is not None:
        named = console.document.kernel.pause_only
        others = may_veto(console.chain, kernel.address, safe.owners, named, block)[len(safe.owners) :]
        yield cards.pause(kernel.address, others, kernel.paused)
    yield from (cards.veto(each, console.document, block.timestamp) for each in announced if each.is_vetoable)
    if kernel is not None:
        if watch and watched:
            yield cards.trip(watch, watched, _pace(console, block), kernel.paused)
        if new_agent is not None:
            yield _rekey(console, kernel, watched, new_agent, block)
        if kernel.enabled:
            yield cards.disable_module(account.safe, kernel.address, safe.modules, guard)
    if guard:
        yield cards.remove_guard(account.safe, guard)
    elif safe.guard != NATIVE:
        yield cards.remove_foreign_guard(account.safe, safe.guard)


def _rekey(console: Console, kernel: KernelState, watch: Address | None, new_agent: Address, block: Block) -> Card:
    fixed = fixed_from(console.chain.read(fixed_reads(kernel.address), block))
    window = format_seconds(fixed.window_seconds) if fixed else "a while"
    delay = format_seconds(kernel.rekey_delay_seconds)
    return cards.rekey(kernel.address, new_agent, delay, window, watch, kernel.paused)


def _pace(console: Console, block: Block) -> Pace | None:
    """Over the last blocks; `None` from a node that has no old headers, and on a chain that has just begun: minutes are
    a help, and no card fails for them."""
    from strongroom.chain.answers import reading, to_block

    first = max(0, block.number - _PACE_BLOCKS)
    try:
        header = console.node.ask("eth_getBlockByNumber", hex(first), False)
        with reading("eth_getBlockByNumber"):
            seconds = block.timestamp - to_block(header).timestamp
    except NodeRefused:
        return None
    return Pace(seconds, block.number - first) if seconds > 0 and first < block.number else None


def _require_fit(
    console: Console, new_agent: Address, safe: SafeState, kernel: KernelState | None, block: Block
) -> None:
    """Raises `BadValue` naming why this key cannot or must not be the agent."""
    (burned,) = console.chain.read([burned_read(kernel.address, new_agent)], block) if kernel else (None,)
    refusals = {
        "name `kernel` in treasury.toml first; without one there is nothing to re-key": kernel is None,
        "it is the agent already; make a new key": kernel is not None and new_agent == kernel.agent,
        "it was replaced once and is burned for ever; make a new key": bool(burned),
        "it owns the Safe, and the agent's key never may; make a key of its own": new_agent in safe.owners,
        "it has code; this card is for plain keys": bool(console.chain.code(new_agent, block)),
    }
    for mend, refused in refusals.items():
        if refused:
            raise BadValue(new_agent, "the new agent", mend)


def _delegations(console: Console, agent: Address | None) -> tuple[tuple[Delegation, ...], tuple[str, ...]]:
    """Who may propose, and what to say where the service did not tell."""
    try:
        found = tuple(Delegation(each.delegate, each.delegator) for each in console.service.delegates())
    except ServiceError:
        silent = "The service did not answer; in whose name the agent proposes is not known here."
        return ((Delegation(agent, None),) if agent else ()), (silent,)
    return found, () if found else (_NO_DELEGATE,)


def _missing(named: Address | None, kernel: KernelState | None, new_agent: Address | None) -> Iterator[str]:
    if named is None:
        yield _NO_KERNEL
    elif kernel is None:
        yield f"No Kernel answers at {named}; pause, re-key and disable module are left out."
    elif new_agent is None:
        yield _NO_KEY
    if kernel is not None and not kernel.enabled:
        yield "DISABLE MODULE: the Kernel is not a module of the Safe; it can do nothing there."
