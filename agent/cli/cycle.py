"""`strongroom cycle`: one scheduled operation now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option, reach
from agent.cli.units import unit_lines


@click.command()
@click.argument("job", default="payroll")
@click.option("--dry-run", is_flag=True, help="Plan, rehearse and judge as this mode does; nothing is signed.")
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
    say(_text(answer, dry_run), answer, as_json)
    if any(unit["status"] == "denied" or unit["why"] for unit in answer["units"]):
        raise click.exceptions.Exit(1)


def _now(config: Path, job: str, month: str | None) -> dict[str, Any]:
    """What is told on the way is held back until the answer, which says some of it better."""
    from strongroom.notices import MemoryNotices

    notices, units = MemoryNotices(), list[dict[str, Any]]()
    try:
        with reach(config, notices) as desk:
            answer = desk.cycle(job, month)
            units = answer["units"]
            return answer
    finally:
        answered = {f"{unit['id']}: {unit['status']} in {unit['tx_hash']}" for unit in units}
        for line in notices.told:
            if line not in answered:
                click.echo(line, err=True)


def _dry(config: Path, job: str, month: str | None) -> dict[str, Any]:
    from agent.app import open_documents, open_treasurer
    from agent.desk import OwnDesk

    with open_treasurer(open_documents(config), dry_run=True) as treasurer:
        return OwnDesk(treasurer).cycle(job, month)


def _text(answer: dict[str, Any], dry_run: bool) -> str:
    said = [line for unit in answer["units"] for line in unit_lines(unit)]
    each = "; each unit is judged as if it were the only one" if len(answer["units"]) > 1 else ""
    ended = f"a dry run: nothing is proposed, signed or kept, except entries in the log{each}"
    return "\n".join([answer["rationale"], *said, *([ended] if dry_run else [])])
