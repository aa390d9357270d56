"""The only file of the guardians that sees a private key. It signs Safe transactions, whose hash it computes itself,
who may propose, and the sending of what is fully signed and of vetoes: no other digest is ever handed to it.

The agent's signer demands a ledger entry for each signature. A guardian has no ledger: signing is a human's own act,
and enters the agent's ledger when the agent sees it on the service or the chain.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strongroom.addresses import from_digest
from strongroom.errors import KeyMissing
from strongroom.model import Address, SafeTx
from strongroom.protocols.safe import safe_tx_hash

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount


class GuardianKey:
    """A guardian's key in memory. Its text form shows the address only."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    def __repr__(self) -> str:
        return f"GuardianKey({self.address})"

    @property
    def address(self) -> Address:
        return Address(self._account.address)

    def sign(self, tx: SafeTx) -> bytes:
        """The owner's 65-byte r, s, v signature over the transaction's EIP-712 hash."""
        from eth_typing import Hash32

        return bytes(self._account.unsafe_sign_hash(Hash32(from_digest(safe_tx_hash(tx)))).signature)

    def sign_sending(self, transaction: Mapping[str, Any]) -> bytes:
        """Raw signed EIP-1559 bytes that send a call from the guardian's own account, who pays its gas."""
        return bytes(self._account.sign_transaction(dict(transaction)).raw_transaction)

    def sign_delegation(self, digest: bytes) -> bytes:
        """The signature that names a delegate at the transaction service; the service's client makes the digest."""
        from eth_typing import Hash32

        return bytes(self._account.unsafe_sign_hash(Hash32(digest)).signature)


def open_key(path: Path, password: str) -> GuardianKey:
    """The key in an encrypted keystore (Web3 Secret Storage, version 3). Raises `KeyMissing` when there is none or the
    password does not open it."""
    from eth_account import Account

    try:
        return GuardianKey(Account.from_key(Account.decrypt(json.loads(path.read_text()), password)))
    except OSError as error:
        raise KeyMissing(str(path), "name your keystore with `--keystore`") from error
    except (ValueError, TypeError, KeyError) as error:
        raise KeyMissing(str(path), "the password does not open it, or it is no keystore; try again") from error
