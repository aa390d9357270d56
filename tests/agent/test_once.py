"""Whoever executes what, whenever: what was proposed once is paid at most once, and the books say by what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.app import Treasurer
from agent.demo.scene import PASSWORD
from agent.nodes.owner_lane import PROPOSAL_SECONDS
from agent.units import Row
from strongroom.chain.rpc import RpcChain
from strongroom.model import Digest, SafeTx
from strongroom.protocols.erc20 import encode_transfer, read_balance
from strongroom.settings import Mode
from strongroom.wallet.agent_wallet import AgentWallet
from strongroom.wallet.service import SafeService
from strongroom.world.people import ALICE
from strongroom.world.treasury import USDC, units
from tests.agent.house import House
from tests.agent.test_replaced import (
    TWO,
    executed_by_hand,
    give_it_back,
    human,
    judging_by,
    kinds,
    ordered,
    take_the_money,
)
from tests.agent.test_walk import Killed, die_at

ORDER = "pay 9_000 USDC to alice for the audit"
PAID = units(USDC, 9_000)


@pytest.fixture
def treasurer(house: House) -> Iterator[Treasurer]:
    with house.treasurer(Mode.PROPOSE) as opened:
        yield opened


def signed(house: House, treasurer: Treasurer) -> tuple[Row, SafeTx]:
    """The order's proposal, with the signatures of two guardians."""
    row = ordered(treasurer, ORDER)
    queued = house.queue.find(Digest(row.binding))
    assert queued
    house.sign(row.binding, *TWO)
    return row, queued.tx


def alice_holds(house: House, chain: RpcChain) -> int:
    held: list[int] = chain.read([read_balance(house.world.contracts.tokens[USDC], ALICE.address)], chain.head())
    return held[0]


def test_what_more_guardians_must_sign_stays_at_its_nonce_though_somebody_else_uses_it_too(
    house: House, chain: RpcChain
) -> None:
    """At another nonce it would stand twice, and be paid twice."""
    two = '"2 guardians above 12_000 USDC per day"'
    with judging_by(house, two, f'{two}, "3 guardians above 20_000 USDC per day"') as treasurer:
        row, tx = signed(house, treasurer)
        paid = encode_transfer(ALICE.address, units(USDC, 12_000))
        assert house.world.send_as(tx.account.safe, house.world.contracts.tokens[USDC], paid).success
        human(house, tx.nonce)
        (waiting,) = treasurer.runner.poll()
        assert (waiting.status, waiting.nonce, waiting.binding) == ("waiting", tx.nonce, row.binding)
        executed_by_hand(house, tx)
        assert [each.status for each in treasurer.runner.poll()] == ["executed"]
        assert treasurer.runner.poll() == ()
    assert alice_holds(house, chain) == units(USDC, 12_000) + PAID


def test_what_guardians_execute_while_it_is_being_dropped_is_settled_and_not_proposed_again(
    house: House, chain: RpcChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house.treasurer(Mode.PROPOSE) as treasurer:
        row, tx = signed(house, treasurer)
    house.world.advance(PROPOSAL_SECONDS + 1)
    die_at(monkeypatch, "drop")
    with house.treasurer(Mode.PROPOSE) as treasurer, pytest.raises(Killed):
        treasurer.runner.poll()
    monkeypatch.undo()
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    executed_by_hand(house, tx)
    with house.treasurer(Mode.PROPOSE) as treasurer:
        treasurer.runner.poll()
        treasurer.runner.poll()
        assert (found := treasurer.units.get(row.id)).status == "executed"
        assert found.binding == row.binding
        assert house.queue.pending(tx.nonce + 1) == ()
    assert alice_holds(house, chain) == PAID


def test_the_same_signatures_sent_by_a_stranger_just_before_are_an_execution_and_no_revert(
    house: House, treasurer: Treasurer, chain: RpcChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, tx = signed(house, treasurer)
    broadcast = AgentWallet.broadcast

    def too_late(wallet: AgentWallet, tx_hash: Digest) -> None:
        executed_by_hand(house, tx)
        broadcast(wallet, tx_hash)

    monkeypatch.setattr(AgentWallet, "broadcast", too_late)
    assert [each.status for each in treasurer.runner.poll()] == ["reverted"]
    assert [each.status for each in treasurer.runner.poll()] == ["executed"]
    assert (kinds(treasurer, row)["tx.reverted"], kinds(treasurer, row)["tx.mined"]) == (1, 1)
    assert alice_holds(house, chain) == PAID


def test_what_reverted_stands_until_its_nonce_is_used_and_counts_when_somebody_sends_it_again(
    house: House, treasurer: Treasurer, chain: RpcChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, tx = signed(house, treasurer)
    broadcast = AgentWallet.broadcast

    def broke(wallet: AgentWallet, tx_hash: Digest) -> None:
        take_the_money(house)
        broadcast(wallet, tx_hash)

    monkeypatch.setattr(AgentWallet, "broadcast", broke)
    assert [each.status for each in treasurer.runner.poll()] == ["reverted"]
    assert treasurer.runner.poll() == ()
    give_it_back(house)
    executed_by_hand(house, tx)
    assert [each.status for each in treasurer.runner.poll()] == ["executed"]
    assert treasurer.units.get(row.id).status == "executed"
    assert alice_holds(house, chain) == PAID


def test_a_service_behind_the_chain_leaves_a_paid_unit_asleep_until_it_knows(
    house: House, treasurer: Treasurer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken for superseded, it would be free to be paid again."""
    row, tx = signed(house, treasurer)
    executed_by_hand(house, tx)
    with monkeypatch.context() as lagging:
        for unknown in ("executed", "used"):
            lagging.setattr(SafeService, unknown, lambda *_: None)
        assert treasurer.runner.poll() == ()
    assert treasurer.units.get(row.id).status == "waiting"
    assert [each.status for each in treasurer.runner.poll()] == ["executed"]


def test_a_nonce_that_humans_used_for_something_else_supersedes_the_unit(house: House, treasurer: Treasurer) -> None:
    row, tx = signed(house, treasurer)
    executed_by_hand(house, human(house, tx.nonce))
    assert [each.status for each in treasurer.runner.poll()] == ["superseded"]
    assert house.queue.used(tx.nonce) not in (None, row.binding)
    assert house.queue.used(tx.nonce + 1) is None
