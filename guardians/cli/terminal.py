"""How the guardians' commands ask and answer: text for people, one line of JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import click


def ask(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to ask; give `--yes` to sign without being asked")
    click.confirm(question, abort=True, err=True)


def ask_password() -> str | None:
    return str(click.prompt("password", hide_input=True, err=True)) if sys.stdin.isatty() else None


def joined(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def say(data: Any, text: str, as_json: bool) -> None:
    click.echo(json.dumps(data, separators=(",", ":")) if as_json else text)


def say_json(data: Any) -> None:
    say(data, "", True)
