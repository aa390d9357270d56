"""`strongroom guardian …`, also `python -m guardians …`: what guardians do, with the agent stopped or gone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from guardians.app import PASSWORD, Console, open_console, open_keystore, serving
from guardians.app import serve as run_service
from strongroom.errors import BadValue, GuardianError
from strongroom.model import Address, Digest

if TYPE_CHECKING:
    from guardians.key import GuardianKey
    from guardians.review import Review
    from strongroom.model import Queued, SafeState
    from strongroom.protocols.safe_changes import Change

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def guardian() -> None:
    """What guardians do; works with the agent stopped.

    Every command reads your own copies of treasury.toml and policy.toml, so keep them yours: a guardian who judges by
    somebody else's policy checks nothing.
    """


def _own_documents(command: Command) -> Command:
    folder = click.Path(file_okay=False, path_type=Path)
    return click.option(
        "--config",
        "folder",
        type=folder,
        default=Path("config"),
        show_default=True,
        help="Folder with your own treasury.toml and policy.toml.",
    )(command)


def _for_machines(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="One line of JSON instead of text.")(command)


def _with_key(command: Command) -> Command:
    path = click.Path(dir_okay=False, path_type=Path)
    text = f"Your encrypted keystore; its password comes from {PASSWORD}, or is asked for on a terminal."
    command = click.option("--yes", is_flag=True, help="Do not ask before signing.")(command)
    return click.option("--keystore", type=path, required=True, help=text)(command)


def _giving_to(command: Command) -> Command:
    text = "Only for the proposal that installs the Kernel: the agent's address, as you know it from its keeper."
    return _naming(click.option("--agent", metavar="ADDRESS", help=text)(command))


def _naming(command: Command) -> Command:
    text = "Only for changes under the owners' guard: each, as you know it from elsewhere. May be repeated."
    return click.option("--change", "changes", metavar="CHANGE", multiple=True, help=text)(command)


def _examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  strongroom {line}" for line in lines)


@guardian.command("list", epilog=_examples("guardian list", "guardian list --config ~/hall-dao --json"))
@_own_documents
@_for_machines
def list_(folder: Path, as_json: bool) -> None:
    """What waits for signatures, by nonce. Unjudged: `verify` judges."""
    from guardians.review import read_proposal
    from guardians.transcript import proposal_data, proposal_lines

    with open_console(folder) as console:
        safe = _safe_state(console)
        waiting = [read_proposal(each, console.document) for each in console.service.pending(safe.nonce)]
        if as_json:
            _say_json([proposal_data(each, safe, console.document) for each in waiting])
        else:
            texts = [_lines(proposal_lines(each, safe, console.document)) for each in waiting]
            click.echo("\n\n".join(texts) or f"nothing waits from nonce {safe.nonce} on")


@guardian.command(epilog=_examples("guardian show 0x5f0c…"))
@click.argument("hash_", metavar="HASH")
@_own_documents
@_for_machines
def show(hash_: str, folder: Path, as_json: bool) -> None:
    """One proposal, decoded from its bytes. Unjudged: `verify` judges."""
    from guardians.review import find_queued, read_proposal
    from guardians.transcript import proposal_data, proposal_lines

    digest = _digest(hash_)
    with open_console(folder) as console:
        proposal, safe = read_proposal(find_queued(console.service, digest), console.document), _safe_state(console)
        if as_json:
            _say_json(proposal_data(proposal, safe, console.document))
        else:
            click.echo(_lines(proposal_lines(proposal, safe, console.document)))


@guardian.command(epilog=_examples("guardian verify 0x5f0c…", "guardian verify 0x5f0c… --json"))
@click.argument("hash_", metavar="HASH")
@_own_documents
@_giving_to
@_for_machines
def verify(hash_: str, folder: Path, agent: str | None, changes: tuple[str, ...], as_json: bool) -> None:
    """Judge one proposal anew: decode its bytes, rehearse them on your node, ask every rule of your policy.

    Exits 1 when you should not sign it.
    """
    from guardians.acts import require_signable

    digest, named = _digest(hash_), _named(agent, changes)
    with open_console(folder) as console:
        reviewed = _review(console, digest)
        _say_review(reviewed, named, as_json)
        if not reviewed.proposal.is_rejection:
            require_signable(reviewed, *named)


@guardian.command(
    epilog=_examples(
        "guardian sign 0x5f0c… --keystore ~/keys/ines.json",
        "guardian sign 0x5f0c… --change 'swapOwner(0x9965…, 0x976E…)' --keystore ~/keys/ines.json",
    )
)
@click.argument("hash_", metavar="HASH")
@_own_documents
@_giving_to
@_with_key
@_for_machines
def sign(
    hash_: str, folder: Path, agent: str | None, changes: tuple[str, ...], keystore: Path, yes: bool, as_json: bool
) -> None:
    """Verify one proposal, then sign it and post the signature. What the policy denies is never signed, but for two
    things: the installation of your own policy.toml's Kernel, for an agent's key that you name, and changes of the Safe
    under the owners' guard, each of which you name."""
    from guardians import acts
    from guardians.transcript import review_data

    digest, named = _digest(hash_), _named(agent, changes)
    with open_console(folder) as console:
        reviewed = _review(console, digest)
        key = _allowed(console, reviewed, named, keystore, as_json)
        _ask(f"sign {digest} as {key.address}?", yes)
        acts.confirm(reviewed, key, console.service, *named)
        said = f"signed as {key.address}: {_signed_so_far(console, reviewed)}"
        _say({**review_data(reviewed), "signed_by": key.address}, said, as_json)


