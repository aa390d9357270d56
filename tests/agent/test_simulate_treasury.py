"""`simulate treasury`, `stress`, `backtest` and `frontier` on the checkout's own config, without a node."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CONFIG = Path(__file__).parents[2] / "config"
FEW = ("--config", CONFIG, "--example", "--paths", 20, "--days", 45)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def still(tmp_path: Path) -> Path:
    """The checkout's schedule without the job that rebalances."""
    path = tmp_path / "still.toml"
    path.write_text((CONFIG / "schedule.toml").read_text().partition("[jobs.rebalance]")[0])
    return path


def answer(run: Run, *words: object) -> dict[str, Any]:
    code, out, err = run("simulate", *words, "--json")
    assert code == 0, err
    assert "NaN" not in out
    assert "Infinity" not in out
    found: dict[str, Any] = json.loads(out)
    return found


def numbers(data: Any) -> Iterator[float]:
    if isinstance(data, dict):
        data = list(data.values())
    for each in data if isinstance(data, list) else ():
        yield from numbers(each)
        if isinstance(each, float):
            yield each


COMMANDS = {
    "fitted": ("treasury", *FEW, "--draw", "fitted"),
    "treasury": ("treasury", *FEW, "--hold"),
    "stress": ("stress", "crash", "drained", *FEW),
    "backtest": ("backtest", "2018-01-01..2018-03-01", *FEW),
    "frontier": ("frontier", *FEW, "--drift", "20 %", "--points", 4),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_seed_gives_the_same_json_and_its_own_command_makes_it_again(run: Run, name: str) -> None:
    first = answer(run, *COMMANDS[name])
    words = shlex.split(first["origin"]["command"])
    assert words[:2] == ["strongroom", "simulate"]
    assert answer(run, *words[2:]) == first
    assert all(math.isfinite(each) for each in numbers(first))
    if name != "backtest":
        assert answer(run, *COMMANDS[name], "--seed", 2) != first


@pytest.mark.parametrize("name", COMMANDS)
def test_a_table_and_a_chart_are_made_with_their_origin(run: Run, name: str, tmp_path: Path) -> None:
    chart = tmp_path / "chart.svg"
    code, out, err = run("simulate", *COMMANDS[name], "--chart", chart)
    assert code == 0, err
    assert "nan" not in out.lower()
    footer, again = out.strip().splitlines()[-2:]
    assert footer.startswith("data ")
    assert again.startswith(f"again: strongroom simulate {COMMANDS[name][0]}")
    # Letters are drawn as outlines; their text stands beside them.
    assert f"<!-- {footer} -->" in chart.read_text()


def test_the_same_forecast_is_the_same_picture(run: Run, tmp_path: Path) -> None:
    charts = [tmp_path / name for name in ("one.svg", "two.svg")]
    for chart in charts:
        assert run("simulate", *COMMANDS["backtest"], "--chart", chart)[0] == 0
    assert charts[0].read_bytes() == charts[1].read_bytes()


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


def test_own_holdings_and_prices_need_no_node(run: Run) -> None:
    own = ("--config", CONFIG, "--paths", 20, "--days", 40, "--balance", "10 WETH", "--balance", "90_000 USDC")
    found = answer(run, "treasury", *own, "--price", "WETH=2_000")
    assert found["nav_usd"] == pytest.approx(110_000)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("treasury", "--paths", 0), "invalid value for '--paths'"),
        (("treasury", "--days", -1), "invalid value for '--days'"),
        (("treasury", "--seed", -1), "invalid value for '--seed'"),
        (("treasury", "--example", "--balance", "1 WETH"), "`--example` cannot be used for a start with `--balance`"),
        (("treasury", "--balance", "1 NOPE"), "`1 NOPE` cannot be used for --balance"),
        (("treasury", "--balance", "-1 WETH"), "`-1` cannot be used for --balance"),
        (("treasury", "--balance", "nan WETH"), "`nan` cannot be used for --balance"),
        (("treasury", "--balance", "1 WETH", "--balance", "2 WETH"), "`1 WETH, 2 WETH` cannot be used for --balance"),
        (("treasury", "--balance", "1 WETH"), "`0` cannot be used for the price of WETH"),
        (("treasury", "--balance", "0 USDC", "--price", "WETH=1"), "`0` cannot be used for what the treasury is worth"),
        (("treasury", "--example", "--price", "WETH=inf"), "`inf` cannot be used for --price"),
        (("treasury", "--example", "--price", "WETH=0"), "`WETH=0` cannot be used for --price"),
        (("treasury", "--example", "--depth", "0 USD"), "`0` cannot be used for the depth of a pool"),
        (("treasury", "--example", "--depth", "5"), "`5` cannot be used for --depth"),
        (("treasury", "--draw", "dice"), "invalid value for '--draw'"),
        (("treasury", "--example", "--at", 5), "`5` cannot be used for --at; no node is asked with `--example`"),
        (("treasury", "--at", -1), "invalid value for '--at'"),
        (("treasury", "--example", "--drift", "much"), "`much` cannot be used for --drift"),
        (("treasury", "--example", "--like", "WETH=DOGE"), "`WETH` cannot be used for a token with a history"),
        (("treasury", "--example", "--from", "soon"), "`soon` cannot be used for --from"),
        (("treasury", "--example", "--history", "missing.csv"), "`missing.csv` cannot be used for --history"),
        (("treasury", "--example", "--flows", "missing.csv"), "`missing.csv` cannot be used for --flows"),
        (("treasury", "--example", "--mandate", "missing.toml"), "no document at `missing.toml`"),
        (("treasury", "--example", "--chart", "a.pdf"), "`a.pdf` cannot be used for --chart"),
        (("stress", "boom", "--example"), "`boom` cannot be used for a scenario"),
        (("stress", "--example", "--days", 5), "`9` cannot be used for --on"),
        (("backtest", "2018", "--example"), "`2018` cannot be used for a stretch of days"),
        (("backtest", "2030-01-01..2031-01-01", "--example"), "`2030-01-01 to 2031-01-01` cannot be used for"),
        (("frontier", "--example", "--paths", 50_000), "`50000` cannot be used for --paths"),
        (("frontier", "--example", "--paths", 19), "`19` cannot be used for --paths; give at least 20"),
        (("frontier", "--example", "--points", 51), "invalid value for '--points'"),
        (("frontier", "--example", "--drift", "nan"), "`nan` cannot be used for --drift"),
        (("frontier", "--example", "--chart", "x.jpg"), "`x.jpg` cannot be used for --chart"),
        (("frontier", "--example", "--chart", "/"), "`/` cannot be used for --chart"),
        (
            ("treasury", "--example", "--chart", "no/a.png"),
            "`no/a.png` cannot be used for --chart; make the folder `no`",
        ),
        (("treasury", "--example", "--from", "9999-12-31"), "`9999-12-31` cannot be used for --from; 365 days from"),
        (("treasury", "--example", "--from", "2026-13-01"), "`2026-13-01` cannot be used for --from"),
        (("treasury", "--example", "--price", "WETH"), "`WETH` cannot be used for --price"),
        (("treasury", "--example", "--price", "NOPE=1"), "`NOPE=1` cannot be used for --price"),
        (("treasury", "--example", "--like", "WETH="), "`WETH=` cannot be used for --like"),
        (("treasury", "--example", "--rate", "-5 %"), "`-5` cannot be used for --rate"),
        (("treasury", "--example", "--depth", "nan USD"), "`nan` cannot be used for --depth"),
        (("treasury", "--example", "--drift", "100000 %"), "`100000 %` cannot be used for --drift"),
        (("treasury", "--example", "--schedule", "none.toml"), "`none.toml` cannot be used for --schedule"),
        (("treasury", "--example", "--resume-days", 0), "invalid value for '--resume-days'"),
        (("treasury", "--example", "surplus"), "unexpected extra argument"),
        (("treasury", "--balance", ""), "`` cannot be used for --balance"),
        (("stress", "", "--example"), "`` cannot be used for a scenario"),
        (("stress", "--example", "--on", -1), "invalid value for '--on'"),
        (("stress", "--example", "--chart", "a.gif"), "`a.gif` cannot be used for --chart"),
        (("backtest", "..", "--example"), "`..` cannot be used for a stretch of days"),
        (("backtest", "2018-06-01..2018-01-01", "--example"), "`2018-06-01 to 2018-01-01` cannot be used for"),
        (("backtest", "2018-01-01..2018-01-01", "--example"), "two at least"),
        (("backtest", "2018-01-01..nope", "--example"), "`nope` cannot be used for LAST"),
        (("backtest", "--example"), "missing argument"),
        (("backtest", "2018-01-01..2018-03-01", "--example", "--at", 7), "`7` cannot be used for --at"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(run: Run, words: tuple[object, ...], said: str) -> None:
    code, out, err = run("simulate", *words, "--config", CONFIG)
    assert code == 1
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
    assert err.startswith("strongroom: ")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "`prices.csv` cannot be used for daily prices; write `day,NAME,…` as the first line"),
        ("day,ETH\n2020-01-01,1\n2020-01-02,nan\n", "`nan` cannot be used for line 3 of prices.csv"),
        ("day,ETH\n2020-01-01,1\n2020-01-02,0\n", "`0` cannot be used for line 3 of prices.csv"),
        ("day,ETH\n2020-01-01,-1\n2020-01-02,1\n", "`-1` cannot be used for line 2 of prices.csv"),
        ("day,ETH\n2020-01-01,1\n2020-01-02,1e308\n", "`1e308` cannot be used for line 3 of prices.csv"),
        ("day,ETH\n2020-01-01,1\n2020-01-02,1e-300\n", "`1e-300` cannot be used for line 3 of prices.csv"),
        (
            "day,ETH\n2020-01-01,1\n2020-01-02,1001\n",
            "`1001` cannot be used for line 3 of prices.csv; it is over 1,000",
        ),
        ("day,ETH\n2020-01-01,1\n2020-01-01,1\n", "`2020-01-01` cannot be used for line 3 of prices.csv"),
        ("day,ETH\n2020-01-01,1,2\n2020-01-02,1\n", "`2020-01-01,1,2` cannot be used for line 2 of prices.csv"),
        ("day,ETH,ETH\n2020-01-01,1,2\n2020-01-02,1,2\n", "`ETH,ETH` cannot be used for the first line"),
    ],
)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_history_that_is_none_is_named_by_its_line(run: Run, tmp_path: Path, name: str, rows: str, said: str) -> None:
    history = tmp_path / "prices.csv"
    history.write_text(rows)
    code, out, err = run("simulate", *COMMANDS[name], "--history", history)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert said in err


@pytest.mark.parametrize("name", COMMANDS)
def test_a_chart_that_cannot_be_written_is_known_before_anything_is_computed(
    run: Run, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "taken.png"
    folder.mkdir()
    code, out, err = run("simulate", *COMMANDS[name], "--chart", folder)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert f"`{folder}` cannot be used for --chart; name a file that you may write" in err


def test_without_a_node_the_line_says_what_else_there_is(run: Run) -> None:
    """The config's node is nobody's here."""
    code, _, err = run("simulate", "treasury", "--config", CONFIG, "--paths", 1)
    assert code == 1
    assert "what the Safe holds is not known" in err
    assert "or give `--balance '290 WETH'`, or `--example`" in err
    assert err.count("\n") == 1
