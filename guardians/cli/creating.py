"""`guardian create`: the contracts of an installation, made by anybody's own account."""

from __future__ import annotations

from pathlib import Path

import click

from guardians.app import open_console, open_keystore
from guardians.cli.options import examples, for_machines, own_documents, with_key
from guardians.cli.terminal import ask, ask_password, say


@click.command(epilog=examples("guardian create config/installation.json --keystore ~/keys/kemi.json"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@own_documents
@with_key
@for_machines
def create(file: Path, folder: Path, keystore: Path, yes: bool, as_json: bool) -> None:
    """Make the contracts of the installation in FILE, one transaction each, so that owners sign only the small rest.

    Your own account sends them and pays the gas, some 13 million for all. They belong to nobody, and do nothing before
    the Safe installs them. Stopped half way, run it again: what stands is not made twice. Then plan anew by
    `strongroom policy deploy`, which leaves out what stands.
    """
    from guardians import creating
    from guardians.acts import written

    with open_console(folder) as console:
        tx = written(file, console.treasury.account).tx
        wanted = creating.creations(console.chain, tx, console.chain.head())
        made: list[dict[str, str]] = []
        if wanted:
            key = open_keystore(keystore, ask_password)
            ask(f"make {len(wanted)} contracts as {key.address}, who pays the gas?", yes)
        for each in wanted:
            sent = creating.create(each, key, console.chain, lambda sent: click.echo(f"sent {sent}", err=True))
            click.echo(f"made {each.name} {each.address}", err=True)
            made.append({"name": each.name, "address": each.address, "tx_hash": sent})
    count = f"{len(made)} contracts made" if made else "every contract of it stands already"
    say({"made": made}, f"{count}; `strongroom policy deploy` now plans the rest without them", as_json)
