"""`guardian changes | announce | make | veto`: who commands a Safe, and what its Kernel is, changed in the open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from guardians.app import Console, open_console, open_keystore
from guardians.cli.options import examples, for_machines, own_documents, with_key
from guardians.cli.reviewing import digest_of, present_safe, put_in_queue, typed
from guardians.cli.terminal import ask, ask_password, joined, say
from strongroom.errors import BadValue, GuardianError, NotGuarded, NotNamed, NotVetoable

if TYPE_CHECKING:
    from guardians.announced import Pending
    from guardians.changes import Announced
    from strongroom.model import Address, Block, Digest, Queued, SafeState
    from strongroom.protocols.kernel_changes import KernelChange
    from strongroom.protocols.owner_guard import GuardState
    from strongroom.protocols.safe_changes import Change

_ONE = "'swapOwner(0x9965…, 0x976E…)'"


@click.command("changes", epilog=examples("guardian changes", "guardian changes --json"))
@own_documents
@for_machines
def changes_(folder: Path, as_json: bool) -> None:
    """Every announced change of who commands the Safe, and of its Kernel: what, from when, until when, and who may
    still veto it."""
    from guardians.announced import pending_data

    with open_console(folder) as console:
        safe, block = present_safe(console), console.chain.head()
        found = _announced(console, safe, block)
        texts = [*_texts(console, found, safe, block)]
        data = {
            "guard": found.guard.address if found.guard else None,
            "kernel": found.kernel.address if found.kernel else None,
            "removal_ready_at": found.guard.removal_ready_at if found.guard else 0,
            "changes": [pending_data(each, block.timestamp) for each in found.all],
        }
        say(data, "\n\n".join(texts), as_json)


def _texts(console: Console, found: Announced, safe: SafeState, block: Block) -> Iterator[str]:
    """Each place with what is announced there, or that nothing is."""
    from guardians.announced_wording import pending_lines
    from guardians.change_wording import removal_words
    from guardians.changes import may_veto

    at, named = block.timestamp, console.document.kernel.pause_only
    if guard := found.guard:
        changes = [joined(pending_lines(each, at, safe.owners, console.document)) for each in found.pending or ()]
        if guard.removal_ready_at:
            changes.append(removal_words(guard, at))
        yield from changes or [f"no change is announced at the owners' guard {guard.address}"]
    if found.foreign:
        yield f"the Safe's guard {found.foreign} is another's: what is announced there, its makers know"
    if kernel := found.kernel:
        vetoers = may_veto(console.chain, kernel.address, safe.owners, named, block)
        pending = found.kernel_pending or ()
        changes = [joined(pending_lines(each, at, vetoers, console.document)) for each in pending]
        yield from changes or [f"no change is announced at the Kernel {kernel.address}"]


@click.command(epilog=examples(f"guardian announce {_ONE} --keystore ~/keys/ines.json"))
@click.argument("changes", metavar="CHANGE…", nargs=-1, required=True)
@own_documents
@with_key
@for_machines
def announce(changes: tuple[str, ...], folder: Path, keystore: Path, yes: bool, as_json: bool) -> None:
    """Propose to announce each CHANGE at the owners' guard, and sign that. Once it executes, every owner can veto for
    the guard's whole delay; then `strongroom guardian make` makes it.

    A CHANGE is enableModule(MODULE), disableModule(MODULE), addOwnerWithThreshold(OWNER, COUNT), removeOwner(OWNER,
    COUNT), swapOwner(OLD, NEW), changeThreshold(COUNT), setGuard(GUARD), removeGuard(), setModuleGuard(GUARD),
    setFallbackHandler(HANDLER), or calldata. At the Kernel, with its own delay and vetoes: removeGuardian(GUARDIAN) and
    unblockAddress(ADDRESS).
    """
    _propose(changes, folder, keystore, yes, as_json, makes=False)


@click.command(epilog=examples(f"guardian make {_ONE} --keystore ~/keys/ines.json"))
@click.argument("changes", metavar="CHANGE…", nargs=-1, required=True)
@own_documents
@with_key
@for_machines
def make(changes: tuple[str, ...], folder: Path, keystore: Path, yes: bool, as_json: bool) -> None:
    """Propose to make each announced CHANGE, written as for `announce` in the same order, and sign that. Of the Kernel
    also addGuardian(GUARDIAN), which nobody announces."""
    _propose(changes, folder, keystore, yes, as_json, makes=True)


def _propose(changes: Sequence[str], folder: Path, keystore: Path, yes: bool, as_json: bool, makes: bool) -> None:
    named = tuple(map(typed, changes))
    with open_console(folder) as console:
        put_in_queue(console, _proposed(console, named, makes), (None, named), keystore, yes, as_json)


def _proposed(console: Console, named: Sequence[Change | KernelChange], makes: bool) -> Queued:
    """Either all at the Kernel or all at the guard: what one of them refuses should not hold up the other."""
    from guardians import proposing
    from strongroom.protocols.kernel_changes import KernelChange
    from strongroom.protocols.safe_changes import Change

    safe, document, queue = present_safe(console), console.document, console.service
    of_kernel = [each for each in named if isinstance(each, KernelChange)]
    of_safe = [each for each in named if isinstance(each, Change)]
    if of_kernel and of_safe:
        raise BadValue(str(of_kernel[0]), "a change beside those of the Safe itself", "propose it apart")
    if of_kernel:
        return proposing.at_kernel(of_kernel, _kernel(console), safe, document, queue, makes)
    guard = _guard(console, safe, console.chain.head())
    if makes:
        return proposing.making(of_safe, safe, document, queue)
    return proposing.announcing(of_safe, safe, guard, document, queue)


def _kernel(console: Console) -> Address:
    if console.treasury.kernel is None:
        raise NotNamed("kernel", "treasury.toml", "name the Kernel; `strongroom policy deploy` plans one")
    return console.treasury.kernel


@click.command(epilog=examples("guardian veto 0x8c1f… --keystore ~/keys/kemi.json", f"guardian veto {_ONE} …"))
@click.argument("what", metavar="HASH|CHANGE")
@own_documents
@with_key
@for_machines
def veto(what: str, folder: Path, keystore: Path, yes: bool, as_json: bool) -> None:
    """Veto an announced change of the Safe or its Kernel, at once and alone: your own account sends it and pays.

    At the owners' guard owners veto, at the Kernel its guardians too.
    """
    from guardians import sending
    from guardians.announced import find_pending
    from guardians.announced_wording import pending_words

    with open_console(folder) as console:
        safe, block, account = present_safe(console), console.chain.head(), console.treasury.account
        named = find_pending(_announced(console, safe, block).all, _what(what))
        key = open_keystore(keystore, ask_password)
        found = _votable(console, named, safe, key.address, block)
        ask(f"veto as {key.address}, who pays the gas, the change: {pending_words(found, console.document)}?", yes)
        mined = sending.veto(account, found, key, console.chain, lambda sent: click.echo(f"sent {sent}", err=True))
        if mined is None or not mined.success:
            why = f"it reverted in `{mined.tx_hash}`" if mined else "it is not mined yet; look again"
            raise NotVetoable(found.change, key.address, why)
        left = [each for each in _announced(console, safe, mined.block).all if each.change == found.change]
    data = {"change": found.change, "vetoed_by": key.address, "tx_hash": mined.tx_hash, "is_dead": not left}
    said = "; ".join(_after(found, left))
    say(data, f"vetoed as {key.address} in {mined.tx_hash}; {said}", as_json)


def _after(found: Pending, left: Sequence[Pending]) -> Iterator[str]:
    """What has become of it. `left` are the same bytes, still announced here or at the other place."""
    here = next((each for each in left if each.at == found.at), None)
    if here is None:
        yield "it can no more be made"
    else:
        yield f"{here.standing.vetoes} of {here.standing.needed} vetoes: it takes more {_who(here)}"
    yield from (f"the same bytes are announced at {each.at} too: veto them again" for each in left if each is not here)


def _who(each: Pending) -> str:
    from strongroom.protocols.kernel_changes import KernelChange

    return "guardians or owners" if isinstance(each.meaning, KernelChange) else "owners"


def _votable(console: Console, named: Sequence[Pending], safe: SafeState, key: Address, block: Block) -> Pending:
    """The first of these, the same bytes announced at two places, that this key may still veto. Raises `NotAnOwner` or
    `NotVetoable`, as for the last."""
    for number, each in enumerate(named, 1):
        try:
            _require_vote(console, each, safe, key, block)
        except GuardianError:
            if number == len(named):
                raise
        else:
            return each
    raise AssertionError("what is named is announced somewhere")


def _require_vote(console: Console, found: Pending, safe: SafeState, key: Address, block: Block) -> None:
    """The contracts would refuse all of it, in words that only their code explains. Raises `NotAnOwner` or
    `NotVetoable`."""
    from guardians.acts import require_owner
    from guardians.changes import may_veto
    from strongroom.protocols.kernel_changes import KernelChange

    if not isinstance(found.meaning, KernelChange):
        require_owner(key, safe, console.treasury.account)
    elif key not in may_veto(console.chain, found.at, safe.owners, [key], block):
        raise NotVetoable(found.change, key, "it is neither a guardian of the Kernel nor an owner of its Safe")
    if not found.is_vetoable:
        mend = "nobody vetoes a re-key; while the Kernel is live, a pause voids it"
        raise NotVetoable(found.change, key, mend)
    if key == found.standing.subject:
        raise NotVetoable(found.change, key, "it removes you, and nobody vetoes that; another owner can")
    if key in found.vetoed_by:
        raise NotVetoable(found.change, key, "you have vetoed it already; it takes another owner's veto")


def _announced(console: Console, safe: SafeState, block: Block) -> Announced:
    """What is announced anywhere. Raises `NotGuarded` where neither owners' guard nor Kernel of ours stands."""
    from guardians.changes import read_announced

    treasury = console.treasury
    found = read_announced(console.chain, console.node, treasury.account.safe, safe.guard, treasury.kernel, block)
    if found.guard is None and found.kernel is None:
        raise _unguarded(treasury.account.safe, safe.guard)
    return found


def _unguarded(safe: Address, guard: Address) -> NotGuarded:
    from strongroom.model import NATIVE

    return NotGuarded(safe, "it has no guard at all" if guard == NATIVE else f"its guard `{guard}` is another's")


def _guard(console: Console, safe: SafeState, block: Block) -> GuardState:
    """Raises `NotGuarded`."""
    from guardians.changes import find_guard

    account = console.treasury.account
    guard = find_guard(console.chain, account.safe, safe.guard, block)
    if guard is None:
        raise _unguarded(account.safe, safe.guard)
    return guard


def _what(text: str) -> Any:
    """A change's hash, or the change."""
    is_hash = text.startswith("0x") and len(text) == len("0x") + 64
    named: Digest | Change | KernelChange = digest_of(text) if is_hash else typed(text)
    return named
