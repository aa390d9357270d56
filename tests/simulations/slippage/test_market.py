"""On a chain whose pair an independent trader moves: fitted on the earlier fills, scored on the later ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulations.slippage.fills import Fill, decompose
from simulations.slippage.model import fit
from simulations.slippage.scoring import coverage
from strongroom.world.world import World
from tests.simulations.slippage.market import market

EARLIER, LATER = 90, 90


@pytest.fixture(scope="module")
def fills(module_world: World) -> list[Fill]:
    with market(module_world, seed=11) as opened:
        return [opened.fill() for _ in range(EARLIER + LATER)]


def test_later_fills_are_covered_as_promised(fills: list[Fill]) -> None:
    model = fit(fills[:EARLIER])
    assert model.why == ""
    scored = coverage(model, fills[EARLIER:])
    assert all(each.holds for each in scored), scored


def test_a_model_half_as_wide_is_found_out(fills: list[Fill]) -> None:
    model = fit(fills[:EARLIER])
    assert not all(each.holds for each in coverage(replace(model, scale=model.scale / 2), fills[EARLIER:]))


def test_each_part_is_seen(fills: list[Fill]) -> None:
    """The market moves most fills, somebody comes first in some, and the fee is always the pair's."""
    parts = [decompose(fill) for fill in fills]
    assert sum(part.adverse != 0 for part in parts) > len(fills) * 9 // 10
    assert 0.1 < sum(part.ordering != 0 for part in parts) / len(fills) < 0.45
    assert all(29.9 < part.bps_of(fill.spot)["fee"] < 30.1 for part, fill in zip(parts, fills, strict=True))
    assert all(part.gas > 0 for part in parts)
