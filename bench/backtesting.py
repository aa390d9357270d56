"""How many rows of a Safe's history a backtest reads and judges in a second, two processes side by side, and whether a
longer history takes longer for each row."""

from __future__ import annotations

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.backtesting import Backtest, backtest, open_history
from policies.cases import sample
from policies.document import load
from tests.policies.histories import history

APART_SECONDS = 14_400
PROCESSES = 2
GOAL_PER_S = 10_000
PART = 10
"""The shorter history is this part of the longer one."""


def measure_rows(count: int) -> dict[str, float]:
    """From the file on disk to the sums; the start of the processes counts. About six transactions a day."""
    entries = history(count, load(sample("active_treasury")[0]), apart_seconds=APART_SECONDS)
    # Newest first: the last ones are the oldest.
    short, long = _rows_per_s(entries[-max(count // PART, 1) :]), _rows_per_s(entries)
    print(f"goal: at least {GOAL_PER_S:,} rows/s; {'kept' if long >= GOAL_PER_S else 'missed'}")
    return {"backtest_rows_per_s": long, "backtest_short_rows_per_s": short}


def _rows_per_s(entries: list[dict[str, object]]) -> float:
    policy = sample("active_treasury")[0]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.json"
        path.write_text(json.dumps({"results": entries}))
        began = time.perf_counter()
        done = backtest(open_history(path, load(policy)), policy, {}, PROCESSES)
        seconds = time.perf_counter() - began
    _show(done, seconds)
    return round(len(entries) / seconds, 1)


def _show(done: Backtest, seconds: float) -> None:
    judged, unjudged = len(done.history.rows), len(done.history.unjudged)
    counted, rate = f"{judged:,} rows judged, {unjudged:,} not", (judged + unjudged) / seconds
    print(f"backtest: {counted}, in {seconds:.1f} s by {PROCESSES} processes: {rate:,.0f} rows/s")
