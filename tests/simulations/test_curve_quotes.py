"""Curve quotes are what the pools' own code pays, wei for wei, and refused exactly where it reverts.

No package holds Curve's bytecode, so `data/curve_answers.json` holds what it answered: `StableSwap3Pool.vy` compiled by
Vyper 0.2.4, `SwapTemplateBase.vy` by 0.2.8 and `CurveStableSwapNG.vy` by 0.3.10, each with a function that sets its
state, run in an EVM. A quote is [into, outof, units, what `get_dy` shows, what `exchange` pays, the balance of `outof`
after it]; nothing stands where it reverted. Another 30,240 quotes were compared when they were recorded, all equal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulations.pools.curve import FEE_ONE, CurvePool, Generation

ANSWERS: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "data/curve_answers.json").read_text())


def recorded(generation: Generation) -> Iterator[tuple[CurvePool, list[Any]]]:
    for row in ANSWERS[generation.value]:
        terms: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
        }
        quotes = terms.pop("quotes")
        yield from ((CurvePool(generation, **terms), quote) for quote in quotes)


@pytest.mark.parametrize("generation", Generation)
def test_every_quote_is_the_contracts(generation: Generation) -> None:
    count = refused = 0
    for pool, (into, outof, units, shown, paid, left) in recorded(generation):
        swapped, count, refused = pool.swapped(into, outof, units), count + 1, refused + (paid is None)
        assert (swapped[0] if swapped else None, swapped[1].balances[outof] if swapped else None) == (paid, left)
        assert pool.quote_in(into, outof, units) == paid
        assert pool.shown_in(into, outof, units) == shown
    assert count >= 1_400 and 100 <= refused <= count - 1_000


@pytest.mark.parametrize(
    ("generation", "other", "precision"),
    [
        (Generation.THREE_POOL, Generation.TEMPLATE, 100),
        (Generation.TEMPLATE, Generation.NG, 1),
        (Generation.NG, Generation.TEMPLATE, 1),
    ],
)
def test_the_generations_do_not_round_alike(generation: Generation, other: Generation, precision: int) -> None:
    """Or the wrong one would pass unseen."""
    turned = (
        (replace(pool, generation=other, amp=pool.amp * precision), quote) for pool, quote in recorded(generation)
    )
    assert any(pool.quote_in(*quote[:3]) != quote[4] for pool, quote in turned)


_OLDEST = Generation.THREE_POOL
units_held = st.integers(10**9, 10**33)


@st.composite
def pools(draw: st.DrawFn) -> CurvePool:
    """Near enough to the peg that the search settles."""
    generation, held = draw(st.sampled_from(Generation)), draw(st.integers(10**9, 10**30))
    rates = tuple(
        10 ** (36 - decimals) for decimals in draw(st.lists(st.sampled_from((6, 8, 18)), min_size=2, max_size=4))
    )
    shares = (draw(st.integers(held // 20, held * 20)) for _ in rates)
    balances = tuple(share * 10**18 // rate + 1 for share, rate in zip(shares, rates, strict=True))
    amp = draw(st.integers(1, 5_000)) * (1 if generation is _OLDEST else 100)
    return CurvePool(generation, balances, rates, amp, draw(st.sampled_from((0, 4 * 10**6, 10**8))), offpeg=2 * FEE_ONE)


@given(pools(), st.data())
def test_no_swap_there_and_back_gains(pool: CurvePool, data: st.DataObject) -> None:
    units = data.draw(st.integers(1, pool.balances[0] * 3))
    there = pool.swapped(0, 1, units)
    assume(there is not None and there[0] > 0)
    assert there is not None
    back = there[1].quote_in(1, 0, there[0])
    # The search settles within one of 18 decimals either way, each time.
    assert back is None or back <= units + 2 * (10**18 // pool.rates[0] + 1)


@given(pools(), st.integers(1, 99))
def test_what_an_output_costs_is_the_least_that_suffices(pool: CurvePool, percent: int) -> None:
    wanted = pool.balances[1] * percent // 100
    assume(wanted > 0)
    needed = pool.quote_out(0, 1, wanted)
    assume(needed is not None)
    assert needed is not None
    given_units = pool.quote_in(0, 1, needed)
    assert given_units is not None and given_units >= wanted
    less = pool.quote_in(0, 1, needed - 1)
    assert less is None or less < wanted


@given(pools(), st.data())
def test_a_pool_pays_less_than_it_holds_and_keeps_books(pool: CurvePool, data: st.DataObject) -> None:
    units = data.draw(st.integers(1, 10**40))
    swapped = pool.swapped(0, 1, units)
    assume(swapped is not None)
    assert swapped is not None
    given_units, after = swapped
    assert given_units < pool.balances[1]
    assert after.balances[0] == pool.balances[0] + units
    assert 0 <= after.balances[1] <= pool.balances[1] - given_units
    assert after.balances[2:] == pool.balances[2:]


def test_more_than_all_is_no_output() -> None:
    pool = CurvePool(_OLDEST, (10**24, 10**12), (10**18, 10**30), 100, 0)
    assert pool.quote_out(0, 1, 10**12) is None
    assert pool.quote_in(0, 0, 5) is None
