"""Guarded mode on real contracts: what executes alone, what asks, and what an installation refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from agent import example
from agent.app import open_documents, open_treasurer
from agent.demo import guarded
from agent.demo.scene import PASSWORD, Scene, signing
from agent.desk import OwnDesk
from agent.installing import plan_installation
from agent.nodes.owner_lane import PROPOSAL_SECONDS
from policies.terms import ActionLimit
from strongroom.addresses import from_digest, to_address
from strongroom.chain.rpc import RpcChain
from strongroom.errors import BadValue, NotReplaceable, PolicyMismatch, ServiceRefused
from strongroom.model import Digest, Operation, SafeTx
from strongroom.notices import MemoryNotices
from strongroom.protocols.erc20 import read_allowance
from strongroom.protocols.safe import safe_tx_hash
from strongroom.settings import Mode
from strongroom.wallet.service import SafeService
from strongroom.world.people import GUARDIANS, OPERATOR
from strongroom.world.treasury import WETH
from strongroom.world.world import World
from tests.agent.begun import begun_scene
from tests.agent.conftest import Run


@pytest.fixture
def scene(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """The example DAO with its log begun and its delegate named, before any Kernel."""
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with begun_scene(world, tmp_path) as begun:
        yield begun


def desk(stack: ExitStack, scene: Scene) -> OwnDesk:
    documents = open_documents(scene.documents(Mode.GUARDED))
    return OwnDesk(stack.enter_context(open_treasurer(documents, MemoryNotices())))


def test_payroll_and_a_small_swap_execute_alone_and_leave_no_approval(scene: Scene) -> None:
    installed = guarded.install(scene)
    with ExitStack() as stack:
        treasurer = desk(stack, installed)
        (payroll,) = treasurer.cycle("payroll")["units"]
        swap = treasurer.chat(OPERATOR.name, "swap 2 WETH to USDC")["units"][0]
    assert [(unit["lane"], unit["status"]) for unit in (payroll, swap)] == [("agent", "executed")] * 2
    contracts = scene.world.contracts
    with closing(RpcChain(scene.world.url)) as chain:
        left = read_allowance(contracts.tokens[WETH], contracts.safe, contracts.swap_router)
        assert chain.read([left], chain.head()) == [0]


def test_a_large_swap_asks_guardians_and_a_denied_one_names_why(scene: Scene) -> None:
    installed = guarded.install(scene)
    with ExitStack() as stack:
        treasurer = desk(stack, installed)
        large = treasurer.chat(OPERATOR.name, "swap 25 WETH to USDC")["units"][0]
        huge = treasurer.chat(OPERATOR.name, "swap 250 WETH to USDC")["units"][0]
    assert (large["lane"], large["status"]) == ("owner", "waiting")
    assert huge["status"] == "denied"
    assert {finding["rule"] for finding in huge["findings"]} & {"approvals", "compile", "losses"}


def test_what_guardians_were_asked_for_is_never_done_by_the_kernel_as_well(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second call of a day had no room, so it was proposed. Days later there is room again, and the proposal has
    expired; but it still stands in the queue, where guardians could execute it beside the Kernel."""
    whole = example._policy
    monkeypatch.setattr(example, "_policy", lambda world: replace(whole(world), actions=ActionLimit(2, 86_400, 1)))
    installed = guarded.install(scene)
    with ExitStack() as stack:
        documents = open_documents(installed.documents(Mode.GUARDED))
        treasurer = stack.enter_context(open_treasurer(documents, MemoryNotices()))
        orders = ("pay 1,000 USDC to alice", "pay 1,100 USDC to bob")
        first, second = [OwnDesk(treasurer).chat(OPERATOR.name, order)["units"][0] for order in orders]
        assert (first["lane"], second["lane"]) == ("agent", "owner")
        scene.world.advance(PROPOSAL_SECONDS + 86_400)
        (again,) = treasurer.runner.poll()
        assert (again.id, again.lane, again.status) == (second["id"], "owner", "waiting")


