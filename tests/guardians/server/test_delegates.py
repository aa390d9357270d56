"""Delegates come and go by an owner's signature of the hour."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from guardians.server.rows import iso
from strongroom.model import Address
from strongroom.protocols.abi import encode_call
from strongroom.world.people import AGENT, GUARDIANS, NEXT_AGENT, STRANGER, Person

from .conftest import Desk, sign

INES, JONAS, KEMI = GUARDIANS


def _removal(desk: Desk, by: Person, **changed: Any) -> requests.Response:
    signature = "0x" + sign(by, desk.delegate_digest(AGENT.address)).hex()
    body = {"safe": desk.safe, "delegator": INES.address, "signature": signature, **changed}
    return desk.delete(f"/v2/delegates/{AGENT.address}/", body)


def _listed(desk: Desk, **query: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = desk.get("/v2/delegates/", **query).json()["results"]
    return results


def test_a_delegate_is_listed_by_each_of_its_names(desk: Desk) -> None:
    assert desk.delegate().status_code == 201
    row = {
        "safe": desk.safe,
        "delegate": AGENT.address,
        "delegator": INES.address,
        "label": "agent",
        "expiryDate": None,
    }
    for query in ({"safe": desk.safe}, {"delegate": AGENT.address}, {"delegator": INES.address}, {"label": "agent"}):
        assert _listed(desk, **query) == [row]
    assert _listed(desk, delegate=STRANGER.address) == []
    assert desk.get("/v2/delegates/").status_code == 400


def test_naming_the_same_delegate_again_changes_its_label(desk: Desk) -> None:
    desk.delegate()
    desk.delegate(label="treasurer")
    assert [row["label"] for row in _listed(desk, safe=desk.safe)] == ["treasurer"]


@pytest.mark.parametrize(("hours", "status"), [(0, 201), (-1, 201), (1, 400), (-2, 400)])
def test_the_signature_is_good_for_its_hour_and_the_next(desk: Desk, hours: int, status: int) -> None:
    desk.clock.at = desk.clock.now()
    signature = sign(INES, desk.delegate_digest(AGENT.address, hours))
    assert desk.delegate(signature="0x" + signature.hex()).status_code == status


def test_a_signature_for_another_chain_is_refused(desk: Desk) -> None:
    signature = sign(INES, desk.delegate_digest(AGENT.address, chain_id=1))
    answer = desk.delegate(signature="0x" + signature.hex())
    assert (answer.status_code, list(answer.json())) == (400, ["nonFieldErrors"])


@pytest.mark.parametrize(
    "changed",
    [
        {"delegator": JONAS.address},
        {"delegate": NEXT_AGENT.address},
        {"signature": "0x" + "11" * 65},
        {"signature": "0x" + "11" * 10},
        {"label": "x" * 51},
        {"label": ""},
        {"expiryDate": "2001-01-01T00:00:00Z"},
        {"expiryDate": "soon"},
        {"safe": STRANGER.address},
        {"delegate": AGENT.address.lower()},
    ],
)
def test_a_delegate_is_refused_with_400_unless_all_is_right(desk: Desk, changed: dict[str, str]) -> None:
    assert desk.delegate(**changed).status_code == 400
    assert _listed(desk, delegator=INES.address) == []


def test_a_stranger_names_no_delegate_for_the_safe(desk: Desk) -> None:
    assert desk.delegate(AGENT, STRANGER).status_code == 400
    assert desk.delegate(AGENT, STRANGER, safe=None).status_code == 201, "for all the Safes a stranger owns: none"
    assert desk.propose(desk.tx(), AGENT).status_code == 422


def test_a_global_delegate_proposes_everywhere_and_is_not_listed_for_one_safe(desk: Desk) -> None:
    desk.delegate(safe=None)
    assert desk.propose(desk.tx(), AGENT).status_code == 201
    assert _listed(desk, safe=desk.safe) == []
    assert [row["safe"] for row in _listed(desk, delegate=AGENT.address)] == [None]


def test_a_delegate_expires_at_its_date(desk: Desk) -> None:
    desk.clock.at = desk.clock.now()
    assert desk.delegate(expiryDate=iso(desk.clock.at + 60)).status_code == 201
    assert desk.propose(desk.tx(0), AGENT).status_code == 201
    desk.clock.at += 60
    assert desk.propose(desk.tx(1), AGENT).status_code == 422


def test_a_delegate_of_an_owner_who_left_proposes_no_more(desk: Desk) -> None:
    desk.delegate()
    removal = encode_call("removeOwner(address,address,uint256)", Address("0x" + "0" * 39 + "1"), INES.address, 2)
    assert desk.world.safe_exec(desk.world.account, [JONAS, KEMI], desk.safe, removal).success
    assert desk.propose(desk.tx(1), AGENT).status_code == 422


@pytest.mark.parametrize("by", [INES, AGENT], ids=["delegator", "delegate"])
def test_the_delegator_or_the_delegate_ends_it_and_then_it_is_not_found(desk: Desk, by: Person) -> None:
    desk.delegate()
    assert _removal(desk, STRANGER).status_code == 400
    assert _removal(desk, by).status_code == 204
    assert _removal(desk, by).status_code == 404
    assert desk.propose(desk.tx(), AGENT).status_code == 422


def test_without_a_safe_the_removal_is_from_all_of_them(desk: Desk) -> None:
    desk.delegate()
    desk.delegate(safe=None)
    assert _removal(desk, INES, safe=None).status_code == 204
    assert _listed(desk, delegate=AGENT.address) == []


def test_with_a_safe_the_removal_leaves_the_global_one(desk: Desk) -> None:
    desk.delegate()
    desk.delegate(safe=None)
    assert _removal(desk, INES).status_code == 204
    assert [row["safe"] for row in _listed(desk, delegate=AGENT.address)] == [None]
