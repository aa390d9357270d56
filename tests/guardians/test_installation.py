"""Which bytes are the installation of a policy, and that no others are taken for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.example import documents, write
from agent.installing import plan_installation
from guardians.acts import written
from guardians.blueprint import (
    WatchPlan,
    birth_of,
    guard_birth,
    plan_owner_guard,
    plan_source,
    plan_watch,
    with_sources,
)
from guardians.documents import open_documents, subject_of
from guardians.installation import Installation, recognise
from guardians.review import Review, review
from guardians.wording import describe_installation, installation_lines
from policies.terms import PolicyDocument
from strongroom.chain.rpc import RpcChain
from strongroom.model import NATIVE, Address, Call, SafeTx
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import encode_add_guardian, encode_enable_module
from strongroom.protocols.multisend import decode_multisend, encode_multisend
from strongroom.protocols.owner_guard import GuardBirth, encode_set_guard
from strongroom.protocols.registry import Opening, encode_open
from strongroom.protocols.watch import WatchBirth, encode_rebase
from strongroom.settings import Mode
from strongroom.wallet.deploy import artifact, plan, plan_kernel
from strongroom.wallet.memory import MemoryQueue
from strongroom.world.people import AGENT, STRANGER
from strongroom.world.treasury import ETH, USDC
from strongroom.world.world import World


@dataclass(frozen=True)
class Read:
    """One real installation, reviewed; its bytes are then changed."""

    chain: RpcChain
    document: PolicyDocument
    reviewed: Review

    @property
    def tx(self) -> SafeTx:
        return self.reviewed.proposal.tx

    @property
    def calls(self) -> list[Call]:
        return list(decode_multisend(self.tx.account, self.tx.data))

    def recognises(self, tx: SafeTx) -> bool:
        rehearsal = self.reviewed.rehearsal
        return recognise(self.chain, tx, self.document, self.reviewed.facts, rehearsal) is not None

    @property
    def installation(self) -> Installation:
        assert self.reviewed.installation
        return self.reviewed.installation

    @property
    def watch(self) -> WatchPlan:
        assert self.installation.watch
        return self.installation.watch

    def with_watch(self, birth: WatchBirth) -> list[Call]:
        """The same batch with a watch of another birth, made and added."""
        made = plan(self.tx.account, "Watch", birth.encoded, self.calls[0].to)
        *before, _, guard, enable, add, guarded = self.calls
        return [*before, made.call, guard, enable, replace(add, data=encode_add_guardian(made.address)), guarded]

    def with_guard(self, birth: GuardBirth) -> list[Call]:
        """The same batch with an owners' guard of another birth, made and set."""
        made = plan(self.tx.account, "OwnerGuard", birth.encoded, self.calls[0].to)
        *before, _, enable, add, guarded = self.calls
        return [*before, made.call, enable, add, replace(guarded, data=encode_set_guard(made.address))]

    def with_levels(self, units: int) -> list[Call]:
        """The same batch with a Kernel whose buckets begin with so many units spent, and all that follows from it."""
        told = birth_of(self.document, AGENT.address)
        born = replace(told, buckets=tuple(replace(each, level_units=units) for each in told.buckets))
        account, factory = self.tx.account, self.calls[0].to
        kernel = plan_kernel(account, born, factory)
        watch = plan_watch(self.document, kernel.address, NATIVE, factory)
        guard = plan_owner_guard(self.document, kernel.address, factory)
        assert watch and guard
        before = [kernel.call if _creates_kernel(each) else each for each in self.calls[:-5]]
        enable = replace(self.calls[-3], data=encode_enable_module(kernel.address))
        guarded = replace(self.calls[-1], data=encode_set_guard(guard.address))
        return [*before, watch.watch.call, guard.call, enable, *watch.adding(account, is_new=True), guarded]

    def opening(self, kernel: Address) -> Call:
        genesis = self.reviewed.proposal.safe_tx_hash
        opening = Opening(kernel, genesis, STRANGER.address, 256, 86_400, 7, bytes(32))
        return Call(self.tx.account, self.installation.registry, 0, encode_open(opening))

    def batch(self, calls: Sequence[Call]) -> SafeTx:
        return replace(self.tx, data=encode_multisend(calls))