def test_a_proposal_whose_answer_was_lost_is_never_done_by_the_kernel_as_well(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in the queue though nobody said so. An owner's own transaction at the same nonce, and a day later room
    in the Kernel's bucket: guardians may still execute it."""
    whole, propose = example._policy, SafeService.propose
    monkeypatch.setattr(example, "_policy", lambda world: replace(whole(world), actions=ActionLimit(2, 86_400, 1)))
    installed = guarded.install(scene)

    def lost(service: SafeService, tx: SafeTx, digest: Digest, signature: bytes, origin: str) -> None:
        propose(service, tx, digest, signature, origin)
        raise ServiceRefused("the proposal", "read timed out")

    with ExitStack() as stack:
        documents = open_documents(installed.documents(Mode.GUARDED))
        treasurer = stack.enter_context(open_treasurer(documents, MemoryNotices()))
        OwnDesk(treasurer).chat(OPERATOR.name, "pay 1,000 USDC to alice")
        with monkeypatch.context() as unlucky:
            unlucky.setattr(SafeService, "propose", lost)
            (unit,) = OwnDesk(treasurer).chat(OPERATOR.name, "pay 1,100 USDC to bob")["units"]
        (ours,) = treasurer.context.queue.pending(0)
        theirs = SafeTx(scene.world.account, OPERATOR.address, 1, b"", Operation.CALL, ours.tx.nonce)
        digest = safe_tx_hash(theirs)
        treasurer.context.queue.propose(theirs, digest, signing(GUARDIANS[0])(from_digest(digest)), "")
        scene.world.advance(86_400)
        (again,) = treasurer.runner.poll()
    assert (again.id, again.lane, again.status) == (unit["id"], "owner", "waiting")
    assert (again.binding, again.nonce) == (ours.safe_tx_hash, ours.tx.nonce)


def test_moving_the_aggregator_changes_the_plan(scene: Scene) -> None:
    """At the price of the start every weight is inside its band; a dearer ether is sold, a cheaper one bought."""
    installed = guarded.install(scene)
    with ExitStack() as stack:
        treasurer = desk(stack, installed)
        assert treasurer.cycle("rebalance")["units"] == []
        scene.world.move_market(WETH, 3_450_00000000)
        sold = [unit["id"].split("-")[-2] for unit in treasurer.cycle("rebalance")["units"]]
    assert sold[0] == WETH


def test_a_price_that_only_one_source_believes_stops_the_swap(scene: Scene) -> None:
    installed = guarded.install(scene)
    scene.world.set_price(WETH, 3_200_00000000, source=0)
    with ExitStack() as stack:
        (unit,) = desk(stack, installed).chat(OPERATOR.name, "swap 2 WETH to USDC")["units"]
    assert unit["status"] == "denied"
    assert any("price" in finding["reason"] for finding in unit["findings"])


def test_a_policy_that_differs_from_the_chain_is_not_run(scene: Scene) -> None:
    installed = guarded.install(scene)
    config = installed.documents(Mode.GUARDED)
    policy = config / "policy.toml"
    policy.write_text(policy.read_text().replace("15_000 USDC", "14_000 USDC"))
    with pytest.raises(PolicyMismatch, match="the policy's"), open_treasurer(open_documents(config)):
        pass


def test_a_second_kernel_beside_the_first_is_not_planned(scene: Scene) -> None:
    """It would have caps of its own, and a pause would stop only one of them."""
    installed = guarded.install(scene)
    with pytest.raises(NotReplaceable, match="pause it first"):
        plan_installation(installed.documents(Mode.PROPOSE))


def test_owners_are_not_handed_a_delegatecall_to_a_stranger(scene: Scene) -> None:
    config = scene.documents(Mode.PROPOSE)
    policy = config / "policy.toml"
    stranger = to_address(bytes.fromhex("66" * 20))
    policy.write_text(policy.read_text().replace(scene.world.contracts.multisend, stranger))
    with pytest.raises(BadValue, match="MultiSendCallOnly"):
        plan_installation(config)


def test_what_stands_already_does_not_stop_an_installation(scene: Scene) -> None:
    """A stranger may make the very same contracts first; the owners' transaction then only enables them."""
    config = scene.documents(Mode.PROPOSE)
    planned = plan_installation(config)
    scene.world.send_as(OPERATOR.address, *_kernel_call(planned))
    again = plan_installation(config)
    assert again["kernel"] == planned["kernel"]
    assert len(again["transaction"]["data"]) < len(planned["transaction"]["data"])
    assert guarded.install(scene).kernel == planned["kernel"]


def _kernel_call(planned: dict[str, object]) -> tuple[object, ...]:
    from strongroom.model import SafeTx
    from strongroom.plain import from_plain
    from strongroom.protocols.multisend import decode_multisend

    tx = from_plain(SafeTx, planned["transaction"])
    largest = max(decode_multisend(tx.account, tx.data), key=lambda call: len(call.data))
    return largest.to, largest.data


def _lanes(units: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(unit["lane"], unit["verdict"]) for unit in units]


def test_a_dry_run_tells_the_lane_and_the_verdict_that_the_run_gets(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small enough for the Kernel, so large that guardians are asked, and payroll; with no password at hand."""
    installed = guarded.install(scene)
    documents, notices = open_documents(installed.documents(Mode.GUARDED)), MemoryNotices()
    orders = ("swap 2 WETH to USDC", "swap 25 WETH to USDC", "swap 250 WETH to USDC")
    seen = []
    for dry_run in (True, False):
        with monkeypatch.context() as patched, ExitStack() as stack:
            if dry_run:
                patched.delenv("STRONGROOM_PASSWORD")
            desk = OwnDesk(stack.enter_context(open_treasurer(documents, notices, dry_run)))
            units = [unit for order in orders for unit in desk.chat(OPERATOR.name, order)["units"]]
            seen.append((_lanes(units), _lanes(desk.cycle("payroll")["units"])))
    dry, real = seen
    assert dry == real == ([("agent", "allow"), ("owner", "ask"), ("owner", "deny")], [("agent", "allow")])


def test_a_policy_that_the_kernel_does_not_enforce_is_tried_as_in_shadow_mode_and_says_so(scene: Scene) -> None:
    installed = guarded.install(scene)
    config = installed.documents(Mode.GUARDED)
    policy = config / "policy.toml"
    policy.write_text(policy.read_text().replace("15_000 USDC", "14_000 USDC"))
    notices = MemoryNotices()
    with open_treasurer(open_documents(config), notices, dry_run=True) as treasurer:
        (unit,) = OwnDesk(treasurer).cycle("payroll")["units"]
    assert (unit["lane"], unit["verdict"]) == ("owner", "allow")
    (told,) = notices.told
    assert told.startswith("judged as in shadow mode, for the run itself would not start: the policy's hash is")


def test_a_cycle_says_once_that_a_unit_was_executed(scene: Scene, run: Run) -> None:
    config = guarded.install(scene).documents(Mode.GUARDED)
    code, out, err = run("cycle", "payroll", "--config", config)
    assert code == 0 and "executed" in out and "payments of" in out.splitlines()[0]
    assert "executed in" not in err and "for gas" in err
