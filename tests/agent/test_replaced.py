"""A proposal that drifted, expired, or was judged by another policy is replaced at its own nonce; one that guardians
reject is over. Nothing of the humans' moves, and what stands behind keeps its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agent import example
from agent.app import Treasurer, open_documents, open_treasurer
from agent.demo.scene import PASSWORD, signing
from agent.desk import OwnDesk
from agent.nodes.owner_lane import PROPOSAL_SECONDS
from agent.units import Row
from strongroom.chain.rpc import RpcChain
from strongroom.ledger.entries import Entry
from strongroom.model import Digest, Operation, Queued, SafeTx
from strongroom.protocols.erc20 import encode_transfer, read_balance
from strongroom.protocols.safe import safe_tx_hash
from strongroom.settings import Mode
from strongroom.world.people import ALICE, GUARDIANS, OPERATOR, STRANGER
from strongroom.world.treasury import TREASURY, USDC, WETH, units
from tests.agent.house import House
from tests.agent.test_walk import Killed, die_at

TWO = GUARDIANS[:2]
ALICE_PAY = TREASURY.payees[0].monthly.units
SWAP = "swap 2 WETH to USDC"
_SHORT = units(USDC, 398_000)


@pytest.fixture
def treasurer(house: House) -> Iterator[Treasurer]:
    with house.treasurer(Mode.PROPOSE) as opened:
        yield opened


def ordered(treasurer: Treasurer, text: str) -> Row:
    (unit,) = OwnDesk(treasurer).chat(OPERATOR.name, text)["units"]
    return treasurer.units.get(unit["id"])


def payroll(treasurer: Treasurer) -> Row:
    (unit,) = OwnDesk(treasurer).cycle("payroll")["units"]
    return treasurer.units.get(unit["id"])


def standing(house: House, nonce: int) -> list[Queued]:
    return [queued for queued in house.queue.pending(nonce) if queued.tx.nonce == nonce]


def rejecting(house: House, nonce: int) -> SafeTx:
    account = house.world.account
    return SafeTx(account, account.safe, 0, b"", Operation.CALL, nonce)


def human(house: House, nonce: int) -> SafeTx:
    """A transaction that a guardian has queued by hand."""
    tx = SafeTx(house.world.account, STRANGER.address, 1, b"", Operation.CALL, nonce)
    digest = safe_tx_hash(tx)
    house.queue.propose(tx, digest, signing(TWO[0])(bytes.fromhex(digest[2:])), "")
    return tx


def executed_by_hand(house: House, tx: SafeTx) -> None:
    assert house.world.safe_exec(tx.account, TWO, tx.to, tx.data, tx.value_wei, tx.operation).success


def entries(treasurer: Treasurer, row: Row) -> list[Entry]:
    found = treasurer.ledger.entries()
    return [entry for entry in found if entry.body.get("unit") == row.id.split(".")[0]]


def kinds(treasurer: Treasurer, row: Row) -> Counter[str]:
    return Counter(entry.type for entry in entries(treasurer, row))


def take_the_money(house: House) -> None:
    """By somebody else's hand, not by the Safe's own nonce."""
    usdc = house.world.contracts.tokens[USDC]
    assert house.world.send_as(house.world.account.safe, usdc, encode_transfer(STRANGER.address, _SHORT)).success


def give_it_back(house: House) -> None:
    house.world.mint(USDC, house.world.account.safe, _SHORT)


def test_a_swap_whose_market_moved_is_proposed_anew_at_its_own_nonce(house: House, treasurer: Treasurer) -> None:
    """The old signatures die with the old hash; both transactions stand at one nonce, so that only one can execute."""
    first = ordered(treasurer, SWAP)
    house.sign(first.binding, *TWO)
    house.world.move_market(WETH, 2_900_00000000)
    (again,) = treasurer.runner.poll()
    assert (again.id, again.status, again.nonce) == (first.id, "waiting", first.nonce)
    assert again.binding != first.binding
    assert {queued.safe_tx_hash for queued in standing(house, 0)} == {first.binding, again.binding}
    assert house.queue.find(Digest(again.binding)).approvals == ()  # type: ignore[union-attr]
    assert treasurer.runner.poll() == ()
    house.sign(again.binding, *TWO)
    (done,) = treasurer.runner.poll()
    assert done.status == "executed"
    require_dropped_before_intended_again(treasurer, first, again)


def require_dropped_before_intended_again(treasurer: Treasurer, first: Row, again: Row) -> None:
    found = [entry for entry in entries(treasurer, first) if entry.type.startswith(("tx.", "human."))]
    assert [(entry.type, entry.binding) for entry in found if entry.type.startswith("tx.")] == [
        ("tx.intent", first.binding),
        ("tx.dropped", first.binding),
        ("tx.intent", again.binding),
        ("tx.sent", again.binding),
        ("tx.mined", again.binding),
    ]
    assert [entry.body.get("event") for entry in found if entry.type == "human.res"] == ["approved", "approved"]
    assert kinds(treasurer, first)["human.req"] == 2


@pytest.mark.parametrize("signers", [0, 1, 2])
def test_what_is_not_executed_in_time_is_judged_and_proposed_again(
    house: House, treasurer: Treasurer, signers: int
) -> None:
    first = ordered(treasurer, SWAP)
    house.sign(first.binding, *TWO[:signers])
    house.world.advance(PROPOSAL_SECONDS - 60)
    if signers < len(TWO):
        assert treasurer.runner.poll() == ()
    house.world.advance(120)
    (again,) = treasurer.runner.poll()
    assert (again.status, again.nonce) == ("waiting", first.nonce)
    assert again.binding != first.binding
    dropped = next(entry for entry in entries(treasurer, first) if entry.type == "tx.dropped")
    assert (dropped.binding, dropped.body["why"]) == (first.binding, "it expired")
    house.sign(again.binding, *TWO)
    assert [row.status for row in treasurer.runner.poll()] == ["executed"]


def test_the_end_of_a_proposal_stands_in_the_ledger_beside_what_it_binds(house: House, treasurer: Treasurer) -> None:
    row = ordered(treasurer, SWAP)
    judged_at = treasurer.runner.state(row)["facts"]["block"]["timestamp"]
    for kind in ("tx.intent", "human.req"):
        (entry,) = [entry for entry in entries(treasurer, row) if entry.type == kind]
        assert entry.body["expires"] == judged_at + PROPOSAL_SECONDS


def test_a_payment_that_expired_says_the_same_bytes_and_keeps_its_signatures(
    house: House, chain: RpcChain, treasurer: Treasurer
) -> None:
    """A Safe forgets no signature over the very same transaction; it is judged again on fresh facts all the same."""
    first = payroll(treasurer)
    house.sign(first.binding, TWO[0])
    house.world.advance(PROPOSAL_SECONDS + 1)
    (again,) = treasurer.runner.poll()
    assert again.binding == first.binding
    assert len(standing(house, 0)) == 1
    assert kinds(treasurer, first)["tx.intent"] == 2
    house.sign(again.binding, TWO[1])
    assert [row.status for row in treasurer.runner.poll()] == ["executed"]
    usdc = house.world.contracts.tokens[USDC]
    assert chain.read([read_balance(usdc, ALICE.address)], chain.head()) == [ALICE_PAY]


def test_what_guardians_reject_is_over_and_nothing_is_proposed_again(house: House, treasurer: Treasurer) -> None:
    payroll(treasurer)
    executed_by_hand(house, rejecting(house, 0))
    (row,) = treasurer.runner.poll()
    assert row.status == "rejected"
    assert payroll(treasurer) == row
    assert treasurer.runner.poll() == ()
    assert house.queue.pending(1) == ()
    answers = [entry.body["event"] for entry in entries(treasurer, row) if entry.type == "human.res"]
    assert answers == ["rejected"]


def test_a_denied_replacement_frees_its_nonce_for_the_human_transaction_behind_it(
    house: House, treasurer: Treasurer
) -> None:
    """The unit ends with every finding; what was signed for it could still execute, so a rejection is proposed."""
    first = payroll(treasurer)
    behind = human(house, 1)
    house.sign(first.binding, *TWO)
    take_the_money(house)
    (over,) = treasurer.runner.poll()
    assert (over.status, over.nonce, over.binding) == ("drifted", 0, safe_tx_hash(rejecting(house, 0)))
    findings = treasurer.runner.state(over)["decision"]["findings"]
    assert {finding["rule"] for finding in findings if finding["verdict"] == "deny"} >= {"rehearsed"}
    assert [queued.tx for queued in standing(house, 1)] == [behind]
    assert treasurer.runner.poll() == ()
    house.sign(over.binding, *TWO)
    (freed,) = treasurer.runner.poll()
    assert freed.status == "denied"
    executed_by_hand(house, behind)
    assert treasurer.runner.poll() == ()
    counted = kinds(treasurer, first)
    assert (counted["tx.dropped"], counted["tx.mined"], counted["human.req"], counted["human.res"]) == (1, 1, 2, 2)


@pytest.mark.parametrize("node", ["hear", "drop", "observe", "release", "propose"])
def test_a_treasurer_that_dies_while_it_frees_a_nonce_leaves_one_rejection(
    house: House, monkeypatch: pytest.MonkeyPatch, node: str
) -> None:
    with house.treasurer(Mode.PROPOSE) as treasurer:
        house.sign(payroll(treasurer).binding, *TWO)
    take_the_money(house)
    die_at(monkeypatch, node)
    with house.treasurer(Mode.PROPOSE) as treasurer, pytest.raises(Killed):
        treasurer.runner.poll()
    monkeypatch.undo()
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with house.treasurer(Mode.PROPOSE) as treasurer:
        (over,) = treasurer.runner.poll()
        assert (over.status, len(standing(house, 0))) == ("drifted", 2)
        house.sign(over.binding, *TWO)
        assert [row.status for row in treasurer.runner.poll()] == ["denied"]
        counted = kinds(treasurer, over)
    assert (counted["tx.intent"], counted["tx.dropped"], counted["tx.mined"]) == (2, 1, 1)


def test_the_next_attempt_stands_beside_the_rejection_and_takes_another_nonce_once_that_was_executed(
    house: House, treasurer: Treasurer
) -> None:
    """Our own rejection only frees a nonce: guardians who sign it have not said no to the payroll."""
    house.sign(payroll(treasurer).binding, *TWO)
    take_the_money(house)
    (over,) = treasurer.runner.poll()
    give_it_back(house)
    second = payroll(treasurer)
    assert (second.status, second.nonce, len(standing(house, 0))) == ("waiting", 0, 2)
    executed_by_hand(house, rejecting(house, 0))
    treasurer.runner.poll()
    assert {row.id: row.status for row in treasurer.units.all()} == {over.id: "denied", second.id: "superseded"}
    third = payroll(treasurer)
    assert (third.status, third.nonce) == ("waiting", 1)


def test_a_human_transaction_at_the_same_nonce_is_never_answered_with_another_one(
    house: House, treasurer: Treasurer
) -> None:
    first = ordered(treasurer, SWAP)
    theirs = human(house, 0)
    house.world.advance(PROPOSAL_SECONDS + 1)
    assert treasurer.runner.poll() == ()
    assert {queued.tx for queued in standing(house, 0)} == {theirs, house.queue.find(Digest(first.binding)).tx}  # type: ignore[union-attr]
    executed_by_hand(house, theirs)
    assert [row.status for row in treasurer.runner.poll()] == ["superseded"]


def test_a_replacement_waits_while_a_human_transaction_holds_its_nonce_and_follows_when_it_is_withdrawn(
    house: House, treasurer: Treasurer
) -> None:
    first = ordered(treasurer, SWAP)
    theirs = human(house, 0)
    house.sign(first.binding, *TWO)
    house.world.move_market(WETH, 2_900_00000000)
    (held,) = treasurer.runner.poll()
    assert held.status == "waiting"
    assert house.queue.find(Digest(held.binding)) is None
    assert treasurer.runner.poll() == ()
    house.queue.withdraw(safe_tx_hash(theirs), signing(TWO[0]))
    (again,) = treasurer.runner.poll()
    assert again.status == "waiting"
    assert {queued.safe_tx_hash for queued in standing(house, 0)} == {first.binding, again.binding}


def test_units_behind_a_replaced_one_execute_after_it_in_order(house: House, treasurer: Treasurer) -> None:
    swap, payment = ordered(treasurer, SWAP), ordered(treasurer, "pay 10 USDC to alice for the audit")
    assert (swap.nonce, payment.nonce) == (0, 1)
    for row in (swap, payment):
        house.sign(row.binding, *TWO)
    house.world.move_market(WETH, 2_900_00000000)
    (again,) = treasurer.runner.poll()
    assert (again.id, again.nonce) == (swap.id, 0)
    assert treasurer.units.get(payment.id) == payment
    house.sign(again.binding, *TWO)
    assert [(row.id, row.status) for row in treasurer.runner.poll()] == [
        (swap.id, "executed"),
        (payment.id, "executed"),
    ]


def test_guardians_who_execute_the_dropped_proposal_after_all_are_settled_as_what_they_executed(
    house: House, treasurer: Treasurer
) -> None:
    first = ordered(treasurer, SWAP)
    old = house.queue.find(Digest(first.binding))
    assert old
    house.sign(first.binding, *TWO)
    house.world.move_market(WETH, 2_900_00000000)
    (again,) = treasurer.runner.poll()
    house.world.move_market(WETH, 3_100_00000000)
    executed_by_hand(house, old.tx)
    (done,) = treasurer.runner.poll()
    assert (done.status, done.binding) == ("executed", first.binding)
    mined = [entry for entry in entries(treasurer, first) if entry.type == "tx.mined"]
    assert [entry.binding for entry in mined] == [first.binding]
    assert again.binding != first.binding


@contextmanager
def judging_by(house: House, written: str, instead: str) -> Iterator[Treasurer]:
    """A treasurer of the same state folder, whose policy says something else in one place."""
    texts = example.documents(house.world, house.service, house.home / "state", Mode.PROPOSE)
    assert written in texts["policy.toml"]
    policy = texts["policy.toml"].replace(written, instead)
    folder = example.write({**texts, "policy.toml": policy}, house.home / "other")
    with open_treasurer(open_documents(folder), house.notices) as opened:
        yield opened


def test_a_second_look_that_asks_for_more_guardians_waits_for_them(house: House) -> None:
    """Two were enough when it was proposed; since then the same payee got so much that three must sign."""
    two = '"2 guardians above 12_000 USDC per day"'
    with judging_by(house, two, f'{two}, "3 guardians above 20_000 USDC per day"') as treasurer:
        first = ordered(treasurer, "pay 9_000 USDC to alice for the audit")
        house.sign(first.binding, *TWO)
        world = house.world
        usdc, paid = world.contracts.tokens[USDC], encode_transfer(ALICE.address, units(USDC, 12_000))
        assert world.send_as(world.account.safe, usdc, paid).success
        (waiting,) = treasurer.runner.poll()
        assert (waiting.status, waiting.binding) == ("waiting", first.binding)
        assert treasurer.runner.poll() == ()
        house.sign(first.binding, GUARDIANS[2])
        assert [row.status for row in treasurer.runner.poll()] == ["executed"]


def test_a_proposal_that_another_policy_judged_is_judged_again_by_the_present_one(house: House) -> None:
    with house.treasurer(Mode.PROPOSE) as treasurer:
        first = payroll(treasurer)
        house.sign(first.binding, *TWO)
    with judging_by(house, "at_once = 10", "at_once = 9") as treasurer:
        (again,) = treasurer.runner.poll()
        assert (again.status, again.binding) == ("waiting", first.binding)
        dropped = next(entry for entry in entries(treasurer, first) if entry.type == "tx.dropped")
        assert dropped.body["why"] == "the policy changed"
        named = [entry.body["policy"] for entry in entries(treasurer, first) if entry.type == "tx.intent"]
        assert len(set(named)) == 2
        assert [row.status for row in treasurer.runner.poll()] == ["executed"]


def test_a_proposal_that_a_new_policy_denies_ends_without_waiting_for_signatures(house: House) -> None:
    with house.treasurer(Mode.PROPOSE) as treasurer:
        first = payroll(treasurer)
    with judging_by(house, 'never_above = "60_000 USDC"', 'never_above = "20_000 USDC"') as treasurer:
        (over,) = treasurer.runner.poll()
        assert over.status == "drifted"
        house.sign(over.binding, *TWO)
        assert [row.status for row in treasurer.runner.poll()] == ["denied"]
    assert first.binding != over.binding
