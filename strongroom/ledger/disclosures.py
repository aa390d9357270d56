"""Confidential fields as RFC 9901 (SD-JWT) disclosures: a salted digest is recorded, the disclosure opens it.

disclosure = BASE64URL([salt, field, value]), digest = BASE64URL(SHA-256(ASCII(disclosure))), salt = 128 random bits as
BASE64URL. An unsalted hash of an address or an amount is guessed at millions a second; these cannot be.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from os import urandom
from typing import Any

from strongroom.ledger.canonical import canonical, read
from strongroom.ledger.entries import Entry

_SALT_BYTES = 16
_ERASED = b"."
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One confidential field, opened. `text` is handed out; with it anybody can check the entry's digest."""

    field: str
    value: Any
    text: str

    @property
    def digest(self) -> str:
        """The digest that the entry holds in `_sd`."""
        return digest(self.text)


def conceal(fields: Mapping[str, Any], type: str) -> tuple[Disclosure, ...]:
    """A freshly salted disclosure of each field; raises `BadValue` for values that cannot be recorded."""
    salts = urandom(_SALT_BYTES * len(fields))
    return tuple(
        Disclosure(field, value, _text(salts[n * _SALT_BYTES : (n + 1) * _SALT_BYTES], field, value, type))
        for n, (field, value) in enumerate(fields.items())
    )


def _text(salt: bytes, field: str, value: Any, type: str) -> str:
    where = f"{type}, confidential `{field}`"
    return _base64(b'["%b",%b,%b]' % (_base64(salt).encode(), canonical(field, where), canonical(value, where)))


def digest(text: str) -> str:
    """The RFC 9901 digest of a disclosure."""
    return _base64(sha256(text.encode()).digest())


def disclosed(text: str) -> Disclosure:
    """The disclosure of this text; raises `ValueError` when it is not one."""
    try:
        salt, field, value = read(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (TypeError, ValueError) as error:
        raise ValueError("it is not base64url of [salt, field, value]") from error
    if not (isinstance(salt, str) and isinstance(field, str)):
        raise ValueError("its salt and field are not strings")
    return Disclosure(field, value, text)


def proves(text: str, entry: Entry) -> bool:
    """Whether this disclosure belongs to this entry. That the entry is in the log is for its inclusion proof to say."""
    return digest(text) in entry.concealed


def digests(disclosures: Iterable[Disclosure]) -> tuple[str, ...]:
    """Their digests sorted, as entries hold them: the order says nothing about the fields."""
    return tuple(sorted(d.digest for d in disclosures))


def pack(disclosures: Iterable[Disclosure]) -> bytes:
    """The payload of a private frame: one disclosure a line."""
    return "\n".join(d.text for d in disclosures).encode()


def unpack(payload: bytes) -> tuple[Disclosure, ...]:
    """Those disclosures of a private frame that are not erased."""
    return tuple(disclosed(line.decode()) for line in payload.split(b"\n") if line.strip(_ERASED))


def keep(payload: bytes, digests: Iterable[str]) -> bytes:
    """The private frame's payload, every disclosure without one of these digests overwritten; as long as before."""
    kept = set(digests)
    lines = payload.split(b"\n")
    return b"\n".join(line if _digest_of(line) in kept else _ERASED * len(line) for line in lines)


def standing(payload: bytes) -> tuple[str, ...]:
    """The digests of a private frame's lines as they stand, "" for an erased one."""
    return tuple(_digest_of(line) if line.strip(_ERASED) else "" for line in payload.split(b"\n"))


def _digest_of(line: bytes) -> str:
    return _base64(sha256(line).digest())


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=").decode()
