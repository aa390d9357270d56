"""Forecasts without a node, small ones: what the tests of `simulate` share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.agent.conftest import Run

CONFIG = Path(__file__).parents[2] / "config"
FEW = ("--config", CONFIG, "--example", "--paths", 20, "--days", 45)
COMMANDS = {
    "fitted": ("treasury", *FEW, "--draw", "fitted"),
    "treasury": ("treasury", *FEW, "--hold"),
    "stress": ("stress", "crash", "drained", *FEW),
    "backtest": ("backtest", "2018-01-01..2018-03-01", *FEW),
    "frontier": ("frontier", *FEW, "--drift", "20 %", "--points", 4),
}


def answer(run: Run, *words: object) -> dict[str, Any]:
    code, out, err = run("simulate", *words, "--json")
    assert code == 0, err
    assert "NaN" not in out
    assert "Infinity" not in out
    found: dict[str, Any] = json.loads(out)
    return found
