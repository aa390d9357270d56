"""The doors between rooms: small Protocols, each with its adapters elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from strongroom.model import (
    Address,
    Approval,
    Block,
    Digest,
    Facts,
    KernelCall,
    LedgerReceipt,
    Listing,
    Plan,
    Queued,
    SafeTx,
)

T = TypeVar("T")


class Listings(Protocol):
    """Deny lists, wherever they are kept. None is made up: one that is not there is left out."""

    def read(self) -> tuple[Listing, ...]:
        """The lists as they are now. Raises `InputError` for one that cannot be read as what it says it is."""


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """One view call and how its returned bytes become a value; `decode` raises `ValueError` on bytes it cannot take."""

    target: Address
    data: bytes
    decode: Callable[[bytes], T]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One ERC-20 Transfer event out of an address, with its block's time."""

    token: Address
    recipient: Address
    units: int
    timestamp: int
    tx_hash: Digest


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event log: its topics, the first says which event, and its data."""

    topics: tuple[Digest, ...]
    data: bytes
    tx_hash: Digest


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    sender: Address
    to: Address
    value_wei: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Override:
    """State set aside for a simulation: storage words by slot, and balance, code and nonce where given."""

    storage: Mapping[int, bytes]
    balance_wei: int | None = None
    code: bytes | None = None
    nonce: int | None = None


@dataclass(frozen=True, slots=True)
class SimulatedResult:
    success: bool
    returned: bytes
    """Return data, or revert bytes when not `success`."""
    gas_used: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """One call of a traced execution and, in order, those it made. `error` is empty where it succeeded."""

    to: Address
    data: bytes
    returned: bytes
    """Return data, or revert bytes where it failed."""
    error: str
    calls: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class FeeHistory:
    """Base fees in wei, oldest first, the last one that of the block to come; `ratios` of gas used to the gas limit of
    each block, one fewer."""

    base_fees_wei: tuple[int, ...]
    ratios: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.base_fees_wei) != len(self.ratios) + 1:
            raise ValueError(f"{len(self.base_fees_wei)} base fees for {len(self.ratios)} blocks")
        if any(fee < 0 for fee in self.base_fees_wei) or not all(0 <= ratio <= 1 for ratio in self.ratios):
            raise ValueError("a base fee is not below zero, and a block is between empty and full")


@dataclass(frozen=True, slots=True)
class MinedTransaction:
    tx_hash: Digest
    block: Block
    success: bool
    gas_used: int


class Chain(Protocol):
    """The one socket to a node. Raises `NodeUnreachable` or `NodeRefused`."""

    def chain_id(self) -> int:
        """The chain id the node serves."""

    def head(self) -> Block:
        """The newest block."""

    def numbered(self, number: int) -> Block:
        """The block of this number, for who repeats what was seen then. Raises `NodeRefused` where there is none."""

    def parent(self, block: Block) -> Block:
        """The block that `block` was built on."""

    def read(self, reads: Sequence[Read[Any]], block: Block) -> list[Any]:
        """All view calls at exactly this block (by hash), batched, in order. A call that reverts, or returns what
        its decoder refuses, gives `None` in its place."""

    def balances_wei(self, holders: Sequence[Address], block: Block) -> list[int]:
        """Native balances at this block."""

    def storage(self, address: Address, slots: Sequence[int], block: Block) -> list[bytes]:
        """Raw 32-byte storage words at this block."""

    def code(self, address: Address, block: Block) -> bytes:
        """Runtime bytecode at this block; empty for an account without code."""

    def base_fee_wei(self, block: Block) -> int:
        """The block's base fee per gas."""

    def fee_history(self, blocks: int, block: Block) -> FeeHistory:
        """Base fees of the last `blocks` up to and including `block`, and of the one after it: fewer where the chain is
        younger, or the node keeps fewer."""

    def transfers_from(
        self, holder: Address, tokens: Sequence[Address], since: int, block: Block
    ) -> tuple[Transfer, ...]:
        """ERC-20 transfers out of `holder` in blocks whose time is >= `since`, up to and including `block`."""

    def events(self, source: Address, kinds: Sequence[Digest], since: int, block: Block) -> tuple[LoggedEvent, ...]:
        """Events of `source` whose first topic is one of `kinds`, in blocks whose time is >= `since`, up to and
        including `block`, in the chain's order."""

    def simulate(
        self, calls: Sequence[SimulatedCall], overrides: Mapping[Address, Override], block: Block
    ) -> list[SimulatedResult]:
        """`calls` one after another in one block on top of `block`, each seeing what those before it did
        (eth_simulateV1, or traces where a node does not offer it)."""

    def trace(self, call: SimulatedCall, overrides: Mapping[Address, Override], block: Block) -> Frame | None:
        """Every call that `call` makes on top of `block`, inner ones too; `None` where the node does not trace."""

    def nonce(self, sender: Address) -> int:
        """The next account nonce, pending transactions included."""

    def send(self, raw: bytes) -> Digest:
        """Broadcast signed bytes. The same bytes again are no error: the hash is returned."""

    def transaction(self, tx_hash: Digest) -> MinedTransaction | None:
        """The mined transaction, or `None` while it is unknown or pending."""


