"""What a kill card can do, as values: each step is one call, and says who may send it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from guardians.announced import Pending
from guardians.announced_wording import pending_words
from policies.terms import PolicyDocument
from strongroom.model import NATIVE, Account, Address, Block
from strongroom.protocols.kernel import encode_announce, encode_disable_module, encode_pause, encode_rekey
from strongroom.protocols.kernel_changes import KernelChange
from strongroom.protocols.owner_guard import (
    GuardState,
    encode_announce_change,
    encode_announce_removal,
    encode_set_guard,
    encode_veto,
)
from strongroom.protocols.watch import WatchBirth, encode_rebase, encode_trip
from strongroom.quantities import format_bps, format_moment, format_seconds

_SENTINEL = Address("0x0000000000000000000000000000000000000001")
"""Begins the Safe's list of modules."""


class By(StrEnum):
    """Who sends a step: anybody at all, a guardian or an owner from their own key, or the Safe with its owners'
    signatures."""

    ANYBODY = "anybody"

    GUARDIAN = "guardian"
    OWNER = "owner"
    SAFE = "safe"


@dataclass(frozen=True, slots=True)
class Step:
    """One call without value, never a delegatecall. `function` is what `data` calls, as explorers show it."""

    id: str
    by: By
    to: Address
    data: bytes
    function: str


@dataclass(frozen=True, slots=True)
class Card:
    """One thing to do: its steps in order. `when` is one line each."""

    title: str
    when: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delegation:
    """`delegate` proposes in the name of the owner `delegator`; `None` where the service did not say in whose."""

    delegate: Address
    delegator: Address | None


@dataclass(frozen=True, slots=True)
class KillCard:
    """Everything on the page. `missing` says in a line each what cannot be done, and why."""

    name: str
    account: Account
    block: Block
    owners: tuple[Address, ...]
    threshold: int
    kernel: Address | None
    watch: Address | None
    state: str
    agent: Address | None
    registry: Address | None
    guard: Address | None
    guard_word: str
    service: str
    cards: tuple[Card, ...]
    delegations: tuple[Delegation, ...]
    missing: tuple[str, ...]


