"""`policy compile` and `policy test` as a treasurer reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent import example
from policies.cases import sample, samples
from strongroom.quantities import format_units
from strongroom.settings import Mode
from strongroom.world.world import World
from tests.agent.conftest import Run


@pytest.fixture
def config(module_world: World, tmp_path: Path) -> Path:
    return example.write(example.documents(module_world, "http://127.0.0.1:9", tmp_path / "s", Mode.SHADOW), tmp_path)


def test_compile_shows_amounts_as_people_write_them(module_world: World, config: Path, run: Run) -> None:
    """Both sides of every cap with the token's name; of hashes, only root and document."""
    code, out, _ = run("policy", "compile", "--config", config)
    assert code == 0 and out.count("0x") == 2
    policy = example.policy(module_world)
    for cap in policy.all_caps():
        decimals = policy.tokens[cap.token].token.decimals
        sides = [f"{format_units(units, decimals)} {cap.token}" for units in (cap.at_once_units, cap.cap_units)]
        assert any(all(side in line for side in sides) for line in out.splitlines() if cap.bucket_class in line)
    assert any(
        line.split() == ["pay", "alice", "in", "USDC", "at", "most", "12,000.00", "USDC"] for line in out.splitlines()
    )
    assert "5,000.00 USD" in out and "20,000.00 USD" in out


def test_without_cases_the_samples_are_named_and_one_command_prints_them(config: Path, run: Run) -> None:
    code, out, err = run("policy", "test", "--config", config)
    assert (code, out, err.count("\n")) == (1, "", 1)
    for name in samples():
        assert f"`strongroom policy test {name} --print`" in err
        assert run("policy", "test", name, "--print") == (0, sample(name)[1], "")


def test_check_says_what_the_watch_counts_and_when_it_pauses(config: Path, run: Run) -> None:
    _, out, _ = run("policy", "check", "--config", config)
    assert "  watch: once ETH, WETH, USDC, DAI, USDC@aave, DAI@aave have together lost 10 %," in out.splitlines()
    assert "two calls 5 blocks apart" in out
    text = (config / "policy.toml").read_text()
    (config / "policy.toml").write_text(text[: text.index("[watch]")] + text[text.index("# Gas of one unit") :])
    assert "watch" not in run("policy", "check", "--config", config)[1]


def test_check_shows_both_faces_of_every_cap(module_world: World, config: Path, run: Run) -> None:
    code, out, _ = run("policy", "check", "--config", config)
    policy, lines = example.policy(module_world), [line.split() for line in out.splitlines()]
    assert code == 0 and list(policy.all_caps())
    for cap in policy.all_caps():
        decimals = policy.tokens[cap.token].token.decimals
        at_once, most = (f"{format_units(units, decimals)}" for units in (cap.at_once_units, cap.cap_units))
        shown = [cap.bucket_class, cap.token, at_once, cap.token, most, cap.token, "per"]
        assert any(line[:7] == shown for line in lines), (shown, out)
    data = json.loads(run("policy", "check", "--config", config, "--json")[1])
    assert [int(each["cap_units"]) for each in data["caps"]] == [cap.cap_units for cap in policy.all_caps()]
