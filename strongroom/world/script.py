"""Transactions of one sender in order, with every address known before the first is sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from strongroom.addresses import keccak, to_address
from strongroom.model import Address
from strongroom.protocols.abi import encode_arguments
from strongroom.protocols.erc20 import encode_approve
from strongroom.world.artifacts import Libraries, creation_code
from strongroom.world.node import Request

MAX_FEE_WEI = 10 * 10**9
PRIORITY_FEE_WEI = 10**9
CREATE_GAS = 7_000_000
CALL_GAS = 1_000_000
FOREVER = 2**64
"""A deadline that no block reaches."""
MAX_UINT256 = 2**256 - 1


class Script:
    """What `sender` does from account nonce 0 on."""

    def __init__(self, sender: Address) -> None:
        self.sender = sender
        self.transactions: list[dict[str, str]] = []

    def create(
        self, name: str, types: Sequence[str] = (), values: Sequence[Any] = (), libraries: Libraries = ()
    ) -> Address:
        """Deploys the artifact with constructor arguments, linked to its libraries; the address it will have."""
        address, code = create_address(self.sender, len(self.transactions)), creation_code(name, libraries)
        self._add({"data": _hex(code + encode_arguments(types, values)), "gas": hex(CREATE_GAS)})
        return address

    def call(self, to: Address, data: bytes, value_wei: int = 0, gas: int = CALL_GAS) -> None:
        """A call with explicit gas, so that nothing is estimated."""
        self._add({"to": to, "data": _hex(data), "value": hex(value_wei), "gas": hex(gas)})

    def approve_all(self, tokens: Iterable[Address], spender: Address) -> None:
        """Lets `spender` take any amount of the sender's tokens."""
        for token in tokens:
            self.call(token, encode_approve(spender, MAX_UINT256))

    def requests(self) -> list[Request]:
        """One `eth_sendTransaction` each; nonces are explicit, so the order in which they arrive does not matter."""
        return [("eth_sendTransaction", [transaction]) for transaction in self.transactions]

    def _add(self, fields: dict[str, str]) -> None:
        self.transactions.append({"from": self.sender, "nonce": hex(len(self.transactions)), **fields, **fees()})


def fees() -> dict[str, str]:
    """Fixed fees: deterministic, and gas costs what it would."""
    return {"maxFeePerGas": hex(MAX_FEE_WEI), "maxPriorityFeePerGas": hex(PRIORITY_FEE_WEI)}


def create_address(sender: Address, nonce: int) -> Address:
    """Where a contract creation lands: keccak(rlp([sender, nonce]))[12:] (Yellow Paper, section 7)."""
    import rlp  # type: ignore[import-untyped]

    encoded: bytes = rlp.encode([bytes.fromhex(sender[2:]), nonce])
    return to_address(keccak(encoded)[12:])


def create2_address(factory: Address, salt: bytes, init_code_hash: bytes) -> Address:
    """Where a salted creation lands (EIP-1014)."""
    return to_address(keccak(b"\xff" + bytes.fromhex(factory[2:]) + salt + init_code_hash)[12:])


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
