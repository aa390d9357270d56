"""Uniswap V3: its contracts, which pools exist, where their prices start, and whose liquidity lies in which range."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from strongroom.addresses import keccak
from strongroom.model import NATIVE, Address, TokenId
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.world.artifacts import creation_code
from strongroom.world.script import CREATE_GAS, FOREVER, Script, create2_address
from strongroom.world.treasury import DAI, DECIMALS, HALL, PRICES_E8, USDC, WETH, units_worth

_MINT = "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
_OPEN = "createAndInitializePoolIfNecessary(address,address,uint24,uint160)"

TICK_SPACING = {100: 1, 500: 10, 3000: 60, 10000: 200}


@dataclass(frozen=True, slots=True)
class Venue:
    """A pool to be: its pair and fee, how much its price starts beside the feeds (1/10,000), its depth in USD, and how
    wide its providers reach, in ticks (about 1/10,000 each)."""

    pair: tuple[TokenId, TokenId]
    fee_pips: int
    skew_bps: int
    depth_usd: int
    reach_ticks: int


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as it stands; token0 is the lower address."""

    pair: tuple[TokenId, TokenId]
    fee_pips: int
    address: Address


VENUES = (
    Venue((WETH, USDC), 500, 1, 6_000_000, 9_000),
    Venue((WETH, USDC), 3000, -4, 4_000_000, 12_000),
    Venue((WETH, USDC), 10000, 20, 600_000, 16_000),
    Venue((DAI, USDC), 100, 0, 5_000_000, 800),
    Venue((DAI, USDC), 500, 1, 3_000_000, 1_800),
    Venue((HALL, WETH), 3000, 3, 1_500_000, 15_000),
)

# Below and above the starting price in 1/1,000 of the reach, and the share of the depth in 1/1,000: narrow and wide
# ranges, lopsided ones, and two that lie wholly on one side, as providers really place them.
_POSITIONS = (
    (-25, 20, 180),
    (-60, 70, 220),
    (-140, 95, 150),
    (-300, 260, 200),
    (-620, 410, 120),
    (-1000, 1000, 90),
    (110, 190, 15),
    (-240, -170, 25),
)


def deploy_uniswap_v3(script: Script, weth: Address) -> dict[str, Address]:
    """Factory, position manager, router, quoter and lens, by their names in `Contracts`."""
    factory = script.create("UniswapV3Factory")
    pair, both = ["address", "address"], [factory, weth]
    return {
        "uniswap_factory": factory,
        # No descriptor: only the picture of a position's token would need it.
        "position_manager": script.create("NonfungiblePositionManager", [*pair, "address"], [*both, NATIVE]),
        "swap_router": script.create("SwapRouter", pair, both),
        "quoter": script.create("QuoterV2", pair, both),
        "tick_lens": script.create("TickLens"),
    }


def open_pools(
    script: Script, manager: Address, factory: Address, tokens: Mapping[TokenId, Address]
) -> tuple[Pool, ...]:
    """Opens every venue and fills it with the sender's own tokens, which it must hold by then."""
    script.call(factory, encode_call("enableFeeAmount(uint24,int24)", 100, TICK_SPACING[100]))
    script.approve_all(tokens.values(), manager)
    return tuple(_open_pool(script, manager, factory, tokens, venue) for venue in VENUES)


def _open_pool(
    script: Script, manager: Address, factory: Address, tokens: Mapping[TokenId, Address], venue: Venue
) -> Pool:
    low, high = sorted(venue.pair, key=lambda token: int(tokens[token], 16))
    price = start_price_x96(venue, low, high)
    head = (tokens[low], tokens[high], venue.fee_pips)
    script.call(manager, encode_call(_OPEN, *head, price), gas=CREATE_GAS)
    for lower, upper, amounts in _ranges(venue, low, high, price):
        script.call(manager, encode_call(_MINT, (*head, lower, upper, *amounts, 0, 0, script.sender, FOREVER)))
    return Pool(venue.pair, venue.fee_pips, pool_address(factory, *head))


def start_price_x96(venue: Venue, low: TokenId, high: TokenId) -> int:
    """sqrt(token1 units a token0 unit) * 2^96, rounded down, from the first source's prices; the skew is the first
    token's of the pair."""
    prices = {token: PRICES_E8[token][0] for token in (low, high)}
    prices[venue.pair[0]] = prices[venue.pair[0]] * (10_000 + venue.skew_bps) // 10_000
    return sqrt_price_x96(prices[low], prices[high], DECIMALS[low], DECIMALS[high])


def sqrt_price_x96(low_e8: int, high_e8: int, low_decimals: int, high_decimals: int) -> int:
    """sqrt(token1 units a token0 unit) * 2^96, rounded down, from two USD prices."""
    return math.isqrt((low_e8 * 10**high_decimals << 192) // (high_e8 * 10**low_decimals))


def _ranges(venue: Venue, low: TokenId, high: TokenId, price_x96: int) -> Iterator[tuple[int, int, tuple[int, int]]]:
    spacing = TICK_SPACING[venue.fee_pips]
    # Only a place on the grid: the float is far finer than a tick.
    middle = math.floor(2 * math.log(price_x96 / 2**96) / math.log(1.0001))
    for below, above, share in _POSITIONS:
        lower = (middle + below * venue.reach_ticks // 1000) // spacing * spacing
        upper = (middle + above * venue.reach_ticks // 1000) // spacing * spacing
        usd = venue.depth_usd * share // 1000
        yield lower, max(upper, lower + spacing), (units_worth(usd // 2, low), units_worth(usd // 2, high))


def pool_address(factory: Address, token0: Address, token1: Address, fee_pips: int) -> Address:
    """The pool's address from the factory's salt (v3-periphery `PoolAddress.sol`)."""
    salt = keccak(encode_arguments(["address", "address", "uint24"], [token0, token1, fee_pips]))
    return create2_address(factory, salt, keccak(creation_code("UniswapV3Pool")))
