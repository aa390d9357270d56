"""The doctor's rounds: checks in order, each with a result of its own; what rests on a failed one is not guessed at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from agent.onboarding.premises import Premises
from strongroom.errors import StrongroomError


class Grade(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """`what` was found, and how to `mend` it; both are one line, `mend` is empty when all is well."""

    grade: Grade
    what: str
    mend: str = ""

    @property
    def is_ok(self) -> bool:
        return self.grade is Grade.OK


@dataclass(frozen=True, slots=True)
class Check:
    """One result under its check's name."""

    name: str
    grade: Grade
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class Question:
    """A check before it is made. `needs` are the names of checks without which it has no meaning."""

    name: str
    needs: tuple[str, ...]
    answer: Callable[[Premises], Result]


def ok(what: str) -> Result:
    return Result(Grade.OK, what)


def warn(what: str, mend: str) -> Result:
    return Result(Grade.WARN, what, mend)


def fail(what: str, mend: str) -> Result:
    return Result(Grade.FAIL, what, mend)


def skipped(what: str) -> Result:
    return Result(Grade.SKIPPED, what)


def examine(questions: Iterable[Question], premises: Premises) -> tuple[Check, ...]:
    """Every question's check, in order. A `StrongroomError` is a failed check, never the end of the round."""
    made: dict[str, Check] = {}
    for question in questions:
        result = _result(question, premises, made)
        made[question.name] = Check(question.name, result.grade, result.what, result.mend)
    return tuple(made.values())


def _result(question: Question, premises: Premises, made: dict[str, Check]) -> Result:
    for need in question.needs:
        if need in made and made[need].grade in (Grade.FAIL, Grade.SKIPPED):
            return skipped(f"rests on `{need}`")
    try:
        return question.answer(premises)
    except StrongroomError as error:
        # Every message says first what is wrong and after the last semicolon how to mend it.
        what, _, mend = str(error).rpartition("; ")
        return fail(what, mend) if what else fail(mend, "look at what it names")
