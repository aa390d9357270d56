"""`make mutate-policies`: every mutant of every shipped sample, on all cores; exits 1 where one survives."""

from __future__ import annotations

import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import chain

from policies.cases import samples
from tests.policies.killing import Fate, Tried, tried

KILLED = (Fate.CASE, Fate.ATTACK, Fate.GUARDIANS)
MUTANTS = (*KILLED, Fate.SURVIVED)
_PARTS = 32


def main() -> int:
    """Prints a line per sample, each survivor, and the sum."""
    everything: list[Tried] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name in samples():
            parts = pool.map(_part, [name] * _PARTS, range(_PARTS))
            found = list(chain.from_iterable(parts))
            everything += found
            _say(*_told(name, found))
    counts = Counter(each.fate for each in everything)
    mutants, killed = (sum(counts[each] for each in fates) for fates in (MUTANTS, KILLED))
    _say(f"mutants={mutants} killed={killed}")
    return 0 if mutants == killed else 1


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201 - what `make mutate-policies` shows


def _part(name: str, part: int) -> list[Tried]:
    return list(tried(name, slice(part, None, _PARTS)))


def _told(name: str, found: list[Tried]) -> list[str]:
    counts = Counter(each.fate for each in found)
    numbers = ", ".join(f"{counts[each]} {each}" for each in Fate)
    survivors = [f"  survived: {each.mutant}" for each in found if each.fate is Fate.SURVIVED]
    return [f"{name}: {len(found)} generated: {numbers}", *survivors]


if __name__ == "__main__":
    sys.exit(main())
