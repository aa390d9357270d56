"""Whoever makes the planned contracts before the owners do spoils one signed transaction, and no installation: what
stands already is taken as it is, by the next plan and by every guardian, unless somebody has used it since."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agent.cli.installing import deploy_text
from agent.guard_announcements import ANNOUNCEMENT
from agent.installing import plan_installation
from guardians.__main__ import main
from guardians.acts import written
from guardians.app import PASSWORD
from guardians.blueprint import birth_of
from guardians.documents import open_documents, subject_of
from guardians.review import Review, review
from guardians.wording import describe_installation
from policies.grants import compile_policy
from policies.tree import proof
from strongroom.chain.rpc import RpcChain
from strongroom.errors import MadeAndUsed
from strongroom.model import Address, Call, Operation
from strongroom.observe import safe_state
from strongroom.protocols.kernel import encode_announce, encode_block, encode_enable_module, encode_pause, encode_rekey
from strongroom.protocols.kernel_legs import Payment, PayRule, encode_legs
from strongroom.protocols.kernel_runs import encode_announce_run
from strongroom.protocols.multisend import decode_multisend, encode_multisend
from strongroom.wallet.deploy import SALT_BYTES, artifact, plan_kernel
from strongroom.wallet.memory import MemoryQueue
from strongroom.wallet.signer import write_keystore
from strongroom.world.people import AGENT, ALICE, GUARDIANS, NEXT_AGENT, STRANGER
from strongroom.world.world import World
from tests.agent.installed import Site
from tests.agent.stand import Stand, replaced
from tests.guardians.hall import SECRET

DAY = 86_400
_ENABLE = encode_enable_module(STRANGER.address)[:4]
EVERY = ("PriceSource", "AuditRegistry", "Kernel", "Watch", "OwnerGuard")


@dataclass(frozen=True)
class Yard:
    """A plan of the owners', and a stranger who is faster."""

    site: Site

    def plan(self, agent: Address = AGENT.address) -> dict[str, Any]:
        return plan_installation(self.site.folder, agent)

    def calls(self, planned: dict[str, Any]) -> list[Call]:
        return list(decode_multisend(self.site.world.account, bytes.fromhex(planned["transaction"]["data"][2:])))

    def births(self, planned: dict[str, Any], names: Sequence[str] = EVERY) -> list[Call]:
        codes = [artifact(name).creation for name in names]
        return [call for call in self.calls(planned) if any(call.data[SALT_BYTES:].startswith(code) for code in codes)]

    def is_faster(self, planned: dict[str, Any], names: Sequence[str] = EVERY) -> None:
        for call in self.births(planned, names):
            assert self.site.world.send_as(STRANGER.address, call.to, call.data).success

    def signed(self, planned: dict[str, Any]) -> bool:
        """Whether the owners' transaction goes through."""
        tx, world = planned["transaction"], self.site.world
        data, operation = bytes.fromhex(tx["data"][2:]), Operation(tx["operation"])
        return world.safe_exec(world.account, GUARDIANS[:2], Address(tx["to"]), data, 0, operation).success

    def reviewed(self, planned: dict[str, Any]) -> Review:
        """By a guardian, from own documents."""
        file = self.site.folder / "installation.json"
        file.write_text(json.dumps(planned))
        treasury, document = open_documents(self.site.folder)
        queue = MemoryQueue(treasury.account, document.guardians.members, {})
        queued = written(file, treasury.account)
        subject = subject_of(document, treasury.watch)
        return review(self.site.chain, queue, document, subject, queued, treasury.kernel)

    def modules(self) -> tuple[Address, ...]:
        return safe_state(self.site.chain, self.site.world.account.safe, self.site.chain.head()).modules


@pytest.fixture
def yard(world: World, chain: RpcChain, tmp_path: Path) -> Yard:
    return Yard(Site.of(world, chain, tmp_path))


@pytest.mark.parametrize("names", [EVERY, ("Kernel",), ("PriceSource", "Kernel", "Watch"), ("Kernel", "OwnerGuard")])
def test_the_plan_after_a_faster_stranger_is_recognised_and_installs_the_very_same_contracts(
    yard: Yard, names: tuple[str, ...]
) -> None:
    first = yard.plan()
    assert first["made_before"] == [] and yard.reviewed(first).installation
    yard.is_faster(first, names)
    assert not yard.signed(first), "a contract that stands cannot be made again"
    second = yard.plan()
    same = ("kernel", "registry", "watch", "owner_guard", "sources", "agent", "root", "buckets")
    assert {each: second[each] for each in same} == {each: first[each] for each in same}
    assert len(second["made_before"]) == len(yard.births(first, names))
    assert yard.births(second, names) == []
    found = yard.reviewed(second)
    assert found.installation and found.installation.kernel == first["kernel"] and found.rehearsal.success
    assert yard.signed(second) and yard.modules() == (first["kernel"],)
    yard.site.check(first["kernel"], watch=first["watch"])


