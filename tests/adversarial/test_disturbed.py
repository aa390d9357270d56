"""Killed while something changes on the way: a proposal is replaced, an intent is dropped, gas becomes too dear.

By default a sample of the points runs; with STRONGROOM_CHAOS all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agent.desk import OwnDesk
from strongroom.model import Digest, Queued
from strongroom.settings import Mode
from strongroom.world.anvil import BASE_FEE_WEI
from strongroom.world.people import GUARDIANS, OPERATOR
from strongroom.world.treasury import WETH
from tests.adversarial.lodge import PAYROLL, Lodge, Picture, sampled, wait_for

TWO = GUARDIANS[:2]
REPLACING = ["response recorded", "drop recorded", "verdict recorded", "intent recorded", "proposal posted"]
ONCE_BY_THE_AGENT = Picture(PAYROLL, safe_nonce=0, agent_nonce=1, kernel_payments=len(PAYROLL))
DEAR_WEI, TOO_DEAR_WEI = 40 * 10**9, 400 * 10**9


@pytest.fixture(autouse=True)
def gas_as_ever(lodge: Lodge) -> Iterator[None]:
    """What a block costs next is not turned back with the rest of the chain."""
    yield
    lodge.house.world.ask("anvil_setNextBlockBaseFeePerGas", hex(BASE_FEE_WEI))


@pytest.mark.parametrize("point", sampled([*REPLACING, "request recorded"], ["drop recorded", "proposal posted"]))
def test_one_proposal_replaces_the_drifted_one_whoever_is_killed_in_between(lodge: Lodge, point: str) -> None:
    first = drifting_swap(lodge)
    lodge.killed(Mode.PROPOSE, "run", at=point)
    with lodge.child(Mode.PROPOSE, "run", "--every", "0.05") as successor:
        successor.until(": waiting\n")
        (again,) = [each for each in standing(lodge) if each.safe_tx_hash != first]
        lodge.house.sign(again.safe_tx_hash, *TWO)
        successor.until(": executed\n")
    kinds = lodge.kinds()
    assert (kinds["tx.dropped"], kinds["tx.intent"], kinds["tx.mined"], kinds["human.req"]) == (1, 2, 1, 2)
    require_intended_again(lodge)
    lodge.require_sound_ledger()


def drifting_swap(lodge: Lodge) -> Digest:
    """Signed by two, and no longer worth what they signed."""
    with lodge.treasurer(Mode.PROPOSE) as treasurer:
        (unit,) = OwnDesk(treasurer).chat(OPERATOR.name, "swap 2 WETH to USDC")["units"]
    lodge.house.sign(unit["proposal"], *TWO)
    lodge.house.world.move_market(WETH, 2_900_00000000)
    return Digest(unit["proposal"])


def standing(lodge: Lodge) -> list[Queued]:
    return list(lodge.house.queue.pending(lodge.picture().safe_nonce))


def require_intended_again(lodge: Lodge) -> None:
    """What was sent was intended after the drop."""
    (dropped,) = [entry.index for entry in lodge.entries() if entry.type == "tx.dropped"]
    intents = [entry.index for entry in lodge.entries() if entry.type == "tx.intent"]
    (sent,) = [entry for entry in lodge.entries() if entry.type == "tx.sent"]
    assert [intent > dropped for intent in intents] == [False, True]
    assert sent.index > intents[-1]


def test_nothing_is_sent_under_an_intent_that_the_log_calls_dropped(lodge: Lodge) -> None:
    """Killed right after preflight dropped the intent; when the successor looks, everything is allowed again."""
    before = lodge.picture()
    lodge.killed(Mode.GUARDED, "cycle", "payroll", at="intent recorded")
    lodge.gas_costs(TOO_DEAR_WEI)
    lodge.killed(Mode.GUARDED, "run", at="drop recorded")
    lodge.gas_costs(BASE_FEE_WEI)
    lodge.run_until(Mode.GUARDED, ": executed\n")
    assert lodge.picture().since(before) == ONCE_BY_THE_AGENT
    kinds = lodge.kinds()
    assert (kinds["tx.dropped"], kinds["tx.intent"], kinds["tx.mined"]) == (1, 2, 1)
    require_intended_again(lodge)
    lodge.require_sound_ledger()


@contextmanager
def slow_blocks(lodge: Lodge) -> Iterator[None]:
    lodge.house.world.ask("evm_setAutomine", False)
    try:
        yield
    finally:
        lodge.house.world.ask("evm_setAutomine", True)


def require_outbid(lodge: Lodge, before: Picture) -> None:
    assert lodge.picture().since(before) == ONCE_BY_THE_AGENT
    kinds = lodge.kinds()
    assert (kinds["tx.intent"], kinds["tx.mined"]) == (2, 1), kinds
    first, second = [entry for entry in lodge.entries() if entry.type == "tx.intent"]
    assert first.binding == second.binding
    assert int(second.body["base_fee_wei"]) == DEAR_WEI
    lodge.require_sound_ledger()


OUTBIDDING = ["", "intent recorded", "signed, not kept", "outbid", "sent", "sending recorded", "mined"]


@pytest.mark.parametrize("dying", sampled(OUTBIDDING, ["", "signed, not kept"]))
def test_bytes_signed_for_cheaper_gas_are_outbid_at_their_own_nonce_whoever_is_killed_meanwhile(
    lodge: Lodge, dying: str
) -> None:
    before = lodge.picture()
    lodge.killed(Mode.GUARDED, "cycle", "payroll", at="signed")
    lodge.gas_costs(DEAR_WEI)
    if dying:
        lodge.killed(Mode.GUARDED, "run", at=dying)
    lodge.run_until(Mode.GUARDED, ": executed\n")
    require_outbid(lodge, before)


def test_a_transaction_stuck_in_the_nodes_pool_is_replaced_there(lodge: Lodge) -> None:
    before = lodge.picture()
    with slow_blocks(lodge):
        lodge.killed(Mode.GUARDED, "cycle", "payroll", at="sent")
        lodge.gas_costs(DEAR_WEI)
        with lodge.child(Mode.GUARDED, "run", "--every", "0.05") as successor:
            wait_for(lambda: lodge.kinds()["tx.sent"] >= 1 and lodge.kinds()["tx.intent"] == 2)
            wait_for(lambda: bool(lodge.house.world.ask("txpool_content")["pending"]))
            lodge.house.world.ask("evm_mine")
            successor.until(": executed\n")
    require_outbid(lodge, before)


def test_while_gas_costs_more_than_the_policy_pays_a_signed_transaction_waits(lodge: Lodge) -> None:
    before = lodge.picture()
    lodge.killed(Mode.GUARDED, "cycle", "payroll", at="signed")
    lodge.gas_costs(TOO_DEAR_WEI)
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        for _ in range(2):
            (row,) = treasurer.runner.poll()
            assert row.status == "running" and "wait until it falls" in row.why
        assert lodge.picture() == before
        lodge.gas_costs(DEAR_WEI)
        (row,) = treasurer.runner.poll()
        assert row.status == "executed"
    require_outbid(lodge, before)
