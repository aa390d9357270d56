"""A comparison as values: one contract, and every term of it that documents and chain both hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from strongroom.addresses import keccak, to_digest
from strongroom.errors import NotDeployed, PolicyMismatch, StrongroomError
from strongroom.model import NATIVE, Address, Block
from strongroom.ports import Chain, Read
from strongroom.wallet.deploy import require_code


class Contract(StrEnum):
    """What is compared. All but the Safe are ours, and named as their code is."""

    KERNEL = "Kernel"
    PRICE_SOURCE = "PriceSource"
    WATCH = "Watch"
    REGISTRY = "AuditRegistry"
    OWNER_GUARD = "OwnerGuard"
    DEBT_METER = "DebtMeter"
    SAFE = "Safe"


class Weight(StrEnum):
    """What a difference does. Every one but a warning fails the doctor; only some stop the agent: not those of what
    binds the owners alone, for a payroll that stands still protects nobody from them."""

    STOPS = "stops"
    FAILS = "fails"
    WARNS = "warns"


@dataclass(frozen=True, slots=True)
class Field:
    """One term. Both sides are written as people write them, each value in exactly one way, so that equal text is an
    equal term. `document` is `None` for what no document speaks of: that is told and never differs. `whose` and
    `holder` say in a refusal what the term is of and what has the chain's side; `error` is the refusal where it is
    another than a mismatch."""

    name: str
    document: str | None
    chain: str
    mend: str = ""
    holder: str = "the Kernel"
    whose: str = ""
    weight: Weight = Weight.STOPS
    error: StrongroomError | None = field(default=None, compare=False)

    @property
    def differs(self) -> bool:
        return self.document is not None and self.document != self.chain

    @property
    def refusal(self) -> StrongroomError:
        """What to raise where it differs; both sides are in it."""
        what = f"{self.name} of {self.whose}" if self.whose else self.name
        return self.error or PolicyMismatch(what, self.document or "", self.chain, self.holder, self.mend)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every field of one contract; of one that is not our code, its code alone: what it says of itself means nothing.
    `address` is `None` where the documents want one and name none."""

    contract: Contract
    name: str
    address: Address | None
    fields: tuple[Field, ...]

    @property
    def different(self) -> tuple[Field, ...]:
        return tuple(each for each in self.fields if each.differs)

    @property
    def equal_count(self) -> int:
        """Fields that documents and chain both hold, and alike."""
        return sum(each.document is not None and not each.differs for each in self.fields)


def count_equal(found: Comparison) -> str:
    return f"{found.equal_count} field{'' if found.equal_count == 1 else 's'} equal"


class Reading:
    """What was read of a node at one block. Every question is asked once: the same bytes to the same contract are read
    the same way."""

    def __init__(self, chain: Chain, block: Block) -> None:
        self.block = block
        self._chain, self._values, self._codes = chain, dict[tuple[Address, bytes], Any](), dict[Address, bytes]()

    def values(self, reads: Sequence[Read[Any]]) -> list[Any]:
        """In order; those not asked before are asked in one batch."""
        missing = {_key(read): read for read in reads if _key(read) not in self._values}
        if missing:
            found = self._chain.read(list(missing.values()), self.block)
            self._values |= dict(zip(missing, found, strict=True))
        return [self._values[_key(read)] for read in reads]

    def code(self, address: Address) -> bytes:
        if address not in self._codes:
            self._codes[address] = self._chain.code(address, self.block)
        return self._codes[address]


def _key(read: Read[Any]) -> tuple[Address, bytes]:
    return read.target, read.data


def code_fields(
    reading: Reading,
    contract: Contract,
    address: Address,
    role: str = "",
    mend: str = "",
    weight: Weight = Weight.STOPS,
) -> Iterator[Field]:
    """Whether the code at `address` is the contract that we ship, whatever its immutables, and its hash with them.
    `role` says what it is to us, where there are several; `mend` is for one that no document names."""
    code, ours, error = reading.code(address), f"{contract} of this version", None
    found = ours
    try:
        require_code(contract, code, address, role)
    except NotDeployed as refused:
        found, error = "other code" if code else "no code", refused
    yield Field("code", ours, found, mend or str(error).rpartition("; ")[2], weight=weight, error=error)
    yield Field("code hash", None, to_digest(keccak(code)))


def is_ours(fields: Sequence[Field]) -> bool:
    """Of what `code_fields` gave."""
    return not any(each.differs for each in fields)


def shown(value: object) -> str:
    """A getter's answer: `None` is what a node could not give, the zero address nobody."""
    return "no answer" if value is None else "none" if value == NATIVE else str(value)


def format_time(unix: int) -> str:
    """A block's time as `2026-11-22 09:30 UTC`."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M UTC")
