"""`guardian runs | veto-run`: what the agent's key has announced to the Kernel, and how one guardian stops it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from guardians.app import Console, open_console, open_keystore
from guardians.cli.options import examples, for_machines, own_documents, with_key
from guardians.cli.reviewing import digest_of
from guardians.cli.terminal import ask, ask_password, joined, say
from strongroom.errors import NotNamed, RunStands

if TYPE_CHECKING:
    from strongroom.model import Address


@click.command(epilog=examples("guardian runs", "guardian runs --json"))
@own_documents
@for_machines
def runs(folder: Path, as_json: bool) -> None:
    """Every announced payment that the agent's key may make later: to whom, from when, until when."""
    from guardians.runs import read_runs, run_data, run_lines

    with open_console(folder) as console:
        block, kernel = console.chain.head(), _kernel(console)
        found, at = read_runs(console.chain, console.subject, kernel, block), block.timestamp
        texts = [joined(run_lines(each, console.document, at)) for each in found]
        data = {"kernel": kernel, "runs": [run_data(each, console.document, at) for each in found]}
        say(data, "\n\n".join(texts) or f"nothing is announced at the Kernel {kernel}", as_json)


@click.command("veto-run", epilog=examples("guardian veto-run 0x8c1f… --keystore ~/keys/kemi.json"))
@click.argument("run", metavar="RUN")
@own_documents
@with_key
@for_machines
def veto_run(run: str, folder: Path, keystore: Path, yes: bool, as_json: bool) -> None:
    """Stop an announced run for good, at once and alone: your own account sends the veto and pays the gas.

    A guardian's or an owner's key can. The treasurer does not announce it again by itself.
    """
    from guardians import sending
    from guardians.runs import find_run, read_runs, run_words

    with open_console(folder) as console:
        chain, kernel, id_ = console.chain, _kernel(console), digest_of(run)
        found = find_run(read_runs(chain, console.subject, kernel, chain.head()), id_)
        does = "; ".join(run_words(found, console.document))
        key = open_keystore(keystore, ask_password)
        ask(f"veto as {key.address}, who pays the gas, that the agent will {does}?", yes)
        mined = sending.veto_run(
            console.treasury.account, kernel, id_, key, chain, lambda sent: click.echo(f"sent {sent}", err=True)
        )
        if mined is None or not mined.success:
            why = f"the veto reverted in `{mined.tx_hash}`" if mined else "the veto is not mined yet; look again"
            raise RunStands(id_, key.address, why)
    data = {"run": id_, "does": list(run_words(found, console.document)), "vetoed_by": key.address}
    say({**data, "tx_hash": mined.tx_hash}, f"vetoed as {key.address} in {mined.tx_hash}: {does}", as_json)


def _kernel(console: Console) -> Address:
    if console.treasury.kernel is None:
        raise NotNamed("kernel", "treasury.toml", "without a Kernel nothing is announced; name it where there is one")
    return console.treasury.kernel
