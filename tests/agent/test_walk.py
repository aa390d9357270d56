"""From a job to a mined Safe transaction, and every way in which people or crashes cut in."""

from __future__ import annotations

from collections import Counter
from functools import wraps
from pathlib import Path

import pytest

from agent.demo.scene import PASSWORD, signing
from agent.desk import OwnDesk
from agent.runner import Runner
from strongroom.chain.rpc import RpcChain
from strongroom.errors import NodeUnreachable
from strongroom.model import Digest
from strongroom.protocols.erc20 import encode_transfer, read_balance
from strongroom.settings import Mode
from strongroom.world.people import ALICE, GUARDIANS, STRANGER
from strongroom.world.treasury import TREASURY, USDC, units
from strongroom.world.world import World
from tests.agent.house import House, open_house

TWO = GUARDIANS[:2]
ALICE_PAY = TREASURY.payees[0].monthly.units


def held(world: World, chain: RpcChain) -> int:
    return int(chain.read([read_balance(world.contracts.tokens[USDC], ALICE.address)], chain.head())[0])


def test_shadow_judges_and_sends_nothing(house: House, chain: RpcChain) -> None:
    before = chain.head()
    with house.desk(Mode.SHADOW) as desk:
        answer = desk.cycle("payroll")
        state = house.records.show(answer["units"][0]["id"])["state"]
    assert [unit["status"] for unit in answer["units"]] == ["shadowed"]
    assert state["decision"]["verdict"] == "allow"
    assert chain.head() == before
    assert house.queue.pending(0) == ()


def test_payroll_is_proposed_signed_and_executed_as_rehearsed(house: House, chain: RpcChain) -> None:
    before = held(house.world, chain)
    with house.treasurer(Mode.PROPOSE) as treasurer:
        unit = OwnDesk(treasurer).cycle("payroll")["units"][0]
        assert unit["status"] == "waiting"
        assert treasurer.runner.poll() == ()
        house.sign(unit["proposal"], TWO[0])
        assert treasurer.runner.poll() == ()
        house.sign(unit["proposal"], TWO[1])
        (row,) = treasurer.runner.poll()
        entries = list(treasurer.ledger.entries())
    assert row.status == "executed"
    assert held(house.world, chain) - before == ALICE_PAY
    kinds = Counter(entry.type for entry in entries)
    assert kinds["tx.intent"] == kinds["tx.sent"] == kinds["tx.mined"] == kinds["human.req"] == kinds["human.res"] == 1
    assert next(entry for entry in entries if entry.type == "tx.mined").body["as_rehearsed"] is True


def test_a_second_cycle_of_the_month_pays_nobody_again(house: House, chain: RpcChain) -> None:
    before = held(house.world, chain)
    with house.treasurer(Mode.PROPOSE) as treasurer:
        desk = OwnDesk(treasurer)
        first = desk.cycle("payroll")["units"][0]
        assert desk.cycle("payroll")["units"][0] == first
        house.sign(first["proposal"], *TWO)
        treasurer.runner.poll()
        assert desk.cycle("payroll")["units"] == []
    assert held(house.world, chain) - before == ALICE_PAY


@pytest.mark.parametrize("node", ["observe", "propose", "wait", "execute", "send", "settle"])
def test_a_treasurer_that_dies_after_any_step_is_taken_up_by_the_next(
    house: House, chain: RpcChain, monkeypatch: pytest.MonkeyPatch, node: str
) -> None:
    """The process dies right before a node's result is kept; the next process runs that node again."""
    before = held(house.world, chain)
    die_at(monkeypatch, node)
    proposal = _cycle_until_death(house)
    if proposal:
        house.sign(proposal, *TWO)
        _poll_until_death(house)
    monkeypatch.undo()
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with house.treasurer(Mode.PROPOSE) as treasurer:
        treasurer.runner.poll()
        if not proposal:
            (queued,) = house.queue.pending(0)
            house.sign(queued.safe_tx_hash, *TWO)
        treasurer.runner.poll()
        (row,) = treasurer.units.all()
    assert row.status == "executed"
    assert held(house.world, chain) - before == ALICE_PAY


