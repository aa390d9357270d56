"""The first half of the story: shadow, then a proposal that outlives the process that made it."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from agent.demo.clock import month_before
from agent.demo.scene import Scene, shown
from agent.demo.stage import Child
from strongroom.settings import Mode
from strongroom.world.people import GUARDIANS, Person
from strongroom.world.treasury import TREASURY


def shadow(scene: Scene) -> None:
    """Payroll planned, rehearsed and judged; nothing signed."""
    scene.stage.chapter("Shadow: payroll is planned, rehearsed and judged; nothing is signed")
    before = scene.world.ask("eth_blockNumber")
    asked = scene.stage.ask_strongroom(*_payroll(scene, Mode.SHADOW))
    # Meanwhile an owner lets the agent's key propose, which the next mode needs; it is no transaction.
    scene.register_delegate()
    answer = asked()
    unit = answer["units"][0]
    scene.stage.tell(f"   {answer['rationale']}; {unit['id']} {unit['status']}")
    scene.stage.check(unit["status"] == "shadowed", "a shadow unit ends at its verdict")
    scene.stage.check(scene.world.ask("eth_blockNumber") == before, "shadow mode sends nothing")


def _payroll(scene: Scene, mode: Mode) -> tuple[str, ...]:
    """Last month's payroll, asked for by hand: no schedule ran then."""
    return "cycle", "payroll", "--month", month_before(scene.due), "--config", str(scene.documents(mode))


def proposal(scene: Scene) -> tuple[dict[str, Any], Child]:
    """`strongroom run` proposes payroll as delegate and is killed; the waiting unit, and the next process."""
    scene.stage.chapter("Propose: payroll waits in the guardians' queue, and its process is killed")
    config = scene.documents(Mode.PROPOSE)
    child = scene.stage.start_treasurer(config)
    scene.stage.hear(child, f"process {child.pid}")
    unit = scene.stage.strongroom(*_payroll(scene, Mode.PROPOSE))["units"][0]
    scene.stage.check(unit["status"] == "waiting", "payroll waits for guardians")
    scene.stage.tell(f"   process {child.pid} proposed {unit['id']} at nonce {unit['nonce']}: {unit['proposal']}")
    os.kill(child.pid, signal.SIGKILL)
    child.process.wait()
    scene.stage.tell(f"   process {child.pid} was killed (SIGKILL) before anybody signed")
    return unit, scene.stage.start_treasurer(config)


def guardians_sign(scene: Scene, proposal: str) -> None:
    """Two guardians, each in processes of their own, read for themselves and sign."""
    scene.stage.chapter("Guardians: each reads, rehearses and judges alone, without the agent's code, then signs")
    with ThreadPoolExecutor() as side_by_side:
        for line in side_by_side.map(lambda person: _verify_and_sign(scene, person, proposal), GUARDIANS[:2]):
            scene.stage.tell(line)


def _verify_and_sign(scene: Scene, person: Person, proposal: str) -> str:
    config, key = scene.guardian(person)
    seen = scene.stage.guardian("verify", proposal, "--config", str(config))
    signed = scene.stage.guardian("sign", proposal, "--config", str(config), "--keystore", str(key), "--yes")
    return f"   {person.name}: verdict {seen['verdict']}, signed as {signed['signed_by']}"


def executed(scene: Scene, unit: dict[str, Any], child: Child) -> None:
    """Another process has found the sleeping unit and executes it once."""
    scene.stage.chapter("Execute: another process takes the unit up and settles it")
    tx_hash = scene.executed(child, unit)
    scene.stage.tell(f"   process {child.pid} executed {unit['id']} in {tx_hash}")
    for payee in TREASURY.payees:
        got = scene.held(payee.address, payee.monthly.token)
        scene.stage.check(got == payee.monthly.units, f"{payee.id} is paid once")
        scene.stage.tell(f"   {payee.id}: {shown(payee.monthly.token, got)}")
    scene.stage.dismiss(child)
