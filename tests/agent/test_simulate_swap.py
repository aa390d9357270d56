"""`simulate swap`: what it forecasts is what the pools quote, what it knows are the treasury's own fills."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.example import policy
from agent.swap_forecast import tick_at
from agent.swaps import Routed, routed
from strongroom.chain.rpc import RpcChain
from strongroom.model import Lane
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick
from strongroom.world.treasury import USDC, WETH, units
from strongroom.world.world import World
from tests.agent.conftest import Run
from tests.agent.installed import Site
from tests.agent.test_swaps import look, order


@pytest.fixture
def site(world: World, chain: RpcChain, tmp_path: Path) -> Site:
    return Site.of(world, chain, tmp_path)


def test_the_quote_is_the_routes_own_and_the_parts_explain_it(site: Site, chain: RpcChain, run: Run) -> None:
    code, out, _ = run("simulate", "swap", "200_000 USDC to WETH", "--json", "--config", site.folder)
    told = json.loads(out)
    found = routed(order(USDC, WETH, units(USDC, 200_000)), look(site.world, chain), policy(site.world), Lane.AGENT)
    assert code == 0 and isinstance(found, Routed)
    assert told["quoted_units"] == str(sum(leg.quoted_out_units for leg in found.route.legs))
    parts = {name: int(value) for name, value in told["parts_units"].items()}
    assert int(told["spot_units"]) - parts["fee"] - parts["price impact"] == int(told["quoted_units"])
    assert all(value > 0 for value in parts.values())


def test_without_fills_it_is_a_bound_and_says_so(site: Site, run: Run) -> None:
    code, out, _ = run("simulate", "swap", "5 WETH to USDC", "--config", site.folder)
    assert code == 0
    assert "a bound, not a fit: 0 fills are known, at least 60 are needed" in out
    assert "not held to later fills yet: 0 fills are known, at least 80 are needed" in out
    assert "no price of yours is read there" in out
    assert "again: strongroom simulate swap '5 WETH to USDC' --config" in out


def test_the_same_block_gives_the_same_words(site: Site, run: Run) -> None:
    asked = ("simulate", "swap", "5 WETH to USDC", "--json", "--config", site.folder)
    assert run(*asked) == run(*asked)


def test_a_longer_wait_is_a_wider_forecast(site: Site, run: Run) -> None:
    spans = []
    for wait in ("1 minute", "1 hour"):
        _, out, _ = run("simulate", "swap", "5 WETH to USDC", "--wait", wait, "--json", "--config", site.folder)
        low, high = json.loads(out)["received_units"]["0.9"]
        spans.append(int(high) - int(low))
    assert spans[0] * 6 < spans[1] < spans[0] * 9, "as the root of the time"


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_chart_is_drawn(site: Site, run: Run, tmp_path: Path, suffix: str) -> None:
    chart = tmp_path / f"swap.{suffix}"
    code, _, error = run("simulate", "swap", "5 WETH to USDC", "--chart", chart, "--config", site.folder)
    assert code == 0, error
    assert chart.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


@pytest.mark.parametrize(
    ("asked", "mend"),
    [
        (("x",), "`x` cannot be used for an order; write what is sold and for what, for example `50 WETH to USDC`"),
        (("5 WETH to FOO",), "`FOO` cannot be used for the token bought; policy.toml lists `ETH`, `WETH`"),
        (("5 WETH to WETH",), "name two tokens"),
        (("5 ETH to USDC",), "name the token that wraps it"),
        (("0 WETH to USDC",), "sell more than nothing"),
        (("5 WETH to USDC", "--wait", "900 days"), "`77760000 seconds` cannot be used for --wait; wait at most"),
        (("nan WETH to USDC",), "write a plain number"),
        (("1_000_000 WETH to USDC",), "swap less, or wait"),
        (("5 HALL to USDC",), "no venue is listed with a pool of `HALL` and `USDC`"),
        (("5 WETH to USDC", "--wait", "soon"), "write a duration"),
        (("5 WETH to USDC", "--chart", "swap.gif"), "name a file that ends with .png or .svg"),
        (("5 WETH to USDC", "--chart", "nowhere/swap.png"), "make the folder `nowhere` first"),
    ],
)
def test_bad_input_is_one_line_with_its_mend(site: Site, run: Run, asked: tuple[str, ...], mend: str) -> None:
    code, out, error = run("simulate", "swap", *asked, "--config", site.folder)
    assert (code, out, error.count("\n")) == (1, "", 1)
    assert mend in error


@pytest.mark.parametrize("tick", [-887_272, -200_001, -1, 0, 1, 200_001, 887_271])
def test_a_tick_is_found_from_its_price_and_just_below_the_next(tick: int) -> None:
    assert tick_at(sqrt_price_at_tick(tick)) == tick
    assert tick_at(sqrt_price_at_tick(tick + 1) - 1) == tick
