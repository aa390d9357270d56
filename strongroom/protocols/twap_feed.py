"""TwapFeed: a Uniswap V3 pool's average price in the form of a Chainlink proxy, for tokens that have one feed only.
Source: `contracts/src/TwapFeed.sol`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.abi import encode_arguments, view

MIN_WINDOW_SECONDS, MAX_WINDOW_SECONDS = 1_800, 86_400

_CONFIG = "(address,address,address,uint32,uint128)"


@dataclass(frozen=True, slots=True)
class TwapTerms:
    """All that a TWAP feed is born with, and shows for good: the average tick of `pool` over `window_seconds` (30
    minutes to 1 day) prices `token` in the pool's other one, which `quote_feed` prices in USD. While the harmonic mean
    of the liquidity in use is below `min_liquidity`, in the pool's own units, there is no price."""

    pool: Address
    token: Address
    quote_feed: Address
    window_seconds: int
    min_liquidity: int

    @property
    def encoded(self) -> bytes:
        """The constructor's arguments, `TwapConfig`."""
        config = self.pool, self.token, self.quote_feed, self.window_seconds, self.min_liquidity
        return encode_arguments([_CONFIG], [config])


_GETTERS = {
    "pool": ("pool()", "address"),
    "token": ("token()", "address"),
    "quote_feed": ("quoteFeed()", "address"),
    "window_seconds": ("window()", "uint32"),
    "min_liquidity": ("minLiquidity()", "uint128"),
}


def twap_reads(feed: Address) -> tuple[Read[Any], ...]:
    """Reads whose values `twap_from` takes."""
    named = (_GETTERS[field.name] for field in fields(TwapTerms))
    return tuple(view(feed, signature, [kind], lambda value: value) for signature, kind in named)


def twap_from(values: Sequence[Any]) -> TwapTerms | None:
    """The terms from what `twap_reads` gave, or `None` when any read failed: then this is no TWAP feed."""
    return None if any(value is None for value in values) else TwapTerms(*values)


def consult_read(feed: Address) -> Read[tuple[int, int]]:
    """The average tick, and the harmonic mean of the liquidity in use; fails where the pool's record is too short."""
    return view(feed, "consult()", ["int256", "uint256"], lambda tick, liquidity: (tick, liquidity))