@pytest.fixture(scope="module")
def read(module_world: World, module_chain: RpcChain, tmp_path_factory: pytest.TempPathFactory) -> Read:
    return _read(module_world, module_chain, tmp_path_factory.mktemp("read"))


def _read(world: World, chain: RpcChain, folder: Path) -> Read:
    write(documents(world, "http://127.0.0.1:9", folder / "state", Mode.PROPOSE), folder)
    answer = plan_installation(folder, AGENT.address)
    (folder / "installation.json").write_text(json.dumps(answer))
    treasury, document = open_documents(folder)
    queued = written(folder / "installation.json", treasury.account)
    queue = MemoryQueue(treasury.account, document.guardians.members, {})
    return Read(chain, document, review(chain, queue, document, subject_of(document), queued))


@pytest.fixture
def half_made(read: Read, world: World, chain: RpcChain, tmp_path: Path) -> Callable[[bool], Read]:
    """The installation as it is planned once somebody has made its price sources, all, or those that policy.toml
    names."""

    def made(all_: bool) -> Read:
        named = {listed.source for listed in read.document.tokens.values()}
        for source in {**read.installation.sources}.values():
            if all_ or source in named:
                (call,) = (each for each in read.calls if _is_source(each, source, read))
                assert world.send_as(STRANGER.address, call.to, call.data).success
        return _read(world, chain, tmp_path)

    return made


def _is_source(call: Call, source: Address, read: Read) -> bool:
    planned = [plan_source(each, read.document, NATIVE, call.to) for each in with_sources(read.document)]
    return any(each.address == source and each.call == call for each in (*planned, *read.watch.sources.values()))


def test_the_installation_as_planned_is_recognised(read: Read) -> None:
    """Or the refusals below would prove nothing."""
    found = read.reviewed.installation
    assert found and found.birth.agent == AGENT.address
    assert read.recognises(read.tx) and read.recognises(read.batch(read.calls))


@settings(max_examples=150)
@given(st.data())
def test_one_changed_byte_anywhere_and_it_is_recognised_no_more(read: Read, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(read.tx.data) - 1))
    changed = bytearray(read.tx.data)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert not read.recognises(replace(read.tx, data=bytes(changed)))


def _moved(read: Read) -> dict[str, Sequence[Call]]:
    account, calls = read.tx.account, read.calls
    enable = next(each for each in calls if each.to == account.safe)
    token = read.document.tokens[USDC].token.address
    stranger = Call(account, account.safe, 0, encode_enable_module(STRANGER.address))
    owner = encode_call("addOwnerWithThreshold(address,uint256)", STRANGER.address, 1)
    pay = Call(account, token, 0, encode_transfer(STRANGER.address, 1))
    misled = [
        plan_source(each, read.document, STRANGER.address, calls[0].to).call for each in with_sources(read.document)
    ]
    watch, guard, _, add, guarded = calls[-5:]
    return {
        "a payment after": [*calls, pay],
        "a payment before": [pay, *calls],
        "a second module": [*calls, stranger],
        "another module": [stranger if each is enable else each for each in calls],
        "no module": [each for each in calls if each is not enable],
        "no Kernel made": [each for each in calls if each is not _kernel(calls)],
        "no watch made": [each for each in calls if each is not watch],
        "no watch added": [*calls[:-2], guarded],
        "no guard made": [each for each in calls if each is not guard],
        "no guard set": calls[:-1],
        "no guard at all": [each for each in calls if each not in (guard, guarded)],
        "a stranger set as guard": [*calls[:-1], replace(guarded, data=encode_set_guard(STRANGER.address))],
        "the guard set first": [*calls[:-3], guarded, *calls[-3:-1]],
        "the guard set, and taken out": [*calls, replace(guarded, data=encode_set_guard(NATIVE))],
        "no watch at all": [each for each in calls if each not in (watch, add)],
        "a stranger added for the watch": [
            *calls[:-2], replace(add, data=encode_add_guardian(STRANGER.address)), guarded
        ],
        "a stranger added beside the watch": [
            *calls[:-1], replace(add, data=encode_add_guardian(STRANGER.address)), guarded
        ],
        "a mark set by a watch that is new": [
            *calls[:-1], Call(account, read.watch.watch.address, 0, encode_rebase()), guarded
        ],
        "a source missing that only the watch asks": [each for each in calls if each is not calls[-6]],
        "a price source missing": calls[1:],
        "another order": [calls[1], calls[0], *calls[2:]],
        "twice the same": [calls[0], *calls],
        "ether sent along": [replace(calls[0], value_wei=1), *calls[1:]],
        "another factory": [
            replace(each, to=STRANGER.address) if each is _kernel(calls) else each for each in calls
        ],
        "every factory another": [
            each if each.to == account.safe else replace(each, to=STRANGER.address) for each in calls
        ],
        "an owner added": [*calls, Call(account, account.safe, 0, owner)],
        "the log of another Kernel opened": [*calls[:-1], read.opening(STRANGER.address), guarded],
        "a Kernel that begins with levels": read.with_levels(1),
        "price sources with a stranger's sequencer": [*misled, *calls[len(misled) :]],
        **{f"a guard with another {name}": read.with_guard(each) for name, each in _other_guards(read).items()},
        **{f"a watch with another {name}": read.with_watch(each) for name, each in _other_watches(read).items()},
    }  # fmt: skip


