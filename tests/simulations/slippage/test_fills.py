"""The parts of a fill sum to the whole, and mean what they say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.pools.uniswap_v2 import PairSide
from simulations.slippage.fills import Fill, decompose, kept_units, spot_units

units = st.integers(1, 10**30)
fills = st.builds(Fill, units, units, units, units, units, st.integers(0, 10**20), st.integers(0, 10**6))
SIDE = PairSide(3_000 * 10**12, 10**24)


@given(fills)
def test_the_parts_sum_to_what_was_lost(fill: Fill) -> None:
    assert decompose(fill).total == fill.spot - fill.received + fill.gas


@given(st.integers(1, 10**14), st.integers(0, 100))
def test_what_the_order_itself_does_is_not_below_zero(sold: int, percent: int) -> None:
    """In one pool, a fee and a move along the curve only take; rounding down by a unit or two does too."""
    quote = SIDE.quote_in(sold)
    assert quote is not None
    parts = decompose(Fill(spot_units(SIDE, sold), kept_units(SIDE, sold), quote.units_out, 1, 1, 0, percent))
    assert parts.fee >= 0 and parts.impact >= -1


def test_each_part_is_named_for_its_cause() -> None:
    """A quote of 990; the market took 5 before the block, somebody ahead in the block 7."""
    fill = Fill(spot=1_003, kept=1_000, quoted=990, before=985, received=978, gas=2, waited_seconds=12)
    parts = decompose(fill)
    assert (parts.fee, parts.impact, parts.adverse, parts.ordering, parts.gas) == (3, 10, 5, 7, 2)
    assert parts.bps_of(10_000)["ordering"] == 7.0
    better = decompose(replace(fill, received=1_000))
    assert better.ordering == -15


@pytest.mark.parametrize("name", ["spot", "kept", "quoted", "before", "received"])
def test_a_fill_of_nothing_is_none(name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` is 0"):
        replace(Fill(1, 1, 1, 1, 1, 0, 0), **{name: 0})
