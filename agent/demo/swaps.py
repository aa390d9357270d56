"""Weights drift: a small rebalancing executes alone over several pools, a large one waits for guardians."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from agent.demo.scene import Scene, shown
from agent.demo.stage import Child
from strongroom.model import TokenId
from strongroom.settings import Mode
from strongroom.world.people import GUARDIANS, Person
from strongroom.world.treasury import USDC, WETH

_DAY_SECONDS = 86_400
_RISE_E8 = 3_850_00000000


def rebalance(scene: Scene, treasurer: Child) -> None:
    """Two payrolls have left too much ether; then ether rises by a third."""
    scene.stage.chapter("Swaps: a small rebalancing executes alone, a large one asks guardians")
    for unit in _cycle(scene):
        scene.stage.check(
            (unit["status"], unit["lane"]) == ("executed", "agent"), f"a small swap executes alone: {unit}"
        )
        scene.stage.tell(f"   {unit['id']}: executed alone in {unit['tx_hash']}")
    scene.stage.tell(f"   the Safe holds {_holding(scene, WETH)} and {_holding(scene, USDC)}; nothing is left approved")
    scene.world.advance(_DAY_SECONDS)
    scene.world.move_market(WETH, _RISE_E8)
    scene.stage.tell(f"   a day later feeds and pools say {_RISE_E8 // 10**8:,} USD for WETH")
    large = [unit for unit in _cycle(scene) if unit["status"] == "waiting"]
    scene.stage.check(bool(large), "a large swap asks guardians")
    _sign_and_settle(scene, treasurer, large[0])


def _cycle(scene: Scene) -> list[dict[str, Any]]:
    """The rebalancing job, now."""
    answer = scene.stage.strongroom("cycle", "rebalance", "--config", str(scene.documents(Mode.GUARDED)))
    scene.stage.tell(f"   {answer['rationale']}")
    units: list[dict[str, Any]] = answer["units"]
    return units


def _sign_and_settle(scene: Scene, treasurer: Child, unit: dict[str, Any]) -> None:
    with ThreadPoolExecutor() as side_by_side:
        list(side_by_side.map(partial(_sign, scene, unit["proposal"]), GUARDIANS[:2]))
    tx_hash = scene.executed(treasurer, unit)
    scene.stage.tell(f"   {unit['id']}: two guardians signed, executed in {tx_hash}")


def _sign(scene: Scene, proposal: str, person: Person) -> None:
    config, key = scene.guardian(person)
    scene.stage.guardian("sign", proposal, "--config", str(config), "--keystore", str(key), "--yes")


def _holding(scene: Scene, token: TokenId) -> str:
    return shown(token, scene.held(scene.world.account.safe, token))