def _kernel(calls: Sequence[Call]) -> Call:
    (found,) = (each for each in calls if _creates_kernel(each))
    return found


def _creates_kernel(call: Call) -> bool:
    return artifact("Kernel").creation in call.data


def _other_guards(read: Read) -> dict[str, GuardBirth]:
    birth = guard_birth(read.document, read.installation.kernel)
    assert birth is not None
    return {
        "kernel": replace(birth, kernel=read.document.account.safe),
        "delay": replace(birth, delay_seconds=birth.delay_seconds - 1),
        "window": replace(birth, window_seconds=birth.window_seconds + 1),
    }


def _other_watches(read: Read) -> dict[str, WatchBirth]:
    birth = read.watch.birth
    less, (one, *_, other) = birth.watched[:-1], birth.watched
    turned = (replace(one, source=other.source), *birth.watched[1:])
    return {
        "kernel": replace(birth, kernel=read.document.account.safe),
        "token less": replace(birth, watched=less),
        "source": replace(birth, watched=turned),
        "own token": replace(birth, own_token=STRANGER.address),
        "drawdown": replace(birth, max_drawdown_bps=birth.max_drawdown_bps + 1),
        "confirmation": replace(birth, confirm_blocks=birth.confirm_blocks + 1),
        "expiry": replace(birth, expiry_blocks=birth.expiry_blocks + 1),
        "predecessor": replace(birth, predecessor=STRANGER.address),
    }


def test_the_batch_ends_as_the_changes_below_take_it_to(read: Read) -> None:
    """Watch and guard are made, the module enabled, the watch added, and last of all the guard is set."""
    made, guard, enable, add, guarded = read.calls[-5:]
    assert made == read.watch.watch.call and enable.to == guarded.to == read.document.account.safe
    assert add.data == encode_add_guardian(read.watch.watch.address)
    planned = plan_owner_guard(read.document, read.installation.kernel, guard.to)
    assert planned and guard == planned.call and guarded.data == encode_set_guard(planned.address)
    assert read.installation.owner_guard == planned.address
    birth = guard_birth(read.document, read.installation.kernel)
    assert birth and read.recognises(read.batch(read.with_watch(read.watch.birth)))
    assert read.recognises(read.batch(read.with_guard(birth)))
    assert read.recognises(read.batch(read.with_levels(0)))


def test_a_guardian_is_told_what_the_watch_is_and_does(read: Read) -> None:
    told = " ".join([*describe_installation(read.installation), *installation_lines(read.installation, None)])
    assert f"make the watch of your policy.toml at {read.watch.watch.address}" in told
    assert "its code can pause the Kernel and do nothing else" in told
    assert "ETH, WETH, USDC, DAI, USDC@aave, DAI@aave are together worth 10 % less than their mark" in told
    assert "two calls at least 5 blocks apart" in told


def test_an_installation_without_a_watch_says_so(read: Read) -> None:
    bare = replace(read.installation, watch=None)
    assert "no watch: a fall of the treasury stops nothing by itself" in " ".join(installation_lines(bare, None))
    assert "watch" not in " ".join(describe_installation(bare))


