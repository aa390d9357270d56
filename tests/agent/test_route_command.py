"""`simulate route`: what the local world's pools give for an order is what they then pay, and bad input is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.cli.simulate.route_words import spoken
from agent.route_forecast import HOP_GAS
from simulations.slicing import Clip, Schedule
from strongroom.chain.rpc import RpcChain
from strongroom.protocols.erc20 import encode_approve, read_balance
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.world.people import ALICE
from strongroom.world.treasury import DAI, USDC, WETH, units
from strongroom.world.world import World
from tests.agent.conftest import Run
from tests.agent.installed import Site

_BASE_GAS = 21_000


@pytest.fixture(scope="module")
def folder(module_world: World, module_chain: RpcChain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Site.of(module_world, module_chain, tmp_path_factory.mktemp("documents")).folder


def asked(run: Run, folder: Path, *arguments: str) -> dict[str, Any]:
    code, out, err = run("simulate", "route", *arguments, "--json", "--config", folder)
    assert (code, err) == (0, "")
    answer: dict[str, Any] = json.loads(out)
    return answer


def made(world: World, hop: dict[str, Any]) -> int:
    """Executes one hop by an ordinary account; the gas of approval and swap without what a transaction itself costs."""
    contracts = world.contracts
    pair = (contracts.tokens[hop["token_in"]], contracts.tokens[hop["token_out"]])
    amounts = (int(hop["units_in"]), int(hop["units_out"]))
    if hop["venue"] == "uniswap_v2":
        router, data = contracts.pair_router, encode_swap(PairSwap(*pair, ALICE.address, 2**40, *amounts))
    else:
        router = contracts.swap_router
        data = encode_exact_input(ExactInput(*pair, hop["fee_pips"], ALICE.address, 2**40, *amounts))
    sent = [world.send_as(ALICE.address, pair[0], encode_approve(router, amounts[0]))]
    sent.append(world.send_as(ALICE.address, router, data))
    assert all(each.success for each in sent)
    return sum(each.gas_used - _BASE_GAS for each in sent)


def test_each_hop_over_a_token_in_between_pays_for_real_what_was_quoted(
    world: World, chain: RpcChain, folder: Path, run: Run
) -> None:
    """With each quote as its minimum, in the order given, to the last unit; and the gas is about what is told."""
    answer = asked(run, folder, "290 WETH to DAI")
    tokens, sold = world.contracts.tokens, units(WETH, 290)
    world.mint(WETH, ALICE.address, sold)
    gas = [made(world, hop) for hop in answer["hops"]]
    held = chain.read([read_balance(tokens[each], ALICE.address) for each in (WETH, USDC, DAI)], chain.head())
    assert held == [0, 0, int(answer["units_out"])]
    assert {hop["token_in"] for hop in answer["hops"]} == {WETH, USDC}
    assert answer["direct_units_out"] is None
    assert max(gas) <= HOP_GAS <= 2 * sum(gas) / len(gas)


def test_what_is_told_in_words_is_what_json_holds_and_the_same_again(folder: Path, run: Run) -> None:
    code, out, _ = run("simulate", "route", "50 WETH to USDC", "--config", folder)
    answer = asked(run, folder, "50 WETH to USDC")
    assert code == 0
    assert 0 <= answer["gap_bps"] <= 0.01
    assert sum(int(hop["units_in"]) for hop in answer["hops"]) == units(WETH, 50)
    assert sum(int(hop["units_out"]) for hop in answer["hops"]) == int(answer["units_out"])
    for hop in answer["hops"]:
        assert f"{hop['pool'][:6]}…{hop['pool'][-4:]}" in out
    advice = answer["advice"]
    assert f"advice: {len(advice['clips'])} clips over " in out
    assert f"{advice['cost_bps']:.1f} bp ± {advice['spread_bps']:.1f} bp of swings" in out
    assert sum(int(clip["units"]) for clip in advice["clips"]) == units(WETH, 50)
    assert asked(run, folder, "50 WETH to USDC") == answer


def test_marginal_prices_of_all_pools_used_are_one(folder: Path, run: Run) -> None:
    hops = asked(run, folder, "200 WETH to USDC")["hops"]
    prices = [hop["price_after"] for hop in hops]
    assert len(prices) > 2 and max(prices) == pytest.approx(min(prices), rel=1e-9)


def test_aversion_clips_and_hours_are_heeded(folder: Path, run: Run) -> None:
    assert len(asked(run, folder, "50 WETH to USDC", "--risk-aversion", "inf")["advice"]["clips"]) == 1
    three = asked(run, folder, "50 WETH to USDC", "--clips", "3", "--hours", "1")["advice"]["clips"]
    assert len(three) == 3 and three[-1]["after_seconds"] <= 3_600
    calm = asked(run, folder, "50 WETH to USDC", "--volatility", "0 %")["advice"]
    assert calm["spread_bps"] == 0 and calm["clips"][-1]["after_seconds"] > 5 * 3_600


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_chart_is_drawn_and_is_the_same_again(folder: Path, run: Run, tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    for path in (first, second):
        assert run("simulate", "route", "50 WETH to USDC", "--chart", path, "--config", folder)[0] == 0
    assert first.read_bytes() == second.read_bytes() != b""
    if suffix == "svg":
        assert "<svg" in first.read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["50 WETH to GOLD"], "`GOLD` cannot be used for the token bought; policy.toml lists `ETH`"),
        (["50 GOLD to WETH"], "write a number and a listed token"),
        (["0 WETH to USDC"], "sell more than nothing"),
        (["-5 WETH to USDC"], "no such option '-5'"),
        (["--", "-5 WETH to USDC"], "write a plain number"),
        (["everything"], "for example `50 WETH to USDC`"),
        (["50 WETH to WETH"], "name two tokens"),
        (["5 ETH to USDC"], "pools hold no coin of the chain; name the token that wraps it"),
        (["10_000_000 WETH to USDC"], "they would give less than half its worth; sell less"),
        (["0.0000000000000001 WETH to USDC"], "or more than dust"),
        (["50 WETH to USDC", "--volatility", "much"], "write a percentage up to 1,000"),
        (["50 WETH to USDC", "--volatility", "1001 %"], "write a percentage up to 1,000"),
        (["50 WETH to USDC", "--half-life", "soon"], "write a duration"),
        (["50 WETH to USDC", "--risk-aversion", "nan"], "`nan` cannot be used for --risk-aversion"),
        (["50 WETH to USDC", "--hours", "0"], "`0.0` cannot be used for --hours"),
        (["50 WETH to USDC", "--clips", "49"], "give 1 to 48"),
        (["50 WETH to USDC", "--clips", "9", "--hours", "0.1"], "they lie a minute apart at least"),
        (["50 WETH to USDC", "--chart", "route.pdf"], "ends with .png or .svg"),
        (["50 WETH to USDC", "--chart", "nowhere/route.png"], "make the folder `nowhere` first"),
    ],
)
def test_what_cannot_be_routed_is_refused_in_one_line(folder: Path, run: Run, arguments: list[str], told: str) -> None:
    options = ["--config", str(folder)]
    code, out, err = run("simulate", "route", *options, *arguments)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert told in err


def test_a_schedule_is_spoken_as_people_would() -> None:
    def over(*seconds: int) -> str:
        return spoken(Schedule(tuple(Clip(each, 1) for each in seconds), 0.0, 0.0, 0.0))

    assert over(0, 3 * 3_600, 6 * 3_600) == "3 clips over 6 hours"
    assert over(0, 5_400) == "2 clips over 1 hour 30 minutes"
    assert over(0) == "1 clip, at once"
