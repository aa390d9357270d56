"""What a forecast cannot use is one clear line that names it and the mend, and nothing is written."""

from __future__ import annotations

import re
from pathlib import Path
from shutil import copytree

import pytest
from click import UsageError

from agent.cli import strongroom
from agent.demo.stage import free_port
from strongroom.errors import InputError, SetupError
from tests.agent.conftest import Run
from tests.agent.simulating import COMMANDS, CONFIG


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
def test_what_cannot_be_used_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], words: tuple[object, ...], said: str
) -> None:
    """Past `main`, whose look at all that is installed costs more than the refusal; that it makes one line on stderr
    and exit code 1 of it, the tests below hold for each command."""
    with pytest.raises((InputError, SetupError, UsageError)) as refused:
        strongroom(["simulate", *map(str, words), "--config", str(CONFIG)], "strongroom", standalone_mode=False)
    line = refused.value.format_message() if isinstance(refused.value, UsageError) else str(refused.value)
    assert said.lower() in line.lower()
    assert "\n" not in line
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_refusal_is_one_line_on_standard_error_and_a_code(run: Run, name: str) -> None:
    for words, said in ((("--seed", -1), "invalid value for '--seed'"), (("--depth", "5"), "`5` cannot be used for")):
        code, out, err = run("simulate", *COMMANDS[name], *words)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert err.startswith("strongroom: ") and said in err


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
def test_a_history_that_is_none_is_named_by_its_line(run: Run, tmp_path: Path, rows: str, said: str) -> None:
    """By one command: all read it by the same words, as the next test holds."""
    history = tmp_path / "prices.csv"
    history.write_text(rows)
    code, out, err = run("simulate", *COMMANDS["treasury"], "--history", history)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert said in err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_forecast_refuses_a_history_that_is_none(run: Run, tmp_path: Path, name: str) -> None:
    history = tmp_path / "prices.csv"
    history.write_text("day,ETH\n2020-01-01,1\n2020-01-02,nan\n")
    code, out, err = run("simulate", *COMMANDS[name], "--history", history)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "`nan` cannot be used for line 3 of prices.csv" in err


@pytest.mark.parametrize("name", COMMANDS)
def test_a_chart_that_cannot_be_written_is_known_before_anything_is_computed(
    run: Run, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "taken.png"
    folder.mkdir()
    code, out, err = run("simulate", *COMMANDS[name], "--chart", folder)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert f"`{folder}` cannot be used for --chart; name a file that you may write" in err


def test_without_a_node_the_line_says_what_else_there_is(run: Run, tmp_path: Path) -> None:
    """Where the config's node would be, nobody listens: the port is one that was free a moment ago."""
    config = copytree(CONFIG, tmp_path / "config")
    document = config / "treasury.toml"
    document.write_text(re.sub('rpc = ".*"', f'rpc = "http://127.0.0.1:{free_port()}"', document.read_text()))
    code, _, err = run("simulate", "treasury", "--config", config, "--paths", 1)
    assert code == 1
    assert "what the Safe holds is not known" in err
    assert "or give `--balance '290 WETH'`, or `--example`" in err
    assert err.count("\n") == 1
