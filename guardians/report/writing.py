"""From documents and state folder to the file: what the command runs, and whoever wants a page of a run."""

from __future__ import annotations

from pathlib import Path

from guardians.report.contents import Contents, Period, gather
from guardians.report.page import render
from strongroom.errors import BadValue


def write_report(folder: Path, out: Path, made_at: int, period: Period | None = None) -> Contents:
    """Writes the page of the treasury whose documents are in `folder` to `out`, and returns what it tells. `made_at` is
    Unix seconds. Takes no lock and no key. Raises `InputError`; what chain or ledger lack is told on the page."""
    contents = gather(folder, period)
    try:
        out.write_text(render(contents, made_at), encoding="utf-8")
    except OSError as error:
        raise BadValue(
            out, "the page's file", f"name one that can be written with `--out` ({error.strerror})"
        ) from error
    return contents
