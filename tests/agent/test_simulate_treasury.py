"""`simulate treasury`: mandates side by side, flows, own holdings, on the checkout's own config, without a node."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.conftest import Run
from tests.agent.simulating import CONFIG, FEW, answer


@pytest.fixture
def still(tmp_path: Path) -> Path:
    """The checkout's schedule without the job that rebalances."""
    path = tmp_path / "still.toml"
    path.write_text((CONFIG / "schedule.toml").read_text().partition("[jobs.rebalance]")[0])
    return path


def test_mandates_stand_side_by_side_over_the_same_paths(run: Run, tmp_path: Path) -> None:
    """One that holds less ether falls less, and an equal one is equal."""
    text = (CONFIG / "mandate.toml").read_text()
    same, cautious = tmp_path / "same.toml", tmp_path / "cautious.toml"
    same.write_text(text)
    cautious.write_text(text.replace('"60 %"', '"54 %"').replace('"27.5 %"', '"33.5 %"'))
    few = ("treasury", *FEW, "--mandate", same, "--mandate", cautious)
    found = answer(run, *few)["forecasts"]
    assert list(found) == ["mandate.toml", "same.toml", "cautious.toml"]
    assert found["same.toml"] == found["mandate.toml"]
    falls = [found[name]["measures"]["drawdown_p50"]["value"] for name in ("cautious.toml", "mandate.toml")]
    assert falls[0] < falls[1]
    assert found["mandate.toml"]["measures"]["trades_asked_mean"]["value"] > 0


def test_what_no_job_does_is_said(run: Run, still: Path) -> None:
    _, out, _ = run("simulate", "treasury", *FEW, "--schedule", still)
    assert "no job `rebalance` runs in these days, so nothing is traded" in out
    _, out, _ = run("simulate", "treasury", *FEW)
    assert "no job" not in out


def test_flows_change_what_becomes_of_the_treasury(run: Run, tmp_path: Path, still: Path) -> None:
    flows = tmp_path / "flows.csv"
    flows.write_text("day,token,amount\n2026-01-10,USDC,250_000\n")
    bare, richer = (answer(run, "treasury", *FEW, "--schedule", still, *more) for more in ((), ("--flows", flows)))
    navs = [each["forecasts"]["mandate.toml"]["measures"]["nav_usd_p50"]["value"] for each in (bare, richer)]
    assert navs[1] - navs[0] == pytest.approx(250_000, rel=0.02)
    assert bare["origin"]["data_hash"] != richer["origin"]["data_hash"]


def test_own_holdings_and_prices_need_no_node(run: Run) -> None:
    own = ("--config", CONFIG, "--paths", 20, "--days", 40, "--balance", "10 WETH", "--balance", "90_000 USDC")
    found = answer(run, "treasury", *own, "--price", "WETH=2_000")
    assert found["nav_usd"] == pytest.approx(110_000)
