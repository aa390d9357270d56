"""The thief: whoever holds the agent's key takes all that the Kernel lets go, until guardians end it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agent import example
from agent.demo.guarded import say
from agent.demo.scene import Scene, shown, signing, write_key
from agent.demo.stage import Child, StoryBroken
from policies.grants import KernelPolicy, compile_policy
from policies.tree import proof
from simulations.reverts import revert_reason
from strongroom.addresses import keccak, to_digest
from strongroom.errors import NodeRefused
from strongroom.model import Address, Operation
from strongroom.protocols import kernel
from strongroom.protocols.kernel_legs import Payment, PayRule, encode_legs
from strongroom.protocols.kernel_orders import OrderPayment, OrderRule
from strongroom.settings import Mode
from strongroom.world.people import AGENT, GUARDIANS, NEXT_AGENT, Person
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
    key: Address = AGENT.address

    @classmethod
    def of(cls, scene: Scene, key: Address = AGENT.address) -> Thief:
        return cls(scene, compile_policy(example.policy(scene.world)), key)

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
        data = self._payment(rule, units)
        return self.scene.world.send_as(self.key, self.scene.kernel_address, data, gas=_GAS).success

    def refused(self) -> str:
        """What the Kernel says to the smallest payment there is, sent with this key; empty when it lets it go."""
        return self._said(self._payment(self._rules()[0], 1))

    def orders_refused(self) -> list[str]:
        """What the Kernel says to each standing order, sent with this key; empty where it would let one go."""
        rules = [rule for rule in self.policy.rules.values() if isinstance(rule, OrderRule)]
        legs = (OrderPayment(rule, proof(self.policy.rules, rule.leaf)) for rule in rules)
        return [self._said(encode_legs([leg], _LEAF)) for leg in legs]

    def _said(self, data: bytes) -> str:
        why = refusal(self.scene, self.key, self.scene.kernel_address, data)
        return revert_reason(why) if why is not None else ""

    def _payment(self, rule: PayRule, units: int) -> bytes:
        return encode_legs([Payment(rule, units, proof(self.policy.rules, rule.leaf))], _LEAF)

    def cap_units(self) -> int:
        """Over the classes that USDC is paid in: capacity, and what flows back in a day. What is swapped or lent
        stays the Safe's."""
        usdc, paying = self.scene.world.contracts.tokens[USDC], {rule.bucket_class for rule in self._rules()}
        own = [each for each in self.policy.buckets if each.token == usdc and each.bucket_class in paying]
        return sum(each.capacity_units + each.capacity_units * _DAY // each.drain_seconds for each in own)


def refusal(scene: Scene, sender: Address, to: Address, data: bytes) -> bytes | None:
    """The revert bytes of a call that is only tried; `None` when it would go through."""
    try:
        scene.world.ask("eth_call", {"from": sender, "to": to, "data": "0x" + data.hex()}, "latest")
    except NodeRefused as error:
        return error.data
    return None


def watch_of(scene: Scene) -> Address:
    """The installed watch's address."""
    if scene.watch is None:
        raise StoryBroken("the watch is not installed yet")
    return scene.watch


def drain(scene: Scene) -> Loot:
    """Every rule and every drop of capacity, hour by hour for a day."""
    scene.stage.chapter("The thief: with the agent's key stolen, a day's loss stays within the caps")
    thief = Thief.of(scene)
    refused = thief.orders_refused()
    scene.stage.check(all(each.startswith("OrderNotDue(") for each in refused), f"no salary is due: {refused}")
    scene.stage.tell(f"   {len(refused)} standing orders were paid this month: each is refused, OrderNotDue")
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


def print_card(scene: Scene) -> Callable[[], Any]:
    """Begins to print the kill card, in good times as one should; what is returned waits for it."""
    return scene.stage.ask_strongroom("kill-card", "--config", str(scene.documents(Mode.GUARDED)))


def rekey(scene: Scene, card: Mapping[str, Any]) -> None:
    """One guardian pauses by the kill card; the owners burn the old key; the delegate is replaced too."""
    scene.stage.chapter("Pause and re-key: one guardian stops it, the owners replace the key for ever")
    world, stage, thief = scene.world, scene.stage, Thief.of(scene)
    pause = next(step for step in card["steps"] if step["id"] == "pause")
    stage.check(pause["to"] == scene.kernel_address, f"the kill card names the Kernel: {pause}")
    data = bytes.fromhex(pause["data"][2:])
    stage.check(world.send_as(GUARDIANS[2].address, Address(pause["to"]), data).success, "pause")
    stage.tell(f"   {GUARDIANS[2].name} paused the Kernel with a bare wallet, by the kill card: {pause['data']} to it")
    world.advance(_DAY)
    stage.check(not thief.take_all(), "the stolen key is refused while paused")
    replace_key(scene, AGENT, NEXT_AGENT)
    world.advance(_DAY)
    stage.check(not thief.take_all(), "the old key is refused after the re-key")
    stage.check(scene.read(kernel.burned_read(scene.kernel_address, AGENT.address)), "the old key is burned")
    stage.tell(f"   {AGENT.address} is burned; {NEXT_AGENT.address} is the agent")


def replace_key(scene: Scene, old: Person, new: Person) -> None:
    """Two guardians sign both transactions that `strongroom rekey` prints: the announcement and, after the Kernel's
    delay, the re-key with the watch's new mark. Then one of them replaces the delegate."""
    plan = scene.stage.strongroom("rekey", new.address, "--config", str(scene.documents(Mode.GUARDED)))
    world, stage, batch = scene.world, scene.stage, plan["batch"]
    announce, both = (bytes.fromhex(data[2:]) for data in (plan["announce"], batch["data"]))
    stage.check(world.safe_exec(world.account, GUARDIANS[:2], scene.kernel_address, announce).success, "announce")
    world.advance(_HOUR)
    operation = Operation(batch["operation"])
    done = world.safe_exec(world.account, GUARDIANS[:2], Address(batch["to"]), both, 0, operation)
    stage.check(done.success, "re-key")
    with scene.queue() as queue:
        queue.remove_delegate(old.address, GUARDIANS[0].address, signing(GUARDIANS[0]))
        queue.register_delegate(new.address, "strongroom", GUARDIANS[0].address, signing(GUARDIANS[0]))
    write_key(scene.state / "keystore" / "agent.json", new)


def resume(scene: Scene, treasurer: Child) -> None:
    """The new key goes on where the old one was stopped."""
    scene.stage.hear(treasurer, f"process {treasurer.pid}")
    paid = say(scene, "pay 10 USDC to alice for coming back")
    scene.stage.check((paid["status"], paid["lane"]) == ("executed", "agent"), "work resumes under the new key")
