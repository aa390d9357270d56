"""Idle stables earn interest at Aave, and what a payday misses comes back in the very unit that pays it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agent.demo.scene import Scene, shown
from strongroom.model import TokenId
from strongroom.protocols.erc20 import read_balance
from strongroom.settings import Mode
from strongroom.world.treasury import DAI, TREASURY, USDC

_DAY_SECONDS = 86_400
_WEEK_SECONDS, _MONTH_SECONDS = 7 * _DAY_SECONDS, 30 * _DAY_SECONDS
_WEEKS = 2


def lend(scene: Scene) -> None:
    """What lies idle is lent week by week; a month later payday needs more than the Safe holds."""
    scene.stage.chapter("Lending: idle stables earn interest at Aave, and payday takes back exactly what is missing")
    principal = dict.fromkeys((USDC, DAI), 0)
    for _ in range(_WEEKS):
        for token, units in _supply(scene).items():
            principal[token] += units
        scene.world.advance(_WEEK_SECONDS)
    scene.stage.tell(f"   {_standing(scene, USDC)}; {_standing(scene, DAI)}")
    scene.world.advance(_MONTH_SECONDS)
    _earned(scene, principal)
    _payday(scene)
    scene.stage.tell(f"   {_standing(scene, USDC)}; the job's next run brings back what the mandate keeps there")


def _supply(scene: Scene) -> dict[TokenId, int]:
    """The lending job, now: units of each token that it has lent, each alone."""
    lent = {}
    for unit in _cycle(scene, "lend"):
        (move,) = unit["lending"]
        token = TokenId(move["token"])
        lent[token] = int(move["units"])
        scene.stage.tell(f"   {unit['id']}: {shown(token, lent[token])} lent at {move['venue']} in {unit['tx_hash']}")
        scene.stage.check(move["kind"] == "supply", f"what lies idle is lent: {unit}")
    scene.stage.check(bool(lent), "something lies idle")
    return lent


def _earned(scene: Scene, principal: dict[TokenId, int]) -> None:
    """Interest is what lies at the market beyond what was brought there."""
    interest = {token: _lent(scene, token) - units for token, units in principal.items()}
    scene.stage.check(all(units > 0 for units in interest.values()), f"what is lent earns interest: {interest}")
    words = " and ".join(shown(token, units) for token, units in interest.items())
    scene.stage.tell(f"   in five weeks it has earned {words} of interest")


def _payday(scene: Scene) -> None:
    """One transaction of the agent's key: the withdrawal of what is missing, and every payment."""
    stage, safe, paid_before = scene.stage, scene.world.account.safe, _payees_hold(scene)
    idle, due = scene.held(safe, USDC), sum(p.monthly.units for p in TREASURY.payees if p.monthly.token == USDC)
    stage.check(idle < due, f"payday takes more than lies idle: {idle} < {due}")
    month = f"{datetime.fromtimestamp(scene.world.now(), UTC):%Y-%m}"
    (unit,) = _cycle(scene, "payroll", "--month", month)
    taken = [(move["kind"], move["token"], int(move["units"])) for move in unit["lending"]]
    stage.check(taken == [("withdraw", USDC, due - idle)], f"exactly what is missing is taken back: {taken}")
    stage.check(scene.held(safe, USDC) == 0, "nothing more was taken back than was paid")
    paid = {name: units - paid_before[name] for name, units in _payees_hold(scene).items()}
    stage.check(paid == {p.id: p.monthly.units for p in TREASURY.payees}, f"everybody is paid once: {paid}")
    stage.tell(f"   payday takes {shown(USDC, due)}, and {shown(USDC, idle)} lie in the Safe")
    stage.tell(f"   {unit['id']}: {shown(USDC, due - idle)} taken back and all paid, one transaction {unit['tx_hash']}")


def _cycle(scene: Scene, *arguments: str) -> list[dict[str, Any]]:
    """A job, now; what it leads to executes alone."""
    config = str(scene.documents(Mode.GUARDED))
    units: list[dict[str, Any]] = scene.stage.strongroom("cycle", *arguments, "--config", config)["units"]
    for unit in units:
        alone = (unit["status"], unit["lane"]) == ("executed", "agent")
        scene.stage.check(alone, f"lending and payday execute alone: {unit}")
    return units


def _standing(scene: Scene, token: TokenId) -> str:
    idle = scene.held(scene.world.account.safe, token)
    return f"{shown(token, _lent(scene, token))} at Aave, {shown(token, idle)} in the Safe"


def _lent(scene: Scene, token: TokenId) -> int:
    """What the Safe has at Aave, interest included."""
    reserve = scene.world.contracts.lending.reserves[token]
    return scene.read(read_balance(reserve.a_token, scene.world.account.safe))


def _payees_hold(scene: Scene) -> dict[str, int]:
    return {payee.id: scene.held(payee.address, payee.monthly.token) for payee in TREASURY.payees}
