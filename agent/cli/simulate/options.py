"""The options that every forecast of a treasury takes, and the command line as it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from agent.cli.reach import config_option, json_option

F = TypeVar("F", bound=Callable[..., Any])
_MOST_PATHS, _MOST_DAYS = 1_000_000, 3_650
_NOT_REPEATED = ("as_json", "chart", "at", "record")
DAYS, FITTED = "days", "fitted"
"""Where prices are drawn from: stretches of real days, or the model fitted on them."""


@dataclass(frozen=True, slots=True)
class Options:
    """As they were typed."""

    config: Path
    at: int | None
    example: bool
    balances: tuple[str, ...]
    prices: tuple[str, ...]
    history: Path | None
    like: tuple[str, ...]
    flows: Path | None
    schedule: Path | None
    first: str
    days: int
    paths: int
    seed: int
    drift: str
    draw: str
    depth: str
    rate: str
    resume_days: int
    guardians: str


at_option = click.option("--at", type=click.IntRange(0), metavar="BLOCK", help="As seen there; else the newest block.")


def common_options(command: F) -> F:
    """The options of every forecast of a treasury; the command takes them as keywords, and makes `Options` of them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS: Sequence[Callable[[Any], Any]] = (
    at_option,
    click.option("--example", is_flag=True, help="The example DAO's holdings and prices; asks no node."),
    click.option("--balance", "balances", multiple=True, metavar="'290 WETH'", help="Instead of what the node says."),
    click.option("--price", "prices", multiple=True, metavar="WETH=3_000", help="USD on the first day."),
    click.option("--history", type=click.Path(path_type=Path), help="Daily prices, CSV of day,NAME,…; else ours."),
    click.option("--like", multiple=True, metavar="TOKEN=NAME", help="Whose prices a token follows; `USD`: none."),
    click.option("--flows", type=click.Path(path_type=Path), help="CSV of day,token,amount: what arrives, or is due."),
    click.option("--schedule", type=click.Path(path_type=Path), help="Another than schedule.toml."),
    click.option("--from", "first", default="", metavar="DAY", help="First day, UTC; else the newest block's."),
    click.option("--days", type=click.IntRange(1, _MOST_DAYS), default=365, show_default=True),
    click.option("--paths", type=click.IntRange(1, _MOST_PATHS), default=10_000, show_default=True),
    click.option("--seed", type=click.IntRange(0, 2**53 - 1), default=1, show_default=True),
    click.option("--drift", default="0 %", show_default=True, help="Expected growth a year of what follows a history."),
    click.option("--draw", type=click.Choice((DAYS, FITTED)), default=DAYS, show_default=True,
                 help="Paths of real days laid end to end, or of a model fitted on them."),
    click.option("--depth", default="100_000_000 USD", show_default=True, help="What a pool holds on each side."),
    click.option("--rate", default="3 %", show_default=True, help="Interest a year on what is lent."),
    click.option("--resume-days", type=click.IntRange(1, 365), default=7, show_default=True, help="Length of a pause."),
    click.option("--guardians", type=click.Choice(("sign", "absent")), default="sign", show_default=True,
                 help="Whether they sign, the same day, what the policy asks them."),
    config_option,
    json_option,
)  # fmt: skip


def arguments(ctx: click.Context, block: int | None) -> list[str]:
    """The command line as it was given, in the order of `--help`, without what only shows, pinned to the block that was
    seen (`None`: no node was asked)."""
    words = [each.info_name or "" for each in _commands(ctx)]
    for param in ctx.command.params:
        typed = ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE
        if param.name in _NOT_REPEATED or not typed:
            continue
        value = ctx.params[str(param.name)]
        words += _written(param, value)
    return words if block is None else [*words, "--at", str(block)]


def _commands(ctx: click.Context) -> Iterator[click.Context]:
    """The command and those above it, outermost first, without the program."""
    if ctx.parent is not None:
        yield from _commands(ctx.parent)
        yield ctx


def _written(param: click.Parameter, value: Any) -> list[str]:
    every = value if isinstance(value, tuple) else (value,)
    if isinstance(param, click.Argument):
        return [str(each) for each in every]
    if isinstance(value, bool):
        return [param.opts[0]] if value else []
    return [word for each in every for word in (param.opts[0], str(each))]