class Killed(BaseException):
    """What SIGKILL leaves of a process: nothing is caught, nothing is tidied up."""


def die_at(monkeypatch: pytest.MonkeyPatch, node: str) -> None:

    from agent.nodes import judging, owner_lane, sending

    for module in (judging, owner_lane, sending):
        if hasattr(module, node):
            real = getattr(module, node)

            @wraps(real)
            def dying(*arguments: object, real: object = real, **named: object) -> object:
                real(*arguments, **named)  # type: ignore[operator]
                raise Killed

            monkeypatch.setattr(module, node, dying)


def _cycle_until_death(house: House) -> str:
    with house.treasurer(Mode.PROPOSE) as treasurer:
        try:
            return str(OwnDesk(treasurer).cycle("payroll")["units"][0]["proposal"])
        except Killed:
            return ""


def _poll_until_death(house: House) -> None:
    with house.treasurer(Mode.PROPOSE) as treasurer:
        try:
            treasurer.runner.poll()
        except Killed:
            return


def test_guardians_who_execute_in_their_own_interface_are_settled_too(house: House, chain: RpcChain) -> None:
    with house.treasurer(Mode.PROPOSE) as treasurer:
        unit = OwnDesk(treasurer).cycle("payroll")["units"][0]
        queued = house.queue.find(Digest(unit["proposal"]))
        assert queued
        tx = queued.tx
        house.world.safe_exec(house.world.account, TWO, tx.to, tx.data, tx.value_wei, tx.operation)
        (row,) = treasurer.runner.poll()
    assert row.status == "executed"


def test_a_nonce_that_humans_used_otherwise_supersedes_the_proposal(house: House, chain: RpcChain) -> None:
    with house.treasurer(Mode.PROPOSE) as treasurer:
        OwnDesk(treasurer).cycle("payroll")
        house.world.safe_exec(house.world.account, TWO, STRANGER.address, b"")
        (row,) = treasurer.runner.poll()
        assert row.status == "superseded"
        again = OwnDesk(treasurer).cycle("payroll")["units"][0]
    assert again["status"] == "waiting"
    assert again["nonce"] == 1


def test_the_agent_proposes_after_whatever_humans_have_queued(house: House) -> None:
    from strongroom.model import Operation, SafeTx
    from strongroom.protocols.safe import safe_tx_hash

    account = house.world.account
    human = SafeTx(account, STRANGER.address, 1, b"", Operation.CALL, 4)
    digest = safe_tx_hash(human)
    house.queue.propose(human, digest, signing(TWO[0])(bytes.fromhex(digest[2:])), "")
    with house.desk(Mode.PROPOSE) as desk:
        assert desk.cycle("payroll")["units"][0]["nonce"] == 5


def test_a_proposal_the_treasury_can_no_longer_pay_is_not_executed(house: House, chain: RpcChain) -> None:
    """Between proposal and signatures the money is gone: the second look refuses what the first allowed."""
    with house.treasurer(Mode.PROPOSE) as treasurer:
        unit = OwnDesk(treasurer).cycle("payroll")["units"][0]
        house.sign(unit["proposal"], *TWO)
        house.world.send_as(
            house.world.account.safe,
            house.world.contracts.tokens[USDC],
            encode_transfer(STRANGER.address, units(USDC, 398_000)),
        )
        before = held(house.world, chain)
        (row,) = treasurer.runner.poll()
    assert row.status == "drifted"
    assert held(house.world, chain) == before


def test_an_unreachable_node_stops_the_cycle_with_one_line_and_a_gap_in_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with World.start() as world, open_house(world, tmp_path) as house, house.treasurer(Mode.PROPOSE) as treasurer:
        world.stop()
        with pytest.raises(NodeUnreachable, match="cannot be reached"):
            OwnDesk(treasurer).cycle("payroll")
        last = list(treasurer.ledger.entries())[-1]
    assert last.type == "gap"


def test_the_runner_holds_no_lock_while_a_unit_waits(house: House) -> None:
    with house.treasurer(Mode.PROPOSE) as treasurer:
        OwnDesk(treasurer).cycle("payroll")
        runner: Runner = treasurer.runner
        assert runner.poll() == ()
