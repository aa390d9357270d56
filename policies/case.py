"""What the rules judge: one unit with its action, rehearsal, facts and document, and what its bytes say they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from policies.conversions import Conversion
from policies.effects import Exchange, Move, Opaque, Payment, Permission, inner_calls
from policies.spending import Running
from policies.terms import PolicyDocument
from policies.unwrapping import moves_of
from strongroom.model import (
    NATIVE,
    Action,
    Address,
    Call,
    Compiled,
    Delta,
    Envelope,
    Facts,
    Finding,
    KernelCall,
    Measure,
    Rehearsal,
    TokenId,
    Unit,
    Verdict,
)


# Without slots, where `cached_property` would have no place to keep what it computed.
@dataclass(frozen=True)
class Case:
    """`calls` and `moves` come from the action's bytes; the intents and the envelope only say what was meant. Where a
    long history is judged, `running` holds what left of it before, but for what equals a standing order."""

    compiled: Compiled
    action: Action
    rehearsal: Rehearsal
    facts: Facts
    document: PolicyDocument
    calls: tuple[Call, ...]
    moves: tuple[Move, ...]
    running: Running | None = None

    @cached_property
    def payments(self) -> tuple[Payment, ...]:
        return tuple(move for move in self.moves if isinstance(move, Payment))

    @cached_property
    def exchanges(self) -> tuple[Exchange, ...]:
        return tuple(move for move in self.moves if isinstance(move, Exchange))

    @cached_property
    def conversions(self) -> tuple[Conversion, ...]:
        return tuple(move for move in self.moves if isinstance(move, Conversion))

    @cached_property
    def permissions(self) -> tuple[Permission, ...]:
        return tuple(move for move in self.moves if isinstance(move, Permission))

    @cached_property
    def paid(self) -> Mapping[tuple[Address, TokenId], int]:
        """Units that the unit pays each recipient of each token."""
        paid = dict[tuple[Address, TokenId], int]()
        for payment in self.payments:
            to = payment.recipient, payment.token
            paid[to] = paid.get(to, 0) + payment.units
        return paid

    @cached_property
    def paid_shown(self) -> Mapping[tuple[Address, TokenId], str]:
        """`paid` in words."""
        return {key: self.show(key[1], units) for key, units in self.paid.items()}

    @cached_property
    def own_deltas(self) -> tuple[Delta, ...]:
        """What the rehearsal saw the Safe gain and lose."""
        safe = self.document.account.safe
        return tuple([delta for delta in self.rehearsal.deltas if delta.holder == safe])

    def rehearsed(self, holder: Address, token: TokenId) -> int:
        """Change of `holder`'s balance in the rehearsal; zero where none was seen."""
        return self._changes.get((holder, token), 0)

    @cached_property
    def _changes(self) -> Mapping[tuple[Address, TokenId], int]:
        changes = dict[tuple[Address, TokenId], int]()
        for delta in self.rehearsal.deltas:
            of = delta.holder, delta.token
            changes[of] = changes.get(of, 0) + delta.units
        return changes

    def show(self, token: TokenId, units: int) -> str:
        """`31,500.00 USDC`; the bare count where the token is not listed."""
        return self.document.show(token, units)

    def name(self, address: Address) -> str:
        """The address book's name for an address, else the address itself."""
        payee = self.document.payee_at(address)
        return payee.id if payee else str(address)


Rule = Callable[[Case], Iterable[Finding]]


def open_case(compiled: Compiled, action: Action, rehearsal: Rehearsal, facts: Facts, document: PolicyDocument) -> Case:
    """The case of one unit."""
    return Case(compiled, action, rehearsal, facts, document, *read(action, document))


def case_of_nothing(facts: Facts, document: PolicyDocument) -> Case:
    """The case of a unit that moves nothing: what it leaves of a cap is what the next may take."""
    compiled = Compiled(Unit("", facts.account, ()), (), Envelope(()))
    rehearsal = Rehearsal(facts.block, True, "", (), (), 0, facts.safe, facts.safe)
    return Case(compiled, KernelCall(facts.account, NATIVE, NATIVE, b""), rehearsal, facts, document, (), ())


def read(action: Action, document: PolicyDocument) -> tuple[tuple[Call, ...], tuple[Move, ...]]:
    """The calls in an action's bytes, and what they do. One whose calls cannot be told apart has none, and is one
    opaque move."""
    try:
        calls = inner_calls(action, document)
        return calls, moves_of(calls, document)
    except ValueError as error:
        return (), (Opaque(NATIVE, str(error)),)


def within(rule: str, holds: bool, otherwise: Verdict, reason: str, measured: str = "", limit: str = "") -> Finding:
    """A finding that allows while `holds`, and else carries the verdict `otherwise`."""
    return Finding(rule, Verdict.ALLOW if holds else otherwise, reason, measured, limit)


def at_most(
    rule: str, value: int, limit: int, otherwise: Verdict, reason: str, show: Callable[[int], str] = str
) -> Finding:
    """A finding that allows while `value` is at most `limit`; `show` writes either for people."""
    verdict = Verdict.ALLOW if value <= limit else otherwise
    return Finding(rule, verdict, reason, show(value), show(limit), Measure(value, limit))


def at_least(
    rule: str, value: int, limit: int, otherwise: Verdict, reason: str, show: Callable[[int], str] = str
) -> Finding:
    """A finding that allows while `value` is not below `limit`; `show` writes either for people."""
    verdict = Verdict.ALLOW if value >= limit else otherwise
    return Finding(rule, verdict, reason, show(value), show(limit), Measure(value, limit, at_least=True))