def test_owners_and_guardians_are_told_what_stands_already(yard: Yard) -> None:
    first = yard.plan()
    yard.is_faster(first)
    second = yard.plan()
    told = deploy_text({**second, "file": "installation.json"})
    for address in (first["kernel"], first["watch"], first["owner_guard"]):
        assert f"made    {address} stands already, made by whoever liked: just as planned" in told
    found = yard.reviewed(second).installation
    assert found
    said = list(describe_installation(found))
    assert (
        f"take the Kernel of your policy.toml that somebody has made at {first['kernel']}, just as planned" in said[1]
    )
    assert not any(line.startswith("make the") and first["kernel"] in line for line in said)


def test_a_watch_that_a_stranger_made_takes_its_mark_anew(yard: Yard) -> None:
    """Made at a moment of the stranger's choice, it would count from what the Safe held then."""
    first = yard.plan()
    yard.is_faster(first)
    second = yard.plan()
    assert Address(first["watch"]) in [call.to for call in yard.calls(second)]
    without = [call for call in yard.calls(second) if call.to != first["watch"]]
    second["transaction"]["data"] = "0x" + encode_multisend(without).hex()
    assert yard.reviewed(second).installation is None


# WHAT HAS BEEN USED SINCE


def _announced_payment(yard: Yard) -> bytes:
    compiled = compile_policy(yard.site.policy)
    pays = (each for each in compiled.rules.values() if isinstance(each, PayRule))
    rule = next(each for each in pays if each.recipient == ALICE.address)
    return encode_announce_run(encode_legs([Payment(rule, 1, proof(compiled.rules, rule.leaf))]))


def _pauses(yard: Yard, kernel: Address) -> None:
    assert yard.site.world.send_as(AGENT.address, kernel, encode_pause()).success


def _announces(yard: Yard, kernel: Address) -> None:
    yard.site.as_safe(kernel, encode_announce(encode_rekey(NEXT_AGENT.address)))


@pytest.mark.parametrize(("use", "why"), [(_pauses, "it is paused"), (_announces, "it has been changed since")])
def test_a_kernel_that_was_used_since_is_not_installed_and_another_key_gives_another(
    yard: Yard, use: Any, why: str
) -> None:
    first = yard.plan()
    yard.is_faster(first)
    second = yard.plan()
    use(yard, Address(first["kernel"]))
    with pytest.raises(MadeAndUsed, match=f"{why}; plan with another agent's key"):
        yard.plan()
    assert yard.reviewed(second).installation is None
    assert yard.reviewed(yard.plan(NEXT_AGENT.address)).installation


def test_a_payment_that_the_agent_announced_before_the_installation_is_seen(yard: Yard) -> None:
    """Its delay would be over once the Kernel is installed, and nobody would have looked there before."""
    policy = yard.site.policy
    alice = replace(policy.payees[ALICE.name], delay_seconds=DAY)
    yard.site.rewrite(replace(policy, payees={**policy.payees, ALICE.name: alice}))
    first = yard.plan()
    yard.is_faster(first)
    second = yard.plan()
    assert yard.reviewed(second).installation
    world, kernel = yard.site.world, Address(first["kernel"])
    assert world.send_as(AGENT.address, kernel, _announced_payment(yard)).success
    with pytest.raises(MadeAndUsed, match="announced payments there, whose delay would be over too soon"):
        yard.plan()
    assert yard.reviewed(second).installation is None


def test_a_guardian_who_blocks_an_address_before_the_installation_only_stops_it(yard: Yard) -> None:
    first = yard.plan()
    yard.is_faster(first)
    blocked = yard.site.world.send_as(GUARDIANS[0].address, Address(first["kernel"]), encode_block(ALICE.address))
    assert blocked.success
    assert yard.reviewed(yard.plan()).installation


# IN THE PLACE OF ANOTHER KERNEL


