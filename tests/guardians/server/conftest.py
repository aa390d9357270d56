"""A service on a real chain, and the hands of the people who use it, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from eth_account import Account as Keys
from eth_account.messages import encode_defunct
from safe_eth.eth.eip712 import eip712_encode_hash
from safe_eth.safe.api.transaction_service_api import transaction_service_messages as messages

from guardians.server.service import Service
from guardians.server.serving import Server, open_service
from strongroom.model import Account, Address, Operation, SafeTx
from strongroom.protocols.safe import safe_tx_hash
from strongroom.world.people import AGENT, ALICE, GUARDIANS, Person
from strongroom.world.world import World

INES, JONAS, KEMI = GUARDIANS


@dataclass
class SetClock:
    """Wall time until it is set."""

    at: int | None = None

    def now(self) -> int:
        return int(time.time()) if self.at is None else self.at


def sign(person: Person, digest: str | bytes) -> bytes:
    raw = bytes.fromhex(digest[2:]) if isinstance(digest, str) else digest
    return bytes(Keys.unsafe_sign_hash(raw, person.key).signature)


def eth_sign(person: Person, digest: str) -> bytes:
    """As wallets without typed data sign: the prefixed digest, and v + 4 tells the Safe so."""
    signed = bytes(Keys.sign_message(encode_defunct(hexstr=digest), person.key).signature)
    return signed[:64] + bytes([signed[64] + 4])


@dataclass
class Desk:
    """What a client of the service has at hand."""

    url: str
    world: World
    clock: SetClock
    http: requests.Session

    @property
    def safe(self) -> Address:
        return self.world.account.safe

    def tx(self, nonce: int = 0, value_wei: int = 1, account: Account | None = None, data: bytes = b"") -> SafeTx:
        return SafeTx(account or self.world.account, ALICE.address, value_wei, data, Operation.CALL, nonce)

    def body(self, tx: SafeTx, sender: Person, signature: bytes) -> dict[str, Any]:
        return {
            "to": tx.to,
            "value": str(tx.value_wei),
            "data": "0x" + tx.data.hex() if tx.data else None,
            "operation": int(tx.operation),
            "safeTxGas": 0,
            "baseGas": 0,
            "gasPrice": 0,
            "gasToken": None,
            "refundReceiver": None,
            "nonce": tx.nonce,
            "contractTransactionHash": safe_tx_hash(tx),
            "sender": sender.address,
            "signature": "0x" + signature.hex(),
        }

    def propose(self, tx: SafeTx, by: Person = INES, **changed: Any) -> requests.Response:
        """Signed by its sender, unless `changed` says otherwise."""
        body = {**self.body(tx, by, sign(by, safe_tx_hash(tx))), **changed}
        return self.post(f"/v2/safes/{tx.account.safe}/multisig-transactions/", body)

    def confirm(self, safe_tx_hash: str, signature: bytes) -> requests.Response:
        return self.post(
            f"/v1/multisig-transactions/{safe_tx_hash}/confirmations/", {"signature": "0x" + signature.hex()}
        )

    def show(self, safe_tx_hash: str, version: int = 2) -> dict[str, Any]:
        answer = self.get(f"/v{version}/multisig-transactions/{safe_tx_hash}/")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def listed(self, safe: str | None = None, **query: Any) -> dict[str, Any]:
        answer = self.get(f"/v2/safes/{safe or self.safe}/multisig-transactions/", **query)
        assert answer.status_code == 200, answer.text
        envelope: dict[str, Any] = answer.json()
        return envelope

    def hashes(self, **query: Any) -> list[str]:
        return [row["safeTxHash"] for row in self.listed(**query)["results"]]

    def delegate(self, who: Person = AGENT, by: Person = INES, **changed: Any) -> requests.Response:
        body = {
            "safe": self.safe,
            "delegate": who.address,
            "delegator": by.address,
            "label": "agent",
            "signature": "0x" + sign(by, self.delegate_digest(who.address)).hex(),
        }
        return self.post("/v2/delegates/", {**body, **changed})

    def delegate_digest(self, delegate: str, hours: int = 0, chain_id: int | None = None) -> bytes:
        """Built by the public client's own library, `hours` from now."""
        message = messages.get_delegate_message(Address(delegate), chain_id or self.world.account.chain_id)
        message["message"]["totp"] = self.clock.now() // 3600 + hours
        return bytes(eip712_encode_hash(message))

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.http.get(f"{self.url}/api{path}", params=query, timeout=10)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.http.post(f"{self.url}/api{path}", json=body, timeout=10)

    def delete(self, path: str, body: Any) -> requests.Response:
        return self.http.delete(f"{self.url}/api{path}", json=body, timeout=10)

    def execute(self, tx: SafeTx, signers: Sequence[Person] = (INES, JONAS)) -> Any:
        return self.world.safe_exec(tx.account, signers, tx.to, tx.data, tx.value_wei, tx.operation)


@pytest.fixture(scope="module")
def running(module_world: World) -> Iterator[tuple[Service, str]]:
    with open_service(module_world.url, ":memory:", SetClock()) as service, Server(service) as server:
        yield service, server.url


@pytest.fixture
def desk(world: World, running: tuple[Service, str]) -> Iterator[Desk]:
    """The service with nothing in it, on a fresh world, at wall time."""
    service, url = running
    for table in ("transactions", "confirmations", "delegates", "executions", "safes"):
        service.store.delete(table, "1", [])
    assert isinstance(service.clock, SetClock)
    service.clock.at = None
    with requests.Session() as http:
        yield Desk(url, world, service.clock, http)
