"""`guardian delegate | serve`: who may propose in a guardian's name, and the bundled Safe Transaction Service."""

from __future__ import annotations

from pathlib import Path

import click

from guardians.app import open_console, open_keystore, serving
from guardians.app import serve as run_service
from guardians.cli.options import examples, for_machines, own_documents, with_key
from guardians.cli.reviewing import present_safe
from guardians.cli.terminal import ask, ask_password, say


@click.command(epilog=examples("guardian delegate 0x15d3… --keystore ~/keys/ines.json"))
@click.argument("address")
@click.option("--remove", is_flag=True, help="Take it back instead.")
@own_documents
@with_key
@for_machines
def delegate(address: str, remove: bool, folder: Path, keystore: Path, yes: bool, as_json: bool) -> None:
    """Let ADDRESS, the agent's key, propose transactions in your name. It can sign and move nothing."""
    from guardians.acts import require_owner
    from strongroom.addresses import parse_address

    proposer = parse_address(address)
    with open_console(folder) as console:
        key = open_keystore(keystore, ask_password)
        require_owner(key.address, present_safe(console), console.treasury.account)
        ask(f"{'remove' if remove else 'name'} {proposer} as delegate of {key.address}?", yes)
        if remove:
            console.service.remove_delegate(proposer, key.address, key.sign_delegation)
        else:
            console.service.register_delegate(proposer, "strongroom", key.address, key.sign_delegation)
    said = "removed as delegate" if remove else "may propose as delegate"
    say({"delegate": proposer, "delegator": key.address, "removed": remove}, f"{proposer} {said}", as_json)


@click.command(epilog=examples("guardian serve", "guardian serve --rpc http://127.0.0.1:8545 --port 8000 --store q.db"))
@own_documents
@click.option("--rpc", help="The node; by default that of treasury.toml.")
@click.option("--port", type=click.IntRange(1, 65535), help="On 127.0.0.1; by default that of `service`.")
@click.option(
    "--store", type=click.Path(dir_okay=False, path_type=Path), help="SQLite file; by default in `state_dir`."
)
@for_machines
def serve(folder: Path, rpc: str | None, port: int | None, store: Path | None, as_json: bool) -> None:
    """Run the bundled Safe Transaction Service until it is interrupted."""

    def ready(url: str) -> None:
        say({"url": url}, f"the guardians' queue is served at {url}", as_json)

    run_service(serving(folder, rpc, port, store), ready)
