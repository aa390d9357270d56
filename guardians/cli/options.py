"""What several of the guardians' commands take: own documents, a key, what a signer names, JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from guardians.app import PASSWORD

Command = TypeVar("Command", bound=Callable[..., Any])


def own_documents(command: Command) -> Command:
    folder = click.Path(file_okay=False, path_type=Path)
    return click.option(
        "--config",
        "folder",
        type=folder,
        default=Path("config"),
        show_default=True,
        help="Folder with your own treasury.toml and policy.toml.",
    )(command)


def for_machines(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="One line of JSON instead of text.")(command)


def with_key(command: Command) -> Command:
    path = click.Path(dir_okay=False, path_type=Path)
    text = f"Your encrypted keystore; its password comes from {PASSWORD}, or is asked for on a terminal."
    command = click.option("--yes", is_flag=True, help="Do not ask before signing.")(command)
    return click.option("--keystore", type=path, required=True, help=text)(command)


def giving_to(command: Command) -> Command:
    text = "Only where a proposal gives the Kernel to an agent's key: its address, as you know it from its keeper."
    return _naming(click.option("--agent", metavar="ADDRESS", help=text)(command))


def _naming(command: Command) -> Command:
    text = "Only for changes of the Safe or its Kernel: each, as you know it from elsewhere. May be repeated."
    return click.option("--change", "changes", metavar="CHANGE", multiple=True, help=text)(command)


def examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  strongroom {line}" for line in lines)
