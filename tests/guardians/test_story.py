"""What became of a unit, from the entries alone: only what moved the unit's money counts as carried out."""

from __future__ import annotations

from typing import Any

import pytest

from guardians.report.happened import told
from guardians.report.story import Fate, Told, tell
from strongroom.addresses import parse_address
from strongroom.ledger.entries import NO_BINDING, Entry, Link
from strongroom.model import Account, Digest

ACCOUNT = Account(1, parse_address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"))
BEGUN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("tool.req", {"tool": "plan"}),
    ("tool.res", {"plan": {"units": [{"id": "u", "intents": [{"kind": "Pay"}]}]}}),
    ("tool.req", {}),
)
ASK = ("verdict", {"decision": {"verdict": "ask"}})
DENY = ("verdict", {"decision": {"verdict": "deny"}})
PROPOSED = ("human.req", {"nonce": 3, "proposal": "0xaa"})
DROPPED = ("tx.dropped", {"why": "it expired"})
MINED = ("tx.mined", {"tx_hash": "0xbb"})


def answered(event: str) -> tuple[str, dict[str, Any]]:
    return "human.res", {"event": event, "approvals": []}


def unit(*steps: tuple[str, dict[str, Any]]) -> Told:
    entries = []
    for index, (kind, body) in enumerate([*BEGUN, *steps]):
        link = Link(ACCOUNT, "run", index, NO_BINDING, index - 1 if index else None, 0)
        entries.append(Entry(index, kind, Digest("0x" + NO_BINDING), link, {**body, "unit": "u"}, (), b""))
    ((found,),) = (asked.units for asked in tell(entries))
    return found


@pytest.mark.parametrize(
    ("event", "fate"),
    [("rejected", Fate.REJECTED), ("superseded", Fate.REPLACED), ("approved", Fate.WAITING)],
)
def test_what_guardians_did_ends_a_proposal_or_leaves_it_waiting(event: str, fate: Fate) -> None:
    assert unit(ASK, PROPOSED, answered(event)).fate is fate


def test_a_denied_unit_whose_rejection_was_executed_is_denied_and_not_carried_out() -> None:
    """What the agent proposes after a denial only uses up the nonce of what it had proposed before."""
    waiting = unit(ASK, PROPOSED, DROPPED, DENY, PROPOSED)
    assert waiting.fate is Fate.WAITING and "its rejection waits for guardians at nonce 3" in told(waiting)
    done = unit(ASK, PROPOSED, DROPPED, DENY, PROPOSED, answered("executed"), MINED)
    assert done.fate is Fate.DENIED and "used up its nonce and moved nothing" in told(done)
    assert unit(ASK, PROPOSED, DROPPED, DENY, PROPOSED, answered("superseded")).fate is Fate.DENIED


def test_a_unit_that_was_allowed_again_after_a_denial_is_carried_out() -> None:
    assert unit(DENY, ASK, PROPOSED, answered("executed"), MINED).fate is Fate.EXECUTED
