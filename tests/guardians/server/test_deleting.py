"""A proposal is forgotten on the signature of who proposed it, and of nobody else."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from safe_eth.eth.eip712 import eip712_encode_hash
from safe_eth.safe.api.transaction_service_api import transaction_service_messages as messages

from strongroom.model import Address, SafeTx
from strongroom.protocols.safe import safe_tx_hash
from strongroom.world.people import AGENT, GUARDIANS, STRANGER, Person

from .conftest import Desk, eth_sign, sign

INES, JONAS, KEMI = GUARDIANS


def _digest(desk: Desk, tx: SafeTx, hours: int = 0, **domain: Any) -> str:
    message = messages.get_remove_transaction_message(
        desk.safe, bytes.fromhex(safe_tx_hash(tx)[2:]), desk.world.account.chain_id
    )
    message["message"]["totp"] = desk.clock.now() // 3600 + hours
    message["domain"].update(domain)
    return "0x" + bytes(eip712_encode_hash(message)).hex()


def _delete(desk: Desk, tx: SafeTx, signature: bytes) -> requests.Response:
    body = {"safeTxHash": safe_tx_hash(tx), "signature": "0x" + signature.hex()}
    return desk.delete(f"/v2/multisig-transactions/{safe_tx_hash(tx)}/", body)


@pytest.mark.parametrize("way", [sign, eth_sign], ids=["typed", "prefixed"])
def test_its_proposer_deletes_a_proposal_with_its_confirmations(desk: Desk, way: Any) -> None:
    desk.propose(desk.tx())
    assert _delete(desk, desk.tx(), way(INES, _digest(desk, desk.tx()))).status_code == 204
    assert desk.hashes(trusted="false") == []
    desk.propose(desk.tx(), JONAS)
    assert [each["owner"] for each in desk.show(safe_tx_hash(desk.tx()))["confirmations"]] == [JONAS.address]


@pytest.mark.parametrize("by", [INES, AGENT], ids=["delegator", "delegate"])
def test_a_delegates_proposal_is_deleted_by_the_delegate_or_its_owner(desk: Desk, by: Person) -> None:
    desk.delegate()
    desk.propose(desk.tx(), AGENT)
    assert _delete(desk, desk.tx(), sign(by, _digest(desk, desk.tx()))).status_code == 204


def test_a_former_delegate_deletes_nothing(desk: Desk) -> None:
    desk.delegate()
    desk.propose(desk.tx(), AGENT)
    signature = "0x" + sign(INES, desk.delegate_digest(AGENT.address)).hex()
    desk.delete(f"/v2/delegates/{AGENT.address}/", {"delegator": INES.address, "signature": signature})
    assert _delete(desk, desk.tx(), sign(AGENT, _digest(desk, desk.tx()))).status_code == 400


@pytest.mark.parametrize("by", [JONAS, STRANGER], ids=["another owner", "stranger"])
def test_others_are_refused(desk: Desk, by: Person) -> None:
    desk.propose(desk.tx())
    answer = _delete(desk, desk.tx(), sign(by, _digest(desk, desk.tx())))
    assert (answer.status_code, list(answer.json())) == (400, ["nonFieldErrors"])


@pytest.mark.parametrize(("hours", "status"), [(0, 204), (-1, 204), (1, 400), (-2, 400)])
def test_the_signature_is_good_for_its_hour_and_the_next(desk: Desk, hours: int, status: int) -> None:
    desk.clock.at = desk.clock.now()
    desk.propose(desk.tx())
    assert _delete(desk, desk.tx(), sign(INES, _digest(desk, desk.tx(), hours))).status_code == status


@pytest.mark.parametrize("domain", [{"chainId": 1}, {"verifyingContract": Address(STRANGER.address)}])
def test_a_signature_for_another_chain_or_safe_is_refused(desk: Desk, domain: dict[str, Any]) -> None:
    desk.propose(desk.tx())
    assert _delete(desk, desk.tx(), sign(INES, _digest(desk, desk.tx(), **domain))).status_code == 400


def test_a_confirmation_does_not_pass_for_a_deletion(desk: Desk) -> None:
    desk.propose(desk.tx())
    assert _delete(desk, desk.tx(), sign(INES, safe_tx_hash(desk.tx()))).status_code == 400


def test_what_is_executed_stays_and_what_is_unknown_is_not_found(desk: Desk) -> None:
    assert _delete(desk, desk.tx(), sign(INES, _digest(desk, desk.tx()))).status_code == 404
    desk.propose(desk.tx())
    desk.execute(desk.tx())
    assert _delete(desk, desk.tx(), sign(INES, _digest(desk, desk.tx()))).status_code == 400
