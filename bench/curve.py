"""Curve's pools for `bench/venues.py`: what their own code answered, as recorded, and curvesim at fresh boundaries."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.peers.environments import python_environment
from simulations.pools.curve import CurvePool, Generation
from tests.simulations.test_curve_quotes import recorded

PEER, REQUIREMENT = "curvesim", "curvesim==0.5.0"
POOLS, RATES = 300, ((30, 18), (18, 18), (18, 30, 30), (28, 18), (30, 30, 18, 18))


def recorded_answers(generation: Generation) -> Iterator[tuple[Any, Any, Any]]:
    """The contract's: (asked, ours, theirs)."""
    for pool, (into, outof, units, _, paid, _) in recorded(generation):
        yield (pool, into, outof, units), pool.quote_in(into, outof, units), paid


def peer_answers(draw: random.Random) -> Iterator[tuple[Any, Any, Any]]:
    """curvesim's, where the contract would not revert. Raises `RuntimeError` with the installer's own line where it is
    missing."""
    python, why = python_environment(PEER, [REQUIREMENT], "3.11")
    if why:
        raise RuntimeError(why)
    rows = [_row(draw) for _ in range(POOLS)]
    script = Path(__file__).parent / "peers" / "curve_curvesim.py"
    ran = subprocess.run([python, str(script)], input=json.dumps(rows), capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError((ran.stderr.strip().splitlines() or ["no output"])[-1])
    for row, answers in zip(rows, json.loads(ran.stdout), strict=True):
        pool = _pool(row)
        for swap, theirs in zip(row["swaps"], answers, strict=True):
            ours = pool.quote_in(*swap)
            # It has no words of 256 bits to overflow, and pays less than nothing: there the contract reverts.
            if ours is not None:
                yield (pool, swap), ours, theirs


def _row(draw: random.Random) -> dict[str, Any]:
    places = draw.choice(RATES)
    whole = 10 ** draw.randint(2, 12)
    balances = [max(int(whole * draw.uniform(0.01, 2) * 10 ** (36 - each)), 1) for each in places]
    row: dict[str, Any] = {"amp": draw.choice((1, 50, 200, 2_000, draw.randint(1, 10**5)))}
    row |= {"balances": balances, "rates": [10**each for each in places], "fee": draw.choice((0, 4 * 10**6, 10**8))}
    pool, pair = _pool({**row, "swaps": []}), draw.sample(range(len(places)), 2)
    held, wanted = (balances[place] for place in pair)
    needed = pool.quote_out(*pair, max(wanted * draw.randint(1, 98) // 100, 1)) or 1
    edges = [1, 2, draw.randint(3, 100), held, held + 1, needed - 1, needed, needed + 1, held * 10**6]
    edges += [draw.randint(1, held) for _ in range(6)]
    return {**row, "swaps": [[*pair, units] for units in edges if units > 0]}


def _pool(row: dict[str, Any]) -> CurvePool:
    return CurvePool(Generation.THREE_POOL, tuple(row["balances"]), tuple(row["rates"]), row["amp"], row["fee"])
