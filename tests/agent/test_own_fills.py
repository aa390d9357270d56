"""The slippage model on the treasury's own fills: swaps that the agent plans, rehearses, judges and sends on its own
path while a trader's process, which knows nothing of them, moves the pair; then `simulate swap` out of that ledger.

A few swaps show that each is taken apart whole. `STRONGROOM_FILLS=120` (minutes) makes enough for a fit and its score.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from agent import example
from agent.demo import guarded
from agent.demo.scene import PASSWORD, Scene
from agent.records import Records
from agent.state_folder import StateFolder
from policies.terms import UNISWAP_V2
from simulations.slippage.calibrating import LEAST_SCORED
from simulations.slippage.fills import decompose
from simulations.slippage.model import fit
from strongroom.settings import Mode
from strongroom.world.people import OPERATOR
from strongroom.world.world import World
from tests.agent.begun import begun_scene
from tests.agent.conftest import Run
from tests.agent.test_fills import found
from tests.agent.test_guarded import desk

SWAPS = int(os.environ.get("STRONGROOM_FILLS", "5"))
_SPARE = 10
_ENOUGH = LEAST_SCORED + _SPARE
_PAUSE_SECONDS = 0.1
_APART_SECONDS = 2_400
"""On the chain: the policy lets the agent act forty times a day."""


@contextmanager
def trading(world: World) -> Iterator[Lock]:
    """Another process trades, a block each time, except while the lock is held."""
    command = [sys.executable, "-m", "strongroom.world.trader", str(urlsplit(world.url).port), "20"]
    ended, free = Event(), Lock()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as trader:
        orders = Thread(target=_order, args=(trader, ended, free))
        orders.start()
        try:
            yield free
        finally:
            ended.set()
            orders.join()
            assert trader.stdin
            trader.stdin.close()


def _order(trader: subprocess.Popen[str], ended: Event, free: Lock) -> None:
    assert trader.stdin and trader.stdout
    while not ended.wait(_PAUSE_SECONDS):
        with free:
            trader.stdin.write("1\n")
            trader.stdin.flush()
            assert trader.stdout.readline() == "done\n"


@pytest.fixture
def traded(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A treasury in guarded mode that may trade in the trader's pair alone, and did."""
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    whole = example._policy
    monkeypatch.setattr(example, "_policy", lambda of: _in_the_pair(whole(of)))
    made = 0
    with begun_scene(world, tmp_path) as begun:
        installed = guarded.install(begun)
        with ExitStack() as stack:
            treasurer = desk(stack, installed)
            with trading(world) as free:
                for order in _orders(Random(7)):
                    made += treasurer.chat(OPERATOR.name, order)["units"][0]["status"] == "executed"
                    if made == SWAPS:
                        break
                    with free:
                        world.advance(_APART_SECONDS)
        yield installed


def _orders(random: Random) -> Iterator[str]:
    """Three times as many: at times the pair is further off the feeds than a swap may lose."""
    for place in range(3 * SWAPS):
        size = random.randrange(100, 1_000)
        yield f"swap {size} USDC to WETH" if place % 2 else f"swap 0.{size} WETH to USDC"


def _in_the_pair(policy: Any) -> Any:
    return replace(policy, venues={id_: venue for id_, venue in policy.venues.items() if venue.kind == UNISWAP_V2})


def test_every_swap_is_taken_apart_whole(traded: Scene) -> None:
    """What the order itself moves is never below zero: it is measured on the pools that were quoted, not on those that
    the agent looked at again before it sent."""
    units = Records(StateFolder(traded.state)).plans()
    executed = [unit for unit in units if unit["status"] == "executed"]
    known = found(traded, traded.world.url)
    assert len(executed) == SWAPS
    # While it mines, anvil may answer for the newest block with the state of the next: such a quote is no fill.
    assert len(known.fills) + known.forgotten == len(executed)
    assert known.forgotten <= _SPARE
    for fill in known.fills:
        parts = decompose(fill)
        assert parts.fee > 0 and parts.impact >= 0 and parts.gas > 0
        assert fill.spot - fill.received + fill.gas == parts.total
    assert any(decompose(fill).adverse for fill in known.fills), "the market moved between quote and block"


@pytest.mark.skipif(
    SWAPS < LEAST_SCORED + _SPARE, reason=f"a fit and its score take STRONGROOM_FILLS={LEAST_SCORED + _SPARE}"
)
def test_the_forecast_is_fitted_on_them_and_keeps_its_word(traded: Scene, run: Run, tmp_path: Path) -> None:
    chart = Path(os.environ.get("STRONGROOM_FILLS_CHART", tmp_path / "fills.png"))
    asked = ("--config", traded.documents(Mode.GUARDED), "--chart", chart, "--json")
    # The trader leaves the pair off the feeds by more than a swap may lose, in one direction at most.
    answers = [run("simulate", "swap", order, *asked) for order in ("600 USDC to WETH", "0.2 WETH to USDC")]
    out = next(out for code, out, _ in answers if code == 0)
    told = json.loads(out)
    fills = found(traded, traded.world.url).fills
    assert (told["fills"], told["why"]) == (len(fills), "")
    scored = told["calibration"]
    assert scored["fitted"] + scored["later"] == len(fills)
    assert all(each["least"] <= each["inside"] <= each["most"] for each in scored["coverage"].values())
    low, high = fit(fills).interval(0.9, 60)
    quoted = int(told["quoted_units"])
    assert told["received_units"]["0.9"] == [str(int(quoted * (1 - high))), str(int(quoted * (1 - low)))]
