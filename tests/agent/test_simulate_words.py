"""What a treasurer reads: whose money, from when, what each term means, and nothing that only fills the screen."""

from __future__ import annotations

import pytest

from tests.agent.conftest import Run
from tests.agent.simulating import COMMANDS, CONFIG, FEW, answer

WHOSE = {
    "treasury": "Hall DAO: 1,810,964 USD on 2026-01-01; 20 paths of 45 days, seed 1",
    "stress": "Hall DAO: 1,810,964 USD on 2026-01-01; 20 paths of 45 days, seed 1",
    "backtest": "Hall DAO: 1,810,964 USD, what is held now, on 2018-01-01",
    "frontier": "Hall DAO: weights held over 45 days, 20 paths, seed 1",
}


@pytest.mark.parametrize("name", WHOSE)
def test_the_first_line_says_whose_money_it_is_and_from_when(run: Run, name: str) -> None:
    code, out, err = run("simulate", *COMMANDS[name])
    assert (code, err) == (0, ""), "no bar where nobody sees it"
    assert out.splitlines()[0] == WHOSE[name]
    if name != "backtest":
        assert "CVaR 95" in out and "mean" in out.split("CVaR 95")[-1].splitlines()[0], "a term is explained"


def test_one_path_of_one_day_is_told_in_the_singular(run: Run) -> None:
    _, out, _ = run("simulate", "treasury", "--config", CONFIG, "--example", "--paths", 1, "--days", 1)
    assert "; 1 path of 1 day, seed 1" in out


def test_every_sign_of_the_table_is_explained_below_it(run: Run) -> None:
    _, out, _ = run("simulate", "treasury", *FEW)
    table, below = out.split("\nVaR 95 %: ")
    assert "[?, ?]" in table
    assert "`?` where the paths are too few to say" in below
    assert "the loss that 5 paths in 100 exceed" in below


def test_a_scenario_says_its_day_and_leaves_out_what_went_as_every_month(run: Run) -> None:
    """What JSON has and people are not shown is a payment that was made, or what was taken back for it."""
    _, out, _ = run("simulate", *COMMANDS["stress"])
    assert "\ncrash, from 2026-01-10: volatile tokens lose 35 % in a day\n" in out
    assert "2026-01-10  the watch pauses the Kernel" in out
    assert "pay the month" not in out and "take back" not in out
    acts = answer(run, *COMMANDS["stress"])["scenarios"]["crash"]["acts"]
    assert {act["kind"] for act in acts if act["made"]} >= {"pay", "take back"}
