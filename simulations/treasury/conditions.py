"""What befalls the treasury on a day beside its paths' returns: the ground of every stress scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from strongroom.model import TokenId


@dataclass(frozen=True, slots=True)
class Conditions:
    """One day. `prices` multiplies the price of a token, for good; `depth` what pools hold, for this day;
    `base_fee_wei` replaces the price of gas; `frozen`: no price is fresh, so nothing is swapped and the watch is
    blind; `lent_lost` is the share of a token lent that is gone."""

    prices: Mapping[TokenId, float] = field(default_factory=lambda: MappingProxyType({}))
    depth: float = 1.0
    base_fee_wei: int | None = None
    frozen: bool = False
    lent_lost: Mapping[TokenId, float] = field(default_factory=lambda: MappingProxyType({}))


CALM = Conditions()
Course = Mapping[int, Conditions]
"""The conditions of some days; every other day is calm."""
