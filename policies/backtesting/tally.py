"""Sums of many judgements, which workers make apart and one adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import nlargest

from policies.backtesting.judging import Fill, Judgement
from policies.backtesting.needs import Known
from policies.backtesting.rows import Outcome
from strongroom.model import TokenId, Verdict
from strongroom.quantities import format_day

NOT_EVALUABLE = "not evaluable"
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Tally:
    """`by_rule` counts rows by rule and verdict, or `NOT_EVALUABLE`; `lacking` why, by rule. `moved` is units of what
    was executed, by class, token and verdict; `months` rows by month (`2026-11`) and verdict. `levels` is the fullest
    that a cap was, by month, class and token, in basis points; `days` the fullest of each day."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    by_rule: Counter[tuple[str, str]] = field(default_factory=Counter)
    lacking: Counter[tuple[str, Known]] = field(default_factory=Counter)
    moved: Counter[tuple[str, TokenId, Verdict]] = field(default_factory=Counter)
    months: Counter[tuple[str, Verdict]] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    levels: dict[tuple[str, str, TokenId], int] = field(default_factory=dict)
    days: dict[str, Fill] = field(default_factory=dict)
    worst: list[Judgement] = field(default_factory=list)


def tally(judgements: Iterable[Judgement]) -> Tally:
    whole, alike = Tally(), Counter[_Rules]()
    for each in judgements:
        alike[tuple(each.by_rule.items()), tuple(each.lacks.items())] += 1
        _count(whole, each)
    for (by_rule, lacks), rows in alike.items():
        _count_rules(whole, by_rule, lacks, rows)
    return whole


_Rules = tuple[tuple[tuple[str, Verdict], ...], tuple[tuple[str, frozenset[Known]], ...]]
"""What every rule says of a row, or lacks: of most rows they say the same, so these are counted together."""


def _count_rules(
    whole: Tally,
    by_rule: Iterable[tuple[str, Verdict]],
    lacks: Iterable[tuple[str, frozenset[Known]]],
    rows: int,
) -> None:
    for rule, verdict in by_rule:
        whole.by_rule[rule, verdict.value] += rows
    for rule, lacking in lacks:
        whole.by_rule[rule, NOT_EVALUABLE] += rows
        for known in lacking:
            whole.lacking[rule, known] += rows


def _count(whole: Tally, each: Judgement) -> None:
    day = format_day(each.time)
    month = day[:7]
    whole.verdicts[each.verdict] += 1
    whole.outcomes[each.outcome] += 1
    whole.months[month, each.verdict] += 1
    if each.outcome is Outcome.EXECUTED:
        for name, token, units in each.moved:
            whole.moved[name, token, each.verdict] += units
        _level(whole, each, month, day)
    if each.against and (len(whole.worst) < SHOWN or gravity(each) > gravity(whole.worst[-1])):
        whole.worst[:] = nlargest(SHOWN, [*whole.worst, each], key=gravity)


def _level(whole: Tally, each: Judgement, month: str, day: str) -> None:
    """Only what was executed filled a cap."""
    for fill in each.fills:
        key = (month, fill.bucket_class, fill.token)
        whole.levels[key] = max(whole.levels.get(key, 0), fill.bps)
        if day not in whole.days or whole.days[day].bps < fill.bps:
            whole.days[day] = fill


def added(parts: Iterable[Tally]) -> Tally:
    """The sums of all parts, each rows that follow on those before."""
    whole = Tally()
    for part in parts:
        for name in ("verdicts", "by_rule", "lacking", "moved", "months", "outcomes"):
            getattr(whole, name).update(getattr(part, name))
        for key, bps in part.levels.items():
            whole.levels[key] = max(whole.levels.get(key, 0), bps)
        for day, fill in part.days.items():
            if day not in whole.days or whole.days[day].bps < fill.bps:
                whole.days[day] = fill
        whole.worst[:] = nlargest(SHOWN, [*whole.worst, *part.worst], key=gravity)
    return whole


def closest(whole: Tally) -> list[tuple[str, Fill]]:
    """The days on which a cap was fullest, the fullest first."""
    return nlargest(SHOWN, sorted(whole.days.items()), key=lambda item: item[1].bps)


def gravity(each: Judgement) -> tuple[int, int, int, int]:
    """How far a row is against the policy: its verdict, how many rules deny and ask, the earliest first."""
    verdicts = list(each.by_rule.values())
    return each.verdict.rank, verdicts.count(Verdict.DENY), verdicts.count(Verdict.ASK), -each.time
