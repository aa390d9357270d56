"""Who must sign what is asked: how many, whom a tier names, and who does not count because they are paid."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from policies.conflicts import guardians_paid
from strongroom.model import Address, Decision, Finding, Quorum, Verdict
from strongroom.quantities import format_seconds

if TYPE_CHECKING:
    from policies.case import Case
    from policies.terms import PolicyDocument, Tier


def general_quorum(case: Case, approvals: int) -> Quorum:
    """So many of all members."""
    return Quorum(approvals, case.document.guardians.members)


def named_quorums(case: Case, tiers: Iterable[Tier]) -> tuple[Quorum, ...]:
    """For each tier that names guardians, so many of those; equal ones once."""
    names = case.document.guardians.names
    found = (Quorum(each.approvals, tuple(names[name] for name in each.named)) for each in tiers if each.named)
    return tuple(dict.fromkeys(found))


def signing(case: Case, quorum: Quorum) -> Quorum:
    """The same without those whose signature does not count: who does not own the Safe, and who is paid."""
    return replace(quorum, guardians=tuple(each for each in quorum.guardians if not _absence(case, each)))


def too_few(case: Case, quorums: Iterable[Quorum]) -> Iterator[Finding]:
    """A denial for each quorum that cannot come together, saying who is missing."""
    for quorum in quorums:
        able = signing(case, quorum).guardians
        if len(able) < quorum.approvals:
            absent = (_absence(case, each) for each in quorum.guardians if each not in able)
            why = f"too few guardians can sign: {', '.join(absent) or 'the policy knows no more'}"
            yield Finding("approvals", Verdict.DENY, why, str(len(able)), names_of(quorum, case.document))


def _absence(case: Case, guardian: Address) -> str:
    name = guardian_name(guardian, case.document)
    if guardian not in case.facts.safe.owners:
        return f"`{name}` is no owner of the Safe"
    return f"`{name}` is paid here" if guardian in guardians_paid(case) else ""


def guardian_name(address: Address, document: PolicyDocument) -> str:
    """The policy's name for a guardian, else the address."""
    return next((name for name, member in document.guardians.names.items() if member == address), str(address))


def lacking(decision: Decision, signed: Collection[Address]) -> tuple[Quorum, ...]:
    """What is still missing of an ask when these have signed, as quorums of those who have not. Where the decision asks
    nobody, nothing is."""
    wanted = (Quorum(decision.approvals_needed, decision.guardians), *decision.quorums)
    missing = (rest(quorum, signed) for quorum in wanted)
    return tuple(quorum for quorum in missing if quorum.approvals > 0)


def rest(quorum: Quorum, signed: Collection[Address]) -> Quorum:
    """What a quorum still wants when these have signed: how many of those who have not; below one it wants nobody."""
    others = tuple(guardian for guardian in quorum.guardians if guardian not in signed)
    return Quorum(quorum.approvals - (len(quorum.guardians) - len(others)), others)


def precedence(decision: Decision | None, guardian: Address) -> tuple[int, Address]:
    """Orders signatures for a Safe that takes no more than its threshold: first those of whom a tier names, then of all
    who count, so that the chain shows them as far as there is room."""
    named = {each for quorum in decision.quorums for each in quorum.guardians} if decision else set()
    counted = decision.guardians if decision else ()
    return (0 if guardian in named else 1 if guardian in counted else 2), guardian


def names_of(quorum: Quorum, document: PolicyDocument) -> str:
    """`2 of carol, dave`."""
    return f"{quorum.approvals} of {', '.join(guardian_name(each, document) for each in quorum.guardians)}"


def asked_in_words(decision: Decision, document: PolicyDocument) -> str:
    """Whom an ask needs beside its number, and how long it waits: ` (among them 2 of carol, dave), 2 days after it was
    proposed at the soonest`; empty where a number says all."""
    named = " and ".join(names_of(quorum, document) for quorum in decision.quorums)
    waits = f", {format_seconds(decision.delay_seconds)} after it was proposed at the soonest"
    return (f" (among them {named})" if named else "") + (waits if decision.delay_seconds else "")
