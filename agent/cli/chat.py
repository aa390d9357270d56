"""`strongroom chat`: operators' commands."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option, reach
from agent.cli.units import unit_lines
from strongroom.errors import StrongroomError

if TYPE_CHECKING:
    from agent.desk import Desk


@click.command()
@click.option("-m", "--message", help="One command; without it, commands are read line by line.")
@click.option("--as", "operator", default=getpass.getuser, help="The operator's name in treasury.toml; default: you.")
@config_option
@json_option
def chat(message: str | None, operator: str, config: Path, as_json: bool) -> None:
    """Give the treasurer a command. What the policy denies, or what cannot go on, exits 1 and says why.

    \b
    Examples:
      strongroom chat --as ana -m "pay 2,500 USDC to alice for the audit"
      strongroom chat --as ana -m "swap 2 WETH to USDC"
      strongroom chat --as ana -m "supply 20,000 USDC to aave"
    """
    with reach(config) as desk:
        held = _converse(desk, operator, as_json) if message is None else _carry_out(desk, operator, message, as_json)
    if not held:
        raise click.exceptions.Exit(1)


def _converse(desk: Desk, operator: str, as_json: bool) -> bool:
    """Line by line until the end of input; a line that fails costs only itself. Whether every line held."""
    held = True
    for line in sys.stdin:
        if line.strip():
            try:
                held &= _carry_out(desk, operator, line, as_json)
            except StrongroomError as error:
                say(str(error), {"error": str(error)}, as_json)
                held = False
    return held


def _carry_out(desk: Desk, operator: str, text: str, as_json: bool) -> bool:
    answer = desk.chat(operator, text)
    say("\n".join(line for unit in answer["units"] for line in unit_lines(unit)), answer, as_json)
    return not any(unit["status"] == "denied" or unit["why"] for unit in answer["units"])
