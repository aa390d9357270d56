"""Exactly once, with real processes: a treasurer is killed with SIGKILL at a named point, another takes the unit up.

By default a sample of the points runs. The whole matrix, in both lanes, where every successor is killed too:

    STRONGROOM_CHAOS=1 pytest tests/adversarial/test_killed.py
"""

from __future__ import annotations

from itertools import product

import pytest

from strongroom.settings import Mode
from strongroom.world.people import GUARDIANS
from tests.adversarial.dying import POINTS
from tests.adversarial.lodge import PAYROLL, Lodge, Picture, sampled, wait_for

TWO = GUARDIANS[:2]
OWNERS_ONLY = ("proposal posted", "request recorded", "response recorded")
DISTURBED = ("drop recorded", "outbid")
AGENT_LANE = [point for point in POINTS if point not in (*OWNERS_ONLY, *DISTURBED)]
PROPOSING = ["unit added", "verdict recorded", "intent recorded", "proposal posted", "request recorded"]
EXECUTING = [point for point in POINTS if point not in (*PROPOSING, *DISTURBED)]
AGENT_TWICE = sampled(list(product(AGENT_LANE, repeat=2)), [("signed", "sent")])
OWNERS_TWICE = sampled(list(product(EXECUTING, repeat=2)), [("sent", "mined")])
ONCE_BY_THE_AGENT = Picture(PAYROLL, safe_nonce=0, agent_nonce=1, kernel_payments=len(PAYROLL))
ONCE_BY_THE_OWNERS = Picture(PAYROLL, safe_nonce=1, agent_nonce=1, kernel_payments=0)


def require_once(lodge: Lodge, before: Picture, once: Picture) -> None:
    assert lodge.picture().since(before) == once
    lodge.require_sound_ledger()
    kinds = lodge.kinds()
    assert kinds["tx.intent"] == kinds["tx.mined"] == 1, kinds


@pytest.mark.parametrize("point", sampled(AGENT_LANE, ["signed", "sent", "mining recorded"]))
def test_the_agent_lane_pays_once_whoever_is_killed_in_between(lodge: Lodge, point: str) -> None:
    before = lodge.picture()
    lodge.killed(Mode.GUARDED, "cycle", "payroll", at=point)
    lodge.run_until(Mode.GUARDED, ": executed\n")
    require_once(lodge, before, ONCE_BY_THE_AGENT)


@pytest.mark.parametrize("point", sampled(PROPOSING, ["proposal posted", "request recorded"]))
def test_one_proposal_stands_whoever_is_killed_while_proposing(lodge: Lodge, point: str) -> None:
    before = lodge.picture()
    lodge.killed(Mode.PROPOSE, "cycle", "payroll", at=point)
    with lodge.child(Mode.PROPOSE, "run", "--every", "0.05") as successor:
        successor.until(": waiting\n")
        (queued,) = lodge.house.queue.pending(0)
        lodge.house.sign(queued.safe_tx_hash, *TWO)
        successor.until(": executed\n")
    require_once(lodge, before, ONCE_BY_THE_OWNERS)


@pytest.mark.parametrize("point", sampled(EXECUTING, ["signed", "mined"]))
def test_the_owners_transaction_executes_once_whoever_is_killed_while_executing(lodge: Lodge, point: str) -> None:
    before = lodge.picture()
    propose_and_sign(lodge)
    lodge.killed(Mode.PROPOSE, "run", at=point)
    lodge.run_until(Mode.PROPOSE, ": executed\n")
    require_once(lodge, before, ONCE_BY_THE_OWNERS)


def test_a_transaction_still_waiting_to_be_mined_is_found_and_not_sent_anew(lodge: Lodge) -> None:
    """Killed after sending while blocks are slow: the successor meets its own transaction in the node's pool."""
    before = lodge.picture()
    lodge.house.world.ask("evm_setAutomine", False)
    try:
        lodge.killed(Mode.GUARDED, "cycle", "payroll", at="sent")
        with lodge.child(Mode.GUARDED, "run", "--every", "0.05") as successor:
            wait_for(lambda: "tx.sent" in lodge.kinds())
            lodge.house.world.ask("evm_mine")
            successor.until(": executed\n")
    finally:
        lodge.house.world.ask("evm_setAutomine", True)
    require_once(lodge, before, ONCE_BY_THE_AGENT)


@pytest.mark.parametrize(("first", "second"), AGENT_TWICE)
def test_the_agent_lane_pays_once_when_the_successor_is_killed_too(lodge: Lodge, first: str, second: str) -> None:
    before = lodge.picture()
    lodge.killed(Mode.GUARDED, "cycle", "payroll", at=first)
    with lodge.child(Mode.GUARDED, "run", dying=second) as successor:
        successor.until_said_or_killed(": executed\n")
    lodge.finish(Mode.GUARDED)
    require_once(lodge, before, ONCE_BY_THE_AGENT)


@pytest.mark.parametrize(("first", "second"), OWNERS_TWICE)
def test_the_owners_transaction_executes_once_when_the_successor_is_killed_too(
    lodge: Lodge, first: str, second: str
) -> None:
    before = lodge.picture()
    propose_and_sign(lodge)
    lodge.killed(Mode.PROPOSE, "run", at=first)
    with lodge.child(Mode.PROPOSE, "run", dying=second) as successor:
        successor.until_said_or_killed(": executed\n")
    lodge.finish(Mode.PROPOSE)
    require_once(lodge, before, ONCE_BY_THE_OWNERS)


def propose_and_sign(lodge: Lodge) -> None:
    with lodge.house.desk(Mode.PROPOSE) as desk:
        (unit,) = desk.cycle("payroll")["units"]
    lodge.house.sign(unit["proposal"], *TWO)