@pytest.mark.parametrize("guarded", [False, True])
def test_a_replacement_that_a_stranger_made_begins_with_what_the_old_kernel_has_spent(
    yard: Yard, guarded: bool
) -> None:
    """No call names the levels then: they are read from the Kernel's own birth, and its address commits to them."""
    stand = Stand(yard.site)
    if not guarded:
        yard.site.rewrite(replace(yard.site.policy, owner_guard=None))
    old = stand.install()
    assert stand.drain(old, AGENT.address) > 0
    first = replaced(stand, old)
    yard.is_faster(first)
    if guarded:
        announcement = written(yard.site.folder / ANNOUNCEMENT, yard.site.world.account).tx
        world = yard.site.world
        assert world.safe_exec(
            world.account, GUARDIANS[:2], announcement.to, announcement.data, 0, announcement.operation
        ).success
    yard.site.world.advance(2 * DAY)
    second = stand.plan()
    assert second["kernel"] == first["kernel"] and yard.births(second) == []
    found = stand.reviewed().installation
    assert found and found.replaces == old and found.kernel == first["kernel"] in found.made_before
    assert stand.signs(second) and stand.state.modules == (first["kernel"],)
    assert stand.room(first["kernel"]) <= stand.room(old)


def test_a_kernel_that_begins_with_less_than_the_old_one_has_spent_is_not_recognised(yard: Yard) -> None:
    """A stranger can make one with no levels at all, of the very same policy, and talk owners into enabling that."""
    stand = Stand(yard.site)
    yard.site.rewrite(replace(yard.site.policy, owner_guard=None, watch=None))
    old = stand.install()
    assert stand.drain(old, AGENT.address) > 0
    stand.pause(old)
    stand.plan()
    fresh = plan_kernel(stand.world.account, birth_of(yard.site.policy, NEXT_AGENT.address), stand.calls()[0].to)
    assert stand.world.send_as(STRANGER.address, fresh.call.to, fresh.call.data).success
    made = stand.calls()
    enabled = [
        replace(each, data=encode_enable_module(fresh.address)) if each.data[:4] == _ENABLE else each
        for each in made
        if artifact("Kernel").creation not in each.data
    ]
    assert stand.recognises(made) and not stand.recognises(enabled)


# ANYBODY MAKES THEM ON PURPOSE


@pytest.fixture
def create(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """`guardian create` by somebody who has no part in the Safe: what is said, or the one line of the refusal."""
    monkeypatch.setenv(PASSWORD, SECRET)
    write_keystore(tmp_path / "somebody.json", ALICE.key, SECRET, iterations=1_000)

    def once(yard: Yard, file: Path) -> str:
        key = ["--keystore", str(tmp_path / "somebody.json"), "--yes"]
        monkeypatch.setattr(sys, "argv", ["guardian", "create", str(file), "--config", str(yard.site.folder), *key])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return str(err if ended.value.code else out)

    return once


def test_anybody_makes_the_contracts_and_the_owners_sign_the_small_rest(yard: Yard, create: Callable[..., str]) -> None:
    first = yard.plan()
    assert "strongroom guardian create" in deploy_text({**first, "file": "installation.json"})
    file = yard.site.folder / "installation.json"
    file.write_text(json.dumps(first))
    assert create(yard, file).startswith(f"{len(yard.births(first))} contracts made; ")
    assert create(yard, file).startswith("every contract of it stands already; ")
    second = yard.plan()
    assert "strongroom guardian create" not in deploy_text({**second, "file": "installation.json"})
    found = yard.reviewed(second)
    assert found.installation and found.rehearsal.gas_used < 1_000_000
    assert yard.reviewed(first).installation is None, "what stands cannot be made again"
    assert yard.signed(second) and yard.modules() == (first["kernel"],)


def test_of_a_file_with_other_things_nothing_is_made(yard: Yard, create: Callable[..., str]) -> None:
    """Who pays the gas makes no stranger's contract, and sends nothing else."""
    planned, account = yard.plan(), yard.site.world.account
    factory = yard.births(planned)[0].to
    stranger = Call(account, factory, 0, bytes(32) + bytes.fromhex("6001600c60003960016000f300"))
    planned["transaction"]["data"] = "0x" + encode_multisend([stranger, Call(account, account.safe, 0, b"1234")]).hex()
    file = yard.site.folder / "installation.json"
    file.write_text(json.dumps(planned))
    nonce = yard.site.chain.nonce(ALICE.address)
    assert create(yard, file).startswith("every contract of it stands already")
    planned["transaction"]["data"] = "0x1234"
    file.write_text(json.dumps(planned))
    assert "give the installation.json that `strongroom policy deploy` writes" in create(yard, file)
    assert yard.site.chain.nonce(ALICE.address) == nonce
