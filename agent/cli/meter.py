"""`strongroom policy meter`: what the Kernel measures a repayment by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option


@click.command()
@click.argument("token", metavar="TOKEN")
@click.option("--market", required=True, metavar="NAME", help="Where it is owed: an Aave V3 market of policy.toml.")
@config_option
@json_option
def meter(token: str, market: str, config: Path, as_json: bool) -> None:
    """Plan the meter of a debt, for a policy under which the agent repays it. Nothing is sent.

    \b
    Example:
      strongroom policy meter DAI --market aave
    """
    from agent.debt_meter import plan_debt_meter

    answer = plan_debt_meter(config, market, token)
    say("\n".join(_lines(answer)), answer, as_json)


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    market, token = answer["market"], answer["token"]
    yield f"meter of what is owed of {token} at {market}  {answer['meter']}"
    yield f"the Safe owes {answer['owed']} {token} there"
    if answer["stands"]:
        yield "1. It stands already."
    else:
        yield f"1. Anybody sends, with any wallet: to {answer['to']}, value 0, data"
        yield f"   {answer['data']}"
    yield f"2. Then, in policy.toml, with [caps.repayments.{token}] that bounds it:"
    yield f"   [[venues.{market}.debts]]"
    yield f'   token = "{token}"'
    yield f'   meter = "{answer["meter"]}"'
    yield f"   From then on the Kernel lets nobody take back what is lent at {market}: it is the debt's collateral."
