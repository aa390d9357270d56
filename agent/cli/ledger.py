"""`strongroom ledger`: read and verify the audit log, with the treasurer running or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option, reach, state_folder
from strongroom.errors import BadValue


@click.group()
def ledger() -> None:
    """Verify and show the audit log."""


def _folder(config: Path) -> Path:
    folder = state_folder(config).ledger
    if not (folder / "log").is_file():
        raise BadValue(folder, "a ledger", "there is none yet; `strongroom cycle` begins one")
    return folder


@ledger.command()
@config_option
@json_option
def verify(config: Path, as_json: bool) -> None:
    """Recompute everything; name the first entry that is not intact.

    \b
    Example:
      strongroom ledger verify
    """
    from strongroom.ledger.verification import verify as recompute

    folder = _folder(config)
    report = recompute(folder)
    report.demand(folder)
    data = {"entries": report.size, "root": report.root.hex()}
    say(f"{report.size} entries are intact; root {report.root.hex()}", data, as_json)


@ledger.command()
@config_option
@json_option
def anchor(config: Path, as_json: bool) -> None:
    """Anchor the newest head in the registry, which checks that it extends the one anchored before.

    \b
    Example:
      strongroom ledger anchor
    """
    with reach(config) as desk:
        answer = desk.anchor()
    say(f"{answer['size']} entries are anchored in {answer['tx_hash']}", answer, as_json)


@ledger.command()
@click.argument("index", type=int, required=False)
@config_option
@json_option
def show(index: int | None, config: Path, as_json: bool) -> None:
    """One entry in full, or a line for each.

    \b
    Examples:
      strongroom ledger show
      strongroom ledger show 12 --json
    """
    from strongroom.ledger.reading import read_entries, read_entry
    from strongroom.plain import to_plain

    folder = _folder(config)
    one = None if index is None else read_entry(folder, index)
    if index is not None and one is None:
        raise BadValue(index, "an entry", "`strongroom ledger show` lists those there are")
    entries = [one] if one else read_entries(folder)
    data: list[dict[str, Any]] = [
        {
            "index": each.index,
            "type": each.type,
            "at": each.link.at,
            "cause": each.link.cause,
            "body": to_plain(each.body),
        }
        for each in entries
    ]
    text = one.raw.decode() if one else "\n".join(_row(each) for each in data)
    say(text, data, as_json)


def _row(entry: dict[str, Any]) -> str:
    because = "" if entry["cause"] is None else f"because of {entry['cause']}"
    return f"{entry['index']:5}  {entry['type']:12}  {because}".rstrip()
