"""Tiers end to end: the treasurer executes only with the named guardians among the signers, and only after the wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from agent import example
from agent.app import Documents, Treasurer, open_documents, open_treasurer
from agent.desk import OwnDesk
from agent.nodes.owner_lane import PROPOSAL_SECONDS
from agent.standing import read_standing
from agent.units import Row
from policies.document import load
from policies.template import render
from policies.terms import PolicyDocument, Tier
from strongroom.settings import Mode
from strongroom.world.people import ALICE, GUARDIANS, OPERATOR
from strongroom.world.treasury import USDC, units
from tests.agent.house import House

CAROL, DAVE, ERIN = GUARDIANS[:3]
DAY = 86_400
WAIT = 2 * DAY


def edited(policy: PolicyDocument) -> PolicyDocument:
    """Above 100 USDC a day two of three sign, above 500 carol is among them, above 1,000 it waits two days; and the
    operator is payee alice."""
    tiers = (
        Tier(2, units(USDC, 100), DAY),
        Tier(1, units(USDC, 500), DAY, (CAROL.name,)),
        Tier(2, units(USDC, 1_000), DAY, (), WAIT),
    )
    team = policy.payees["alice"].bucket_class
    cap = replace(policy.caps[team][USDC], tiers=tiers)
    named = replace(policy.guardians, names={person.name: person.address for person in GUARDIANS})
    alice = replace(policy.payees["alice"], operator=OPERATOR.name)
    changed = replace(policy, guardians=named, payees={**policy.payees, "alice": alice}, orders={})
    return load(render(replace(changed, caps={**policy.caps, team: {**policy.caps[team], USDC: cap}})))


def documents_of(house: House, mode: Mode) -> Documents:
    texts = example.documents(house.world, house.service, house.home / "state", mode)
    documents = open_documents(example.write(texts, house.home / mode))
    return replace(documents, policy=edited(documents.policy))


@contextmanager
def treasurer_of(house: House, mode: Mode) -> Iterator[Treasurer]:
    with open_treasurer(documents_of(house, mode), house.notices) as opened:
        yield opened


@pytest.fixture
def treasurer(house: House) -> Iterator[Treasurer]:
    with treasurer_of(house, Mode.PROPOSE) as opened:
        yield opened


def ordered(treasurer: Treasurer, text: str) -> Row:
    (unit,) = OwnDesk(treasurer).chat(OPERATOR.name, text)["units"]
    return treasurer.units.get(unit["id"])


def statuses(treasurer: Treasurer) -> list[str]:
    return [row.status for row in treasurer.runner.poll()]


def test_enough_signatures_without_the_named_one_execute_nothing(house: House, treasurer: Treasurer) -> None:
    row = ordered(treasurer, "pay 501 USDC to bob")
    assert any(f"among them 1 of {CAROL.name}" in told for told in house.notices.told)
    house.sign(row.binding, DAVE, ERIN)
    assert statuses(treasurer) == []
    house.sign(row.binding, CAROL)
    assert statuses(treasurer) == ["executed"]


def test_status_says_who_must_sign_still_and_from_when_it_is_carried_out(house: House, treasurer: Treasurer) -> None:
    """Two of two have signed, and yet it waits: people read for whom, and until when."""
    row = ordered(treasurer, "pay 1_001 USDC to bob")
    house.sign(row.binding, DAVE, ERIN)
    read = read_standing(OwnDesk(treasurer).status(), documents_of(house, Mode.PROPOSE))
    (waiting,) = read.waiting
    assert (len(waiting.signed), waiting.needed, waiting.missing) == (2, 2, f"1 of {CAROL.name}")
    assert waiting.ripe_at == treasurer.runner.state(row)["proposed"] + WAIT
    house.sign(row.binding, CAROL)
    (waiting,) = read_standing(OwnDesk(treasurer).status(), documents_of(house, Mode.PROPOSE)).waiting
    assert waiting.missing == ""


def test_below_the_named_tier_any_two_execute(house: House, treasurer: Treasurer) -> None:
    row = ordered(treasurer, "pay 500 USDC to bob")
    house.sign(row.binding, DAVE, ERIN)
    assert statuses(treasurer) == ["executed"]


def test_what_waits_is_executed_after_its_wait_and_not_before(house: House, treasurer: Treasurer) -> None:
    row = ordered(treasurer, "pay 1_001 USDC to bob")
    assert any("2 days after it was proposed" in told for told in house.notices.told)
    house.sign(row.binding, CAROL, DAVE)
    assert statuses(treasurer) == []
    house.world.advance(WAIT - 60)
    assert statuses(treasurer) == []
    house.world.advance(61)
    assert statuses(treasurer) == ["executed"]


def test_approvals_count_for_as_long_after_the_wait_as_without_one(house: House, treasurer: Treasurer) -> None:
    row = ordered(treasurer, "pay 1_001 USDC to bob")
    house.world.advance(WAIT + PROPOSAL_SECONDS - 60)
    assert statuses(treasurer) == []
    house.sign(row.binding, CAROL, DAVE)
    assert statuses(treasurer) == ["executed"]


def test_what_expired_and_is_proposed_again_waits_again(house: House, treasurer: Treasurer) -> None:
    first = ordered(treasurer, "pay 1_001 USDC to bob")
    house.sign(first.binding, CAROL, DAVE)
    proposed = treasurer.runner.state(first)["proposed"]
    house.world.advance(WAIT + PROPOSAL_SECONDS + 1)
    (again,) = treasurer.runner.poll()
    assert (again.status, again.binding) == ("waiting", first.binding)
    assert treasurer.runner.state(again)["proposed"] > proposed + WAIT
    assert statuses(treasurer) == []
    house.world.advance(WAIT + 1)
    assert statuses(treasurer) == ["executed"]


def test_a_tier_reached_by_a_payment_beside_is_asked_for_at_the_second_look(house: House, treasurer: Treasurer) -> None:
    """Judged alone it needs no carol; by the time it would execute, what else went to bob has reached her tier."""
    first, second = ordered(treasurer, "pay 300 USDC to bob"), ordered(treasurer, "pay 300 USDC to bob")
    assert not treasurer.runner.state(first)["decision"]["quorums"]
    assert treasurer.runner.state(second)["decision"]["quorums"]
    house.sign(first.binding, DAVE, ERIN)
    assert statuses(treasurer) == ["waiting"]
    house.sign(first.binding, CAROL)
    assert statuses(treasurer) == ["executed"]


def test_the_unit_says_who_asked_and_an_operator_s_own_payment_goes_to_guardians(house: House) -> None:
    with treasurer_of(house, Mode.SHADOW) as treasurer:
        for payee, verdict in ((ALICE.name, "ask"), ("bob", "allow")):
            row = ordered(treasurer, f"pay 10 USDC to {payee}")
            state = treasurer.runner.state(row)
            assert state["decision"]["verdict"] == verdict
            assert row.value().actor == state["unit"]["actor"] == f"operator:{OPERATOR.name}"
