"""One row of a Safe's history, whatever file it was read from, and what was left unjudged and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from strongroom.errors import InputError
from strongroom.model import Address, Operation

if TYPE_CHECKING:
    from policies.backtesting.seen import Observed, Recorded

OTHER_SAFE = "is of another Safe"
"""How a row's fault begins that makes a whole file of such rows the wrong file."""


class By(StrEnum):
    """Who made the Safe act."""

    OWNERS = "owner"
    MODULE = "module"


class Outcome(StrEnum):
    """What became of a transaction. Of one that was rejected, another was executed at its nonce; one that was only
    judged was never proposed to anybody, as in shadow mode."""

    EXECUTED = "executed"
    FAILED = "failed"
    REJECTED = "rejected"
    WAITING = "waiting"
    JUDGED = "only judged"


# No dataclasses, this and `HistoryRow`: histories are long, and go from process to process.
class Transfer(NamedTuple):
    """What moved, in the token's units. The chain's own coin stands at the zero address."""

    token: Address
    sender: Address
    recipient: Address
    units: int


class HistoryRow(NamedTuple):
    """One transaction of the Safe. `place` is its file and row, `time` Unix seconds: of the execution, else of the
    proposal. `transfers` is `None` where the file does not show what moved. Without `has_bytes` the file shows no
    calldata: `to`, `value_wei` and `data` are then the plain transfers that it does show. `id` tells transactions
    apart, where the file has one. `seen` is what was observed for it besides, `None` where nobody did."""

    place: str
    time: int
    tx_hash: str
    nonce: int | None
    by: By
    to: Address
    value_wei: int
    data: bytes
    operation: Operation
    outcome: Outcome
    transfers: tuple[Transfer, ...] | None
    id: str = ""
    has_bytes: bool = True
    seen: Observed | Recorded | None = None


class Kind(StrEnum):
    """Why a row is not judged."""

    UNREAD = "unread"
    INCOMING = "incoming"
    CANCELLATION = "cancellation"
    REPEATED = "repeated"
    UNCOMPILED = "not compiled"


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A row that no policy judges: it cannot be read, others made it, or it does nothing. Reported, never dropped."""

    place: str
    tx_hash: str
    kind: Kind
    why: str
    nonce: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """`rows` oldest first."""

    rows: tuple[HistoryRow, ...]
    unjudged: tuple[Unjudged, ...]


class HistoryUnusable(InputError):
    """A whole file that cannot be judged, said with the place in it and what to do."""

    def __init__(self, place: str, why: str, mend: str) -> None:
        super().__init__(f"{place} {why}; {mend}")


def in_order(found: Iterable[HistoryRow | Unjudged]) -> History:
    """Sorted by time, then by nonce. Raises `HistoryUnusable` where a later nonce was executed before an earlier one:
    what was spent by then could not be known."""
    every = list(found)
    rows = sorted((each for each in every if isinstance(each, HistoryRow)), key=_age)
    latest: HistoryRow | None = None
    for row in rows:
        if row.nonce is None or row.outcome not in (Outcome.EXECUTED, Outcome.FAILED):
            continue
        if latest and latest.nonce is not None and row.nonce < latest.nonce:
            why = f"has nonce {latest.nonce}, and is dated before nonce {row.nonce} in {row.place}"
            raise HistoryUnusable(latest.place, why, "a Safe executes in order, so one date is wrong: export it anew")
        latest = row
    return History(tuple(rows), tuple(each for each in every if isinstance(each, Unjudged)))


def _age(row: HistoryRow) -> tuple[int, int]:
    return row.time, -1 if row.nonce is None else row.nonce
