"""The nouns of the house: frozen values without behaviour beyond their own invariants.

Money is an `int` in the token's smallest unit. USD prices and values are integers scaled by 1e8 (`_e8`).
Times are Unix seconds. Addresses are EIP-55 strings; the zero address stands for the chain's native coin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Generic, NamedTuple, NewType, TypeVar

Address = NewType("Address", str)
TokenId = NewType("TokenId", str)
Digest = NewType("Digest", str)
"""32 bytes as 0x and 64 lower-case hexadecimal digits."""

NATIVE = Address("0x0000000000000000000000000000000000000000")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    """A Safe on a chain."""

    chain_id: int
    safe: Address


@dataclass(frozen=True, slots=True)
class Token:
    """A listed token; `id` is its name in the policy's address book."""

    account: Account
    id: TokenId
    address: Address
    decimals: int


@dataclass(frozen=True, slots=True)
class Amount:
    token: TokenId
    units: int


class Label(StrEnum):
    """Where a value came from."""

    OPERATOR = "operator"
    GOVERNANCE = "governance"
    MANDATE = "mandate"
    CHAIN = "chain"
    ORACLE = "oracle"
    MODEL = "model"
    EXTERNAL = "external"
    MEMORY = "memory"

    @property
    def rank(self) -> int:
        """0 for what people or the chain said, 1 for a model, 2 for untrusted text and memory."""
        return _DISTRUST.get(self, 0)


_DISTRUST = {Label.MODEL: 1, Label.EXTERNAL: 2, Label.MEMORY: 2}


@dataclass(frozen=True, slots=True)
class Labelled(Generic[T]):
    value: T
    label: Label


@dataclass(frozen=True, slots=True)
class Pay:
    """Pay `amount` of `token` to `payee`: an id of the address book, or a literal address for policy to judge."""

    id: str
    token: Labelled[TokenId]
    payee: Labelled[str]
    amount_units: Labelled[int]
    reason: Labelled[str]


@dataclass(frozen=True, slots=True)
class Swap:
    """Sell exactly `amount_in_units` of `token_in` for `token_out`; the route decides the minimum out."""

    id: str
    token_in: Labelled[TokenId]
    token_out: Labelled[TokenId]
    amount_in_units: Labelled[int]
    reason: Labelled[str]


