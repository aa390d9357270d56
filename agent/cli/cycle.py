"""`strongroom cycle`: one scheduled operation now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option, reach


@click.command()
@click.argument("job", default="payroll")
@click.option("--dry-run", is_flag=True, help="Plan, rehearse and judge, whatever the mode; nothing is signed.")
@click.option("--month", help="The month it is for, such as 2026-11; default: this one.")
@config_option
@json_option
def cycle(job: str, dry_run: bool, month: str | None, config: Path, as_json: bool) -> None:
    """Run JOB of schedule.toml now.

    \b
    Examples:
      strongroom cycle payroll
      strongroom cycle payroll --dry-run --json
      strongroom cycle payroll --month 2026-12
    """
    answer = _dry(config, job, month) if dry_run else _now(config, job, month)
    say(_text(answer), answer, as_json)
    if any(unit["status"] == "denied" or unit["why"] for unit in answer["units"]):
        raise click.exceptions.Exit(1)


def _now(config: Path, job: str, month: str | None) -> dict[str, Any]:
    with reach(config) as desk:
        return desk.cycle(job, month)


def _dry(config: Path, job: str, month: str | None) -> dict[str, Any]:
    from agent.app import open_documents, open_treasurer
    from agent.desk import OwnDesk
    from strongroom.settings import Mode

    documents = open_documents(config)
    shadow = replace(documents, treasury=replace(documents.treasury, mode=Mode.SHADOW))
    with open_treasurer(shadow) as treasurer:
        return OwnDesk(treasurer).cycle(job, month)


def _text(answer: dict[str, Any]) -> str:
    lines = [line for unit in answer["units"] for line in _lines(unit)]
    return "\n".join([answer["rationale"], *lines])


def _lines(unit: dict[str, Any]) -> list[str]:
    found = [f"    {finding['verdict']} {finding['rule']}: {finding['reason']}" for finding in unit["findings"]]
    return [f"  {unit['id']}: {unit['status']}{_where(unit)}", *found]


def _where(unit: dict[str, Any]) -> str:
    waiting = f" at nonce {unit['nonce']}, proposal {unit['proposal']}" if unit["status"] == "waiting" else ""
    return waiting + (f" ({unit['why']})" if unit["why"] else "")
