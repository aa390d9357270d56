"""Uniswap V2: its contracts, which pairs exist, where their prices start, and how deep they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from strongroom.addresses import keccak
from strongroom.model import NATIVE, Address, TokenId
from strongroom.protocols.abi import encode_call
from strongroom.world.artifacts import creation_code
from strongroom.world.script import CREATE_GAS, FOREVER, Script, create2_address
from strongroom.world.treasury import DAI, HALL, USDC, WETH, units_worth

_ADD_LIQUIDITY = "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)"


@dataclass(frozen=True, slots=True)
class Offer:
    """A pair to be: how much its first token's price starts beside the feeds (1/10,000), and its depth in USD."""

    pair: tuple[TokenId, TokenId]
    skew_bps: int
    depth_usd: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair as it stands; its token0 is the lower address."""

    pair: tuple[TokenId, TokenId]
    address: Address


OFFERS = (
    Offer((WETH, USDC), 5, 8_000_000),
    Offer((DAI, USDC), -2, 4_000_000),
    Offer((HALL, WETH), -8, 800_000),
)


def deploy_uniswap_v2(script: Script, weth: Address) -> dict[str, Address]:
    """Factory and router, by their names in `Contracts`. Nobody can switch on the protocol's own fee."""
    factory = script.create("UniswapV2Factory", ["address"], [NATIVE])
    router = script.create("UniswapV2Router02", ["address", "address"], [factory, weth])
    return {"pair_factory": factory, "pair_router": router}


def open_pairs(
    script: Script, factory: Address, router: Address, tokens: Mapping[TokenId, Address]
) -> tuple[Pair, ...]:
    """Opens every pair and fills it with the sender's own tokens, which it must hold by then."""
    script.approve_all(tokens.values(), router)
    for offer in OFFERS:
        first, second = offer.pair
        amounts = _amounts(offer)
        add = (tokens[first], tokens[second], *amounts, *amounts, script.sender, FOREVER)
        script.call(router, encode_call(_ADD_LIQUIDITY, *add), gas=CREATE_GAS)
    return tuple(Pair(offer.pair, pair_address(factory, *(tokens[each] for each in offer.pair))) for offer in OFFERS)


def _amounts(offer: Offer) -> tuple[int, int]:
    first, second = (units_worth(offer.depth_usd // 2, token) for token in offer.pair)
    return first, second * (10_000 + offer.skew_bps) // 10_000


def pair_address(factory: Address, one: Address, other: Address) -> Address:
    """The pair's address from the factory's salt (v2-periphery `UniswapV2Library.sol`)."""
    low, high = sorted(bytes.fromhex(token[2:]) for token in (one, other))
    return create2_address(factory, keccak(low + high), keccak(creation_code("UniswapV2Pair")))
