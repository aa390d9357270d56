"""What a rehearsal, the policy engine and the chain answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from strongroom.model.facts import Block, SafeState
from strongroom.model.names import Address, Digest, TokenId


@dataclass(frozen=True, slots=True)
class Delta:
    """Change of one holder's balance, in units; negative is out."""

    holder: Address
    token: TokenId
    units: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """An ERC-20 approval of the Safe's that stands after the action."""

    token: TokenId
    spender: Address
    units: int


@dataclass(frozen=True, slots=True)
class Caught:
    """An inner call that failed while the action went on."""

    to: Address
    selector: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The simulated outcome at `block`. `revert` is empty on success; deltas come from balance reads, not logs.
    `caught` is `None` where the node does not show inner calls."""

    block: Block
    success: bool
    revert: str
    deltas: tuple[Delta, ...]
    allowances: tuple[Allowance, ...]
    gas_used: int
    safe_before: SafeState
    safe_after: SafeState
    caught: tuple[Caught, ...] | None = None


class Verdict(StrEnum):
    """Ordered from loosest to strictest; compare with `rank`."""

    ALLOW = "allow"
    DELAY = "delay"
    ASK = "ask"
    DENY = "deny"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {verdict: rank for rank, verdict in enumerate(Verdict)}


# No dataclasses, this and `Finding`: more than a hundred are made for a large unit, and a frozen one takes three times
# as long to make.
class Measure(NamedTuple):
    """The numbers behind a finding, both in the rule's own unit: it holds while `value` is at most `limit`, or, where
    `at_least`, not below it."""

    value: int
    limit: int
    at_least: bool = False

    @property
    def margin(self) -> int:
        """What is left to the limit; negative beyond it."""
        return self.value - self.limit if self.at_least else self.limit - self.value


class Finding(NamedTuple):
    """One rule's result. `measured` and `limit` are written for people; `measure` holds their numbers where there are
    any."""

    rule: str
    verdict: Verdict
    reason: str
    measured: str = ""
    limit: str = ""
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class Quorum:
    """At least `approvals` of exactly these guardians."""

    approvals: int
    guardians: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """All findings and the strictest verdict among them. For an ask, `approvals_needed` of `guardians`, and among them
    each of `quorums`, must sign; and it executes `delay_seconds` after it was proposed, no sooner."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    document_hash: Digest
    approvals_needed: int = 0
    guardians: tuple[Address, ...] = ()
    delay_seconds: int = 0
    quorums: tuple[Quorum, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerReceipt:
    """Proof to the signer that an entry is durable: its index, its type, and the action's binding in its head."""

    index: int
    type: str
    binding: Digest


@dataclass(frozen=True, slots=True)
class Receipt:
    """A mined transaction and what it really did."""

    tx_hash: Digest
    block: Block
    success: bool
    gas_used: int
    deltas: tuple[Delta, ...] = field(default=())
