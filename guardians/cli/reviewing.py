"""A review as commands make it and act on it: found by hash, shown, allowed, and how many have signed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from guardians.app import Console, open_keystore
from guardians.cli.terminal import ask, ask_password, joined, say, say_json
from strongroom.errors import BadValue, GuardianError
from strongroom.model import Address, Digest

if TYPE_CHECKING:
    from guardians.key import GuardianKey
    from guardians.review import Review
    from strongroom.model import Queued, SafeState
    from strongroom.protocols.kernel_changes import KernelChange
    from strongroom.protocols.safe_changes import Change


def _address(text: str | None) -> Address | None:
    from strongroom.addresses import parse_address

    return None if text is None else parse_address(text)


Named = tuple["Address | None", "tuple[Change | KernelChange, ...]"]
"""Whom the guardian gives the Kernel to, and what changes of the Safe or its Kernel the guardian means."""


def named_by(agent: str | None, changes: Iterable[str]) -> Named:
    return _address(agent), tuple(map(typed, changes))


def typed(text: str) -> Change | KernelChange:
    """A change as people type it. Raises `InputError`."""
    from strongroom.protocols.kernel_changes import typed_kernel_change
    from strongroom.protocols.safe_changes import typed_change

    return typed_kernel_change(text) or typed_change(text)


def put_in_queue(console: Console, queued: Queued, named: Named, keystore: Path, yes: bool, as_json: bool) -> None:
    """Reviews what is not in the queue yet, signs it and puts it there."""
    from guardians import acts
    from guardians.transcript import review_data

    reviewed = reviewed_anew(console, queued)
    key = allowed(console, reviewed, named, keystore, as_json)
    ask(f"propose and sign {queued.safe_tx_hash} as {key.address}?", yes)
    acts.propose(reviewed, key, console.service, *named)
    said = f"proposed and signed as {key.address}: {signed_so_far(console, reviewed)}"
    say({**review_data(reviewed), "signed_by": key.address}, said, as_json)


def digest_of(text: str, where: str = "HASH", mend: str = "give 0x and 64 hexadecimal digits, ") -> Digest:
    digits = text.lower().removeprefix("0x")
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
        raise BadValue(text, where, mend + "as `strongroom guardian list` shows them")
    return Digest("0x" + digits)


def nonce_of(console: Console, what: str) -> int:
    from guardians.review import find_queued

    if what.isascii() and what.isdigit() and len(what) < 20:
        return int(what)
    digest = digest_of(what, "NONCE|HASH", "give a nonce, such as `12`, or 0x and 64 hexadecimal digits, ")
    return find_queued(console.service, digest).tx.nonce


def present_safe(console: Console) -> SafeState:
    from strongroom.observe import safe_state

    return safe_state(console.chain, console.treasury.account.safe, console.chain.head())


def reviewed_by_hash(console: Console, digest: Digest) -> Review:
    from guardians.review import find_queued

    return reviewed_anew(console, find_queued(console.service, digest))


def reviewed_anew(console: Console, queued: Queued) -> Review:
    from guardians.review import review

    named = console.treasury.kernel
    return review(console.chain, console.service, console.document, console.subject, queued, named)


def allowed(console: Console, reviewed: Review, named: Named, keystore: Path, as_json: bool) -> GuardianKey:
    """Shows the review, and opens the key only once nothing speaks against signing with it."""
    from guardians.acts import require_owner, require_signable

    if not as_json:
        say_review(reviewed, named, as_json)
    try:
        require_signable(reviewed, *named)
    except GuardianError:
        if as_json:
            say_review(reviewed, named, as_json)
        raise
    key = open_keystore(keystore, ask_password)
    require_owner(key.address, reviewed.facts.safe, console.treasury.account)
    return key


def signers(console: Console, digest: Digest, safe: SafeState) -> int:
    """How many present owners have signed, by the queue as it is now."""
    return len(_signed(console, digest, safe))


def _signed(console: Console, digest: Digest, safe: SafeState) -> set[Address]:
    queued = console.service.find(digest)
    return {each.guardian for each in queued.approvals} & set(safe.owners) if queued else set()


def signed_so_far(console: Console, reviewed: Review) -> str:
    from guardians.sending import needed_signatures
    from policies.quorums import lacking, names_of
    from strongroom.quantities import format_seconds

    digest, needed = reviewed.proposal.safe_tx_hash, needed_signatures(reviewed)
    owners = _signed(console, digest, reviewed.facts.safe)
    signed, missing = len(owners), lacking(reviewed.decision, owners)
    if signed < needed:
        return f"{signed} of {needed}; {more_guardians(needed - signed)} must sign"
    if missing:
        named = " and ".join(names_of(each, reviewed.document) for each in missing)
        return f"{signed} of {needed}; {named} must sign still"
    if reviewed.decision.delay_seconds:
        waits = format_seconds(reviewed.decision.delay_seconds)
        return f"{signed} of {needed}; the treasurer executes it {waits} after it was proposed"
    if reviewed.proposal.tx.nonce > reviewed.facts.safe.nonce:
        return f"{signed} of {needed}; it executes after what waits at earlier nonces"
    if reviewed.proposal.by_treasurer:
        return f"{signed} of {needed}; executes when the treasurer next looks"
    return f"{signed} of {needed}; `strongroom guardian execute {digest}`"


def more_guardians(count: int) -> str:
    return "one more guardian" if count == 1 else f"{count} more guardians"


def say_review(reviewed: Review, named: Named, as_json: bool) -> None:
    from guardians.transcript import review_data, review_lines

    if as_json:
        say_json(review_data(reviewed))
    else:
        click.echo(joined(review_lines(reviewed, *named)))
