"""What kills a mutant of a sample: a case of the sample's own, an attack that gets further under it, or guardians, who
compare what stands on chain with what their own policy makes.

A mutant that `policy diff` calls tighter, or no change at all, harms nobody: nothing happens that was refused before.
The others must be killed, but for those of `harmless`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from policies.cases import PolicyCase, load_cases, run_cases, sample
from policies.differing.differences import differences, loosens
from policies.document import load
from policies.grants import compile_policy
from policies.terms import PolicyDocument
from strongroom.errors import InputError
from strongroom.model import Verdict
from strongroom.plain import to_plain
from tests.policies.attacks import gets_further
from tests.policies.harmless import why_harmless
from tests.policies.mutants import mutants


class Fate(StrEnum):
    """What became of a mutant, the first that applies."""

    REFUSED = "refused"
    TIGHTER = "tighter"
    HARMLESS = "harmless"
    CASE = "case"
    ATTACK = "attack"
    GUARDIANS = "guardians"
    SURVIVED = "survived"


@dataclass(frozen=True)
class Tried:
    """A mutant by its name, and its fate."""

    mutant: str
    fate: Fate


def tried(name: str, part: slice = slice(None)) -> Iterator[Tried]:
    """The fates of a sample's mutants, or of a part of them."""
    text, cases = sample(name)
    original = load(text)
    read = load_cases(cases, original)
    for mutant in mutants(text, part):
        yield Tried(mutant.name, fate(original, mutant.document, read))


def fate(original: PolicyDocument, mutant: PolicyDocument | None, cases: tuple[PolicyCase, ...]) -> Fate:
    """What becomes of one mutant."""
    if mutant is None:
        return Fate.REFUSED
    if not loosens(differences(original, mutant)):
        return Fate.TIGHTER
    if any(_fails(mutant, case) for case in cases):
        return Fate.CASE
    if why_harmless(original, mutant):
        return Fate.HARMLESS
    if gets_further(original, mutant, (case.scenario for case in cases if case.verdict is Verdict.ALLOW)):
        return Fate.ATTACK
    return Fate.GUARDIANS if _on_chain(original) != _on_chain(mutant) else Fate.SURVIVED


def _fails(document: PolicyDocument, case: PolicyCase) -> bool:
    """Whether a case differs, or can no longer be asked: it names what the policy has no more."""
    try:
        (result,) = run_cases(document, (case,))
    except (InputError, LookupError):
        return True
    return bool(result.differences)


def _on_chain(document: PolicyDocument) -> object:
    """What a Kernel, its watch and the owners' guard are born with: guardians compare every word of it."""
    compiled = compile_policy(document)
    terms = (document.kernel, document.watch, document.owner_guard, document.guardians.members, document.account)
    return compiled.root, compiled.buckets, to_plain(terms)
