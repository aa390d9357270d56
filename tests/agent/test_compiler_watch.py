"""A large payment of the owners takes the watch's mark with it, on real contracts: nobody can call it a drawdown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from agent.app import Treasurer, open_documents, open_treasurer
from agent.cli.units import unit_lines
from agent.demo import guarded
from agent.demo.scene import PASSWORD, Scene, signing
from agent.demo.stage import Stage
from agent.nodes import state as read
from agent.records import Records
from agent.state_folder import StateFolder
from agent.units import Row
from guardians.documents import subject_of
from guardians.review import Review, find_queued, review
from guardians.server.serving import Server, open_service
from guardians.wording import describe_calls
from policies.terms import PolicyDocument
from policies.usd import usd_down
from strongroom.chain.rpc import RpcChain
from strongroom.clock import WallClock
from strongroom.errors import NodeRefused
from strongroom.model import Address, Digest, Finding, Label, Labelled, Operation, Pay, Plan, TokenId, Unit, WatchState
from strongroom.notices import MemoryNotices
from strongroom.protocols.abi import selector
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.multisend import decode_multisend, encode_multisend
from strongroom.protocols.watch import encode_rebase, encode_trip, watch_from, watch_reads
from strongroom.settings import Mode
from strongroom.world.people import DEPLOYER, GUARDIANS, OPERATOR, STRANGER
from strongroom.world.treasury import DAI, USDC, WETH, units
from strongroom.world.world import World

LARGE = {
    "alice": (USDC, 15_000),
    "bob": (USDC, 15_000),
    "chidi": (USDC, 15_000),
    "dana": (DAI, 9_000),
    "emre": (DAI, 9_000),
}
"""63,000 dollars, more than a tenth of what the Safe holds without its ether."""
SMALL = {"alice": (USDC, 12_500)}
"""Two guardians, and less than a quarter of a tenth."""


@pytest.fixture
def scene(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A DAO of dollars alone, its Kernel and its watch."""
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with (
        ExitStack() as stack,
        open_service(world.url, ":memory:", WallClock()) as service,
        Server(service) as server,
    ):
        begun = Scene(Stage(lambda _: None, tmp_path, stack, dict(os.environ)), world, tmp_path, server.url)
        begun.register_delegate()
        with open_treasurer(open_documents(begun.documents(Mode.SHADOW)), MemoryNotices()):
            pass
        _only_dollars(world)
        yield guarded.install(begun)


def _only_dollars(world: World) -> None:
    ether, weth = world.treasury.holdings[TokenId("ETH")], world.treasury.holdings[WETH]
    given = encode_transfer(DEPLOYER.address, weth)
    assert world.safe_exec(world.account, GUARDIANS[:2], world.contracts.tokens[WETH], given).success
    assert world.safe_exec(world.account, GUARDIANS[:2], DEPLOYER.address, b"", ether).success


@pytest.fixture
def treasurer(scene: Scene) -> Iterator[Treasurer]:
    with open_treasurer(open_documents(scene.documents(Mode.GUARDED)), MemoryNotices()) as opened:
        yield opened


def pays(treasurer: Treasurer, wanted: dict[str, tuple[TokenId, int]], name: str = "grants") -> Row:
    """One unit of an operator's payments, as far as it goes alone."""
    by = Label.OPERATOR
    intents = tuple(
        Pay(payee, Labelled(token, by), Labelled(payee, by), Labelled(units(token, whole), by), Labelled("grant", by))
        for payee, (token, whole) in wanted.items()
    )
    unit = Unit(name, treasurer.documents.treasury.account, intents)
    (row,) = treasurer.runner.start(Plan(name, f"operator:{OPERATOR.name}", (unit,), "grants"), 0)
    return row


def signed(scene: Scene, treasurer: Treasurer, row: Row) -> Row:
    with scene.queue() as queue:
        for guardian in GUARDIANS[:2]:
            queue.post_confirmation(Digest(row.binding), signing(guardian)(bytes.fromhex(row.binding[2:])))
    treasurer.runner.poll()
    return treasurer.units.get(row.id)


def calls_of(treasurer: Treasurer, row: Row) -> list[tuple[Address, bytes]]:
    compiled = read.compiled(treasurer.runner.state(row))  # type: ignore[arg-type]
    return [(call.to, call.data) for call in compiled.calls]


def of_watch(treasurer: Treasurer, row: Row) -> list[Finding]:
    findings = read.decision(treasurer.runner.state(row)).findings  # type: ignore[arg-type]
    return [finding for finding in findings if finding.rule == "watch"]


def watch_at(scene: Scene) -> Address:
    assert scene.watch is not None
    return scene.watch


def state_of(scene: Scene) -> WatchState:
    watch = watch_at(scene)
    with closing(RpcChain(scene.world.url)) as chain:
        found = watch_from(watch, chain.read(watch_reads(watch), chain.head()))
    assert found is not None
    return found


