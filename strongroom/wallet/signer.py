"""The only file that sees a private key. A key signs what the ledger holds durably, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strongroom.addresses import from_digest
from strongroom.errors import KeyMissing, NotRecorded
from strongroom.model import Address, Digest, LedgerReceipt

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

INTENT = "tx.intent"


class KeySigner:
    """`Signer` over a key held in memory. Its text form shows the address only."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    def __repr__(self) -> str:
        return f"KeySigner({self.address})"

    @property
    def address(self) -> Address:
        return Address(self._account.address)

    def sign_digest(self, digest: Digest, receipt: LedgerReceipt) -> bytes:
        from eth_typing import Hash32

        _require(receipt, digest)
        return bytes(self._account.unsafe_sign_hash(Hash32(from_digest(digest))).signature)

    def sign_transaction(self, transaction: Mapping[str, Any], binding: Digest, receipt: LedgerReceipt) -> bytes:
        _require(receipt, binding)
        return bytes(self._account.sign_transaction(dict(transaction)).raw_transaction)


def _require(receipt: LedgerReceipt, binding: Digest) -> None:
    if receipt.type != INTENT or receipt.binding != binding:
        raise NotRecorded(binding)


def open_keystore(path: Path, password: str) -> KeySigner:
    """The key in an encrypted keystore (Web3 Secret Storage, version 3). Raises `KeyMissing` when there is none or the
    password does not open it."""
    from eth_account import Account

    try:
        encrypted = json.loads(path.read_text())
        return KeySigner(Account.from_key(Account.decrypt(encrypted, password)))
    except OSError as error:
        raise KeyMissing(str(path), "put an encrypted keystore (Web3 Secret Storage) there") from error
    except (ValueError, TypeError, KeyError) as error:
        raise KeyMissing(str(path), _password_mend(password)) from error


def _password_mend(password: str) -> str:
    return "the password in STRONGROOM_PASSWORD does not open it" if password else "set STRONGROOM_PASSWORD"


def write_keystore(path: Path, key: bytes, password: str, *, iterations: int | None = None) -> Address:
    """Encrypts `key` to `path` (mode 0600) and returns its address. `iterations` of PBKDF2 where scrypt is too slow."""
    from eth_account import Account

    encrypted = Account.encrypt(key, password, kdf="scrypt" if iterations is None else "pbkdf2", iterations=iterations)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_text(json.dumps(encrypted))
    return Address(Account.from_key(key).address)


def address_in_keystore(path: Path) -> Address | None:
    """The address a keystore names in clear, without opening it; `None` when there is no keystore."""
    from strongroom.addresses import to_address

    try:
        return to_address(json.loads(path.read_text())["address"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
