"""`strongroom status | plans | show`: where everything stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option, reach


@click.command()
@config_option
@json_option
def plans(config: Path, as_json: bool) -> None:
    """Every unit, oldest first.

    \b
    Example:
      strongroom plans --json
    """
    with reach(config) as desk:
        units = desk.plans()
    lines = [f"{u['id']}  {u['status']}  {u['intents']} intents  {u['lane']}  {u['why']}".rstrip() for u in units]
    say("\n".join(lines) or "nothing was planned yet", units, as_json)


@click.command()
@click.argument("unit_id", metavar="ID")
@config_option
@json_option
def show(unit_id: str, config: Path, as_json: bool) -> None:
    """One unit: what it does, every finding, where it stands.

    \b
    Example:
      strongroom show payroll-2026-11
    """
    with reach(config) as desk:
        unit = desk.show(unit_id)
    say(_unit(unit), unit, as_json)


def _unit(unit: dict[str, Any]) -> str:
    decision = unit["state"].get("decision")
    lines = [f"{unit['id']}: {unit['status']}", f"asked by {unit['actor']}"]
    if decision:
        lines += [f"verdict: {decision['verdict']}", *(_finding(finding) for finding in decision["findings"])]
    return "\n".join(lines)


def _finding(finding: dict[str, Any]) -> str:
    measured = f" [{finding['measured']} of {finding['limit']}]" if finding["limit"] else ""
    return f"  {finding['verdict']:5}  {finding['rule']}: {finding['reason']}{measured}"


@click.command()
@config_option
@json_option
def status(config: Path, as_json: bool) -> None:
    """The treasury at the newest block, and what waits.

    \b
    Example:
      strongroom status
    """
    from agent.app import open_documents

    documents = open_documents(config)
    with reach(config) as desk:
        units = desk.plans()
    waiting = [unit["id"] for unit in units if unit["status"] == "waiting"]
    data = {"name": documents.treasury.name, "mode": documents.treasury.mode, "units": len(units), "waiting": waiting}
    text = f"{data['name']}: {data['mode']} mode, {len(units)} units, waiting: {', '.join(waiting) or 'none'}"
    say(text, json.loads(json.dumps(data)), as_json)
