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
from strongroom.errors import BadValue
from strongroom.model import Digest

if TYPE_CHECKING:
    from guardians.review import Review
    from strongroom.model import SafeState

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


def _examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


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
@_for_machines
def verify(hash_: str, folder: Path, as_json: bool) -> None:
    """Judge one proposal anew: decode its bytes, rehearse them on your node, ask every rule of your policy.

    Exits 1 when the verdict is deny.
    """
    from guardians.acts import require_not_denied

    digest = _digest(hash_)
    with open_console(folder) as console:
        reviewed = _review(console, digest)
        _say_review(reviewed, as_json)
        require_not_denied(reviewed)


@guardian.command(epilog=_examples("guardian sign 0x5f0c… --keystore ~/keys/ines.json"))
@click.argument("hash_", metavar="HASH")
@_own_documents
@_with_key
@_for_machines
def sign(hash_: str, folder: Path, keystore: Path, yes: bool, as_json: bool) -> None:
    """Verify one proposal, then sign it and post the signature. What the policy denies is never signed."""
    from guardians.acts import confirm, require_not_denied, require_owner
    from guardians.transcript import review_data

    digest = _digest(hash_)
    with open_console(folder) as console:
        reviewed = _review(console, digest)
        if reviewed.denied or not as_json:
            _say_review(reviewed, as_json)
        require_not_denied(reviewed)
        key = open_keystore(keystore, _ask_password)
        require_owner(key.address, reviewed.facts.safe, console.treasury.account)
        _ask(f"sign {digest} as {key.address}?", yes)
        confirm(reviewed, key, console.service)
        _say({**review_data(reviewed), "signed_by": key.address}, f"signed as {key.address}", as_json)


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
        data = {"safe_tx_hash": digest, "nonce": nonce, "signed_by": key.address}
        _say(data, f"rejection of nonce {nonce} signed as {key.address}: {digest}", as_json)


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


def _digest(text: str) -> Digest:
    digits = text.lower().removeprefix("0x")
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
        raise BadValue(text, "HASH", "give 0x and 64 hexadecimal digits, as `guardian list` shows them")
    return Digest("0x" + digits)


def _nonce(console: Console, what: str) -> int:
    from guardians.review import find_queued

    if what.isascii() and what.isdigit() and len(what) < 20:
        return int(what)
    return find_queued(console.service, _digest(what)).tx.nonce


def _safe_state(console: Console) -> SafeState:
    from strongroom.observe import safe_state

    return safe_state(console.chain, console.treasury.account.safe, console.chain.head())


def _review(console: Console, digest: Digest) -> Review:
    from guardians.review import find_queued, review

    queued = find_queued(console.service, digest)
    return review(console.chain, console.service, console.document, console.subject, queued)


def _ask(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to ask; give `--yes` to sign without being asked")
    click.confirm(question, abort=True, err=True)


def _ask_password() -> str | None:
    return str(click.prompt("password", hide_input=True, err=True)) if sys.stdin.isatty() else None


def _say_review(reviewed: Review, as_json: bool) -> None:
    from guardians.transcript import review_data, review_lines

    if as_json:
        _say_json(review_data(reviewed))
    else:
        click.echo(_lines(review_lines(reviewed)))


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _say(data: Any, text: str, as_json: bool) -> None:
    click.echo(json.dumps(data, separators=(",", ":")) if as_json else text)


def _say_json(data: Any) -> None:
    _say(data, "", True)
