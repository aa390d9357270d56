"""What a swap's gas is worth: the base fee and the tip that the agent's key pays, in forecasts as in fills."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agent.app import open_documents
from agent.demo.scene import Scene
from agent.example import policy
from agent.fills import gas_units
from agent.planners.clips import LEG_GAS
from agent.records import Records
from agent.state_folder import StateFolder
from simulations.treasury.book import Calendar
from simulations.treasury.forecast import forecast
from simulations.treasury.source import Fixed
from strongroom.chain.rpc import RpcChain
from strongroom.fees import TIP_WEI
from strongroom.settings import Mode
from strongroom.world.treasury import USDC
from strongroom.world.world import World
from tests.agent.conftest import Run
from tests.agent.installed import Site
from tests.agent.test_fills import found, scene
from tests.agent.test_swaps import look
from tests.simulations.treasury import dao

__all__ = ["scene"]
_COIN = 10**18


@pytest.fixture
def site(world: World, chain: RpcChain, tmp_path: Path) -> Site:
    return Site.of(world, chain, tmp_path)


def test_a_forecast_of_a_swap_pays_the_tip_too(site: Site, chain: RpcChain, run: Run) -> None:
    code, out, error = run("simulate", "swap", "5 WETH to USDC", "--json", "--config", site.folder)
    assert code == 0, error
    told = json.loads(out)
    legs = len(told["route"]["legs"])
    wei = [legs * LEG_GAS * (int(told["base_fee"][end]) + TIP_WEI) for end in ("low_wei", "middle_wei", "high_wei")]
    expected = [str(gas_units(each, USDC, look(site.world, chain), policy(site.world))) for each in wei]
    assert told["gas_units"] == expected


def test_a_wait_so_long_that_nothing_can_be_said_is_refused(site: Site, run: Run) -> None:
    """After twelve days of full blocks the base fee has more digits than can be written."""
    code, out, error = run("simulate", "swap", "5 WETH to USDC", "--wait", "12 days", "--config", site.folder)
    assert (code, out, error.count("\n")) == (1, "", 1)
    assert "`1036800 seconds` cannot be used for --wait; wait at most `7 days`" in error
    assert run("simulate", "swap", "5 WETH to USDC", "--wait", "7 days", "--json", "--config", site.folder)[0] == 0


def test_a_fill_counts_the_gas_that_was_paid(scene: Scene) -> None:
    """What the receipts say, at 3,000 USD a coin."""
    known = found(scene, scene.world.url)
    paid = [wei_of(scene.world, each) for each in swaps_of(scene)]
    expected = [paid[0] * 3_000 * 10**6 / _COIN, paid[1]]
    assert [each.gas for each in known.fills] == pytest.approx(expected, rel=0.01)


def swaps_of(of: Scene) -> list[str]:
    """The first and the last of three units; the one between is a payment."""
    documents = open_documents(of.documents(Mode.GUARDED))
    return [unit["tx_hash"] for unit in Records(StateFolder(documents.treasury.state_dir)).plans()][::2]


def wei_of(world: World, tx_hash: str) -> int:
    receipt = world.ask("eth_getTransactionReceipt", tx_hash)
    return int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)


def test_a_treasurys_units_pay_the_tip_too() -> None:
    """One payroll: a unit of 250,000 gas at 10 gwei and the tip, at 3,000 USD a coin."""
    days = Calendar(dao.NEW_YEAR, (True,), (False,), (False,))
    made = forecast(dao.book(), days, Fixed(np.zeros((1, 2))), 2, 1)
    price = made.book.assets[made.book.market.coin].price_e8 / 1e8
    assert made.outcomes.gas[0] == pytest.approx(250_000 * (10 * 10**9 + TIP_WEI) / _COIN * price)
