"""Computed once where many rules ask for the same: an engine judges a batch ten times as fast."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from operator import is_
from typing import TypeVar, TypeVarTuple

Ts = TypeVarTuple("Ts")
R = TypeVar("R")

_KEPT = 4


def once(function: Callable[[*Ts], R]) -> Callable[[*Ts], R]:
    """`function` of frozen values, remembered for the few that it was asked for last.

    Values are known by identity: to compare two policies would take longer than most of what is asked about one. The
    result must be as frozen as they are. Safe between threads: two may compute the same, and one result is dropped.
    """
    kept: tuple[tuple[tuple[object, ...], R], ...] = ()

    @wraps(function)
    def remembered(*values: *Ts) -> R:
        nonlocal kept
        for known, result in kept:
            if all(map(is_, known, values)):
                return result
        result = function(*values)
        kept = ((values, result), *kept[: _KEPT - 1])
        return result

    return remembered
