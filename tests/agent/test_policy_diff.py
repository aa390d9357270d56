"""`strongroom policy diff` as a treasurer reads it, and as a gate in somebody's continuous integration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policies.cases import sample
from tests.agent.conftest import Run

TEXT = sample("active_treasury")[0]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return written(tmp_path / "old.toml", TEXT)


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_same_policy_differs_in_nothing(old: Path, run: Run) -> None:
    assert run("policy", "diff", old, written(old.with_name("new.toml"), "# hello\n" + TEXT)) == (
        0,
        "both policies say the same\n",
        "",
    )


def test_only_tighter_exits_0(old: Path, run: Run) -> None:
    new = written(old.with_name("new.toml"), TEXT.replace('max_loss = "1 %"', 'max_loss = "0.5 %"'))
    code, out, err = run("policy", "diff", old, new)
    assert (code, err) == (0, "")
    assert out.startswith("tighter  swaps.max_loss: 0.5 %, was 1 %\n") and "nothing is looser" in out


def test_looser_exits_1_and_shows_a_plan(old: Path, run: Run) -> None:
    new = written(old.with_name("new.toml"), TEXT.replace('at_most = ["12_000 USDC"]', 'at_most = ["13_000 USDC"]'))
    code, out, err = run("policy", "diff", old, new)
    assert (code, err) == (1, "")
    assert "looser   payees.emre.at_most.USDC: 13,000.00 USDC, was 12,000.00 USDC" in out.splitlines()
    assert "  pay 13_000 USDC to emre: deny -> ask 2 guardians" in out.splitlines()


def test_what_lies_beyond_plans_is_looser_without_an_example_and_says_so(old: Path, run: Run) -> None:
    new = written(old.with_name("new.toml"), TEXT.replace('config_delay = "2 days"', 'config_delay = "1 day"'))
    code, out, _ = run("policy", "diff", old, new, "--draws", 5)
    assert code == 1 and "looser   kernel.config_delay: 1 day, was 2 days" in out
    assert "no example among 5 plans" in out


def test_machines_get_every_change_and_the_example(old: Path, run: Run) -> None:
    new = written(old.with_name("new.toml"), TEXT.replace("approvals = 2", "approvals = 1"))
    code, out, _ = run("policy", "diff", old, new, "--json")
    data = json.loads(out)
    assert code == 1 and data["looser"] is True
    assert data["changes"] == [{"direction": "looser", "path": "guardians.approvals", "said": "1, was 2"}]
    assert "ask 2 guardians -> ask 1 guardian" in data["example"][0]


def test_a_document_that_cannot_be_used_is_one_line_with_its_own_name(old: Path, run: Run) -> None:
    new = written(old.with_name("new.toml"), TEXT.replace("at_once = 24", "at_onc = 24"))
    code, out, err = run("policy", "diff", old, new)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "new.toml" in err and "`at_onc`" in err
    code, _, err = run("policy", "diff", old, old.with_name("none.toml"))
    assert code == 1 and "none.toml" in err
