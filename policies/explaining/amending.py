"""The last resort: which limits of policy.toml people would have to change, and to exactly what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.case import Case, open_case
from policies.consistency import check
from policies.explaining.counterfactuals import Amend, Amended, Counterfactual
from policies.explaining.lever import Lever, with_room
from policies.explaining.levers import levers
from policies.explaining.search import Question, boundary, verdict_on
from policies.terms import PolicyDocument
from strongroom.errors import InputError
from strongroom.model import KernelCall, TokenId


@dataclass(frozen=True, slots=True)
class Set:
    """A lever at a value."""

    lever: Lever
    value: int


def amended(question: Question) -> Iterator[Counterfactual]:
    """All limits are opened wide; where that gets the verdict, each in turn is brought back as far as it goes. A
    consistent policy in which none of them can go back a step further. Nothing for a call to the Kernel: it holds
    today's policy, and the changed one only after an announcement."""
    if isinstance(question.judged.action, KernelCall):
        return
    found = tuple(Set(lever, lever.widest) for lever in levers(_case(question)))
    if not _is_fine(question, found):
        return
    found = _brought_back(question, found, 0, len(found))
    moved = tuple(each for each in found if each.value != each.lever.value)
    if moved and _is_tight(question, moved):
        verdict = verdict_on(question.judged, written(moved, question.document))
        limits = tuple(limit for each in moved for limit in _limits(each, question.document))
        yield Counterfactual(Amend(limits), verdict)


def _case(question: Question) -> Case:
    judged = question.judged
    return open_case(judged.compiled, judged.action, judged.rehearsal, judged.facts, question.document)


def _is_fine(question: Question, sets: tuple[Set, ...]) -> bool:
    document = written(sets, question.document)
    try:
        check(document, "policy.toml")
    except InputError:
        return False
    return question.grants_under(document, question.judged)


def written(sets: tuple[Set, ...], document: PolicyDocument) -> PolicyDocument:
    """The policy with the levers set. A lever at its own value is not touched."""
    for each in sets:
        if each.value != each.lever.value:
            document = each.lever.write(document, each.value)
    return document


def _brought_back(question: Question, sets: tuple[Set, ...], begin: int, end: int) -> tuple[Set, ...]:
    """Those from `begin` to `end` in turn, all at once where none of them is in the way."""
    back = (*sets[:begin], *(Set(each.lever, each.lever.value) for each in sets[begin:end]), *sets[end:])
    if begin == end or _is_fine(question, back):
        return back
    if end - begin == 1:
        return _tightened(question, sets, begin)
    middle = (begin + end) // 2
    return _brought_back(question, _brought_back(question, sets, begin, middle), middle, end)


def _tightened(question: Question, sets: tuple[Set, ...], place: int) -> tuple[Set, ...]:
    lever = sets[place].lever

    def at(value: int) -> tuple[Set, ...]:
        return (*sets[:place], Set(lever, value), *sets[place + 1 :])

    measured = (each.measure.value for each in question.decision.findings if each.measure)
    return at(boundary(lambda value: _is_fine(question, at(value)), lever.value, lever.widest, measured))


def _is_tight(question: Question, sets: tuple[Set, ...]) -> bool:
    """Whether all of them together do, and none of them a step nearer to what it was."""

    def nearer(place: int) -> tuple[Set, ...]:
        lever, value = sets[place].lever, sets[place].value
        step = 1 if lever.value > value else -1
        return (*sets[:place], Set(lever, value + step), *sets[place + 1 :])

    return _is_fine(question, sets) and not any(_is_fine(question, nearer(place)) for place in range(len(sets)))


def _limits(each: Set, document: PolicyDocument) -> Iterator[Amended]:
    lever = each.lever
    yield Amended(lever.table, lever.key, lever.unit, each.value, lever.value)
    if lever.key == "at_once":
        cap = _cap_beside(lever, document)
        yield Amended(lever.table, "cap", lever.unit, with_room(cap, lever.value, each.value), cap)


def _cap_beside(lever: Lever, document: PolicyDocument) -> int:
    """The `cap` that goes along with an `at_once`."""
    if document.outflow and lever.table == "outflow":
        return document.outflow.cap_e8
    _, bucket_class, token = lever.table.split(".")
    return document.caps[bucket_class][TokenId(token)].cap_units