def finds_a_drawdown(scene: Scene) -> bool:
    """Somebody without any role tries, twice, as many blocks apart as it takes."""
    found = []
    for _ in range(2):
        found.append(scene.world.send_as(STRANGER.address, watch_at(scene), encode_trip()).success)
        scene.world.ask("anvil_mine", hex(state_of(scene).confirm_blocks))
    assert found[0] is found[1]
    return found[0]


def trip_refusal(scene: Scene) -> bytes:
    call = {"from": STRANGER.address, "to": watch_at(scene), "data": "0x" + encode_trip().hex()}
    with pytest.raises(NodeRefused) as refused:
        scene.world.ask("eth_call", call, "latest")
    return refused.value.data[:4]


def reviewed(scene: Scene, policy: PolicyDocument, row: Row, watch: Address | None) -> Review:
    """By a guardian with a treasury.toml of their own."""
    with scene.queue() as queue, closing(RpcChain(scene.world.url)) as chain:
        queued = find_queued(queue, Digest(row.binding))
        return review(chain, queue, policy, subject_of(policy, watch), queued)


def test_a_large_payment_of_the_owners_is_no_drawdown(scene: Scene, treasurer: Treasurer) -> None:
    """After a payroll of the Kernel's own: what it paid is forgotten with the new mark, exactly as guardians read."""
    assert [row.status for row in treasurer.runner.cycle(_payroll())[1]] == ["executed"]
    before = state_of(scene)
    row = pays(treasurer, LARGE)
    assert (row.lane, row.status) == ("owner", "waiting")
    assert calls_of(treasurer, row)[-1] == (watch_at(scene), encode_rebase())
    line = f"  new mark     then the watch {watch_at(scene)} counts losses from what is left: `rebase()`"
    assert list(unit_lines(Records(StateFolder(scene.state)).show(row.id))).count(line) == 1
    assert signed(scene, treasurer, row).status == "executed"
    after = state_of(scene)
    assert after.mark_e8 == after.wealth_e8
    told = [finding.measured for finding in of_watch(treasurer, row) if finding.measured]
    assert told == [f"from {usd_down(before.mark_e8)} to {usd_down(after.mark_e8)}"]
    assert trip_refusal(scene) == selector("NoDrawdown(uint256,uint256)")
    assert not finds_a_drawdown(scene)


def _payroll() -> dict[str, Any]:
    return {"operation": "payroll", "actor": "job:payroll", "period": "2026-11", "since": 0}


def test_the_same_payment_without_a_new_mark_would_stop_the_agent(scene: Scene, treasurer: Treasurer) -> None:
    row = pays(treasurer, LARGE)
    tx = read.safe_tx(treasurer.runner.state(row))  # type: ignore[arg-type]
    *paid, last = decode_multisend(tx.account, tx.data)
    assert last.data == encode_rebase()
    world = scene.world
    batch = encode_multisend(paid)
    assert world.safe_exec(tx.account, GUARDIANS[:2], tx.to, batch, operation=Operation.DELEGATECALL).success
    assert state_of(scene).has_fallen
    assert finds_a_drawdown(scene)


def test_neither_a_small_payment_of_the_owners_nor_the_kernel_s_own_moves_the_mark(
    scene: Scene, treasurer: Treasurer
) -> None:
    before = state_of(scene)
    (payroll,) = treasurer.runner.cycle(_payroll())[1]
    assert (payroll.lane, payroll.status) == ("agent", "executed")
    assert all(data != encode_rebase() for _, data in calls_of(treasurer, payroll))
    small = pays(treasurer, SMALL)
    assert (small.lane, len(calls_of(treasurer, small))) == ("owner", 1)
    assert signed(scene, treasurer, small).status == "executed"
    assert state_of(scene).mark_e8 == before.mark_e8
    assert not finds_a_drawdown(scene)
    assert not [line for line in unit_lines(Records(StateFolder(scene.state)).show(small.id)) if "new mark" in line]


def test_guardians_judge_the_new_mark_for_themselves(scene: Scene, treasurer: Treasurer) -> None:
    """From the bytes, their own node, and the watch that their own treasury.toml names; without one, they deny it."""
    row, policy = pays(treasurer, LARGE), treasurer.documents.policy
    seen = reviewed(scene, policy, row, watch_at(scene))
    assert not seen.denied
    assert [each for each in seen.decision.findings if each.rule == "watch"] == of_watch(treasurer, row)
    assert describe_calls(seen.proposal, policy)[-1].startswith(f"make the watch {watch_at(scene)} take a new mark")
    for watch in (None, STRANGER.address):
        blind = reviewed(scene, policy, row, watch)
        assert {each.rule for each in blind.decision.findings if each.verdict == "deny"} == {"watch"}


def test_without_fresh_prices_the_payment_goes_on_and_people_are_told(scene: Scene, treasurer: Treasurer) -> None:
    scene.world.advance(2 * 86_400, feeds=False)
    row = pays(treasurer, LARGE)
    assert (row.lane, row.status) == ("owner", "waiting")
    assert all(data != encode_rebase() for _, data in calls_of(treasurer, row))
    (told,) = of_watch(treasurer, row)
    assert told.verdict == "ask" and "takes no new mark after them: " in told.reason