@guardian.command(
    epilog=_examples("guardian propose config/installation.json --agent 0x15d3… --keystore ~/keys/ines.json")
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_own_documents
@_giving_to
@_with_key
@_for_machines
def propose(
    file: Path, folder: Path, agent: str | None, changes: tuple[str, ...], keystore: Path, yes: bool, as_json: bool
) -> None:
    """Verify the Safe transaction in FILE, as `strongroom policy deploy` writes it, sign it and put it in the queue."""
    from guardians import acts

    named = _named(agent, changes)
    with open_console(folder) as console:
        _propose(console, acts.written(file, console.treasury.account), named, keystore, yes, as_json)


@guardian.command(epilog=_examples("guardian execute 0x5f0c… --keystore ~/keys/ines.json"))
@click.argument("hash_", metavar="HASH")
@_own_documents
@_giving_to
@_with_key
@_for_machines
def execute(
    hash_: str, folder: Path, agent: str | None, changes: tuple[str, ...], keystore: Path, yes: bool, as_json: bool
) -> None:
    """Verify one proposal that enough guardians have signed, and execute it; your own account pays the gas.

    The treasurer executes its own proposals. This is for the others: installations, changes and rejections.
    """
    from guardians import acts, sending

    digest, named = _digest(hash_), _named(agent, changes)
    with open_console(folder) as console:
        reviewed = _review(console, digest)
        if not as_json:
            _say_review(reviewed, named, as_json)
        if not reviewed.proposal.is_rejection:
            acts.require_signable(reviewed, *named)
        sending.require_complete(reviewed)
        key = open_keystore(keystore, _ask_password)
        _ask(f"execute {digest} from {key.address}, who pays the gas?", yes)
        mined = sending.execute(reviewed, key, console.chain, lambda sent: click.echo(f"sent {sent}", err=True))
    if mined is None or not mined.success:
        raise NotExecuted(digest, mined.tx_hash if mined else None)
    data = {"safe_tx_hash": digest, "tx_hash": mined.tx_hash, "block": mined.block.number, "gas_used": mined.gas_used}
    _say(data, f"executed in {mined.tx_hash}, block {mined.block.number}, {mined.gas_used:,} gas", as_json)


@guardian.command(epilog=_examples("guardian reject 12 --keystore ~/keys/ines.json", "guardian reject 0x5f0c… …"))
@click.argument("what", metavar="NONCE|HASH")
@_own_documents
@_with_key
@_for_machines
def reject(what: str, folder: Path, keystore: Path, yes: bool, as_json: bool) -> None:
    """Sign the empty transaction that uses up a proposal's nonce, so that the proposal can never execute.

    It takes as many signatures as any other; each guardian runs the same command.
    """
    from guardians import acts

    with open_console(folder) as console:
        nonce, safe = _nonce(console, what), _safe_state(console)
        waiting = acts.waiting_at(console.service.pending(safe.nonce), nonce)
        key = open_keystore(keystore, _ask_password)
        acts.require_owner(key.address, safe, console.treasury.account)
        _ask(f"reject all that waits at nonce {nonce} ({len(waiting)}) as {key.address}?", yes)
        digest = acts.reject(console.treasury.account, safe, nonce, key, console.service)
        signed, needed = _signers(console, digest, safe), safe.threshold
        data = {"safe_tx_hash": digest, "nonce": nonce, "signed_by": key.address}
        left = f"{_guardians(needed - signed)} must run the same command"
        then = f"`strongroom guardian execute {digest}` makes it final" if signed >= needed else left
        said = f"rejection of nonce {nonce} signed as {key.address}: {digest}"
        _say(data, f"{said}\n{signed} of {needed}; {then}", as_json)


@guardian.command(epilog=_examples("guardian delegate 0x15d3… --keystore ~/keys/ines.json"))
@click.argument("address")
@click.option("--remove", is_flag=True, help="Take it back instead.")
@_own_documents
@_with_key
@_for_machines
def delegate(address: str, remove: bool, folder: Path, keystore: Path, yes: bool, as_json: bool) -> None:
    """Let ADDRESS, the agent's key, propose transactions in your name. It can sign and move nothing."""
    from guardians.acts import require_owner
    from strongroom.addresses import parse_address

    proposer = parse_address(address)
    with open_console(folder) as console:
        key = open_keystore(keystore, _ask_password)
        require_owner(key.address, _safe_state(console), console.treasury.account)
        _ask(f"{'remove' if remove else 'name'} {proposer} as delegate of {key.address}?", yes)
        if remove:
            console.service.remove_delegate(proposer, key.address, key.sign_delegation)
        else:
            console.service.register_delegate(proposer, "strongroom", key.address, key.sign_delegation)
    said = "removed as delegate" if remove else "may propose as delegate"
    _say({"delegate": proposer, "delegator": key.address, "removed": remove}, f"{proposer} {said}", as_json)


@guardian.command(
    epilog=_examples("guardian serve", "guardian serve --rpc http://127.0.0.1:8545 --port 8000 --store q.db")
)
@_own_documents
@click.option("--rpc", help="The node; by default that of treasury.toml.")
@click.option("--port", type=click.IntRange(1, 65535), help="On 127.0.0.1; by default that of `service`.")
@click.option(
    "--store", type=click.Path(dir_okay=False, path_type=Path), help="SQLite file; by default in `state_dir`."
)
@_for_machines
def serve(folder: Path, rpc: str | None, port: int | None, store: Path | None, as_json: bool) -> None:
    """Run the bundled Safe Transaction Service until it is interrupted."""

    def ready(url: str) -> None:
        _say({"url": url}, f"the guardians' queue is served at {url}", as_json)

    run_service(serving(folder, rpc, port, store), ready)


class NotExecuted(GuardianError):
    def __init__(self, digest: str, tx_hash: str | None) -> None:
        why = f"it reverted in `{tx_hash}`" if tx_hash else "it is not mined yet; look again before you send it again"
        super().__init__(f"proposal `{digest}` was sent and is not executed: {why}")


def _address(text: str | None) -> Address | None:
    from strongroom.addresses import parse_address

    return None if text is None else parse_address(text)


Named = tuple["Address | None", "tuple[Change, ...]"]
"""Whom the guardian gives the Kernel to, and what changes of the Safe the guardian means."""


def _named(agent: str | None, changes: Iterable[str]) -> Named:
    from strongroom.protocols.safe_changes import typed_change

    return _address(agent), tuple(map(typed_change, changes))


def _propose(console: Console, queued: Queued, named: Named, keystore: Path, yes: bool, as_json: bool) -> None:
    """Reviews what is not in the queue yet, signs it and puts it there."""
    from guardians import acts
    from guardians.transcript import review_data

    reviewed = _reviewed(console, queued)
    key = _allowed(console, reviewed, named, keystore, as_json)
    _ask(f"propose and sign {queued.safe_tx_hash} as {key.address}?", yes)
    acts.propose(reviewed, key, console.service, *named)
    said = f"proposed and signed as {key.address}: {_signed_so_far(console, reviewed)}"
    _say({**review_data(reviewed), "signed_by": key.address}, said, as_json)


def _digest(text: str, where: str = "HASH", mend: str = "give 0x and 64 hexadecimal digits, ") -> Digest:
    digits = text.lower().removeprefix("0x")
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
        raise BadValue(text, where, mend + "as `strongroom guardian list` shows them")
    return Digest("0x" + digits)


def _nonce(console: Console, what: str) -> int:
    from guardians.review import find_queued

    if what.isascii() and what.isdigit() and len(what) < 20:
        return int(what)
    digest = _digest(what, "NONCE|HASH", "give a nonce, such as `12`, or 0x and 64 hexadecimal digits, ")
    return find_queued(console.service, digest).tx.nonce


def _safe_state(console: Console) -> SafeState:
    from strongroom.observe import safe_state

    return safe_state(console.chain, console.treasury.account.safe, console.chain.head())


def _review(console: Console, digest: Digest) -> Review:
    from guardians.review import find_queued

    return _reviewed(console, find_queued(console.service, digest))


def _reviewed(console: Console, queued: Queued) -> Review:
    from guardians.review import review

    named = console.treasury.kernel
    return review(console.chain, console.service, console.document, console.subject, queued, named)


def _allowed(console: Console, reviewed: Review, named: Named, keystore: Path, as_json: bool) -> GuardianKey:
    """Shows the review, and opens the key only once nothing speaks against signing with it."""
    from guardians.acts import require_owner, require_signable

    if not as_json:
        _say_review(reviewed, named, as_json)
    try:
        require_signable(reviewed, *named)
    except GuardianError:
        if as_json:
            _say_review(reviewed, named, as_json)
        raise
    key = open_keystore(keystore, _ask_password)
    require_owner(key.address, reviewed.facts.safe, console.treasury.account)
    return key


def _signers(console: Console, digest: Digest, safe: SafeState) -> int:
    """How many present owners have signed, by the queue as it is now."""
    queued = console.service.find(digest)
    return len({each.guardian for each in queued.approvals} & set(safe.owners)) if queued else 0


def _signed_so_far(console: Console, reviewed: Review) -> str:
    from guardians.sending import needed_signatures

    digest, needed = reviewed.proposal.safe_tx_hash, needed_signatures(reviewed)
    signed = _signers(console, digest, reviewed.facts.safe)
    if signed < needed:
        return f"{signed} of {needed}; {_guardians(needed - signed)} must sign"
    if reviewed.proposal.tx.nonce > reviewed.facts.safe.nonce:
        return f"{signed} of {needed}; it executes after what waits at earlier nonces"
    if reviewed.proposal.by_treasurer:
        return f"{signed} of {needed}; executes when the treasurer next looks"
    return f"{signed} of {needed}; `strongroom guardian execute {digest}`"


def _guardians(count: int) -> str:
    return "one more guardian" if count == 1 else f"{count} more guardians"


def _ask(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to ask; give `--yes` to sign without being asked")
    click.confirm(question, abort=True, err=True)


def _ask_password() -> str | None:
    return str(click.prompt("password", hide_input=True, err=True)) if sys.stdin.isatty() else None


def _say_review(reviewed: Review, named: Named, as_json: bool) -> None:
    from guardians.transcript import review_data, review_lines

    if as_json:
        _say_json(review_data(reviewed))
    else:
        click.echo(_lines(review_lines(reviewed, *named)))


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _say(data: Any, text: str, as_json: bool) -> None:
    click.echo(json.dumps(data, separators=(",", ":")) if as_json else text)


def _say_json(data: Any) -> None:
    _say(data, "", True)


# Their commands are on this very group, so that they can only be read once it is whole.
from guardians import changes_cli, runs_cli  # noqa: E402, F401
