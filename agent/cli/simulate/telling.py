"""What every forecast prints at last, and with `--record` writes into the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from agent.cli import json_line, say
from agent.cli.reach import running_desk

if TYPE_CHECKING:
    from simulations.origin import Origin

F = TypeVar("F", bound=Callable[..., Any])


def record_option(command: F) -> F:
    """`--record`."""
    said = "Write seed, data hash and the digest of the answer into the ledger."
    return click.option("--record", is_flag=True, help=said)(command)


def tell(
    lines: Iterable[str], answer: Mapping[str, Any], made: Origin, config: Path, as_json: bool, record: bool
) -> None:
    """Prints the forecast, and then records it where that was asked for: a ledger that cannot be written loses none."""
    say("\n".join(lines), answer, as_json)
    if record:
        click.echo(f"recorded: entry {_recorded(config, made, answer)} of the ledger", err=True)


def _recorded(config: Path, made: Origin, answer: Mapping[str, Any]) -> int:
    from agent.app import open_documents
    from agent.forecast_entry import forecast_entry, held_ledger, record_forecast

    forecast = forecast_entry(made.told(), json_line(answer))
    running = running_desk(config)
    if running is not None:
        return int(running.record(forecast)["entry"])
    with held_ledger(open_documents(config)) as ledger:
        return int(record_forecast(ledger, forecast)["entry"])
