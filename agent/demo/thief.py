"""The thief: whoever holds the agent's key takes all that the Kernel lets go, until guardians end it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from agent import example
from agent.demo.guarded import say
from agent.demo.scene import Scene, shown, signing, write_key
from policies.grants import compile_policy
from policies.tree import proof
from strongroom.addresses import keccak, to_digest
from strongroom.model import Address, Digest
from strongroom.protocols import kernel
from strongroom.protocols.kernel_legs import Payment, PayRule, encode_legs
from strongroom.settings import Mode
from strongroom.world.people import AGENT, GUARDIANS, NEXT_AGENT
from strongroom.world.treasury import USDC

_HOUR, _DAY = 3_600, 86_400
_LEAF = to_digest(keccak(b"a thief writes no log"))


@dataclass(frozen=True, slots=True)
class Loot:
    """Units of USDC that left in a day, and the most that the Kernel's buckets let go in one."""

    extracted_units: int
    cap_units: int


def drain(scene: Scene) -> Loot:
    """Every rule and every drop of capacity, hour by hour for a day."""
    scene.stage.chapter("The thief: with the agent's key stolen, a day's loss stays within the caps")
    before, known = scene.held(scene.world.account.safe, USDC), _payees_hold(scene)
    taken = Counter[Address]()
    for _ in range(_DAY // _HOUR):
        while gone := [rule.token for rule in _rules(scene).values() if _take(scene, rule)]:
            taken.update(gone)
        scene.world.advance(_HOUR)
    extracted = before - scene.held(scene.world.account.safe, USDC)
    cap = _cap(scene)
    scene.stage.check(0 < extracted <= cap, f"0 < {extracted} <= {cap}")
    scene.stage.check(_payees_hold(scene) - known == extracted, "only listed payees received anything")
    scene.stage.tell(f"   {taken.total()} payments before nothing more was accepted, to listed payees only")
    scene.stage.tell(f"   {shown(USDC, extracted)} left in a day; the caps allow {shown(USDC, cap)}")
    return Loot(extracted, cap)


def _rules(scene: Scene) -> dict[Digest, PayRule]:
    rules = compile_policy(example.policy(scene.world)).rules
    return {leaf: rule for leaf, rule in rules.items() if isinstance(rule, PayRule)}


def _take(scene: Scene, rule: PayRule) -> bool:
    """The most that one payment may be now; whether the Kernel let it go."""
    units = min(rule.max_units, _available(scene, rule))
    if units == 0:
        return False
    payment = Payment(rule, units, proof(compile_policy(example.policy(scene.world)).rules, rule.leaf))
    data = encode_legs([payment], _LEAF)
    return scene.world.send_as(AGENT.address, scene.kernel_address, data, gas=500_000).success


def _available(scene: Scene, rule: PayRule) -> int:
    key = kernel.bucket_key(rule.token, rule.bucket_class)
    return scene.read(kernel.available_read(scene.kernel_address, key))


def _cap(scene: Scene) -> int:
    """Over all classes of USDC: capacity, and what flows back in a day."""
    usdc = scene.world.contracts.tokens[USDC]
    buckets = compile_policy(example.policy(scene.world)).buckets
    own = [each for each in buckets if each.token == usdc]
    return sum(each.capacity_units + each.capacity_units * _DAY // each.drain_seconds for each in own)


def _payees_hold(scene: Scene) -> int:
    return sum(scene.held(payee.address, USDC) for payee in scene.world.treasury.payees)


def rekey(scene: Scene) -> None:
    """One guardian pauses; the owners burn the old key; work resumes under the new one only."""
    scene.stage.chapter("Pause and re-key: one guardian stops it, the owners replace the key for ever")
    world, stage = scene.world, scene.stage
    stage.check(world.send_as(GUARDIANS[2].address, scene.kernel_address, kernel.encode_pause()).success, "pause")
    stage.tell(f"   {GUARDIANS[2].name} paused the Kernel")
    stage.check(not _steals(scene), "the stolen key is refused while paused")
    _replace_key(scene)
    stage.check(not _steals(scene), "the old key is refused after the re-key")
    stage.check(scene.read(kernel.burned_read(scene.kernel_address, AGENT.address)), "the old key is burned")
    stage.tell(f"   {AGENT.address} is burned; {NEXT_AGENT.address} is the agent")


def resume(scene: Scene) -> None:
    """The new key goes on where the old one was stopped."""
    stage = scene.stage
    paid = say(scene, "pay 10 USDC to alice for coming back")
    stage.check((paid["status"], paid["lane"]) == ("executed", "agent"), "work resumes under the new key")


def _steals(scene: Scene) -> bool:
    scene.world.advance(_DAY)
    return any(_take(scene, rule) for rule in _rules(scene).values())


def _replace_key(scene: Scene) -> None:
    plan = scene.stage.strongroom("rekey", NEXT_AGENT.address, "--config", str(scene.documents(Mode.GUARDED)))
    announce, call = (bytes.fromhex(plan[step][2:]) for step in ("announce", "rekey"))
    world, stage = scene.world, scene.stage
    stage.check(world.safe_exec(world.account, GUARDIANS[:2], scene.kernel_address, announce).success, "announce")
    world.advance(_HOUR)
    stage.check(world.send_as(GUARDIANS[0].address, scene.kernel_address, call).success, "re-key")
    with scene.queue() as queue:
        queue.remove_delegate(AGENT.address, GUARDIANS[0].address, signing(GUARDIANS[0]))
        queue.register_delegate(NEXT_AGENT.address, "strongroom", GUARDIANS[0].address, signing(GUARDIANS[0]))
    write_key(scene.home / "state" / "keystore" / "agent.json", NEXT_AGENT)
