"""Estimates are near the exact quotes, refuse what those refuse, and cannot be taken for them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulations.pools.estimates import RELATIVE_ERROR, Estimate, Estimates, estimate_side
from simulations.pools.uniswap_v3 import Side, side


def rounded_away(known, row):
    """What the pool's own rounding takes at most in this step: one unit of output, two of input at the step's best
    price, and one in the last place of the price."""
    price, liquidity = known.prices[row], known.liquidity[row]
    lowest = min(price, known.prices[row + 1])
    if known.zero_for_one:
        return 1 + 2 * Fraction(price, 2**96) ** 2 + Fraction(liquidity, 2**96)
    return 1 + 2 * Fraction(2**96, price) ** 2 + Fraction(liquidity << 96, lowest * lowest)


def sizes(known, count, seed):
    """Near every edge and over all magnitudes, as whole floats."""
    draw, most = random.Random(seed), known.taken[-1]
    near = [edge + step for edge in known.taken for step in (-1, 0, 1)]
    units = {float(each) for each in (*near, *(int(most ** draw.random()) for _ in range(count)))}
    return sorted(each for each in units if each > 0 and int(each) <= most)


def too_far(known, orders):
    """Orders whose estimate is beyond its bound."""
    found, wrong = estimate_side(known).estimate_in(np.array(orders)), []
    for units, about in zip(orders, found.about_units, strict=True):
        exact = known.quote_in(int(units)).units_out
        row = max(n for n, taken in enumerate(known.taken) if taken < units)
        if abs(Fraction(float(about)) - exact) > exact * Fraction(RELATIVE_ERROR) + rounded_away(known, row):
            wrong.append((units, about, exact))
    return wrong


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(["0xA", "0xB"]))
def test_an_estimate_is_within_its_bound_of_the_exact_quote(any_pool, data, token):
    known = side(data.draw(any_pool), token)
    orders = sizes(known, 30, 1)
    assert not too_far(known, orders)


def test_an_estimate_of_a_real_order_has_nine_right_digits(pools):
    """Whole units are nothing beside these amounts."""
    compared = 0
    for pool in pools:
        for token in (pool.token0, pool.token1):
            known = side(pool, token)
            assert not too_far(known, sizes(known, 20, 2))
            orders = [
                each for each in sizes(known, 60, 3) if each >= 1e11 and known.quote_in(int(each)).units_out >= 1e11
            ]
            exact = np.array([float(known.quote_in(int(each)).units_out) for each in orders])
            about = estimate_side(known).estimate_in(np.array(orders)).about_units
            assert np.all(np.abs(about - exact) <= RELATIVE_ERROR * exact)
            compared += len(orders)
    assert compared > 200


def test_what_a_pool_cannot_fill_is_below_every_estimate(pools):
    known = side(pools[0], pools[0].token0)
    beyond = float(known.taken[-1]) * 1.001
    found = estimate_side(known).estimate_in(np.array([0.0, -1.0, 0.5, 1e9, beyond, np.inf, np.nan, 1e300]))
    assert list(np.isneginf(found.about_units)) == [True, True, False, False, True, True, True, True]
    assert found.best() == 3
    assert all(found[n] < found[2] <= found[3] for n in (0, 1, 4, 5, 6, 7))


def test_a_pool_without_any_step_fills_nothing():
    nothing = Side(True, 500, (0,), (0,), (2**96,), (10**18,))
    assert estimate_side(nothing).estimate_in(np.array([1.0, 1e9]))[1] == Estimate(-np.inf)


def test_the_best_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no orders were estimated"):
        Estimates(np.array([])).best()


@pytest.mark.parametrize("use", [int, float, range, round, lambda each: each + 1, lambda each: 2 * each, hex])
def test_an_estimate_is_no_number(use):
    with pytest.raises(TypeError):
        use(Estimate(5.0))


SNIPPET = """
from simulations.pools.estimates import Estimate, EstimateSide, Estimates
from simulations.pools.batch import BatchSide
from simulations.pools.uniswap_v3 import Side
from strongroom.model import Address, Leg
from strongroom.protocols.uniswap_v3 import ExactInput
import numpy as np

def fine(side: Side, search: EstimateSide, orders: np.typing.NDArray[np.float64]) -> Leg:
    units = int(orders[search.estimate_in(orders).best()])
    exact = side.quote_in(units)
    assert exact is not None
    return Leg(Address("0xA"), 500, units, exact.units_out, exact.units_out)

def leg(about: Estimate) -> Leg:
    return Leg(Address("0xA"), 500, 1, 1, about)  # refused

def swap(about: Estimate) -> ExactInput:
    return ExactInput(Address("0xA"), Address("0xB"), 500, Address("0xC"), 1, 1, about)  # refused

def quote(side: Side, about: Estimate) -> None:
    side.quote_in(about)  # refused

def shave(about: Estimate) -> object:
    return about * 995 // 1000  # refused

def whole(about: Estimate) -> int:
    return int(about)  # refused

def batch(side: BatchSide, several: Estimates) -> None:
    side.quote_in(several)  # refused

def floats(side: BatchSide, several: Estimates) -> None:
    side.quote_in(several.about_units)  # refused

def inside(about: Estimate) -> Leg:
    return Leg(Address("0xA"), 500, 1, 1, about.about_units)  # refused
"""


def test_the_type_checker_refuses_an_estimate_wherever_exact_units_are_wanted(tmp_path):
    """Each marked line is an error, and no other line is."""
    file, root = tmp_path / "snippet.py", Path(__file__).parents[2]
    file.write_text(SNIPPET)
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--output", "json", str(file)]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert not ran.stderr
    refused = {json.loads(line)["line"] for line in ran.stdout.splitlines()}
    marked = {number for number, line in enumerate(SNIPPET.splitlines(), 1) if line.endswith("# refused")}
    assert refused == marked
    assert len(marked) == 8
