"""`strongroom report`: one page that tells a run, for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option

if TYPE_CHECKING:
    from guardians.report.contents import Contents


@click.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The page's file; one that is there is replaced.",
)
@click.option("--month", metavar="YYYY-MM", help="Only what was asked for in this month, UTC; otherwise everything.")
@config_option
@json_option
def report(out: Path, month: str | None, config: Path, as_json: bool) -> None:
    """Write one self-contained page: what happened and why, allocation, approvals, and every entry with its proof.

    Reads ledger and chain, with the treasurer running or off; needs no key and changes nothing. A ledger that is not
    intact still gives a page, which says so, and exit code 1.

    \b
    Examples:
      strongroom report
      strongroom report --month 2026-11 --out november.html
    """
    from guardians.report.contents import month as month_of
    from guardians.report.writing import write_report
    from strongroom.clock import WallClock
    from strongroom.errors import LedgerCorrupt

    told = write_report(config, out, WallClock().now(), month_of(month) if month else None)
    data = _data(out, told)
    say(f"{out}: {data['units']} units, {data['entries']} entries, {data['anchored']} of them anchored", data, as_json)
    if (fault := told.record.fault) is not None:
        raise LedgerCorrupt(str(told.treasury.state_dir / "ledger"), fault.index or 0, fault.reason)


def _data(out: Path, told: Contents) -> dict[str, Any]:
    anchored = told.anchored.size if told.anchored else 0
    return {
        "path": str(out),
        "units": sum(len(asked.units) for asked in told.asks),
        "entries": len(told.entries),
        "anchored": sum(entry.index < anchored for entry in told.entries),
        "intact": told.record.fault is None,
        "unexplained": None if told.unexplained is None else len(told.unexplained),
    }