def pause(kernel: Address, others: Sequence[Address], paused: bool) -> Card:
    """One guardian, at once; `others` are the pause-only keys beside the owners."""
    doubt = "at the first doubt: at once, with one key, and it harms nothing"
    besides = tuple(f"Pause-only key: {each}" for each in others)
    notes = ("The agent's key can do nothing more until a re-key. No Safe is needed.", *besides)
    return Card(
        "PAUSE",
        "already paused; to be used again only after a re-key" if paused else doubt,
        (Step("pause", By.GUARDIAN, kernel, encode_pause(), "pause()"),),
        notes,
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the chain has been: `seconds` for its last `blocks` blocks."""

    seconds: int
    blocks: int

    def minutes(self, least_blocks: int, most_blocks: int) -> str:
        """`1 to 121 minutes`: the first rounded up, the second down."""
        least = -(-least_blocks * self.seconds // (60 * self.blocks))
        return f"{least} to {max(least, most_blocks * self.seconds // (60 * self.blocks))} minutes"


def trip(watch: WatchBirth, address: Address, pace: Pace | None, paused: bool) -> Card:
    """For who has no role at all: the Kernel pauses after a fall, and only then."""
    fall, least = format_bps(watch.max_drawdown_bps), watch.confirm_blocks
    most = least + watch.expiry_blocks
    about = f" (about {pace.minutes(least, most)})" if pace else ""
    notes = (f"Twice, {least} to {most} blocks{about} apart; fails if all is well.",)
    step = Step("trip", By.ANYBODY, address, encode_trip(), "trip()")
    fallen = f"the treasury has fallen by {fall} and no guardian is near"
    return Card("TRIP", "already paused: until a re-key it reverts" if paused else fallen, (step,), notes)


def rekey(kernel: Address, agent: Address, delay: str, window: str, watch: Address | None, paused: bool) -> Card:
    """The only way out of a pause: announced by the Safe, then made by any owner or guardian. What the watch holds
    against the treasury outlives it, so the Safe sets its mark anew."""
    call = encode_rekey(agent)
    steps = (
        Step("announce", By.SAFE, kernel, encode_announce(call), "announce(bytes)"),
        Step("rekey", By.GUARDIAN, kernel, call, "rekey(address,bytes32,address[])"),
    )
    rebased = (Step("rebase", By.SAFE, watch, encode_rebase(), "rebase()"),) if watch else ()
    mark = "c sets the watch's mark to today's value. Send it with b (one Safe batch) or right after: otherwise "
    marked = (mark + "anybody can pause the new key after a fall.",) if watch else ()
    first = "" if paused else " Pause first: a pause voids what is announced."
    notes = (
        f"New agent: {agent}",
        f"b works {delay} after a, for {window}; it burns the old key for ever and ends a pause.{first}",
        *marked,
    )
    return Card("RE-KEY", "to go on with a new key, the only way out of a pause", (*steps, *rebased), notes)


def disable_module(safe: Address, kernel: Address, modules: Sequence[Address], guard: GuardState | None) -> Card:
    """Takes the Kernel out of the Safe; the module before it in the Safe's list is part of the call. Under the owners'
    guard that exact call is announced first."""
    position = modules.index(kernel)
    previous = modules[position - 1] if position else _SENTINEL
    call = encode_disable_module(previous, kernel)
    good = f"Good while the module before it is {previous}."
    disable = Step("disable", By.SAFE, safe, call, "disableModule(address,address)")
    title, when = "DISABLE MODULE", "to end the agent lane for good; the Safe itself goes on"
    if guard is None:
        return Card(title, when, (disable,), (good,))
    announce = encode_announce_change(call)
    first = Step("announce-disable", By.SAFE, guard.address, announce, "announce(bytes)")
    waits = f"b works {_lasting(guard, guard.delay_seconds)} unless an owner vetoes it."
    return Card(title, when, (first, disable), (good, waits))


def remove_guard(safe: Address, guard: GuardState) -> Card:
    """Takes the owners' guard out: the one way that works even with a guard whose code is broken."""
    steps = (
        Step("announce-unguard", By.SAFE, guard.address, encode_announce_removal(), "announceRemoval()"),
        Step("unguard", By.SAFE, safe, encode_set_guard(NATIVE), "setGuard(address)"),
    )
    waits = f"b works {_lasting(guard, 2 * guard.delay_seconds)}; nobody can veto it. Never in a batch."
    ready = guard.removal_ready_at
    told = (f"a IS ANNOUNCED ALREADY: b works from {format_moment(ready)}.",) if ready else ()
    return Card("REMOVE OWNERS' GUARD", "if the guard itself stands in the way", steps, (waits, *told))


def remove_foreign_guard(safe: Address, guard: Address) -> Card:
    """Takes a guard out that is not ours."""
    notes = (f"{guard} is NOT the owners' guard of Strongroom: what it demands first, its makers know.",)
    step = Step("unguard", By.SAFE, safe, encode_set_guard(NATIVE), "setGuard(address)")
    return Card("REMOVE GUARD", "if the guard itself stands in the way", (step,), notes)


def veto(each: Pending, document: PolicyDocument, at: int) -> Card:
    """Stops an announced change of who commands the Safe, or of the Kernel."""
    made = "it can be made NOW" if each.is_ready(at) else f"from {format_moment(each.standing.ready_at)}"
    notes = (
        f"Announced: {pending_words(each, document)}; {made}.",
        f"{each.standing.vetoes} of {each.standing.needed} vetoes. {_unable(each)}".strip(),
    )
    by = By.GUARDIAN if isinstance(each.meaning, KernelChange) else By.OWNER
    step = Step("veto", by, each.at, encode_veto(each.change), "veto(bytes32)")
    return Card("VETO", "unless you know it and want it", (step,), notes)


def _unable(each: Pending) -> str:
    return "" if each.standing.subject == NATIVE else f"Not by {each.standing.subject}."


def _lasting(guard: GuardState, wait_seconds: int) -> str:
    return f"{format_seconds(wait_seconds)} after a, for {format_seconds(guard.window_seconds)}"


def typed_removal(chain_id: int, delegate: Address, hour: str | int) -> dict[str, Any]:
    """What the delegator signs (EIP-712) to end a delegation. `hour` is Unix time / 3600, rounded down. Source: Safe
    Transaction Service, `Delegate`."""
    strings = [{"name": name, "type": "string"} for name in ("name", "version")]
    return {
        "domain": {"name": "Safe Transaction Service", "version": "1.0", "chainId": chain_id},
        "primaryType": "Delegate",
        "types": {
            "EIP712Domain": [*strings, {"name": "chainId", "type": "uint256"}],
            "Delegate": [{"name": "delegateAddress", "type": "address"}, {"name": "totp", "type": "uint256"}],
        },
        "message": {"delegateAddress": delegate, "totp": hour},
    }


def batch(card: KillCard, step: Step, made_at: int) -> dict[str, Any]:
    """The step as a batch file of Safe's Transaction Builder (version 1.0); `made_at` is Unix seconds."""
    meta = {"name": f"Strongroom: {step.id}", "description": card.name, "createdFromSafeAddress": card.account.safe}
    call = {"to": step.to, "value": "0", "data": "0x" + step.data.hex()}
    return {
        "version": "1.0",
        "chainId": str(card.account.chain_id),
        "createdAt": made_at * 1000,
        "meta": meta,
        "transactions": [call],
    }
