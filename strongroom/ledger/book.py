"""Where the log stands, in memory: the tree, the run, the open requests and the recorded intents; what may come next.

Rebuilt by replaying the entries' heads alone: no JSON is parsed, so a long log opens fast. The owner serialises calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.errors import BadValue
from strongroom.ledger.disclosures import Disclosure, digests, pack
from strongroom.ledger.entries import NO_BINDING, Link, encode, head, is_type
from strongroom.ledger.merkle import Tree, leaf_hash
from strongroom.model import Account, Digest, LedgerReceipt

INTENT = "tx.intent"
GAP = "gap"
ANSWERED = (".res", GAP)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry that has its place in the tree, not yet on disk; `private` is its private frame's payload."""

    receipt: LedgerReceipt
    raw: bytes
    private: bytes | None


class Book:
    """`run` is empty until `begin`; nothing can be sealed before."""

    def __init__(self, account: Account) -> None:
        self.tree = Tree()
        self.run = ""
        self._account = account
        self._seq = 0
        self._requests: dict[str, tuple[int, str]] = {}
        self._intents: dict[str, int] = {}

    def begin(self, run: str) -> None:
        """Start a run: its next entry has `seq` 0."""
        self.run, self._seq = run, 0

    def seal(
        self,
        type: str,
        body: Mapping[str, Any],
        *,
        at: int,
        binding: Digest | None = None,
        cause: int | None = None,
        disclosures: tuple[Disclosure, ...] = (),
    ) -> Sealed:
        """The next entry, in its place; raises `BadValue` and changes nothing where it may not come next."""
        bound = self._bound(type, binding, cause)
        prev = self.tree.leaf(self.tree.size - 1).hex() if self.tree.size else NO_BINDING
        link = Link(self._account, self.run, self._seq, prev, cause, at)
        raw = encode(type, bound, link, body, digests(disclosures))
        self._seq += 1
        index = self.replay(raw)
        receipt = LedgerReceipt(index, type, Digest("0x" + bound))
        return Sealed(receipt, raw, pack(disclosures) if disclosures else None)

    def replay(self, raw: bytes) -> int:
        """Take an entry that is recorded already; its index. Raises `ValueError` for bytes without an entry's head."""
        kind, bound = head(raw)
        leaf = leaf_hash(raw)
        index = self.tree.append(leaf)
        if kind.endswith(".req"):
            self._requests[leaf.hex()] = index, kind
        elif kind.endswith(ANSWERED):
            self._requests.pop(bound, None)
        elif kind == INTENT:
            self._intents[bound] = index
        return index

    def waiting(self, types: tuple[str, ...]) -> tuple[int, ...]:
        """The indices of requests of these types without a result or gap."""
        return tuple(index for index, kind in self._requests.values() if kind in types)

    def is_open(self, request: int) -> bool:
        """Whether the entry at this index is a request without a result or gap."""
        return any(index == request for index, _ in self._requests.values())

    def intent(self, binding: Digest) -> LedgerReceipt | None:
        """The receipt of the latest tx.intent for this action, also of an earlier run."""
        index = self._intents.get(binding[2:])
        return None if index is None else LedgerReceipt(index, INTENT, binding)

    def _bound(self, type: str, binding: Digest | None, cause: int | None) -> str:
        if not is_type(type):
            raise BadValue(type, "the type of a ledger entry", "use one of the listed types")
        if cause is not None and not 0 <= cause < self.tree.size:
            raise BadValue(cause, f"the cause of {type}", f"name an entry below `{self.tree.size}`")
        if type.startswith("tx."):
            return self._action(type, binding)
        bound = self._request(type, cause) if type.endswith(ANSWERED) else NO_BINDING
        if binding is not None and binding != "0x" + bound:
            raise BadValue(binding, f"the binding of {type}", "leave it out; only tx.* entries bind an action")
        return bound

    def _action(self, type: str, binding: Digest | None) -> str:
        bound = (binding or "")[2:]
        if not (binding or "").startswith("0x") or len(bound) != len(NO_BINDING) or bound.strip("0123456789abcdef"):
            raise BadValue(binding, f"the binding of {type}", "give the action's hash, 0x and 64 lower-case digits")
        if type != INTENT and bound not in self._intents:
            raise BadValue(binding, f"the binding of {type}", "record its tx.intent first")
        return bound

    def _request(self, type: str, cause: int | None) -> str:
        bound = self.tree.leaf(cause).hex() if cause is not None else ""
        waiting = self._requests.get(bound)
        if waiting is None:
            raise BadValue(cause, f"the cause of {type}", "name a request that has no result yet")
        if type != GAP and waiting[1].removesuffix(".req") != type.removesuffix(".res"):
            raise BadValue(cause, f"the cause of {type}", f"it is a {waiting[1]}; record that request's own result")
        return bound
