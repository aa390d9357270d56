"""The one line that a forecast ends with makes it again, figures and all, whatever the chain has done meanwhile."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from strongroom.chain.rpc import RpcChain
from strongroom.world.people import ALICE
from strongroom.world.treasury import USDC, WETH, units
from strongroom.world.world import World
from tests.agent.conftest import Run
from tests.agent.installed import Site
from tests.chain.partial_node import PartialNode

FEW = ("--paths", 20, "--days", 40)
COMMANDS = {
    "swap": ("5 WETH to USDC", "--wait", "5 minutes"),
    "route": ("290 WETH to DAI", "--hours", 2),
    "treasury": ("--hold", *FEW),
    "fitted": ("--draw", "fitted", *FEW),
    "stress": ("crash", *FEW),
    "backtest": ("2018-01-01..2018-03-01",),
    "frontier": ("--drift", "20 %", "--points", 3, *FEW),
}


@pytest.fixture
def site(world: World, chain: RpcChain, tmp_path: Path) -> Site:
    return Site.of(world, chain, tmp_path)


def live_on(world: World) -> None:
    """Prices, pools, time and holdings move."""
    world.move_market(WETH, 2_500 * 10**8)
    world.mint(USDC, world.contracts.safe, units(USDC, 1_000))
    world.mint(WETH, ALICE.address, units(WETH, 1))
    world.advance(3 * 86_400)


@pytest.mark.parametrize("name", COMMANDS)
def test_its_own_command_makes_it_again_after_the_chain_went_on(site: Site, run: Run, name: str) -> None:
    command = "treasury" if name == "fitted" else name
    asked = ("simulate", command, *COMMANDS[name], "--json", "--config", site.folder)
    code, first, error = run(*asked)
    assert code == 0, error
    live_on(site.world)
    written = json.loads(first)["origin"]["command"]
    assert " --at " in written
    code, again, error = run(*shlex.split(written)[1:], "--json")
    assert (code, again) == (0, first), error
    assert json.loads(run(*asked)[1])["origin"]["data_hash"] != json.loads(first)["origin"]["data_hash"]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_block_that_is_not_there_is_named_with_the_newest(site: Site, run: Run, name: str) -> None:
    newest = site.chain.head().number
    command = "treasury" if name == "fitted" else name
    asked = ("simulate", command, *COMMANDS[name], "--config", site.folder, "--at", newest + 1)
    code, out, error = run(*asked)
    assert (code, out) == (1, "")
    assert f"`{newest + 1}` cannot be used for --at; the newest block is {newest}; name it, or one before" in error


def test_a_block_before_the_safe_is_named(site: Site, run: Run) -> None:
    _, _, error = run("simulate", "treasury", *FEW, "--config", site.folder, "--at", 0)
    assert "`0` cannot be used for --at; no Safe was there at that block; name a later one" in error


def test_a_node_without_that_blocks_state_is_told_from_one_that_is_off(site: Site, run: Run) -> None:
    with PartialNode(site.world.url, ("eth_call",)) as node:
        site.edit("treasury.toml", site.world.url, node.url)
        _, _, error = run("simulate", "swap", "5 WETH to USDC", "--config", site.folder, "--at", 5)
    assert "`5` cannot be used for --at; the node refused `eth_call`" in error
    assert "ask a node that keeps old state, or leave `--at` out" in error
