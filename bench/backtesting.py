"""How many rows of a Safe's history a backtest reads and judges in a second, two processes side by side."""

from __future__ import annotations

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.backtesting import backtest, open_history
from policies.cases import sample
from policies.document import load
from tests.policies.histories import history

APART_SECONDS = 14_400
PROCESSES = 2


def measure_rows(count: int) -> dict[str, float]:
    """From the file on disk to the sums; the start of the processes counts. About six transactions a day."""
    policy = sample("active_treasury")[0]
    document = load(policy)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.json"
        path.write_text(json.dumps({"results": history(count, document, apart_seconds=APART_SECONDS)}))
        began = time.perf_counter()
        done = backtest(open_history(path, document), policy, {}, PROCESSES)
        seconds = time.perf_counter() - began
    judged, unjudged = len(done.history.rows), len(done.history.unjudged)
    print(f"backtest: {judged:,} rows judged, {unjudged:,} not, in {seconds:.1f} s by {PROCESSES} processes")
    return {"backtest_rows_per_s": round(count / seconds, 1)}
