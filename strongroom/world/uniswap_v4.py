"""Uniswap V4 without hooks: its contracts, and pools of several fees, spacings and protocol fees, also of plain ether.

The treasury's world does without it; whoever wants it there asks `World.extend` for the script of `open_uniswap_v4`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from strongroom.addresses import keccak, to_address
from strongroom.model import NATIVE, Address, TokenId
from strongroom.protocols.abi import encode_call
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick
from strongroom.protocols.uniswap_v4 import KEY, PoolKey
from strongroom.protocols.weth import encode_deposit
from strongroom.world.script import Script
from strongroom.world.treasury import DAI, DECIMALS, ETH, HALL, PRICES_E8, USDC, WETH, units, units_worth
from strongroom.world.uniswap_v3 import sqrt_price_x96

PROVIDER = to_address(keccak(b"strongroom uniswap v4 provider")[12:])
"""Deploys everything, provides all liquidity and sets the protocol's fees. It has no key and needs ether first."""

MODIFY = f"modifyLiquidity({KEY},(int24,int24,int256,bytes32),bytes)"
_OPEN = f"initialize({KEY},uint160)"
_SET_FEE = f"setProtocolFee({KEY},uint24)"
_RICHES = 100_000_000


@dataclass(frozen=True, slots=True)
class KeyedVenue:
    """A pool to be: its pair, fee and spacing, the protocol's fees (from inputs of the lower currency and of the higher
    one, 1/1,000,000), its depth in USD, and how wide its providers reach in ticks."""

    pair: tuple[TokenId, TokenId]
    fee_pips: int
    tick_spacing: int
    protocol_fees_pips: tuple[int, int]
    depth_usd: int
    reach_ticks: int


@dataclass(frozen=True, slots=True)
class KeyedMarket:
    """Addresses, and the pools by their keys."""

    manager: Address
    quoter: Address
    state_view: Address
    liquidity_router: Address
    swap_router: Address
    keys: tuple[PoolKey, ...]


VENUES = (
    KeyedVenue((ETH, USDC), 500, 10, (0, 0), 6_000_000, 9_000),
    KeyedVenue((ETH, USDC), 3_000, 60, (1_000, 250), 4_000_000, 12_000),
    KeyedVenue((WETH, USDC), 10_000, 200, (0, 500), 600_000, 16_000),
    KeyedVenue((DAI, USDC), 100, 1, (7, 0), 5_000_000, 800),
    # Nobody but the protocol earns here.
    KeyedVenue((DAI, USDC), 0, 1, (1_000, 999), 1_000_000, 400),
    KeyedVenue((ETH, HALL), 4_321, 33, (333, 777), 1_500_000, 15_000),
    KeyedVenue((HALL, DAI), 999_000, 700, (1_000, 0), 90_000, 50_000),
    # One position over everything, in the widest steps there are.
    KeyedVenue((ETH, HALL), 2_500, 32_767, (0, 0), 2_000_000, 900_000),
)

# As in the V3 pools: below and above the starting price in 1/1,000 of the reach, and the share of the depth in 1/1,000.
_POSITIONS = ((-25, 20, 200), (-60, 70, 250), (-300, 260, 250), (-980, 980, 250), (110, 190, 20), (-240, -170, 30))


def open_uniswap_v4(tokens: Mapping[TokenId, Address]) -> tuple[KeyedMarket, Script]:
    """The market, and the provider's whole script that makes it, the provider's first transactions. The provider must
    hold ether for the pools and for gas."""
    script = Script(PROVIDER)
    manager = script.create("PoolManager", ["address"], [PROVIDER])
    names = ("V4Quoter", "StateView", "PoolModifyLiquidityTest", "PoolSwapTest")
    quoter, state_view, router, swap_router = (script.create(name, ["address"], [manager]) for name in names)
    script.call(manager, encode_call("setProtocolFeeController(address)", PROVIDER))
    _endow(script, tokens, router)
    keys = tuple(_open(script, manager, router, tokens, venue) for venue in VENUES)
    return KeyedMarket(manager, quoter, state_view, router, swap_router, keys), script


def _endow(script: Script, tokens: Mapping[TokenId, Address], router: Address) -> None:
    script.call(tokens[WETH], encode_deposit(), units(WETH, 10_000))
    for token in (USDC, DAI, HALL):
        script.call(tokens[token], encode_call("mint(address,uint256)", script.sender, units(token, _RICHES)))
    script.approve_all((tokens[token] for token in (WETH, USDC, DAI, HALL)), router)


def _open(
    script: Script, manager: Address, router: Address, tokens: Mapping[TokenId, Address], venue: KeyedVenue
) -> PoolKey:
    low, high = sorted(venue.pair, key=lambda token: int(tokens[token], 16))
    key = PoolKey(tokens[low], tokens[high], venue.fee_pips, venue.tick_spacing)
    price = sqrt_price_x96(_usd_e8(low), _usd_e8(high), DECIMALS[low], DECIMALS[high])
    script.call(manager, encode_call(_OPEN, key.fields, price))
    for position in _positions(venue, low, high, price):
        value = units(ETH, 5_000) if key.currency0 == NATIVE else 0
        script.call(router, encode_call(MODIFY, key.fields, position, b""), value)
    from_low, from_high = venue.protocol_fees_pips
    script.call(manager, encode_call(_SET_FEE, key.fields, from_low | from_high << 12))
    return key


def _usd_e8(token: TokenId) -> int:
    return PRICES_E8[WETH if token == ETH else token][0]


def _positions(venue: KeyedVenue, low: TokenId, high: TokenId, price_x96: int) -> Iterator[tuple[int, int, int, bytes]]:
    """Lower and upper tick, liquidity and salt of each position."""
    spacing, furthest = venue.tick_spacing, 887_272 // venue.tick_spacing * venue.tick_spacing
    # Only a place on the grid: the float is far finer than a tick.
    middle = math.floor(2 * math.log(price_x96 / 2**96) / math.log(1.0001))
    for number, (below, above, share) in enumerate(_POSITIONS):
        lower = max((middle + below * venue.reach_ticks // 1000) // spacing * spacing, -furthest)
        upper = min(max((middle + above * venue.reach_ticks // 1000) // spacing * spacing, lower + spacing), furthest)
        worth = [units_worth(venue.depth_usd * share // 2000, WETH if each == ETH else each) for each in (low, high)]
        yield lower, upper, liquidity_of(price_x96, lower, upper, *worth), number.to_bytes(32, "big")


def liquidity_of(price_x96: int, lower: int, upper: int, units0: int, units1: int) -> int:
    """The most liquidity between two ticks that these amounts provide at a price, rounded down (v4-core
    `LiquidityAmounts.sol`)."""
    bottom, top = sqrt_price_at_tick(lower), sqrt_price_at_tick(upper)
    at = min(max(price_x96, bottom), top)
    of0 = units0 * at * top // ((top - at) << 96) if at < top else None
    of1 = (units1 << 96) // (at - bottom) if at > bottom else None
    return min(each for each in (of0, of1) if each is not None)
