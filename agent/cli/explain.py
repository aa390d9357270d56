"""`strongroom policy explain`: why a unit, or a request, is denied or asked about, and what would change that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option, records
from agent.cli.units import finding_lines
from strongroom.errors import InputError


class NothingToExplain(InputError):
    def __init__(self) -> None:
        super().__init__("name a unit, or give `--request`, one of the two; `strongroom plans` lists the units")


@click.command()
@click.argument("unit_id", metavar="UNIT", required=False)
@click.option("--request", "requests", multiple=True, help="Try these words as a unit now, once for each intent.")
@config_option
@json_option
def explain(unit_id: str | None, requests: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Every rule's finding on a unit: what was measured, the limit, the margin left; and the smallest change that would
    get it allowed, or asked about instead of denied.

    With `--request` no unit is needed: the words are compiled and rehearsed on the newest block as an operator's, and
    nothing is kept or sent.

    \b
    Examples:
      strongroom policy explain payroll-2026-11
      strongroom policy explain --request "pay 12_000 USDC to alice" --json
    """
    if bool(unit_id) == bool(requests):
        raise NothingToExplain
    answer = _of_unit(config, unit_id) if unit_id else _of_request(config, requests)
    data = {key: value for key, value in answer.items() if key != "lines"}
    say("\n".join(_lines(unit_id or "; ".join(requests), answer)), data, as_json)


def _of_unit(config: Path, unit_id: str) -> dict[str, Any]:
    from agent.explained import explained_unit
    from policies.document import load
    from strongroom.documents import read

    state = records(config).show(unit_id)["state"]
    return explained_unit(state, load(read(config / "policy.toml")))


def _of_request(config: Path, requests: tuple[str, ...]) -> dict[str, Any]:
    from agent.requested import explained_request

    return explained_request(config, requests)


def _lines(name: str, answer: Mapping[str, Any]) -> Iterator[str]:
    yield f"{name}: {answer['verdict']}"
    yield from (f"  {line}" for line in finding_lines(answer["findings"]))
    yield from (f"  {line}" for line in answer["lines"])
    if answer["untold"]:
        yield f"  {answer['untold']}"
