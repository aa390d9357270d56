"""`strongroom simulate`: forecasts. Nothing here signs, sends or writes to the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

COMMANDS: Mapping[str, tuple[str, str]] = {
    "swap": ("agent.cli.simulate.swap:swap", "what one swap would cost now, part by part"),
    "route": ("agent.cli.simulate.route:route", "how an order is best split over pools, and in time"),
    "treasury": ("agent.cli.simulate.treasury:treasury", "what the treasury may become under its mandate and policy"),
    "stress": ("agent.cli.simulate.stress:stress", "what a crash, a depeg or a failed market does to the treasury"),
    "backtest": ("agent.cli.simulate.backtest:backtest", "what the mandate would have done over days that really were"),
    "frontier": ("agent.cli.simulate.frontier:frontier", "weights of least risk for each return that keep the runway"),
}
"""Name to where the command is and its one line of help."""


class _Commands(click.Group):
    """Knows its commands' names and help without importing them: a forecast's libraries are heavy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        return getattr(import_module(module), attribute)  # type: ignore[no-any-return]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Commands)
def simulate() -> None:
    """Forecast what a swap costs, how an order is best split, and what a mandate may become."""
