"""A bare anvil with the real Safe 1.4.1 and the Kernel as compiled: what these tests measure is what ships."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.gas_book import GasBook, open_book

ROOT = Path(__file__).parents[2]
OUT = ROOT / "contracts" / "out"
SAFE_BUILD = ROOT / "node_modules/@safe-global/safe-contracts/build/artifacts/contracts"
ZERO = "0x" + "00" * 20


def artifact(name: str, file: str = "") -> dict[str, Any]:
    """The compiled artifact of a contract; `file` where its source is called otherwise."""
    loaded: dict[str, Any] = json.loads((OUT / f"{file or name}.sol" / f"{name}.json").read_text())
    return loaded


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _anvil() -> str:
    found = sorted(ROOT.glob("node_modules/@foundry-rs/anvil-*/bin/anvil"))
    assert found, "no anvil in node_modules; run `make setup`"
    return str(found[0])


@pytest.fixture(scope="module")
def web3() -> Iterator[Any]:
    """A node of our own, ended by its handle. Any account may send; gas costs nothing."""
    from web3 import HTTPProvider, Web3

    port = _free_port()
    command = [_anvil(), "--port", str(port), "--silent", "--auto-impersonate", "--base-fee", "0", "--gas-price", "0"]
    with subprocess.Popen([*command, "--hardfork", "cancun"]) as process:
        client = Web3(HTTPProvider(f"http://127.0.0.1:{port}"))
        try:
            _wait_for(client)
            yield client
        finally:
            process.terminate()


def _wait_for(client: Any) -> None:
    for _ in range(200):
        if client.is_connected():
            return
        time.sleep(0.05)
    raise TimeoutError("anvil does not answer")


@pytest.fixture(scope="session")
def gas_book() -> Iterator[GasBook]:
    """What paths cost, by the committed book; written anew by `make gas`."""
    book = open_book()
    yield book
    book.close()


@dataclass(frozen=True)
class Treasury:
    """A Safe with money, and how its transactions are sent."""

    web3: Any
    safe: str
    token: Any
    agent: str

    def send(self, sender: str, call: Any) -> Any:
        """The receipt of a contract call that must succeed."""
        receipt = self.web3.eth.wait_for_transaction_receipt(call.transact({"from": sender, "gas": 5_000_000}))
        assert receipt["status"] == 1, "the transaction reverted"
        return receipt

    def deploy(self, compiled: dict[str, Any], *arguments: Any) -> Any:
        """A contract from its artifact, at its address."""
        bytecode = compiled["bytecode"]
        code = bytecode if isinstance(bytecode, str) else bytecode["object"]
        factory = self.web3.eth.contract(abi=compiled["abi"], bytecode=code)
        sender = self.web3.eth.accounts[0]
        receipt = self.web3.eth.wait_for_transaction_receipt(factory.constructor(*arguments).transact({"from": sender}))
        return self.web3.eth.contract(address=receipt["contractAddress"], abi=compiled["abi"])

    def one_of_one(self) -> Any:
        """Another Safe, of the first account alone."""
        sender, built = self.web3.eth.accounts[0], _safe_artifact("Safe.sol/Safe.json")
        singleton = self.deploy(built)
        factory = self.deploy(_safe_artifact("proxies/SafeProxyFactory.sol/SafeProxyFactory.json"))
        setup = singleton.encode_abi("setup", [[sender], 1, ZERO, b"", ZERO, ZERO, 0, ZERO])
        creation = factory.functions.createProxyWithNonce(singleton.address, setup, 1)
        made = creation.call()
        self.send(sender, creation)
        return self.web3.eth.contract(address=made, abi=built["abi"])

    def execute(self, safe: Any, to: str, data: str, operation: int) -> int:
        """Gas of a Safe's own transaction, sent by its one owner, who signs by sending."""
        sender = self.web3.eth.accounts[0]
        signature = bytes(12) + bytes.fromhex(sender[2:]) + bytes(32) + b"\x01"
        arguments = (to, 0, data, operation, 0, 0, 0, ZERO, ZERO, signature)
        return int(self.send(sender, safe.functions.execTransaction(*arguments))["gasUsed"])

    def batch(self, calls: Sequence[tuple[str, str]]) -> tuple[str, str]:
        """MultiSendCallOnly, and its calldata for these calls."""
        library = self.deploy(_safe_artifact("libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json"))
        bodies = ((bytes.fromhex(to[2:]), bytes.fromhex(data[2:])) for to, data in calls)
        packed = b"".join(b"\0" + to + bytes(32) + len(body).to_bytes(32, "big") + body for to, body in bodies)
        return library.address, library.encode_abi("multiSend", [packed])

    def kernel(self, root: bytes, buckets: list[tuple[Any, ...]]) -> Any:
        """A Kernel with this policy, enabled on the Safe. A bucket: token, class, capacity, level, drain."""
        birth: tuple[Any, ...] = (
            self.safe,
            ZERO,
            self.agent,
            bytes(32),
            [],
            root,
            bytes(32),
            buckets,
            86400,
            3600,
            604800,
        )
        made = self.deploy(artifact("Kernel"), birth)
        enable = self.web3.eth.contract(address=self.safe, abi=_safe_artifact("SafeL2.sol/SafeL2.json")["abi"])
        self.send(self.safe, enable.functions.enableModule(made.address))
        return made


def _safe_artifact(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SAFE_BUILD / path).read_text())
    return loaded


@pytest.fixture(scope="module")
def treasury(web3: Any) -> Treasury:
    """On Safe 1.4.1. SafeL2 is the same contract with one more event for each call."""
    return make_treasury(web3, "Safe")


def make_treasury(web3: Any, singleton_name: str) -> Treasury:
    accounts = web3.eth.accounts
    bare = Treasury(web3, ZERO, None, accounts[9])
    singleton = bare.deploy(_safe_artifact(f"{singleton_name}.sol/{singleton_name}.json"))
    factory = bare.deploy(_safe_artifact("proxies/SafeProxyFactory.sol/SafeProxyFactory.json"))
    setup = singleton.encode_abi("setup", [accounts[1:4], 2, ZERO, b"", ZERO, ZERO, 0, ZERO])
    creation = factory.functions.createProxyWithNonce(singleton.address, setup, 0)
    safe = creation.call()
    bare.send(accounts[0], creation)
    token = bare.deploy(artifact("Token"), "USD Coin", "USDC", 6)
    bare.send(accounts[0], token.functions.mint(safe, 10**15))
    web3.provider.make_request("anvil_setBalance", [safe, hex(10**20)])
    return Treasury(web3, safe, token, accounts[9])
