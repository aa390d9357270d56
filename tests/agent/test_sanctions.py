"""Deny lists end to end: read beside the policy before every judgement, recorded by name, and denied when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent import example
from agent.app import Treasurer, open_documents, open_treasurer
from agent.desk import OwnDesk
from policies.sanctions import SanctionTerms
from strongroom.errors import InputError
from strongroom.listings import DENIED
from strongroom.quantities import format_day
from strongroom.settings import Mode
from strongroom.world.people import ALICE, BOB, OPERATOR
from tests.agent.house import House

DAY = 86_400


@pytest.fixture
def treasurer(house: House) -> Iterator[Treasurer]:
    texts = example.documents(house.world, house.service, house.home / "state", Mode.SHADOW)
    documents = open_documents(example.write(texts, house.home / "shadow"))
    policy = replace(documents.policy, sanctions=SanctionTerms(("ofac",), 7 * DAY))
    with open_treasurer(replace(documents, policy=policy), house.notices) as opened:
        yield opened


def publish(treasurer: Treasurer, age_days: int, *denied: str) -> None:
    """A list as of so many days ago."""
    now = treasurer.context.chain.head().timestamp
    entries = "".join(f'{{ address = "{address.lower()}", note = "SDN" }}, ' for address in denied)
    day = format_day(now - age_days * DAY)
    _file(treasurer).write_text(f'[lists.ofac]\nsource = "s"\ndate = "{day}"\nentries = [{entries}]\n')


def _file(treasurer: Treasurer) -> Path:
    return treasurer.documents.treasury.folder / DENIED


def order(treasurer: Treasurer, payee: str) -> tuple[str, list[dict[str, Any]]]:
    """The status of a payment and what `sanctions` found against it."""
    (unit,) = OwnDesk(treasurer).chat(OPERATOR.name, f"pay 10 USDC to {payee}")["units"]
    return unit["status"], [finding for finding in unit["findings"] if finding["rule"] == "sanctions"]


def test_a_list_is_read_before_every_judgement(treasurer: Treasurer) -> None:
    """Missing, fresh, renewed with a payee on it, and left to grow old: the treasurer is never restarted."""
    status, (missing,) = order(treasurer, "alice")
    assert status == "denied" and "`ofac` is missing" in missing["reason"]
    publish(treasurer, 1)
    assert order(treasurer, "alice") == ("shadowed", [])
    publish(treasurer, 0, ALICE.address)
    status, (hit,) = order(treasurer, "alice")
    assert status == "denied" and "`alice` stands on deny list `ofac`" in hit["reason"]
    assert order(treasurer, "bob") == ("shadowed", [])
    publish(treasurer, 8)
    status, (old,) = order(treasurer, "bob")
    assert status == "denied" and "renew it in denied.toml" in old["reason"]


def test_a_list_that_cannot_be_read_stops_the_order_with_one_line(treasurer: Treasurer) -> None:
    publish(treasurer, 0, BOB.address)
    _file(treasurer).write_text(_file(treasurer).read_text()[:-3])
    with pytest.raises(InputError, match=r"denied\.toml` is not TOML"):
        order(treasurer, "alice")
    assert treasurer.units.all() == ()


def test_the_ledger_names_the_list_and_does_not_copy_it(treasurer: Treasurer) -> None:
    publish(treasurer, 0, BOB.address)
    order(treasurer, "alice")
    recorded = [entry.body["facts"]["listings"] for entry in treasurer.ledger.entries() if "facts" in entry.body]
    assert len(recorded) == 2
    for (named,) in recorded:
        assert (named["name"], named["entries"], len(named["sha256"])) == ("ofac", 1, 64)
        assert BOB.address not in str(named)
