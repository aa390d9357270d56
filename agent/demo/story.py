"""The chapters in order, and the one line of figures at the end."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agent.app import PASSWORD as AGENT_PASSWORD
from agent.demo import drawdown, guarded, hostile_model, lending, owner_keys, proof, propose, swaps, thief
from agent.demo.scene import PASSWORD, Scene
from agent.demo.stage import Stage, free_port
from guardians.app import PASSWORD as GUARDIAN_PASSWORD
from strongroom.model import Lane
from strongroom.settings import Mode
from strongroom.world.world import World


def play(tell: Callable[[str], None]) -> dict[str, Any]:
    """Tells the whole story and returns its figures. Raises `StoryBroken` at the first step that does not hold."""
    started = time.monotonic()
    with ExitStack() as stack:
        scene = _open(stack, tell)
        propose.shadow(scene)
        waiting, successor = propose.proposal(scene)
        propose.guardians_sign(scene, waiting["proposal"])
        propose.executed(scene, waiting, successor)
        scene = guarded.install(scene)
        guarded.miss(scene)
        with guarded.running(scene) as treasurer:
            guarded.payroll(scene, treasurer)
            guarded.chat(scene)
            proof.anchor(scene)
            swaps.rebalance(scene, treasurer)
            hostile_model.turn_down(scene, treasurer)
        withstood = hostile_model.withstand(scene)
        card = thief.print_card(scene)
        loot = thief.drain(scene)
        thief.rekey(scene, card())
        with guarded.running(scene) as treasurer:
            thief.resume(scene, treasurer)
            lending.lend(scene)
            fall = drawdown.trip(scene)
        drawdown.rekey(scene)
        with guarded.running(scene) as treasurer:
            drawdown.resume(scene, treasurer, fall)
            owner_keys.steal(scene)
            units = scene.units(Mode.GUARDED)
            guarded.paid_once(scene, treasurer, units)
            proven = proof.prove(scene)
        proof.page(scene)
    return {
        **_count(units),
        "ledger_entries": proven.entries,
        "ledger_verified": proven.verified,
        "anchored_size": proven.anchored_size,
        "hostile_answers": withstood.hostile_answers,
        "verdicts_changed": withstood.verdicts_changed,
        "drain_extracted_units": loot.extracted_units,
        "drain_cap_units": loot.cap_units,
        "rekeyed": True,
        "tripped": True,
        "drawdown_tripped_by": fall.tripped_by,
        "wealth_before_usd": fall.before_usd,
        "wealth_after_usd": fall.after_usd,
        "seconds": round(time.monotonic() - started, 1),
    }


def _count(units: list[dict[str, Any]]) -> dict[str, int]:
    """Intents by what became of them, as the units table has it."""
    done = [unit for unit in units if unit["status"] == "executed"]
    return {
        "agent_lane": sum(unit["intents"] for unit in done if unit["lane"] == Lane.AGENT),
        "owner_lane": sum(unit["intents"] for unit in done if unit["lane"] == Lane.OWNER),
        "denied": sum(unit["intents"] for unit in units if unit["status"] == "denied"),
    }


def _open(stack: ExitStack, tell: Callable[[str], None]) -> Scene:
    home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="strongroom-demo-")))
    secrets = {AGENT_PASSWORD: PASSWORD, GUARDIAN_PASSWORD: PASSWORD}
    stage = Stage(tell, home, stack, {**os.environ, **secrets})
    stage.chapter("A world: a local chain with the real contracts, and a DAO's treasury in a Safe")
    began = time.monotonic()
    world = stack.enter_context(World.start())
    tell(f"   {world.treasury.name}: Safe {world.account.safe}, 3 guardians, 2 of them sign")
    tell(f"   built in {time.monotonic() - began:.2f} s at {world.url}")
    port = free_port()
    service = stage.start_guardians("serve", "--rpc", world.url, "--port", str(port), "--store", str(home / "queue.db"))
    scene = Scene(stage, world, home, f"http://127.0.0.1:{port}")
    scene.documents(Mode.SHADOW)
    stage.hear(service, "is served at")
    tell(f"   the guardians' queue is served by process {service.pid}")
    return scene