@pytest.mark.parametrize("all_", [True, False])
def test_sources_that_stand_already_are_not_made_again(half_made: Callable[[bool], Read], all_: bool) -> None:
    found = half_made(all_)
    assert found.recognises(found.tx)
    assert set(found.installation.sources) == (set() if all_ else {"ETH", "USDC@aave", "DAI@aave"})


@pytest.mark.parametrize("sequencer", [NATIVE, STRANGER.address])
def test_a_source_that_only_the_watch_asks_has_the_sequencer_that_policy_toml_commits_to(
    half_made: Callable[[bool], Read], sequencer: Address
) -> None:
    """No document names it: a stranger's feed could keep the watch from ever seeing a fall."""
    found = half_made(False)
    watch = replace(found.document.watch, tokens=(ETH,))  # type: ignore[type-var]
    document, factory, account = (
        replace(found.document, watch=watch, owner_guard=None),
        found.calls[0].to,
        found.tx.account,
    )
    kernel = plan_kernel(account, birth_of(document, AGENT.address), factory)
    planned = plan_watch(document, kernel.address, sequencer, factory)
    assert planned is not None and set(planned.sources) == {ETH}
    made = (plan(account, "AuditRegistry", b"", factory), kernel, planned.sources[ETH], planned.watch)
    enable = Call(account, account.safe, 0, encode_enable_module(kernel.address))
    tx = found.batch([*(each.call for each in made), enable, *planned.adding(account, is_new=True)])
    real = found.reviewed.rehearsal
    rehearsal = replace(real, safe_after=replace(real.safe_after, modules=(kernel.address,), guard=NATIVE))
    recognised = recognise(found.chain, tx, document, found.reviewed.facts, rehearsal)
    assert (recognised is not None) == (sequencer == NATIVE)


def test_opening_the_log_of_this_very_kernel_is_part_of_it_and_told(read: Read) -> None:
    *calls, guarded = read.calls
    tx = read.batch([*calls, read.opening(read.installation.kernel), guarded])
    found = recognise(read.chain, tx, read.document, read.reviewed.facts, read.reviewed.rehearsal)
    assert found and found.opening and (found.opening.anchorer, found.opening.size) == (STRANGER.address, 7)
    assert any(STRANGER.address in line for line in installation_lines(found, None))


@pytest.mark.parametrize("real", [True, False])
def test_a_kernel_is_only_taken_from_the_factory_whose_code_is_known(read: Read, real: bool) -> None:
    """All else fits: without swaps and watch no price source is needed, and every address follows from that factory."""
    account, document = read.tx.account, replace(read.document, losses=None, watch=None, owner_guard=None)
    factory = read.calls[0].to if real else STRANGER.address
    kernel = plan_kernel(account, birth_of(document, AGENT.address), factory)
    registry = plan(account, "AuditRegistry", b"", factory)
    enable = Call(account, account.safe, 0, encode_enable_module(kernel.address))
    tx = read.batch([registry.call, kernel.call, enable])
    after = replace(read.reviewed.rehearsal.safe_after, modules=(kernel.address,), guard=NATIVE)
    rehearsal = replace(read.reviewed.rehearsal, safe_after=after)
    assert (recognise(read.chain, tx, document, read.reviewed.facts, rehearsal) is not None) == real


def test_any_other_batch_is_not_recognised(read: Read) -> None:
    recognised = [name for name, calls in _moved(read).items() if read.recognises(read.batch(calls))]
    assert recognised == []


def test_nothing_is_recognised_that_the_rehearsal_shows_to_do_more(read: Read) -> None:
    """Were the bytes' meaning misjudged, the effects would still speak."""
    real = read.reviewed.rehearsal
    worse = [
        replace(real, success=False),
        replace(real, safe_after=replace(real.safe_after, threshold=1)),
        replace(real, safe_after=replace(real.safe_after, modules=(*real.safe_after.modules, STRANGER.address))),
        replace(real, safe_after=real.safe_before),
        replace(real, safe_after=replace(real.safe_after, guard=NATIVE)),
        replace(real, safe_after=replace(real.safe_after, guard=STRANGER.address)),
    ]
    facts = read.reviewed.facts
    assert [recognise(read.chain, read.tx, read.document, facts, each) for each in worse] == [None] * len(worse)
