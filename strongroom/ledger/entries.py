"""An entry's bytes: what the tree hashes, what outsiders read, what a contract can check without parsing JSON.

    <version> <type> <64 hexadecimal digits of the binding>\\n<RFC 8785 JSON>

The JSON holds the account, the run with its dense `seq` from 0, `prev` (leaf hash of the entry before it in the log,
zeros at the start), `cause` (index of the entry that led to it, or null), wall time `at`, and the `body`. `binding` is
the hash of the action for `tx.*`, the leaf hash of the request for its result or gap, zeros otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.errors import BadValue
from strongroom.ledger.canonical import canonical, parse, read
from strongroom.model import Account, Address, Digest

VERSION = "1"
LARGEST_BYTES = 60_000
NO_BINDING = "0" * 64
TYPES = frozenset(
    {
        *("run.open", "run.close", "config.change", "key.rotate", "erase", "gap"),
        *("model.req", "model.res", "tool.req", "tool.res", "human.req", "human.res", "rehearsal", "verdict"),
        *("tx.intent", "tx.sent", "tx.mined", "tx.reverted", "tx.dropped"),
    }
)
"""With `anchor.` and one word, all types there are."""
NOT_ERASABLE = ("tx.", "verdict", "human.")

_ANCHOR = re.compile(r"anchor\.[a-z]{1,16}")
_HEAD = re.compile(rb"1 ([a-z]{1,16}(?:\.[a-z]{1,16})?) ([0-9a-f]{64})\n")
_FIELDS = frozenset({"account", "at", "body", "cause", "prev", "run", "seq"})


@dataclass(frozen=True, slots=True)
class Link:
    """Where an entry stands: its run, place and time. `prev` is a leaf hash in hexadecimal."""

    account: Account
    run: str
    seq: int
    prev: str
    cause: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded entry; `raw` is what the tree holds, `concealed` the digests of its confidential fields."""

    index: int
    type: str
    binding: Digest
    link: Link
    body: Mapping[str, Any]
    concealed: tuple[str, ...]
    raw: bytes


def is_type(type: str) -> bool:
    """Whether entries of this type may be recorded."""
    return type in TYPES or _ANCHOR.fullmatch(type) is not None


def erasable(type: str) -> bool:
    """Whether confidential fields of entries of this type may be erased: never what moved money or who decided it."""
    return not type.startswith(NOT_ERASABLE)


def encode(type: str, binding: str, link: Link, body: Mapping[str, Any], concealed: tuple[str, ...] = ()) -> bytes:
    """The bytes of an entry; `binding` is 64 hexadecimal digits. Raises `BadValue` for what cannot be recorded."""
    for name in body:
        if name.startswith("_") or name == "...":
            raise BadValue(name, f"a field of {type}", "names that begin with `_` belong to the ledger; use another")
    fields: dict[str, Any] = {
        "account": {"chain_id": link.account.chain_id, "safe": link.account.safe},
        "at": link.at,
        "body": {**body, "_sd": list(concealed)} if concealed else body,
        "cause": link.cause,
        "prev": link.prev,
        "run": link.run,
        "seq": link.seq,
    }
    if concealed:
        fields["_sd_alg"] = "sha-256"
    raw = f"{VERSION} {type} {binding}\n".encode() + canonical(fields, type)
    if len(raw) > LARGEST_BYTES:
        raise BadValue(
            len(raw), f"the bytes of one {type}", f"keep to `{LARGEST_BYTES}`; large fields are confidential"
        )
    return raw


def head(raw: bytes) -> tuple[str, str]:
    """Type and binding (64 hexadecimal digits) from an entry's first line alone; raises `ValueError`."""
    match = _HEAD.match(raw)
    if match is None:
        raise ValueError("its head is not `1 <type> <binding>`")
    return match[1].decode(), match[2].decode()


def decode(index: int, raw: bytes, *, strict: bool = False) -> Entry:
    """The entry of these bytes; `strict` also demands the canonical form. Raises `ValueError` saying what is wrong."""
    kind, binding = head(raw)
    if not is_type(kind):
        raise ValueError(f"its type `{kind}` is unknown")
    if len(raw) > LARGEST_BYTES:
        raise ValueError(f"it has `{len(raw)}` bytes, more than `{LARGEST_BYTES}`")
    text = raw[raw.index(b"\n") + 1 :]
    fields = parse(text) if strict else read(text)
    if not isinstance(fields, dict) or fields.keys() - {"_sd_alg"} != _FIELDS or not isinstance(fields["body"], dict):
        raise ValueError("its fields are not those of an entry")
    body = fields["body"]
    concealed = body.pop("_sd", [])
    if not isinstance(concealed, list) or fields.get("_sd_alg") != ("sha-256" if concealed else None):
        raise ValueError("its confidential fields are not declared")
    return Entry(index, kind, Digest("0x" + binding), _link(fields), body, tuple(concealed), raw)


def _link(fields: Mapping[str, Any]) -> Link:
    match fields:
        case {
            "account": {"chain_id": int(chain_id), "safe": str(safe)},
            "run": str(run),
            "seq": int(seq),
            "prev": str(prev),
            "cause": (int() | None) as cause,
            "at": int(at),
        }:
            return Link(Account(chain_id, Address(safe)), run, seq, prev, cause, at)
    raise ValueError("its account, run, place or time is not of its kind")
