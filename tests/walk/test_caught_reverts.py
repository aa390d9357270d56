"""A human's own transaction in which an inner call reverts and is caught: nodes report transfers that never were, we do
not. What guardians are shown, what then happens on chain, and what payroll believes was paid, agree."""

from __future__ import annotations

from collections.abc import Callable

from agent.app import subject_of
from agent.demo.scene import signing
from agent.desk import OwnDesk
from guardians.review import find_queued, review
from simulations.rehearse import executed_deltas
from strongroom.addresses import from_digest
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address, Delta, Operation, SafeTx
from strongroom.protocols.abi import encode_call
from strongroom.protocols.safe import safe_tx_hash
from strongroom.settings import Mode
from strongroom.world.people import ALICE, GUARDIANS
from strongroom.world.treasury import ETH, TREASURY, USDC
from tests.agent.house import House

ATTEMPT = "attempt(address,bytes)"
ETHER = 10**18


def queued_by_a_human(house: House, to: Address, data: bytes, value_wei: int = 0) -> SafeTx:
    tx = SafeTx(house.world.account, to, value_wei, data, Operation.CALL, 0)
    digest = safe_tx_hash(tx)
    house.queue.propose(tx, digest, signing(GUARDIANS[0])(from_digest(digest)), "")
    return tx


def shown_and_done(house: House, chain: RpcChain, tx: SafeTx) -> tuple[Delta, ...]:
    """What a guardian is shown of the queued transaction; it must be what its execution then does."""
    with house.treasurer(Mode.PROPOSE) as treasurer:
        document = treasurer.documents.policy
    seen = review(chain, house.queue, document, subject_of(document, None), find_queued(house.queue, safe_tx_hash(tx)))
    assert seen.rehearsal.success, seen.rehearsal.revert
    before = chain.head()
    mined = house.world.safe_exec(tx.account, GUARDIANS[:2], tx.to, tx.data, tx.value_wei, tx.operation)
    tokens = {token.id: token for token in house.world.tokens}
    assert mined.success
    assert seen.rehearsal.deltas == executed_deltas(chain, before, mined.block, [tx.account.safe], tokens)
    return seen.rehearsal.deltas


def test_a_payment_that_reverts_inside_and_is_caught_moves_nothing_and_is_still_due(
    house: House, chain: RpcChain, deploy_mock: Callable[..., Address]
) -> None:
    """Alice's exact salary, attempted without an allowance: it was not paid, so payroll pays it."""
    world, salary = house.world, TREASURY.payees[0].monthly.units
    pull = encode_call("transferFrom(address,address,uint256)", world.account.safe, ALICE.address, salary)
    caller = deploy_mock("CatchingCaller", "Callers")
    tx = queued_by_a_human(house, caller, encode_call(ATTEMPT, world.contracts.tokens[USDC], pull))
    assert shown_and_done(house, chain, tx) == ()
    with house.desk(Mode.PROPOSE) as desk:
        assert desk.cycle("payroll")["rationale"].startswith(f"{len(TREASURY.payees)} payments of ")


def test_ether_that_a_caught_call_gives_back_is_shown_where_it_stays(
    house: House, chain: RpcChain, deploy_mock: Callable[..., Address]
) -> None:
    """The Safe's ether reaches the caller and no further: one delta, not the two that a transfer log would make."""
    caller, target = deploy_mock("CatchingCaller", "Callers"), deploy_mock("RevertingTarget", "Callers")
    tx = queued_by_a_human(house, caller, encode_call(ATTEMPT, target, b"\x01"), ETHER)
    assert shown_and_done(house, chain, tx) == (Delta(house.world.account.safe, ETH, -ETHER),)
    assert chain.balances_wei([caller, target], chain.head()) == [ETHER, 0]


def test_the_agent_proposes_behind_a_humans_caught_revert_and_both_execute(
    house: House, chain: RpcChain, deploy_mock: Callable[..., Address]
) -> None:
    world = house.world
    caller, target = deploy_mock("CatchingCaller", "Callers"), deploy_mock("RevertingTarget", "Callers")
    tx = queued_by_a_human(house, caller, encode_call(ATTEMPT, target, b""))
    with house.treasurer(Mode.PROPOSE) as treasurer:
        (unit,) = OwnDesk(treasurer).cycle("payroll")["units"]
        assert unit["nonce"] == tx.nonce + 1
        house.sign(unit["proposal"], *GUARDIANS[:2])
        assert treasurer.runner.poll() == ()
        assert world.safe_exec(tx.account, GUARDIANS[:2], tx.to, tx.data).success
        (row,) = treasurer.runner.poll()
        mined = [entry.body["as_rehearsed"] for entry in treasurer.ledger.entries() if entry.type == "tx.mined"]
    assert row.status == "executed"
    assert mined == [True]
