"""Who may propose what, and what becomes of it. Every refusal has the status and the shape of the public service's."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safe_eth.safe import SafeTx as PublicSafeTx

from strongroom.addresses import to_address, to_digest
from strongroom.model import NATIVE, Account, Operation, SafeTx
from strongroom.protocols.safe import safe_tx_hash
from strongroom.wallet.signatures import safe_signable, signable_of
from strongroom.world.people import AGENT, GUARDIANS, STRANGER

from .conftest import Desk, sign

INES, JONAS, KEMI = GUARDIANS
ADDRESSES = st.binary(min_size=20, max_size=20).map(to_address)
WORDS = st.integers(0, 2**256 - 1)


def test_a_delegates_proposal_is_listed_in_its_delegators_name_without_confirmations(desk: Desk) -> None:
    assert desk.delegate(AGENT, INES).status_code == 201
    answer = desk.propose(desk.tx(), AGENT)
    (row,) = desk.listed()["results"]
    assert (answer.status_code, answer.content) == (201, b"")
    assert (row["proposer"], row["proposedByDelegate"]) == (INES.address, AGENT.address)
    assert (row["trusted"], row["confirmations"], row["confirmationsRequired"]) == (True, [], 2)


def test_an_owners_proposal_carries_the_owners_own_confirmation(desk: Desk) -> None:
    desk.propose(desk.tx(), INES)
    row = desk.show(safe_tx_hash(desk.tx()))
    assert (row["proposer"], row["proposedByDelegate"]) == (INES.address, None)
    assert [(each["owner"], each["signatureType"]) for each in row["confirmations"]] == [(INES.address, "EOA")]


def test_a_proposal_posted_again_by_another_owner_gains_that_owners_confirmation(desk: Desk) -> None:
    for sender in (INES, INES, JONAS):
        assert desk.propose(desk.tx(), sender).status_code == 201
    (row,) = desk.listed()["results"]
    assert row["proposer"] == INES.address
    assert [each["owner"] for each in row["confirmations"]] == [INES.address, JONAS.address]


def test_several_signatures_in_any_order_are_taken_at_once(desk: Desk) -> None:
    digest = safe_tx_hash(desk.tx())
    joined = b"".join(sign(owner, digest) for owner in (KEMI, INES, JONAS))
    desk.propose(desk.tx(), INES, signature="0x" + joined.hex())
    assert {each["owner"] for each in desk.show(digest)["confirmations"]} == {g.address for g in GUARDIANS}


def test_an_unsigned_proposal_is_kept_out_of_sight_until_an_owner_confirms_it(desk: Desk) -> None:
    digest = safe_tx_hash(desk.tx())
    assert desk.propose(desk.tx(), INES, signature=None).status_code == 201
    assert desk.hashes() == []
    assert desk.hashes(trusted="false") == [digest]
    assert desk.show(digest)["trusted"] is False
    desk.confirm(digest, sign(JONAS, digest))
    assert desk.hashes() == [digest]


def test_who_squats_on_a_hash_unsigned_gives_way_to_who_signs_it(desk: Desk) -> None:
    desk.delegate(AGENT, INES)
    desk.propose(desk.tx(), KEMI, signature=None, origin="squatter")
    desk.propose(desk.tx(), AGENT, origin="agent")
    row = desk.show(safe_tx_hash(desk.tx()))
    assert (row["proposer"], row["proposedByDelegate"]) == (INES.address, AGENT.address)
    assert (row["origin"], row["trusted"]) == ("agent", True)


@pytest.mark.parametrize("number", [int, str, hex], ids=["int", "text", "hexadecimal"])
def test_numbers_may_be_integers_or_decimal_text(desk: Desk, number: Any) -> None:
    fields = {name: number(0) for name in ("safeTxGas", "baseGas", "gasPrice", "nonce")}
    answer = desk.propose(desk.tx(value_wei=10**24), value=number(10**24), **fields)
    assert answer.status_code == (422 if number is hex else 201)


@pytest.mark.parametrize("origin", ['{"name": "Strongroom"}', "plain words", None, ""])
def test_the_origin_is_shown_as_it_came_and_an_empty_object_when_absent(desk: Desk, origin: str | None) -> None:
    desk.propose(desk.tx(), origin=origin)
    assert desk.show(safe_tx_hash(desk.tx()))["origin"] == (origin or "{}")


def _refused(answer: requests.Response, field: str) -> bool:
    return answer.status_code == 422 and list(answer.json()) == [field] and bool(answer.json()[field][0])


def test_a_stranger_cannot_propose(desk: Desk) -> None:
    assert _refused(desk.propose(desk.tx(), STRANGER), "nonFieldErrors")
    assert _refused(desk.propose(desk.tx(), STRANGER, signature=None), "nonFieldErrors")


def test_a_sender_who_did_not_sign_is_refused(desk: Desk) -> None:
    signature = "0x" + sign(JONAS, safe_tx_hash(desk.tx())).hex()
    assert _refused(desk.propose(desk.tx(), INES, signature=signature), "nonFieldErrors")


def test_a_strangers_signature_beside_an_owners_is_refused(desk: Desk) -> None:
    digest = safe_tx_hash(desk.tx())
    signature = "0x" + (sign(INES, digest) + sign(STRANGER, digest)).hex()
    assert _refused(desk.propose(desk.tx(), INES, signature=signature), "nonFieldErrors")


def test_an_owner_who_signs_twice_counts_as_a_mistake_and_not_as_two(desk: Desk) -> None:
    signature = "0x" + (sign(INES, safe_tx_hash(desk.tx())) * 2).hex()
    assert _refused(desk.propose(desk.tx(), INES, signature=signature), "nonFieldErrors")


@pytest.mark.parametrize("garbage", ["ff" * 65, "00" * 65, "11" * 64 + "1b", "00" * 64 + "01"])
def test_a_signature_that_is_none_is_refused(desk: Desk, garbage: str) -> None:
    assert _refused(desk.propose(desk.tx(), signature="0x" + garbage), "nonFieldErrors")


def test_a_hash_that_the_fields_do_not_give_is_refused(desk: Desk) -> None:
    assert _refused(desk.propose(desk.tx(), contractTransactionHash=safe_tx_hash(desk.tx(1))), "nonFieldErrors")
    assert _refused(desk.propose(desk.tx(), value="2"), "nonFieldErrors")


def test_a_nonce_that_the_safe_has_used_is_refused(desk: Desk) -> None:
    desk.propose(desk.tx())
    mined = desk.execute(desk.tx())
    again, other = desk.propose(desk.tx()), desk.propose(desk.tx(value_wei=2))
    assert _refused(again, "nonFieldErrors") and mined.tx_hash in again.text
    assert _refused(other, "nonFieldErrors")


def test_an_address_without_a_safe_is_refused(desk: Desk) -> None:
    tx = desk.tx(account=Account(desk.world.account.chain_id, STRANGER.address))
    assert _refused(desk.propose(tx), "nonFieldErrors")


REQUIRED = (
    "to value operation safeTxGas baseGas gasPrice nonce contractTransactionHash sender".split()  # noqa: SIM905
)


@pytest.mark.parametrize("field", REQUIRED)
def test_every_required_field_is_missed_by_name(desk: Desk, field: str) -> None:
    body = desk.body(desk.tx(), INES, sign(INES, safe_tx_hash(desk.tx())))
    del body[field]
    answer = desk.post(f"/v2/safes/{desk.safe}/multisig-transactions/", body)
    assert (answer.status_code, answer.json()) == (422, {field: ["This field is required."]})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("signature", "0x" + "11" * 64),
        ("signature", "not hexadecimal"),
        ("to", "0x" + "ab" * 20),
        ("sender", INES.address.lower()),
        ("sender", NATIVE),
        ("gasToken", "0x12"),
        ("operation", 2),
        ("operation", True),
        ("nonce", -1),
        ("nonce", 2**63),
        ("nonce", "9" * 5000),
        ("value", 1.5),
        ("value", 2**256),
        ("data", "0xzz"),
        ("contractTransactionHash", "0x1234"),
        ("origin", "x" * 201),
    ],
)
def test_a_field_that_cannot_be_read_is_named(desk: Desk, field: str, value: Any) -> None:
    assert _refused(desk.propose(desk.tx(), **{field: value}), field)


def test_an_address_in_the_path_without_checksum_has_the_public_services_code(desk: Desk) -> None:
    address = desk.safe.lower()
    expected = {"code": 1, "message": "Checksum address validation failed", "arguments": [address]}
    for path in (
        f"/v1/safes/{address}/",
        f"/v2/safes/{address}/multisig-transactions/",
        f"/v1/owners/{address}/safes/",
    ):
        answer = desk.get(path)
        assert (answer.status_code, answer.json()) == (422, expected)


def test_what_is_not_json_is_refused_before_it_is_read(desk: Desk) -> None:
    url = f"{desk.url}/api/v2/safes/{desk.safe}/multisig-transactions/"
    headers = {"Content-Type": "application/json"}
    assert desk.http.post(url, data="{not json", headers=headers).status_code == 400
    assert desk.http.post(url, data="[" * 100_000, headers=headers).status_code == 400
    assert desk.http.post(url, data=b"\xff\xfe", headers=headers).status_code == 400
    assert desk.http.post(url, data={"to": "form"}).status_code == 415
    assert desk.http.post(url, data=b"{}").status_code == 415
    assert desk.http.post(url).status_code == 422
    assert desk.http.post(url, json=["a", "list"]).status_code == 422
    assert desk.http.post(url, data=b" " * 2_000_000, headers=headers).status_code == 413


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from([*REQUIRED, "signature", "origin", "data", "gasToken", "refundReceiver"]), value=JSON)
def test_no_value_of_any_field_breaks_the_service(desk: Desk, field: str, value: Any) -> None:
    assert desk.propose(desk.tx(), **{field: value}).status_code in (201, 422)


@settings(max_examples=60, deadline=None)
@given(
    to=ADDRESSES, value=WORDS, data=st.binary(max_size=80), operation=st.sampled_from(Operation), gas=WORDS,
    token=ADDRESSES, receiver=ADDRESSES, nonce=WORDS, chain_id=st.integers(1, 2**64), safe=ADDRESSES,
)  # fmt: skip
def test_the_hash_is_the_public_librarys_for_every_transaction(
    to: Any, value: int, data: bytes, operation: Operation, gas: int, token: Any, receiver: Any, nonce: int,
    chain_id: int, safe: Any,
) -> None:  # fmt: skip
    message = {
        "to": to, "value": value, "data": data, "operation": int(operation), "safeTxGas": gas, "baseGas": gas,
        "gasPrice": gas, "gasToken": token, "refundReceiver": receiver, "nonce": nonce,
    }  # fmt: skip
    public = PublicSafeTx(
        None, safe, to, value, data, int(operation), gas, gas, gas, token, receiver,
        safe_nonce=nonce, safe_version="1.4.1", chain_id=chain_id,
    )  # fmt: skip
    assert safe_signable(chain_id, safe, message).digest == bytes(public.safe_tx_hash)
    ours = SafeTx(Account(chain_id, safe), to, value, data, operation, nonce)
    assert to_digest(signable_of(ours).digest) == safe_tx_hash(ours)
