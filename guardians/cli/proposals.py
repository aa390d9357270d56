"""`guardian list | show | verify`: what waits in the queue, and one proposal judged anew."""

from __future__ import annotations

from pathlib import Path

import click

from guardians.app import open_console
from guardians.cli.options import examples, for_machines, giving_to, own_documents
from guardians.cli.reviewing import digest_of, named_by, present_safe, reviewed_by_hash, say_review
from guardians.cli.terminal import joined, say_json


@click.command("list", epilog=examples("guardian list", "guardian list --config ~/hall-dao --json"))
@own_documents
@for_machines
def list_(folder: Path, as_json: bool) -> None:
    """What waits for signatures, by nonce. Unjudged: `verify` judges."""
    from guardians.review import read_proposal
    from guardians.transcript import proposal_data, proposal_lines

    with open_console(folder) as console:
        safe, kernel = present_safe(console), console.treasury.kernel
        waiting = [read_proposal(each, console.document) for each in console.service.pending(safe.nonce)]
        if as_json:
            say_json([proposal_data(each, safe, console.document, kernel) for each in waiting])
        else:
            texts = [joined(proposal_lines(each, safe, console.document, kernel)) for each in waiting]
            click.echo("\n\n".join(texts) or f"nothing waits from nonce {safe.nonce} on")


@click.command(epilog=examples("guardian show 0x5f0c…"))
@click.argument("hash_", metavar="HASH")
@own_documents
@for_machines
def show(hash_: str, folder: Path, as_json: bool) -> None:
    """One proposal, decoded from its bytes. Unjudged: `verify` judges."""
    from guardians.review import find_queued, read_proposal
    from guardians.transcript import proposal_data, proposal_lines

    digest = digest_of(hash_)
    with open_console(folder) as console:
        proposal, safe = read_proposal(find_queued(console.service, digest), console.document), present_safe(console)
        kernel = console.treasury.kernel
        if as_json:
            say_json(proposal_data(proposal, safe, console.document, kernel))
        else:
            click.echo(joined(proposal_lines(proposal, safe, console.document, kernel)))


@click.command(epilog=examples("guardian verify 0x5f0c…", "guardian verify 0x5f0c… --json"))
@click.argument("hash_", metavar="HASH")
@own_documents
@giving_to
@for_machines
def verify(hash_: str, folder: Path, agent: str | None, changes: tuple[str, ...], as_json: bool) -> None:
    """Judge one proposal anew: decode its bytes, rehearse them on your node, ask every rule of your policy.

    Exits 1 when you should not sign it.
    """
    from guardians.acts import require_signable

    digest, named = digest_of(hash_), named_by(agent, changes)
    with open_console(folder) as console:
        reviewed = reviewed_by_hash(console, digest)
        say_review(reviewed, named, as_json)
        if not reviewed.proposal.is_rejection:
            require_signable(reviewed, *named)
