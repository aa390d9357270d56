"""One unit in one world, judged under two policies: the same bytes, effects, past, prices, owners and gas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from policies.engine import decide
from policies.scenario import Judged, Scenario, facts_of, stage
from policies.terms import PolicyDocument
from strongroom.errors import InputError
from strongroom.model import Address, Decision, Facts, Quorum, Round, SafeState, TokenId, Verdict
from strongroom.valuation import BPS


@dataclass(frozen=True, slots=True)
class World:
    """A unit with all that surrounds it. `late` makes the rounds of a token that old, in seconds, `apart_bps` its other
    sources that much dearer than the first; what is not named is fresh and agrees. `gas_units` and `base_fee_wei` are
    as usual where they are `None`."""

    scenario: Scenario
    late: Mapping[TokenId, int] = field(default_factory=dict)
    apart_bps: Mapping[TokenId, int] = field(default_factory=dict)
    gas_units: int | None = None
    base_fee_wei: int | None = None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the two policies say of one world."""

    old: Decision
    new: Decision

    @property
    def loosened(self) -> bool:
        """Whether the new policy gives the milder verdict, or asks fewer guardians, others, or for a shorter wait."""
        if self.old.verdict is not self.new.verdict:
            return self.new.verdict.rank < self.old.verdict.rank
        return self.old.verdict is Verdict.ASK and _asks_less(self.new, self.old)


def _asks_less(one: Decision, other: Decision) -> bool:
    """Whether fewer sign, or others may, or it waits shorter."""
    fewer = one.approvals_needed < other.approvals_needed or not set(one.guardians) <= set(other.guardians)
    unnamed = not all(any(_binds(mine, each) for mine in one.quorums) for each in other.quorums)
    return fewer or unnamed or one.delay_seconds < other.delay_seconds


def _binds(one: Quorum, other: Quorum) -> bool:
    """Whether enough of whoever can sign for `one` are of `other`."""
    return one.approvals - len(set(one.guardians) - set(other.guardians)) >= other.approvals


def judge_both(world: World, old: PolicyDocument, new: PolicyDocument) -> tuple[Verdicts, ...]:
    """The verdicts of both on the unit as each of the two would make it; a policy that cannot make it makes none."""
    one, other = (_staged(world, each) for each in (old, new))
    differ = other is not None and (one is None or _bytes(one) != _bytes(other))
    units = (one, other if differ else None)
    return tuple(_verdicts(unit, world, old, new) for unit in units if unit is not None)


def _bytes(unit: Judged) -> tuple[object, ...]:
    """All that both policies would judge of a unit; equal ones are judged once."""
    return unit.compiled, unit.action, unit.rehearsal.deltas


def _staged(world: World, document: PolicyDocument) -> Judged | None:
    try:
        return stage(world.scenario, document)
    except (InputError, LookupError, ValueError, ZeroDivisionError):
        # A payee, pool, market or price that only the other policy knows.
        return None


def _verdicts(unit: Judged, world: World, old: PolicyDocument, new: PolicyDocument) -> Verdicts:
    owners = _owners(old, new)
    return Verdicts(*(_decided(unit, world, document, owners) for document in (old, new)))


def _owners(old: PolicyDocument, new: PolicyDocument) -> tuple[Address, ...]:
    return tuple(dict.fromkeys((*old.guardians.members, *new.guardians.members)))


def _decided(unit: Judged, world: World, document: PolicyDocument, owners: tuple[Address, ...]) -> Decision:
    facts = _facts(world, document, owners)
    rehearsal = replace(
        unit.rehearsal,
        safe_before=_owned(unit.rehearsal.safe_before, owners),
        safe_after=_owned(unit.rehearsal.safe_after, owners),
        gas_used=unit.rehearsal.gas_used if world.gas_units is None else world.gas_units,
    )
    return decide(unit.compiled, unit.action, rehearsal, facts, document)


def _facts(world: World, document: PolicyDocument, owners: tuple[Address, ...]) -> Facts:
    """What each policy's observer sees: its own tokens and feeds, but one Safe and one time."""
    seen = facts_of(world.scenario, document)
    fee = seen.gas.base_fee_wei if world.base_fee_wei is None else world.base_fee_wei
    rounds = {token: _aged(token, each, world) for token, each in seen.rounds.items()}
    safe, gas = _owned(seen.safe, owners), replace(seen.gas, base_fee_wei=fee)
    return replace(seen, safe=safe, gas=gas, rounds=rounds)


def _owned(safe: SafeState, owners: tuple[Address, ...]) -> SafeState:
    """A Safe of all owners of both policies that asks one of them: how many sign, the policies alone say."""
    return replace(safe, owners=owners, threshold=1)


def _aged(token: TokenId, rounds: tuple[Round, ...], world: World) -> tuple[Round, ...]:
    at, dearer = world.scenario.now - world.late.get(token, 0), BPS + world.apart_bps.get(token, 0)
    answers = (each.answer if place == 0 else each.answer * dearer // BPS for place, each in enumerate(rounds))
    return tuple(
        replace(each, answer=answer, started_at=at, updated_at=at) for each, answer in zip(rounds, answers, strict=True)
    )
