"""Checkpoints: the log's head as a C2SP `tlog-checkpoint`, a signed note under the log's own Ed25519 key.

The largest size and root ever signed are on disk before a signature exists; nothing smaller and no other history is
signed after them. The key proves who keeps the log; it is never the agent's spending key.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from strongroom.errors import KeyMissing
from strongroom.ledger.durable import write_synced

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

T = TypeVar("T")
_ED25519 = b"\x01"
_KEY_ID_BYTES = 4


@dataclass(frozen=True, slots=True)
class Head:
    """A tree: how many leaves, and its 32-byte root."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed head; `note` is the whole signed note as it is published."""

    origin: str
    head: Head
    note: str


class LogKey:
    """The log's signing key, 32 bytes in hexadecimal in a file of mode 0600."""

    def __init__(self, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key: Ed25519PrivateKey = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def create(cls, path: Path) -> LogKey:
        """A new key at `path`; the one that is there already if there is one."""
        if not path.exists():
            write_synced(path, f"{os.urandom(32).hex()}\n".encode())
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> LogKey:
        """The key at `path`; raises `KeyMissing`."""
        try:
            seed = path.read_text()
            return cls(_exactly(bytes.fromhex(seed), lambda b: f"{b.hex()}\n", seed))
        except (OSError, ValueError) as error:
            raise KeyMissing(str(path), "restore the ledger's folder from a backup") from error

    def verifier(self, origin: str) -> str:
        """The public half as a C2SP `vkey`: `name+id+base64`."""
        public = _ED25519 + self._key.public_key().public_bytes_raw()
        return f"{origin}+{_key_id(origin, public).hex()}+{b64encode(public).decode()}"

    def sign(self, origin: str, head: Head) -> Checkpoint:
        """The signed note over this head; keeping to one history is the caller's part."""
        text = _text(origin, head)
        public = _ED25519 + self._key.public_key().public_bytes_raw()
        signature = b64encode(_key_id(origin, public) + self._key.sign(text.encode())).decode()
        return Checkpoint(origin, head, f"{text}\n— {origin} {signature}\n")


def _text(origin: str, head: Head) -> str:
    return f"{origin}\n{head.size}\n{b64encode(head.root).decode()}\n"


def _key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + public).digest()[:_KEY_ID_BYTES]


def read_checkpoint(note: str, verifier: str) -> Checkpoint:
    """The checkpoint of a note signed by the vkey `verifier`, other signatures passed over; raises `ValueError`."""
    text, separator, signatures = note.partition("\n\n")
    name, public = _read_verifier(verifier)
    lines = text.split("\n")
    if not separator or len(lines) < 3 or lines[0] != name or str(int(lines[1])) != lines[1]:
        raise ValueError("it is not a checkpoint of this log")
    if not any(_signed(line, name, public, text + "\n") for line in signatures.split("\n")[:-1]):
        raise ValueError("it is not signed by this log's key")
    return Checkpoint(name, Head(int(lines[1]), _base64(lines[2])), note)


def _base64(text: str) -> bytes:
    return _exactly(b64decode(text, validate=True), lambda data: b64encode(data).decode(), text)


def _read_verifier(verifier: str) -> tuple[str, bytes]:
    name, key_id, encoded = verifier.split("+", 2)
    public = b64decode(encoded, validate=True)
    if public[:1] != _ED25519 or _key_id(name, public).hex() != key_id:
        raise ValueError("its key is not an Ed25519 vkey")
    return name, public


def _signed(line: str, name: str, public: bytes, text: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    start = f"— {name} "
    if not line.startswith(start):
        return False
    try:
        signature = _base64(line[len(start) :])
        Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[_KEY_ID_BYTES:], text.encode())
    except (InvalidSignature, ValueError):
        return False
    return signature[:_KEY_ID_BYTES] == _key_id(name, public)


def remember_signed(path: Path, head: Head) -> None:
    """Put on disk, before signing, what is about to be signed."""
    write_synced(path, _signed_text(head).encode())


def last_signed(path: Path) -> Head | None:
    """The largest head that may have been signed; `None` before the first. Raises `ValueError` on a damaged file."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    size, root = text.split()
    return _exactly(Head(int(size), bytes.fromhex(root)), _signed_text, text)


def _signed_text(head: Head) -> str:
    return f"{head.size} {head.root.hex()}\n"


def _exactly(value: T, encode: Callable[[T], str], text: str) -> T:
    # Parsers forgive case, spaces and stray bits; one changed byte must not be forgiven.
    if encode(value) != text:
        raise ValueError("it is not written the one way it can be")
    return value
