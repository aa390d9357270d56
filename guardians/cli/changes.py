"""`guardian changes | announce | make | veto`: who commands a Safe under the owners' guard, changed in the open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from guardians.app import Console, open_console, open_keystore
from guardians.cli.options import examples, for_machines, own_documents, with_key
from guardians.cli.reviewing import digest_of, present_safe, put_in_queue
from guardians.cli.terminal import ask, ask_password, joined, say
from strongroom.errors import NodeRefused, NotGuarded, NotVetoable

if TYPE_CHECKING:
    from guardians.changes import Pending
    from strongroom.model import Address, Block, Digest, SafeState
    from strongroom.protocols.owner_guard import GuardState
    from strongroom.protocols.safe_changes import Change

_ONE = "'swapOwner(0x9965…, 0x976E…)'"


@click.command("changes", epilog=examples("guardian changes", "guardian changes --json"))
@own_documents
@for_machines
def changes_(folder: Path, as_json: bool) -> None:
    """Every announced change of who commands the Safe: what, from when, until when, and who may still veto it."""
    from guardians.change_wording import pending_lines, removal_words
    from guardians.changes import pending_data

    with open_console(folder) as console:
        safe, block = present_safe(console), console.chain.head()
        guard = _guard(console, safe, block)
        found = _pending(console, guard, block)
        texts = [joined(pending_lines(each, block.timestamp, safe.owners)) for each in found]
        if guard.removal_ready_at:
            texts.append(removal_words(guard, block.timestamp))
        data = {
            "guard": guard.address,
            "removal_ready_at": guard.removal_ready_at,
            "changes": [pending_data(each, block.timestamp) for each in found],
        }
        say(data, "\n\n".join(texts) or f"no change is announced at the owners' guard {guard.address}", as_json)


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
    setFallbackHandler(HANDLER), or calldata.
    """
    from guardians.proposing import announcing

    with open_console(folder) as console:
        safe, named = present_safe(console), _typed(changes)
        guard = _guard(console, safe, console.chain.head())
        queued = announcing(named, safe, guard, console.document, console.service)
        put_in_queue(console, queued, (None, named), keystore, yes, as_json)


@click.command(epilog=examples(f"guardian make {_ONE} --keystore ~/keys/ines.json"))
@click.argument("changes", metavar="CHANGE…", nargs=-1, required=True)
@own_documents
@with_key
@for_machines
def make(changes: tuple[str, ...], folder: Path, keystore: Path, yes: bool, as_json: bool) -> None:
    """Propose to make each announced CHANGE, written as for `announce` in the same order, and sign that."""
    from guardians.proposing import making

    with open_console(folder) as console:
        safe, named = present_safe(console), _typed(changes)
        _guard(console, safe, console.chain.head())
        queued = making(named, safe, console.document, console.service)
        put_in_queue(console, queued, (None, named), keystore, yes, as_json)


@click.command(epilog=examples("guardian veto 0x8c1f… --keystore ~/keys/kemi.json", f"guardian veto {_ONE} …"))
@click.argument("what", metavar="HASH|CHANGE")
@own_documents
@with_key
@for_machines
def veto(what: str, folder: Path, keystore: Path, yes: bool, as_json: bool) -> None:
    """Veto an announced change, at once and alone: your own account sends it and pays the gas."""
    from guardians import sending
    from guardians.acts import require_owner
    from guardians.change_wording import change_words
    from guardians.changes import find_pending

    with open_console(folder) as console:
        safe, block, account = present_safe(console), console.chain.head(), console.treasury.account
        guard = _guard(console, safe, block)
        found = find_pending(_pending(console, guard, block), _what(what))
        key = open_keystore(keystore, ask_password)
        require_owner(key.address, safe, account)
        _require_vote(found, key.address)
        ask(f"veto as {key.address}, who pays the gas, that the Safe will {change_words(found.meaning)}?", yes)
        mined = sending.veto(
            account, guard.address, found.change, key, console.chain, lambda sent: click.echo(f"sent {sent}", err=True)
        )
        if mined is None or not mined.success:
            why = f"it reverted in `{mined.tx_hash}`" if mined else "it is not mined yet; look again"
            raise NotVetoable(found.change, key.address, why)
        still = {each.change: each.standing for each in _pending(console, guard, mined.block)}.get(found.change)
    after = f"{still.vetoes} of {still.needed} vetoes: it takes more owners" if still else "it can no more be made"
    data = {"change": found.change, "vetoed_by": key.address, "tx_hash": mined.tx_hash, "is_dead": still is None}
    say(data, f"vetoed as {key.address} in {mined.tx_hash}; {after}", as_json)


def _require_vote(found: Pending, owner: Address) -> None:
    """The guard would refuse both, in words that only its code explains. Raises `NotVetoable`."""
    if owner == found.standing.subject:
        raise NotVetoable(found.change, owner, "it removes you, and nobody vetoes that; another owner can")
    if owner in found.vetoed_by:
        raise NotVetoable(found.change, owner, "you have vetoed it already; it takes another owner's veto")


def _guard(console: Console, safe: SafeState, block: Block) -> GuardState:
    """Raises `NotGuarded`."""
    from guardians.changes import find_guard
    from strongroom.model import NATIVE

    account = console.treasury.account
    guard = find_guard(console.chain, account.safe, safe.guard, block)
    if guard is None:
        found = "it has no guard at all" if safe.guard == NATIVE else f"its guard `{safe.guard}` is another's"
        raise NotGuarded(account.safe, found)
    return guard


def _pending(console: Console, guard: GuardState, block: Block) -> Sequence[Pending]:
    """Raises `NodeRefused` where it cannot be known: a guardian must not read silence as peace."""
    from guardians.changes import announced_changes

    found = announced_changes(console.chain, console.node, guard, block)
    if found is None:
        raise NodeRefused("eth_getLogs", "it shows no event logs far enough back; ask another node what is announced")
    return found


def _typed(changes: Sequence[str]) -> tuple[Change, ...]:
    from strongroom.protocols.safe_changes import typed_change

    return tuple(map(typed_change, changes))


def _what(text: str) -> Any:
    """A change's hash, or the change."""
    is_hash = text.startswith("0x") and len(text) == len("0x") + 64
    named: Digest | Change = digest_of(text) if is_hash else _typed([text])[0]
    return named
