"""What is to be done: intents, the unit and plan they make, the calls that
carry them out, and the action that is signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from strongroom.model.names import Account, Address, Amount, Labelled, TokenId


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
