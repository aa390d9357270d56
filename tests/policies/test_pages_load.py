"""What docs/time-and-pace.md and docs/watch.md show is what loads, put into the sample that has everything."""

from __future__ import annotations

import re
from pathlib import Path

from policies.cases import sample
from policies.document import load

TEXT = sample("active_treasury")[0]
DOCS = Path(__file__).parents[2] / "docs"


def shown(page: str) -> str:
    """The page's indented lines."""
    lines = (DOCS / page).read_text().splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    ")) + "\n"


def tables(text: str) -> dict[str, str]:
    """By their headers, as they are written."""
    found = re.split(r"^(\[.*\])$", text, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def test_the_tables_of_time_and_pace_load() -> None:
    page = tables(shown("time-and-pace.md"))
    auditor = page.pop("[payees.auditor]")
    dated = re.sub(r"^(\[payees\.\w+\])$", r"\1" + '\nsince = "2026-01-01"', TEXT, flags=re.MULTILINE)
    placed = dated.replace('[payees.alice]\nsince = "2026-01-01"\n', "[payees.alice]" + auditor.rstrip() + "\n")
    venues = "".join(f'{each} = "2026-01-01"\n' for each in ("uniswap", "uniswap_v2"))
    document = load(placed + "\n" + "".join(header + body for header, body in page.items()) + venues)
    assert document.hours and document.freezes and document.newcomers and document.payees["alice"].pace


def test_the_watch_s_table_loads() -> None:
    (own,) = re.findall(r"^\[watch\]$.*?(?=^#)", TEXT, flags=re.MULTILINE | re.DOTALL)
    watch = load(TEXT.replace(own, shown("watch.md") + "\n")).watch
    assert watch and (watch.max_drawdown_bps, watch.confirm_blocks, watch.own_token) == (1_000, 5, None)
