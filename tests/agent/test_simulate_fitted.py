"""`simulate treasury --draw fitted`: a model of the history, told and without its growth."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.agent.conftest import Run
from tests.agent.simulating import CONFIG, answer


def test_a_fitted_model_is_told_and_keeps_no_past_growth(run: Run, tmp_path: Path) -> None:
    """A history that rises a thousandfold: the mean of what is forecast stays at the start."""
    days = (datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=each) for each in range(600))
    shocks = np.random.default_rng(3).standard_t(5, 600) * 0.02
    walk = np.exp(np.cumsum(shocks + math.log(1_000) / 600))
    rows = [f"{day:%Y-%m-%d},{price:.6f}" for day, price in zip(days, walk, strict=True)]
    history = tmp_path / "rise.csv"
    history.write_text("\n".join(["day,ETH", *rows]) + "\n")
    own = ("--balance", "100 WETH", "--price", "WETH=1_000", "--days", 30, "--paths", 4_000, "--history", history)
    asked = ("treasury", "--config", CONFIG, *own, "--draw", "fitted", "--hold")
    found = answer(run, *asked)
    told = found["draw"]["assets"]["ETH"]
    assert 0.2 < told["volatility_long_run"] < 1.0
    assert 0 < told["alpha"] + told["beta"] < 1 or found["draw"]["notes"]
    assert found["forecasts"]["hold"]["measures"]["nav_usd_p50"]["value"] == pytest.approx(100_000, rel=0.05)
    _, out, _ = run("simulate", *asked)
    assert "prices: drawn from a model fitted on ETH, 2020-01-01 to 2021-08-22; expected growth 0 % a year" in out
    assert "the model keeps no past growth: each price is expected to stay where it is, but for `--drift`" in out


def test_a_history_too_short_for_a_model_says_how_long_it_must_be(run: Run, tmp_path: Path) -> None:
    history = tmp_path / "short.csv"
    history.write_text("day,ETH\n" + "".join(f"2020-01-{day:02},{day}\n" for day in range(1, 32)))
    asked = ("simulate", "treasury", "--example", "--config", CONFIG, "--history", history)
    code, out, err = run(*asked, "--draw", "fitted")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "`31` cannot be used for days of prices; a fit needs 250 or more" in err
