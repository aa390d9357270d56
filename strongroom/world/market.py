"""Moving a token's pools to a price by trading against them, as arbitrage does after the feeds have moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strongroom.model import Address, TokenId
from strongroom.protocols.uniswap_v3 import ExactInput
from strongroom.world.contracts import Contracts
from strongroom.world.liquidity import FOREVER, Pool, sqrt_price_x96
from strongroom.world.treasury import DECIMALS

_MORE_THAN_ANY_POOL_HOLDS = 2**120


def trades(
    contracts: Contracts, prices_x96: Mapping[Address, int], usd_e8: Mapping[TokenId, int], trader: Address
) -> Iterator[ExactInput]:
    """For each pool that stands elsewhere, the swap that ends exactly at the ratio of the two USD prices. `prices_x96`
    are the pools' present square root prices; the price limit, not the amount, ends the swap."""
    for pool in contracts.pools:
        low, high = sorted(pool.pair, key=lambda token: int(contracts.tokens[token], 16))
        target = sqrt_price_x96(usd_e8[low], usd_e8[high], DECIMALS[low], DECIMALS[high])
        if target != prices_x96[pool.address]:
            sold, bought = (low, high) if target < prices_x96[pool.address] else (high, low)
            yield _swap(contracts, pool, sold, bought, target, trader)


def _swap(
    contracts: Contracts, pool: Pool, sold: TokenId, bought: TokenId, target_x96: int, trader: Address
) -> ExactInput:
    return ExactInput(
        token_in=contracts.tokens[sold],
        token_out=contracts.tokens[bought],
        fee_pips=pool.fee_pips,
        recipient=trader,
        deadline=FOREVER,
        amount_in_units=_MORE_THAN_ANY_POOL_HOLDS,
        min_out_units=0,
        price_limit_x96=target_x96,
    )
