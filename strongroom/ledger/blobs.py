"""Large confidential values: encrypted under a key of their own, so that erasing 32 bytes erases all of them.

The field's disclosure holds `{"_blob": sha256 of the ciphertext, "kind": "bytes"|"json", "key": base64url}`; the
ciphertext lies beside the log. AES-256-GCM with a fresh key for each value, so the nonce is a constant.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from strongroom.errors import BadValue
from strongroom.ledger.canonical import canonical, read
from strongroom.ledger.durable import sync_folder, write_synced

INLINE_BYTES = 4096
_NONCE = bytes(12)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A value's stand-in for its disclosure, and its ciphertext."""

    reference: Mapping[str, str]
    ciphertext: bytes

    @property
    def name(self) -> str:
        return self.reference["_blob"]


def enclose(value: Any, field: str) -> Envelope | None:
    """The envelope of bytes (kept exactly) or of JSON above `INLINE_BYTES`; `None` for what stays inline."""
    if isinstance(value, Mapping) and "_blob" in value:
        raise BadValue("_blob", f"confidential `{field}`", "that key belongs to the ledger; use another")
    if isinstance(value, bytes):
        return _seal(value, "bytes")
    if not isinstance(value, (str, list, tuple, Mapping)):
        return None
    if isinstance(value, str) and len(value) * 4 <= INLINE_BYTES:
        return None
    data = canonical(value, f"confidential `{field}`")
    return _seal(data, "json") if len(data) > INLINE_BYTES else None


def _seal(data: bytes, kind: str) -> Envelope:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = AESGCM.generate_key(256)
    ciphertext = AESGCM(key).encrypt(_NONCE, data, None)
    reference = {"_blob": sha256(ciphertext).hexdigest(), "kind": kind, "key": urlsafe_b64encode(key).decode()}
    return Envelope(reference, ciphertext)


def reference(value: Any) -> str | None:
    """The blob's name where a disclosed value stands for one."""
    return value["_blob"] if isinstance(value, dict) and "_blob" in value else None


def reveal(value: Mapping[str, str], ciphertext: bytes) -> Any:
    """The value behind a disclosed stand-in; raises `ValueError` when the ciphertext is not the one it names."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if sha256(ciphertext).hexdigest() != value["_blob"]:
        raise ValueError(f"blob `{value['_blob']}` was changed")
    data = AESGCM(urlsafe_b64decode(value["key"])).decrypt(_NONCE, ciphertext, None)
    return data if value["kind"] == "bytes" else read(data)


class BlobFolder(MutableMapping[str, bytes]):
    """Ciphertexts by name, one file each, durable once set."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            raise KeyError(name) from None

    def __setitem__(self, name: str, ciphertext: bytes) -> None:
        write_synced(self._folder / name, ciphertext)

    def __delitem__(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
        sync_folder(self._folder)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.name for path in self._folder.iterdir()))

    def __len__(self) -> int:
        return sum(1 for _ in self)
