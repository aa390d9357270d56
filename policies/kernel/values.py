"""What goes into an evaluation and what comes out: the Kernel's state, what is outside it, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, NoReturn

from strongroom.model import NATIVE, Address, Bucket, Digest

BucketId = tuple[Address, int]
"""Token and class."""
NO_CODE = Digest("0x" + "00" * 32)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A custom error of the Kernel, or of a price source, by name, with its arguments in order."""

    name: str
    arguments: tuple[Any, ...] = ()


class Refused(Exception):
    """Ends an evaluation inside this package; `evaluate` answers with the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def refuse(name: str, *arguments: Any) -> NoReturn:
    raise Refused(Refusal(name, arguments))


@dataclass(frozen=True, slots=True)
class Terms:
    """What a Kernel has for good, and who commands its Safe. `permit2` is Uniswap's, the same on every chain."""

    kernel: Address
    safe: Address
    owners: frozenset[Address]
    config_delay_seconds: int
    rekey_delay_seconds: int
    window_seconds: int
    registry: Address = NATIVE
    guard: Address = NATIVE
    permit2: Address = NATIVE


@dataclass(frozen=True, slots=True)
class Pending:
    """A change the Safe announced, in force until `expires_at`; `needed` zero: cannot be vetoed."""

    ready_at: int
    expires_at: int
    needed: int
    subject: Address = NATIVE
    vetoed_by: frozenset[Address] = frozenset()


@dataclass(frozen=True, slots=True)
class State:
    """A Kernel between two calls. `pending` changes by hash and announced `runs` by id hold only what no pause,
    revocation or the like has voided; expired ones may stay. `runs` give (ready_at, expires_at)."""

    agent: Address
    root: Digest
    guardians: frozenset[Address]
    buckets: Mapping[BucketId, Bucket]
    agent_code_hash: Digest = NO_CODE
    epoch: int = 0
    version: int = 1
    paused: bool = False
    busy: bool = False
    last_paid: Mapping[Digest, int] = field(default_factory=dict)
    paid: Mapping[Address, int] = field(default_factory=dict)
    blocked: frozenset[Address] = frozenset()
    revoked: frozenset[Digest] = frozenset()
    burned: frozenset[Address] = frozenset()
    pending: Mapping[Digest, Pending] = field(default_factory=dict)
    times_vetoed: Mapping[Digest, int] = field(default_factory=dict)
    runs: Mapping[Digest, tuple[int, int]] = field(default_factory=dict)


def voided(state: State) -> State:
    """The state with everything void that was announced: after a pause, a re-key, a policy, a revocation, a lowered
    bucket."""
    return replace(state, pending={}, runs={})


def is_guardian(state: State, terms: Terms, account: Address) -> bool:
    """Whether `account` may pause, veto and block: a guardian of the Kernel's own or an owner of the Safe."""
    return account in state.guardians or account in terms.owners


def refuse_unlisted(state: State, leaf: Digest, *parties: Address) -> None:
    """Refuses a rule that the Safe revoked, then the first party that a guardian blocked."""
    if leaf in state.revoked:
        refuse("RuleIsRevoked", leaf)
    for party in parties:
        if party in state.blocked:
            refuse("AddressIsBlocked", party)


class Answer(Enum):
    """What a contract does when it is called: its work, nothing and says so, or it reverts."""

    DONE = "done"
    NO = "no"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one leg's own calls will do, if it gets so far. `approval`: the token's answer to the approval. `call`: the
    payment's or the venue's. Then the Safe has `spent_units` less and `received_units` more, and `stuck_units` of
    allowance remain although they were taken back. `pauses`: a guardian is called and pauses the Kernel."""

    call: Answer = Answer.DONE
    spent_units: int = 0
    received_units: int = 0
    approval: Answer = Answer.DONE
    stuck_units: int = 0
    pauses: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A price source of `token`. `ends`: its lower and its higher price, USD 1e-18 for a whole token, or what it
    reverts with."""

    token: Address
    decimals: int
    ends: tuple[int, int] | Refusal


@dataclass(frozen=True, slots=True)
class Facts:
    """What is outside the Kernel when it is called. `outcomes` has one for each leg. `balances` are the Safe's before
    the call, `allowances` its by (token, spender); absent is zero. `rates` of vaults: shares for 1e27 units of the
    asset, and the other way round. `code_hashes` are of accounts that have code."""

    now: int
    outcomes: tuple[Outcome, ...] = ()
    balances: Mapping[Address, int] = field(default_factory=dict)
    allowances: Mapping[tuple[Address, Address], int] = field(default_factory=dict)
    sources: Mapping[Address, Source] = field(default_factory=dict)
    rates: Mapping[Address, tuple[int, int]] = field(default_factory=dict)
    code_hashes: Mapping[Address, Digest] = field(default_factory=dict)