@dataclass(frozen=True, slots=True)
class Supply:
    """Lend `amount_units` of `token` at `venue`, an id of the policy, in the Safe's own name."""

    id: str
    token: Labelled[TokenId]
    amount_units: Labelled[int]
    venue: Labelled[str]
    reason: Labelled[str]


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take `amount_units` of `token` back from `venue` into the Safe."""

    id: str
    token: Labelled[TokenId]
    amount_units: Labelled[int]
    venue: Labelled[str]
    reason: Labelled[str]


Intent = Pay | Swap | Supply | Withdraw


@dataclass(frozen=True, slots=True)
class Call:
    account: Account
    to: Address
    value_wei: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Leg:
    """One pool of a route: exact amount in, quoted amount out, and the least that its call accepts."""

    pool: Address
    fee_pips: int
    amount_in_units: int
    quoted_out_units: int
    min_out_units: int


@dataclass(frozen=True, slots=True)
class Route:
    token_in: TokenId
    token_out: TokenId
    amount_in_units: int
    min_out_units: int
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class Envelope:
    """Declared bounds on effects: at most this out, at least that in, only these recipients and spenders,
    nothing left approved."""

    max_out: tuple[Amount, ...]
    min_in: tuple[Amount, ...] = ()
    recipients: tuple[Address, ...] = ()
    spenders: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Opinion:
    """What another model would do in a unit, asked by itself what the planner's was asked: `intents` are what it chose
    there. Where there is no answer that can be used, `why` says why."""

    model: str
    intents: tuple[Intent, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is rehearsed, judged, approved and executed as one. `id` is also its graph thread's id. `actor` is who asked
    for it, as `Plan.actor`; empty where that is not known, as from a proposal's bytes. `opinions` are those of other
    models on what a model chose here."""

    id: str
    account: Account
    intents: tuple[Intent, ...]
    actor: str = ""
    opinions: tuple[Opinion, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    id: str
    actor: str
    units: tuple[Unit, ...]
    rationale: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """A unit's calls in values: what will be sent, and what it declares about itself."""

    unit: Unit
    calls: tuple[Call, ...]
    envelope: Envelope
    routes: tuple[Route, ...] = ()


class Lane(StrEnum):
    AGENT = "agent"
    OWNER = "owner"


class Operation(IntEnum):
    CALL = 0
    DELEGATECALL = 1


@dataclass(frozen=True, slots=True)
class SafeTx:
    """The Safe's own transaction, as its owners sign it (EIP-712); refund fields are always zero."""

    account: Account
    to: Address
    value_wei: int
    data: bytes
    operation: Operation
    nonce: int


@dataclass(frozen=True, slots=True)
class KernelCall:
    """One call from the agent's key to the Kernel."""

    account: Account
    agent: Address
    kernel: Address
    data: bytes


Action = SafeTx | KernelCall


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
class PopulatedTick:
    tick: int
    liquidity_net: int


@dataclass(frozen=True, slots=True)
class PoolState:
    """A Uniswap V3 pool at one block. `ticks` are the initialised ones from `known_from` to `known_to`, ascending; what
    lies beyond was not read, and no quote reaches there."""

    pool: Address
    token0: Address
    token1: Address
    fee_pips: int
    tick_spacing: int
    sqrt_price_x96: int
    tick: int
    liquidity: int
    ticks: tuple[PopulatedTick, ...]
    known_from: int = -887272
    known_to: int = 887272


@dataclass(frozen=True, slots=True)
class PoolAverage:
    """A Uniswap V3 pool's mean tick over the last `over_seconds`, rounded toward negative infinity."""

    pool: Address
    over_seconds: int
    mean_tick: int


@dataclass(frozen=True, slots=True)
class PairState:
    """A Uniswap V2 pair at one block, with its reserves in units (both > 0, below 2^112)."""

    pool: Address
    token0: Address
    token1: Address
    reserve0_units: int
    reserve1_units: int


@dataclass(frozen=True, slots=True)
class LendingReserve:
    """One token of a lending market at one block, amounts in the token's units.

    `supplied_units` is the Safe's own position, interest included; of all positions together at most `available_units`
    can be withdrawn. `supply_room_units` is what the supply cap still lets in, `None` without a cap; the interest that
    the market itself takes at the next touch comes off it. `supply_rate_bps` is simple interest a year in 1/10,000,
    rounded down. A frozen reserve takes nothing in, a paused or inactive one also gives nothing out."""

    asset: Address
    receipt: Address
    supplied_units: int
    available_units: int
    supply_rate_bps: int
    supply_room_units: int | None
    active: bool
    frozen: bool
    paused: bool


@dataclass(frozen=True, slots=True)
class LendingState:
    """An Aave V3 market and the Safe's account there, in USD by the market's own oracle. `borrows` is exact; a debt
    below 1e-8 USD shows as zero in `debt_e8`. Below a health factor of 1e18 the account is liquidated; without debt
    there is none."""

    pool: Address
    reserves: tuple[LendingReserve, ...]
    collateral_e8: int
    debt_e8: int
    borrows: bool
    health_factor_e18: int | None


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


@dataclass(frozen=True, slots=True)
class Idle:
    """What the mandate wants of a token that lies idle: `keep_units` stay in the Safe, what is above is lent at
    `venue`, an id of the policy, and what is below comes back from there. Differences below `step_units` are left."""

    keep_units: int
    venue: str
    step_units: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Plain numbers a planner may plan with; the engine alone decides."""

    per_transaction_units: Mapping[TokenId, int]
    ask_above_units: Mapping[TokenId, int]