class Signer(Protocol):
    """Holds one key. Signs only what the ledger holds durably."""

    @property
    def address(self) -> Address:
        """The key's address."""

    def sign_digest(self, digest: Digest, receipt: LedgerReceipt) -> bytes:
        """65-byte r,s,v signature over `digest`; raises `NotRecorded` unless `receipt.binding == digest`."""

    def sign_transaction(self, transaction: Mapping[str, Any], binding: Digest, receipt: LedgerReceipt) -> bytes:
        """Raw signed EIP-1559 bytes; raises `NotRecorded` unless `receipt` is a tx.intent for `binding`."""


class Wallet(Protocol):
    """The agent's own hands: a delegate's signature and one gas-paying account. It owns nothing of the treasury."""

    @property
    def address(self) -> Address:
        """The agent's address."""

    def propose(self, tx: SafeTx, origin: str, receipt: LedgerReceipt) -> None:
        """Post the transaction for the owners to sign; again is no error."""

    def sign_execution(self, tx: SafeTx, approvals: Sequence[Approval], gas: int, receipt: LedgerReceipt) -> Digest:
        """Sign and keep the transaction that executes `tx` with the owners' approvals; again for the same intent
        gives the same hash."""

    def sign_call(self, call: KernelCall, ledger_leaf: Digest, gas: int, receipt: LedgerReceipt) -> Digest:
        """Sign and keep the Kernel call, the ledger's leaf in it; again for the same intent gives the same hash."""

    def broadcast(self, tx_hash: Digest) -> None:
        """Send the kept transaction of this hash; again is no error."""

    def underpriced(self, tx_hash: Digest) -> bool:
        """Whether the base fee has risen above what the kept transaction of this hash pays at most, while neither it
        nor another one at its nonce for the same action is mined."""

    def outbid(self, tx_hash: Digest, receipt: LedgerReceipt) -> Digest:
        """Sign and keep the transaction of this hash once more, equal but for its fees; again for the same intent gives
        the same hash. From now on both are sent and waited for as one: at most one can be mined."""

    def await_mined(self, tx_hash: Digest) -> MinedTransaction | None:
        """Wait a while for the receipt; `None` means unknown, not failed."""


class Waiting(Protocol):
    """What waits for guardians."""

    def pending(self, from_nonce: int) -> tuple[Queued, ...]:
        """Trusted, not executed transactions with nonce >= `from_nonce`, by nonce then arrival."""


class Queue(Waiting, Protocol):
    """The guardians' queue: a Safe Transaction Service. Raises `ServiceUnreachable` or `ServiceRefused`."""

    def find(self, safe_tx_hash: Digest) -> Queued | None:
        """One transaction with its approvals, or `None`."""

    def executed(self, safe_tx_hash: Digest) -> Digest | None:
        """The hash of the chain transaction that executed this one, or `None`; the receipt is the caller's to read."""

    def used(self, nonce: int) -> Digest | None:
        """Which of the Safe's transactions was executed at `nonce`; `None` while that is not known, though the chain
        may have gone past it."""

    def propose(self, tx: SafeTx, safe_tx_hash: Digest, signature: bytes, origin: str) -> None:
        """Post a proposal as delegate; posting it again is no error."""


class Ledger(Protocol):
    """The audit log. What `append` returns for is durable."""

    def append(
        self,
        type: str,
        body: Mapping[str, Any],
        *,
        binding: Digest | None = None,
        cause: int | None = None,
        confidential: Mapping[str, Any] | None = None,
    ) -> LedgerReceipt:
        """Write one entry and sync it. `cause` is the index of the entry that led to it; confidential fields
        enter salted."""

    def intent(self, binding: Digest) -> LedgerReceipt | None:
        """The receipt of an action's tx.intent, also after a restart."""

    def leaf(self, index: int) -> Digest:
        """The Merkle leaf hash of an entry: what a Kernel call carries to name its place in the log."""

    def caused(self, cause: int, type: str) -> LedgerReceipt | None:
        """The first entry of this type that the entry `cause` led to, also of an earlier run: a step that runs again
        asks first."""

    def is_open(self, request: int) -> bool:
        """Whether a request has neither result nor gap yet, also one of an earlier run."""


class Planner(Protocol):
    """Turns an ask, the mandate and facts into typed intents."""

    def plan(self, ask: Mapping[str, Any], facts: Facts) -> Plan:
        """A plan for one cycle; an empty plan when nothing is due."""


class Model(Protocol):
    """A language model, taken for hostile: whoever asks judges every byte. Raises `ModelUnanswered`."""

    @property
    def name(self) -> str:
        """The model's name, as it is asked for."""

    def ask(
        self, messages: Sequence[tuple[str, str]], schema: Mapping[str, Any], sending: Callable[[bytes], None]
    ) -> bytes:
        """The exact bytes of a chat completion's answer to `messages` (role, text) under a JSON schema, whole and
        within the limits of size and time, otherwise unread. `sending` gets the exact bytes of the request, once,
        before the first of them leaves; what it raises is raised, and then nothing is sent."""


class Clock(Protocol):
    def now(self) -> int:
        """Wall time in Unix seconds; deadlines on chain use the block's time instead."""


class Notices(Protocol):
    """Where people are told what waits for them."""

    def tell(self, text: str) -> None:
        """One line for people."""
