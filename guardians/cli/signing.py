"""`guardian sign | propose | execute | reject`: what a guardian's own key signs or sends."""

from __future__ import annotations

from pathlib import Path

import click

from guardians.app import open_console, open_keystore
from guardians.cli.options import examples, for_machines, giving_to, own_documents, with_key
from guardians.cli.reviewing import (
    allowed,
    digest_of,
    more_guardians,
    named_by,
    nonce_of,
    present_safe,
    put_in_queue,
    reviewed_by_hash,
    say_review,
    signed_so_far,
    signers,
)
from guardians.cli.terminal import ask, ask_password, say
from strongroom.errors import GuardianError


@click.command(
    epilog=examples(
        "guardian sign 0x5f0c… --keystore ~/keys/ines.json",
        "guardian sign 0x5f0c… --change 'swapOwner(0x9965…, 0x976E…)' --keystore ~/keys/ines.json",
    )
)
@click.argument("hash_", metavar="HASH")
@own_documents
@giving_to
@with_key
@for_machines
def sign(
    hash_: str, folder: Path, agent: str | None, changes: tuple[str, ...], keystore: Path, yes: bool, as_json: bool
) -> None:
    """Verify one proposal, then sign it and post the signature. What the policy denies is never signed, but for two
    things: the installation of your own policy.toml's Kernel, for an agent's key that you name, and changes of the Safe
    under the owners' guard, each of which you name."""
    from guardians import acts
    from guardians.transcript import review_data

    digest, named = digest_of(hash_), named_by(agent, changes)
    with open_console(folder) as console:
        reviewed = reviewed_by_hash(console, digest)
        key = allowed(console, reviewed, named, keystore, as_json)
        ask(f"sign {digest} as {key.address}?", yes)
        acts.confirm(reviewed, key, console.service, *named)
        said = f"signed as {key.address}: {signed_so_far(console, reviewed)}"
        say({**review_data(reviewed), "signed_by": key.address}, said, as_json)


@click.command(epilog=examples("guardian propose config/installation.json --agent 0x15d3… --keystore ~/keys/ines.json"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@own_documents
@giving_to
@with_key
@for_machines
def propose(
    file: Path, folder: Path, agent: str | None, changes: tuple[str, ...], keystore: Path, yes: bool, as_json: bool
) -> None:
    """Verify the Safe transaction in FILE, as `strongroom policy deploy` writes it, sign it and put it in the queue."""
    from guardians import acts

    named = named_by(agent, changes)
    with open_console(folder) as console:
        put_in_queue(console, acts.written(file, console.treasury.account), named, keystore, yes, as_json)


@click.command(epilog=examples("guardian execute 0x5f0c… --keystore ~/keys/ines.json"))
@click.argument("hash_", metavar="HASH")
@own_documents
@giving_to
@with_key
@for_machines
def execute(
    hash_: str, folder: Path, agent: str | None, changes: tuple[str, ...], keystore: Path, yes: bool, as_json: bool
) -> None:
    """Verify one proposal that enough guardians have signed, and execute it; your own account pays the gas.

    The treasurer executes its own proposals. This is for the others: installations, changes and rejections.
    """
    from guardians import acts, sending

    digest, named = digest_of(hash_), named_by(agent, changes)
    with open_console(folder) as console:
        reviewed = reviewed_by_hash(console, digest)
        if not as_json:
            say_review(reviewed, named, as_json)
        if not reviewed.proposal.is_rejection:
            acts.require_signable(reviewed, *named)
        sending.require_complete(reviewed)
        key = open_keystore(keystore, ask_password)
        ask(f"execute {digest} from {key.address}, who pays the gas?", yes)
        mined = sending.execute(reviewed, key, console.chain, lambda sent: click.echo(f"sent {sent}", err=True))
    if mined is None or not mined.success:
        raise NotExecuted(digest, mined.tx_hash if mined else None)
    data = {"safe_tx_hash": digest, "tx_hash": mined.tx_hash, "block": mined.block.number, "gas_used": mined.gas_used}
    say(data, f"executed in {mined.tx_hash}, block {mined.block.number}, {mined.gas_used:,} gas", as_json)


@click.command(epilog=examples("guardian reject 12 --keystore ~/keys/ines.json", "guardian reject 0x5f0c… …"))
@click.argument("what", metavar="NONCE|HASH")
@own_documents
@with_key
@for_machines
def reject(what: str, folder: Path, keystore: Path, yes: bool, as_json: bool) -> None:
    """Sign the empty transaction that uses up a proposal's nonce, so that the proposal can never execute.

    It takes as many signatures as any other; each guardian runs the same command.
    """
    from guardians import acts

    with open_console(folder) as console:
        nonce, safe = nonce_of(console, what), present_safe(console)
        waiting = acts.waiting_at(console.service.pending(safe.nonce), nonce)
        key = open_keystore(keystore, ask_password)
        acts.require_owner(key.address, safe, console.treasury.account)
        ask(f"reject all that waits at nonce {nonce} ({len(waiting)}) as {key.address}?", yes)
        digest = acts.reject(console.treasury.account, safe, nonce, key, console.service)
        signed, needed = signers(console, digest, safe), safe.threshold
        data = {"safe_tx_hash": digest, "nonce": nonce, "signed_by": key.address}
        left = f"{more_guardians(needed - signed)} must run the same command"
        then = f"`strongroom guardian execute {digest}` makes it final" if signed >= needed else left
        said = f"rejection of nonce {nonce} signed as {key.address}: {digest}"
        say(data, f"{said}\n{signed} of {needed}; {then}", as_json)


class NotExecuted(GuardianError):
    def __init__(self, digest: str, tx_hash: str | None) -> None:
        why = f"it reverted in `{tx_hash}`" if tx_hash else "it is not mined yet; look again before you send it again"
        super().__init__(f"proposal `{digest}` was sent and is not executed: {why}")
