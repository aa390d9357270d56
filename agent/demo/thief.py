"""The thief: whoever holds the agent's key takes all that the Kernel lets go, until guardians end it."""

from __future__ import annotations

from dataclasses import dataclass

from agent import example
from agent.demo.guarded import say
from agent.demo.scene import Scene, shown, signing, write_key
from agent.demo.stage import Child
from policies.grants import KernelPolicy, compile_policy
from policies.tree import proof
from strongroom.addresses import keccak, to_digest
from strongroom.protocols import kernel
from strongroom.protocols.kernel_legs import Payment, PayRule, encode_legs
from strongroom.settings import Mode
from strongroom.world.people import AGENT, GUARDIANS, NEXT_AGENT
from strongroom.world.treasury import USDC

_HOUR, _DAY = 3_600, 86_400
_GAS = 500_000
_LEAF = to_digest(keccak(b"a thief writes no log"))


@dataclass(frozen=True, slots=True)
class Loot:
    """Units of USDC that left in a day, and the most that the Kernel's buckets let go in one."""

    extracted_units: int
    cap_units: int


@dataclass(frozen=True, slots=True)
class Thief:
    """Has the agent's key and has read the policy; uses neither our runtime nor our engine."""

    scene: Scene
    policy: KernelPolicy

    @classmethod
    def of(cls, scene: Scene) -> Thief:
        return cls(scene, compile_policy(example.policy(scene.world)))

    def take_all(self) -> int:
        """Every payment rule, again and again, until nothing more is accepted; how many payments that were."""
        taken = 0
        while gone := sum(self._take(rule) for rule in self._rules()):
            taken += gone
        return taken

    def _rules(self) -> list[PayRule]:
        return [rule for rule in self.policy.rules.values() if isinstance(rule, PayRule)]

    def _take(self, rule: PayRule) -> bool:
        """The most that one payment may be now; whether the Kernel let it go."""
        key = kernel.bucket_key(rule.token, rule.bucket_class)
        left = self.scene.read(kernel.available_read(self.scene.kernel_address, key))
        units = min(rule.max_units, left)
        if units == 0:
            return False
        payment = Payment(rule, units, proof(self.policy.rules, rule.leaf))
        data = encode_legs([payment], _LEAF)
        return self.scene.world.send_as(AGENT.address, self.scene.kernel_address, data, gas=_GAS).success

    def cap_units(self) -> int:
        """Over all classes of USDC: capacity, and what flows back in a day."""
        usdc = self.scene.world.contracts.tokens[USDC]
        own = [each for each in self.policy.buckets if each.token == usdc]
        return sum(each.capacity_units + each.capacity_units * _DAY // each.drain_seconds for each in own)


def drain(scene: Scene) -> Loot:
    """Every rule and every drop of capacity, hour by hour for a day."""
    scene.stage.chapter("The thief: with the agent's key stolen, a day's loss stays within the caps")
    thief = Thief.of(scene)
    before, known, taken = scene.held(scene.world.account.safe, USDC), _payees_hold(scene), 0
    for _ in range(_DAY // _HOUR):
        taken += thief.take_all()
        scene.world.advance(_HOUR)
    extracted, cap = before - scene.held(scene.world.account.safe, USDC), thief.cap_units()
    scene.stage.check(0 < extracted <= cap, f"0 < {extracted} <= {cap}")
    scene.stage.check(_payees_hold(scene) - known == extracted, "only listed payees received anything")
    scene.stage.tell(f"   {taken} payments before nothing more was accepted, to listed payees only")
    scene.stage.tell(f"   {shown(USDC, extracted)} left in a day; the caps allow {shown(USDC, cap)}")
    return Loot(extracted, cap)


def _payees_hold(scene: Scene) -> int:
    return sum(scene.held(payee.address, USDC) for payee in scene.world.treasury.payees)


def rekey(scene: Scene) -> None:
    """One guardian pauses; the owners burn the old key; the delegate is replaced too."""
    scene.stage.chapter("Pause and re-key: one guardian stops it, the owners replace the key for ever")
    world, stage, thief = scene.world, scene.stage, Thief.of(scene)
    stage.check(world.send_as(GUARDIANS[2].address, scene.kernel_address, kernel.encode_pause()).success, "pause")
    stage.tell(f"   {GUARDIANS[2].name} paused the Kernel")
    world.advance(_DAY)
    stage.check(not thief.take_all(), "the stolen key is refused while paused")
    _replace_key(scene)
    world.advance(_DAY)
    stage.check(not thief.take_all(), "the old key is refused after the re-key")
    stage.check(scene.read(kernel.burned_read(scene.kernel_address, AGENT.address)), "the old key is burned")
    stage.tell(f"   {AGENT.address} is burned; {NEXT_AGENT.address} is the agent")


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


def resume(scene: Scene, treasurer: Child) -> None:
    """The new key goes on where the old one was stopped."""
    scene.stage.hear(treasurer, f"process {treasurer.pid}")
    paid = say(scene, "pay 10 USDC to alice for coming back")
    scene.stage.check((paid["status"], paid["lane"]) == ("executed", "agent"), "work resumes under the new key")
