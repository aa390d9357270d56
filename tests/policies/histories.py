"""Histories of a Safe as the Safe Transaction Service lists them, made up from a seed: the same every time.

Run as a script it writes them to a file: `python tests/policies/histories.py COUNT FILE`.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from policies.cases import sample
from policies.document import load
from policies.scenario import dress
from policies.terms import Payee, PolicyDocument
from strongroom.addresses import keccak, to_address
from strongroom.model import NATIVE, Address, Call, Operation
from strongroom.protocols.erc20 import encode_approve, encode_transfer

FIRST = 1_600_000_000
STRANGER = to_address(keccak(b"stranger")[12:])
MODULE = to_address(keccak(b"allowance module")[12:])
OTHER_SAFE = to_address(keccak(b"another safe")[12:])
Entry = dict[str, Any]


def history(count: int, document: PolicyDocument, seed: int = 5, apart_seconds: int = 14_400) -> list[Entry]:
    """`count` entries of `/all-transactions/`, newest first as the service lists them. About one in twenty is junk."""
    return list(reversed(list(Maker(document, seed, apart_seconds).entries(count))))


def iso(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Maker:
    """Makes one entry after the other; the nonce counts what the owners executed."""

    def __init__(self, document: PolicyDocument, seed: int, apart_seconds: int) -> None:
        self.document, self.random = document, random.Random(seed)
        self.time, self.nonce, self.number, self.apart = FIRST, 0, 0, apart_seconds
        self.safe = document.account.safe

    def entries(self, count: int) -> Iterator[Entry]:
        makers = (self.payment, self.batch, self.by_module, self.delegatecall, self.rejected, self.stranger, self.junk)
        weights = (60, 14, 10, 3, 4, 4, 5)
        for self.number in range(count):
            self.time += self.random.randrange(1, 2 * self.apart)
            yield self.random.choices(makers, weights)[0]()

    def payment(self) -> Entry:
        (call,), (moved,) = self.paid(1)
        return self.by_owners((call,), [moved])

    def batch(self) -> Entry:
        return self.by_owners(*self.paid(self.random.randrange(2, 6)))

    def stranger(self) -> Entry:
        payee = Payee("stranger", STRANGER, "", {})
        call, moved = self.pay(payee, "USDC", self.random.randrange(1, 10**8))
        return self.by_owners((call,), [moved])

    def by_module(self) -> Entry:
        (call,), (moved,) = self.paid(1)
        entry = self.entry(call.to, call.value_wei, call.data, Operation.CALL, [moved])
        return {
            **entry,
            "module": MODULE,
            "moduleTransactionId": f"i{self.number}",
            "txType": "MODULE_TRANSACTION",
            "executionDate": iso(self.time),
            "isSuccessful": True,
        }

    def delegatecall(self) -> Entry:
        data = b"" if self.random.random() < 0.5 else encode_approve(STRANGER, 2**256 - 1)
        return self.owned(self.entry(STRANGER, 0, data, Operation.DELEGATECALL, []), True)

    def rejected(self) -> Entry:
        """A proposal whose nonce the owners use for something else next, or an empty call to reject one."""
        if self.random.random() < 0.5:
            return self.owned(self.entry(self.safe, 0, b"", Operation.CALL, []), True)
        (call,), _ = self.paid(1)
        return self.owned(self.entry(call.to, call.value_wei, call.data, Operation.CALL, []), False)

    def junk(self) -> Entry:
        """What real lists hold too: calls nobody knows, sums nobody has, rows of others, and broken ones."""
        data = self.random.choice([b"\xde\xad\xbe\xef", encode_transfer(STRANGER, 2**256 - 1), b"\x01"])
        token = self.document.tokens[next(iter(self.document.tokens))].token.address
        entry = self.owned(self.entry(token, 0, data, Operation.CALL, []), True) | {"isSuccessful": False}
        incoming = {
            "executionDate": iso(self.time),
            "txHash": entry["transactionHash"],
            "txType": "ETHEREUM_TRANSACTION",
        }
        broken = (
            {"data": "0xnothex"},
            {"value": str(2**256)},
            {"to": "0x1234"},
            {"safe": OTHER_SAFE},
            {"operation": 7},
            {"executionDate": "the day before"},
            {"transfers": [{"type": "ERC20_TRANSFER", "value": "-1"}]},
        )
        return self.random.choice([entry, incoming, *({**entry, **wrong} for wrong in broken)])

    def paid(self, count: int) -> tuple[tuple[Call, ...], list[Entry]]:
        payees = list(self.document.payees.values())
        made = []
        for _ in range(count):
            payee = self.random.choice(payees)
            token = self.random.choice([*payee.max_units])
            # Mostly small, so that caps have room; one in sixty up to a quarter more than the payee may get.
            most = payee.max_units[token] * 5 // 4
            made.append(self.pay(payee, token, self.random.randrange(1, most // self.random.choice([1, *[400] * 60]))))
        return tuple(call for call, _ in made), [moved for _, moved in made]

    def pay(self, payee: Payee, token: str, units: int) -> tuple[Call, Entry]:
        address = self.document.tokens[token].token.address
        sent = {"from": self.safe, "to": payee.address, "value": str(units)}
        if address == NATIVE:
            return Call(self.document.account, payee.address, units, b""), {"type": "ETHER_TRANSFER", **sent}
        call = Call(self.document.account, address, 0, encode_transfer(payee.address, units))
        return call, {"type": "ERC20_TRANSFER", "tokenAddress": address, **sent}

    def by_owners(self, calls: tuple[Call, ...], moved: list[Entry]) -> Entry:
        tx = dress(calls, self.document, self.nonce)
        return self.owned(self.entry(tx.to, tx.value_wei, tx.data, tx.operation, moved), True)

    def owned(self, entry: Entry, executed: bool) -> Entry:
        failed = executed and self.random.random() < 0.01
        owned = {
            **entry,
            "nonce": self.nonce,
            "safeTxHash": "0x" + keccak(b"safe tx %d" % self.number).hex(),
            "txType": "MULTISIG_TRANSACTION",
            "submissionDate": iso(self.time - 60),
            "executionDate": iso(self.time) if executed else None,
            "isExecuted": executed,
            "isSuccessful": executed and not failed,
        }
        self.nonce += executed
        return {**owned, "transfers": []} if failed or not executed else owned

    def entry(self, to: Address, value: int, data: bytes, operation: Operation, moved: list[Entry]) -> Entry:
        return {
            "safe": self.safe,
            "to": to,
            "value": str(value),
            "data": "0x" + data.hex() if data else None,
            "operation": int(operation),
            "transactionHash": "0x" + keccak(b"tx %d" % self.number).hex(),
            "transfers": moved,
        }


if __name__ == "__main__":
    made = history(int(sys.argv[1]), load(sample("active_treasury")[0]))
    Path(sys.argv[2]).write_text(json.dumps({"count": len(made), "next": None, "previous": None, "results": made}))
