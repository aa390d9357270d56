"""What was observed at one block. Times are Unix seconds; USD values are integers scaled by 1e8 (`_e8`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from strongroom.model.intents import SafeTx
from strongroom.model.markets import LendingState, PairState, PoolAverage, PoolState
from strongroom.model.names import Account, Address, Digest, Token, TokenId


@dataclass(frozen=True, slots=True)
class Block:
    number: int
    hash: Digest
    timestamp: int


@dataclass(frozen=True, slots=True)
class SafeState:
    version: str
    singleton: Address
    owners: tuple[Address, ...]
    threshold: int
    nonce: int
    modules: tuple[Address, ...]
    guard: Address
    fallback_handler: Address


@dataclass(frozen=True, slots=True)
class Round:
    """One source's latest answer, raw: every failure mode of a feed is still visible in it."""

    feed: Address
    decimals: int
    round_id: int
    answer: int
    started_at: int
    updated_at: int
    answered_in_round: int


@dataclass(frozen=True, slots=True)
class Queued:
    """A transaction waiting in the guardians' queue. `approvals` are the owners who have signed it."""

    tx: SafeTx
    safe_tx_hash: Digest
    proposer: Address
    approvals: tuple[Approval, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Approval:
    guardian: Address
    signature: bytes


@dataclass(frozen=True, slots=True)
class Outflow:
    """Value that has left the Safe, read from the chain."""

    token: TokenId
    recipient: Address
    units: int
    timestamp: int
    tx_hash: Digest


@dataclass(frozen=True, slots=True)
class Gas:
    """What sending costs: wei per gas at the pinned block, and the agent key's own balance (zero without a key)."""

    base_fee_wei: int
    agent_balance_wei: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """A continuous leaky bucket as stored: `level` is what was spent as of `updated`; it drains whole in `drain` s."""

    capacity: int
    level: int
    updated: int
    drain: int


@dataclass(frozen=True, slots=True)
class KernelState:
    """The Kernel at the pinned block; `enabled` says whether the Safe has it as a module. Buckets by key; by their
    leaves, when the policy's standing orders were paid last, Unix seconds, zero for never."""

    address: Address
    safe: Address
    enabled: bool
    agent: Address
    epoch: int
    version: int
    paused: bool
    root: Digest
    document_hash: Digest
    rekey_delay_seconds: int
    buckets: Mapping[Digest, Bucket]
    last_paid: Mapping[Digest, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WatchState:
    """What a watch knows of its treasury, USD 1e-8. `observed_at`: block of the observation that waits for its
    second, 0 for none. `wealth_e8` is `None` while a price is missing: then it cannot be tripped."""

    address: Address
    kernel: Address
    mark_e8: int
    floor_e8: int
    observed_at: int
    confirm_blocks: int
    wealth_e8: int | None

    @property
    def has_fallen(self) -> bool | None:
        return None if self.wealth_e8 is None else self.wealth_e8 < self.floor_e8

    @property
    def confirmable_at(self) -> int | None:
        """The first block in which a second observation pauses, or `None` without a first."""
        return self.observed_at + self.confirm_blocks if self.observed_at else None


@dataclass(frozen=True, slots=True)
class AnnouncedRun:
    """What the agent's key has announced to the Kernel and nobody has vetoed, run or voided: `run` is the very calldata
    that may be sent, without a ledger's leaf, from `ready_at` until `expires_at` (both inclusive, Unix seconds)."""

    id: Digest
    run: bytes
    ready_at: int
    expires_at: int
    tx_hash: Digest


@dataclass(frozen=True, slots=True)
class Listing:
    """A deny list as its publisher dated it: who stands on it, each with the publisher's words. `source` says where it
    comes from, `dated_at` when the day of its date began, UTC."""

    name: str
    source: str
    dated_at: int
    entries: Mapping[Address, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a decision needs, observed at one pinned block. Balances and rounds are keyed by token id;
    `past_rounds` are those of a token's first feed, newest first. They and `averages` are there if a policy asks."""

    account: Account
    block: Block
    safe: SafeState
    tokens: Mapping[TokenId, Token]
    balances: Mapping[TokenId, int]
    rounds: Mapping[TokenId, tuple[Round, ...]]
    queue: tuple[Queued, ...]
    outflows: tuple[Outflow, ...]
    gas: Gas
    kernel: KernelState | None = None
    pools: tuple[PoolState, ...] = ()
    pairs: tuple[PairState, ...] = ()
    lending: tuple[LendingState, ...] = ()
    watch: WatchState | None = None
    announced: tuple[AnnouncedRun, ...] = ()
    listings: tuple[Listing, ...] = ()
    averages: tuple[PoolAverage, ...] = ()
    past_rounds: Mapping[TokenId, tuple[Round, ...]] = field(default_factory=dict)
