"""The first second at which the very same unit gets the better verdict."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import open_case
from policies.engine import judge
from policies.explaining.calendar import last_of_each, last_seconds
from policies.explaining.counterfactuals import Counterfactual, Wait
from policies.explaining.search import Question, boundary, found
from policies.explaining.timing import at
from policies.rules import RULES, freezes, hours

_CLOCK = {rule: RULES[rule] for rule in (hours.RULE, freezes.RULE)}
"""What comes and goes. All others only ever let more through until the next of `last_seconds`."""
_OTHERS = {name: rule for name, rule in RULES.items() if name not in _CLOCK}


def waited(question: Question) -> Iterator[Counterfactual]:
    """The first second at which the very same unit gets the verdict, prices, balances and queue as they are."""
    before = question.judged.facts.block.timestamp
    for last in last_seconds(question.judged.facts, question.document):
        second = _first_within(question, before, last)
        if second is not None:
            yield found(question, Wait(second))
            return
        before = last


def _first_within(question: Question, before: int, last: int) -> int | None:
    """The first second after `before`, which has not the verdict, up to `last`; between them only hours and freezes
    take anything away."""

    def but_for_clock(second: int) -> bool:
        return _grants(question, second, clock=False)

    if not but_for_clock(last):
        return None
    first = before + 1 if but_for_clock(before + 1) else boundary(but_for_clock, before + 1, last)
    return _first_open(question, first, last)


def _first_open(question: Question, first: int, last: int) -> int | None:
    """The first second from `first` on at which hours and freezes let through what all others do from there on."""
    earlier = first - 1
    for end in last_of_each(question.document, first, last):
        if _grants(question, end, clock=True):
            return boundary(lambda second: _grants(question, second, clock=True), earlier, end, (earlier + 1,))
        earlier = end
    return None


def _grants(question: Question, second: int, *, clock: bool) -> bool:
    """Whether hours and freezes alone, or all rules but them, give the unit the wanted verdict at a second."""
    then = at(question.judged, second)
    case = open_case(then.compiled, then.action, then.rehearsal, then.facts, question.document)
    return judge(case, _CLOCK if clock else _OTHERS).verdict.rank <= question.verdict.rank
