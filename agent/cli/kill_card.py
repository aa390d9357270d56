"""`strongroom kill-card`: the page to keep on paper, away from the agent."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option


@click.command()
@click.option("--new-agent", metavar="ADDRESS", help="The key that a re-key would install; without it none is planned.")
@click.option("--html", "as_html", is_flag=True, help="A page to print instead of text; fits one A4.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of the terminal.")
@config_option
@json_option
def kill_card(new_agent: str | None, as_html: bool, out: Path | None, config: Path, as_json: bool) -> None:
    """Print one page that stops everything with any wallet: pause, trip, re-key, disable module, remove delegate.

    Nothing is signed or sent. Print it anew after a change of owners, modules, keys or delegates. `--json` has every
    Safe transaction as a file for Safe's Transaction Builder too.

    \b
    Examples:
      strongroom kill-card
      strongroom kill-card --new-agent 0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc --html --out kill-card.html
      strongroom kill-card --json | jq '.steps[] | select(.id == "disable") | .transaction_builder' > disable.json
    """
    from agent.state_folder import StateFolder
    from guardians.app import open_console
    from guardians.kill_card import paper
    from guardians.kill_card.reading import read_card
    from strongroom.addresses import parse_address
    from strongroom.clock import WallClock
    from strongroom.wallet.signer import address_in_keystore

    agent = parse_address(new_agent) if new_agent else None
    with open_console(config) as console:
        known = address_in_keystore(StateFolder(console.treasury.state_dir).keystore)
        card = read_card(console, agent, known)
    text = paper.page(card) if as_html else paper.text(card)
    if out is not None:
        _write(out, text)
        text = f"{out}: print it, and keep it away from the agent"
    say(text.rstrip("\n"), paper.data(card, WallClock().now()), as_json)


def _write(out: Path, text: str) -> None:
    from strongroom.errors import BadValue

    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadValue(
            out, "the card's file", f"name one that can be written with `--out` ({error.strerror})"
        ) from error
