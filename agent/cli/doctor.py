"""`strongroom doctor`: every part checked, and how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option, require_url
from strongroom.addresses import parse_address
from strongroom.errors import InputError, StrongroomError

if TYPE_CHECKING:
    from agent.comparing.fields import Comparison
    from agent.onboarding.examination import Check
    from agent.onboarding.premises import Premises

_COMPARING = "guardians"
"""The check that compares in every mode; it is skipped where there is no Safe or no policy to compare."""
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "skipped": "dim"}


class NodeMissing(InputError):
    def __init__(self) -> None:
        super().__init__("`doctor --safe` needs a node to ask; give `--rpc URL` too, or `--config DIR` alone")


@click.command()
@config_option
@click.option("--safe", metavar="ADDRESS", help="Look at this Safe only, without documents.")
@click.option("--rpc", metavar="URL", help="With --safe: a node of its chain.")
@click.option("--service", metavar="URL", default="", help="With --safe: its transaction service.")
@click.option(
    "--chains",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Another chains.toml than the folder's, or ours.",
)
@click.option("--fields", is_flag=True, help="Show every field of every contract, not only those that differ.")
@json_option
def doctor(
    config: Path,
    safe: str | None,
    rpc: str | None,
    service: str,
    chains: Path | None,
    fields: bool,
    as_json: bool,
) -> None:
    """Check documents, node, Safe, modules, keys, feeds, service and policy, and say how to mend each. Read every
    contract back from chain and compare it with the documents, field by field.

    Changes nothing. Exits 1 when a check fails or a field differs; a warning is for you to judge.

    \b
    Examples:
      strongroom doctor
      strongroom doctor --fields
      strongroom doctor --safe 0x5298... --rpc https://node.example --json
    """
    from agent.app import password
    from agent.onboarding.checks import SAFE_QUESTIONS, SERVED_SAFE_QUESTIONS, TREASURY_QUESTIONS
    from agent.onboarding.examination import Grade, examine
    from agent.onboarding.premises import Bare, open_premises
    from agent.onboarding.report import contract_data, contract_lines
    from strongroom.clock import WallClock

    if (safe is None) != (rpc is None):
        raise NodeMissing
    if rpc is not None:
        require_url(rpc)
    subject = Bare(parse_address(safe), rpc, service.rstrip("/")) if safe and rpc else config
    about_safe = SERVED_SAFE_QUESTIONS if service else SAFE_QUESTIONS
    with open_premises(subject, WallClock(), password(), chains) as premises:
        checks = examine(TREASURY_QUESTIONS if subject is config else about_safe, premises)
        found = _compared(premises, checks)
    failed = any(check.grade is Grade.FAIL for check in checks) or any(_fails(each) for each in found)
    plain = [{"name": c.name, "grade": c.grade.value, "what": c.what, "mend": c.mend} for c in checks]
    answer = {"ok": not failed, "checks": plain, "contracts": contract_data(found)}
    say("" if as_json else "\n".join((_table(checks), *contract_lines(found, fields))), answer, as_json)
    if failed:
        raise SystemExit(1)


def _compared(premises: Premises, checks: Sequence[Check]) -> tuple[Comparison, ...]:
    """What was compared; nothing where the checks found no Safe or no policy to compare."""
    from agent.onboarding.examination import Grade

    made = [check for check in checks if check.name == _COMPARING]
    if not made or made[0].grade is Grade.SKIPPED:
        return ()
    try:
        return premises.comparisons
    except StrongroomError:
        # The check has failed by the same words.
        return ()


def _fails(found: Comparison) -> bool:
    return any(field.weight.value != "warns" for field in found.different)


def _table(checks: Sequence[Check]) -> str:
    """The checks as a table as wide as the terminal; nothing in it is taken for markup."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE, show_edge=False)
    for column in ("check", "", "what was found"):
        table.add_column(column, overflow="fold")
    for check in checks:
        found = check.what + (f"\nto mend: {check.mend}" if check.mend else "")
        table.add_row(Text(check.name), Text(check.grade.value, _COLOURS[check.grade.value]), Text(found))
    console = Console()
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")
