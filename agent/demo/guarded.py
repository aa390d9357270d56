"""The second half: the Kernel is installed, small moves execute alone, and what is not allowed is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from agent.demo import clock
from agent.demo.scene import Scene
from agent.demo.stage import Child
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
    plan = scene.stage.strongroom("policy", "deploy", "--agent", AGENT.address, "--config", config)
    tx = plan["transaction"]
    data = bytes.fromhex(tx["data"][2:])
    mined = scene.world.safe_exec(
        scene.world.account, GUARDIANS[:2], Address(tx["to"]), data, 0, Operation(tx["operation"])
    )
    scene.stage.check(mined.success, "the owners install the Kernel")
    scene.stage.tell(f"   Kernel {plan['kernel']}, policy {plan['document_hash']}")
    scene.stage.tell(f"   price sources of {', '.join(plan['sources'])}; the log is anchored at {plan['registry']}")
    scene.stage.tell(
        f"   a watch, {plan['watch']}, may be told by anybody of a fall by a tenth: then the Kernel pauses"
    )
    guard = plan["owner_guard"]
    scene.stage.tell(f"   the owners' guard, {guard}: who commands the Safe changes late, and each owner can veto it")
    scene.stage.tell("   unaudited: its caps are what the DAO could afford to lose")
    kernel, registry, watch = (Address(plan[each]) for each in ("kernel", "registry", "watch"))
    return replace(scene, kernel=kernel, registry=registry, watch=watch)


@contextmanager
def running(scene: Scene) -> Iterator[Child]:
    """`strongroom run` in guarded mode; commands reach it over its socket once it is heard."""
    child = scene.stage.start_treasurer(scene.documents(Mode.GUARDED))
    yield child
    scene.stage.dismiss(child)


def miss(scene: Scene) -> None:
    """A month later; nothing runs when the jobs come due."""
    scene.stage.chapter("The clock: a payroll missed while nothing ran is caught up once, and executes alone")
    scene.world.advance(_MONTH_SECONDS)
    scene.stage.await_dismissed()
    clock.miss(scene.state / "jobs.db", [job.id for job in clock.jobs_due(scene.due)], scene.due)
    when = f"{scene.due:%Y-%m-%d at %H:%M} UTC"
    scene.stage.tell(
        f"   nothing ran on {when}, when three jobs were due (the story sets the dates on disk, not the clock)"
    )


def payroll(scene: Scene, treasurer: Child) -> None:
    """What was missed is caught up or left out, each by its job's rule."""
    unit_id = _missed_month(scene)
    scene.stage.hear(treasurer, f"process {treasurer.pid}")
    caught, *left = (scene.stage.hear(treasurer, f"{job}, due ") for job in ("payroll", "rebalance", "lend"))
    scene.stage.tell(f"   {caught}")
    scene.stage.check(caught.endswith(f"{unit_id}: executed"), "the schedule pays on its own")
    for line in left:
        scene.stage.tell(f"   {line}")
        scene.stage.check("left out" in line, "what must not run late is left out")
    for payee in TREASURY.payees:
        got = scene.held(payee.address, payee.monthly.token)
        scene.stage.check(got == 2 * payee.monthly.units, f"{payee.id} is paid once for each of two months")


def paid_once(scene: Scene, treasurer: Child, units: list[dict[str, Any]]) -> None:
    """A later start finds nothing owed; what the first one caught up was one transaction in the agent lane."""
    runs = [unit for unit in units if unit["id"].startswith(_missed_month(scene))]
    scene.stage.check(not treasurer.lines(", due "), "nothing is owed any more")
    paid = [(unit["id"], unit["status"], unit["lane"]) for unit in runs]
    scene.stage.check(paid == [(_missed_month(scene), "executed", "agent")], f"payroll is paid once, alone: {paid}")
    scene.stage.tell(f"   and the month that was missed is still paid once: {runs[0]['id']}, {runs[0]['tx_hash']}")


def _missed_month(scene: Scene) -> str:
    return f"payroll-{scene.due:%Y-%m}"


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
            bounds = [finding["measured"], finding["limit"] and f"limit {finding['limit']}"]
            margin = "; ".join(filter(None, bounds))
            scene.stage.tell(f"      {finding['rule']}: {finding['reason']}" + (f" [{margin}]" if margin else ""))
