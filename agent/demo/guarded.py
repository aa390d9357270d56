"""The second half: the Kernel is installed, small moves execute alone, and what is not allowed is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from agent.demo.scene import Scene
from agent.demo.stage import end
from strongroom.model import Address, Operation
from strongroom.settings import Mode
from strongroom.world.people import AGENT, ALICE, GUARDIANS, OPERATOR, STRANGER
from strongroom.world.treasury import TREASURY, USDC, units

_DAY_SECONDS = 86_400
_MONTH_SECONDS = 30 * _DAY_SECONDS


def install(scene: Scene) -> Scene:
    """The owners sign the one transaction that makes and enables the Kernel; the scene with its address."""
    scene.stage.chapter("Guarded: the owners install the Kernel, which enforces the policy on chain")
    config = str(scene.documents(Mode.PROPOSE))
    delays = ["--config-delay", "2 hours", "--rekey-delay", "1 hour", "--window", "7 days"]
    plan = scene.stage.strongroom("policy", "deploy", "--agent", AGENT.address, "--config", config, *delays)
    tx = plan["transaction"]
    data = bytes.fromhex(tx["data"][2:])
    mined = scene.world.safe_exec(
        scene.world.account, GUARDIANS[:2], Address(tx["to"]), data, 0, Operation(tx["operation"])
    )
    scene.stage.check(mined.success, "the owners install the Kernel")
    scene.stage.tell(f"   Kernel {plan['kernel']}, policy {plan['document_hash']}")
    scene.stage.tell(f"   price sources of {', '.join(plan['sources'])}; the log is anchored at {plan['registry']}")
    scene.stage.tell("   unaudited: its caps are what the DAO could afford to lose")
    return replace(scene, kernel=Address(plan["kernel"]), registry=Address(plan["registry"]))


@contextmanager
def running(scene: Scene) -> Iterator[None]:
    """`strongroom run` in guarded mode; commands reach it over its socket."""
    child = scene.stage.start_strongroom("run", "--config", str(scene.documents(Mode.GUARDED)))
    yield
    end(child)


def payroll(scene: Scene, month: str) -> None:
    """A month later payroll executes within one call, with nobody asked."""
    scene.stage.chapter("The agent lane: next month's payroll executes alone")
    scene.world.advance(_MONTH_SECONDS)
    before = {payee.id: scene.held(payee.address, payee.monthly.token) for payee in TREASURY.payees}
    answer = scene.stage.strongroom(
        "cycle", "payroll", "--month", month, "--config", str(scene.documents(Mode.GUARDED))
    )
    unit = answer["units"][0]
    scene.stage.check((unit["status"], unit["lane"]) == ("executed", "agent"), f"payroll executes alone: {unit}")
    for payee in TREASURY.payees:
        got = scene.held(payee.address, payee.monthly.token) - before[payee.id]
        scene.stage.check(got == payee.monthly.units, f"{payee.id} is paid once")
    scene.stage.tell(f"   {unit['intents']} payments in one transaction, {unit['tx_hash']}")


def chat(scene: Scene) -> None:
    """An operator pays a known payee; a stranger, and too much, are refused with every finding."""
    scene.stage.chapter("Chat: a listed payee is paid, a stranger is refused, with every finding named")
    # Two days after payroll: what one recipient got within a day counts together.
    scene.world.advance(2 * _DAY_SECONDS)
    before = scene.held(ALICE.address, USDC)
    paid = say(scene, "pay 2,500 USDC to alice for the audit")
    scene.stage.check(paid["status"] == "executed", "the payment executes")
    scene.stage.check(scene.held(ALICE.address, USDC) - before == units(USDC, 2_500), "alice has the money")
    _refused(scene, f"pay 100 USDC to {STRANGER.address}")
    _refused(scene, "pay 14,999,999 USDC to bob")
    scene.stage.check(scene.held(STRANGER.address, USDC) == 0, "the stranger has nothing")


def say(scene: Scene, text: str) -> dict[str, Any]:
    """One chat line by the operator, and what became of it."""
    config = str(scene.documents(Mode.GUARDED))
    answer = scene.stage.strongroom("chat", "--as", OPERATOR.name, "-m", text, "--config", config)
    unit: dict[str, Any] = answer["units"][0]
    scene.stage.tell(f"   {OPERATOR.name}: {text}")
    scene.stage.tell(f"   -> {unit['status']} {unit['tx_hash']}".rstrip())
    return unit


def _refused(scene: Scene, text: str) -> None:
    unit = say(scene, text)
    scene.stage.check(unit["status"] == "denied", f"`{text}` is refused")
    for finding in unit["findings"]:
        if finding["verdict"] == "deny":
            scene.stage.tell(f"      {finding['rule']}: {finding['reason']} {finding['measured']}".rstrip())
