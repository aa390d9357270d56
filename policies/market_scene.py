"""Pools, averages and past rounds in values, for cases: the markets of a scenario where nobody runs a chain."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isqrt

from policies.terms import UNISWAP_V2, PolicyDocument, Pool
from strongroom.documents import Table
from strongroom.model import Address, PairState, PoolAverage, PoolState, Round, TokenId
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick
from strongroom.quantities import parse_amount, parse_bps, parse_seconds
from strongroom.valuation import BPS

_PLENTY = 10**9 * 10**8
_LOWEST, _HIGHEST = -887_272, 887_272
_SPACING = 60


@dataclass(frozen=True, slots=True)
class MarketScene:
    """How the pools stand: their price is that of the feeds. `accepts_bps` of the fair price is the least that a swap
    takes, else half of the loss that the policy allows is left. `holds` is what each pool trades with on one side, else
    a billion USD; its average was `average_bps` of its price; every price swung by `swing_bps`, `swung_seconds`
    ago, else as long ago as the policy looks back. `silent`: none of
    this is told."""

    holds: Mapping[TokenId, int] = field(default_factory=dict)
    accepts_bps: int | None = None
    average_bps: int = BPS
    swing_bps: int = 0
    swung_seconds: int = 0
    silent: bool = False


def market_scene(row: Table, decimals: Mapping[TokenId, int]) -> MarketScene:
    """The keys of a case that say how its markets stand."""
    held = [parse_amount(text, decimals, row.path("pool_holds")) for text in row.texts("pool_holds", ())]
    return MarketScene(
        holds={amount.token: amount.units for amount in held},
        accepts_bps=parse_bps(row.text("accepts"), row.path("accepts")) if row.has("accepts") else None,
        average_bps=parse_bps(row.text("average", "100 %"), row.path("average")),
        swing_bps=parse_bps(row.text("swing", "0 %"), row.path("swing")),
        swung_seconds=parse_seconds(row.text("swung"), row.path("swung")) if row.has("swung") else 0,
        silent=row.flag("no_market", False),
    )


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """What of `Facts` the policy's bounds on the market ask for."""

    pools: tuple[PoolState, ...] = ()
    pairs: tuple[PairState, ...] = ()
    averages: tuple[PoolAverage, ...] = ()
    past_rounds: Mapping[TokenId, tuple[Round, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Side:
    address: Address
    units: int


def market_facts(
    scene: MarketScene,
    prices_e8: Mapping[TokenId, int],
    rounds: Mapping[TokenId, tuple[Round, ...]],
    document: PolicyDocument,
) -> MarketFacts:
    """What would be observed of the markets; nothing that no bound of the policy asks for."""
    if scene.silent:
        return MarketFacts()
    over, swings = document.trading.average_seconds, document.volatility
    listed = [(venue, pool) for venue in document.venues.values() for pool in venue.pools]
    asked = [(v, p) for v, p in listed if document.trading.needs_pools and all(prices_e8.get(t) for t in p.tokens)]
    sides = {pool.address: _sides(pool, scene, prices_e8, document) for _, pool in asked}
    pools = tuple(_pool(pool, *sides[pool.address]) for venue, pool in asked if venue.kind != UNISWAP_V2)
    pairs = tuple(_pair(pool, *sides[pool.address]) for venue, pool in asked if venue.kind == UNISWAP_V2)
    averages = tuple(_average(pool, scene.average_bps, over) for pool in pools) if over else ()
    past = {t: _swung(told[0], scene, swings.over_seconds) for t, told in rounds.items()} if swings else {}
    return MarketFacts(pools, pairs, averages, past)


def _sides(
    pool: Pool, scene: MarketScene, prices_e8: Mapping[TokenId, int], document: PolicyDocument
) -> tuple[_Side, _Side]:
    """What the pool trades with, of equal worth on both sides, the lower address first."""
    held = next((token for token in pool.tokens if token in scene.holds), None)
    worth = scene.holds[held] * prices_e8[held] * 10 ** (36 - _decimals(held, document)) if held else _PLENTY * 10**36
    sides = (
        _Side(document.tokens[t].token.address, worth // (prices_e8[t] * 10 ** (36 - _decimals(t, document))))
        for t in pool.tokens
    )
    low, high = sorted(sides, key=lambda side: int(side.address, 16))
    return low, high


def _decimals(token: TokenId, document: PolicyDocument) -> int:
    return document.tokens[token].token.decimals


def _pool(pool: Pool, zero: _Side, one: _Side) -> PoolState:
    """Price and liquidity to which both sides are virtual reserves."""
    price = isqrt((one.units << 192) // zero.units)
    liquidity, tick = isqrt(zero.units * one.units), tick_at(price)
    return PoolState(pool.address, zero.address, one.address, pool.fee_pips, _SPACING, price, tick, liquidity, ())


def _pair(pool: Pool, zero: _Side, one: _Side) -> PairState:
    return PairState(pool.address, zero.address, one.address, zero.units, one.units)


def _average(pool: PoolState, average_bps: int, over_seconds: int) -> PoolAverage:
    """The tick whose price is that share of the pool's, in token1 per token0."""
    return PoolAverage(pool.pool, over_seconds, tick_at(isqrt(pool.sqrt_price_x96**2 * average_bps // BPS)))


def _swung(latest: Round, scene: MarketScene, over_seconds: int) -> tuple[Round, ...]:
    """The latest round, and before it one that was higher by the swing, rounded down: at the start of the window, or
    where the scene says, with rounds like the latest on either side."""
    high = latest.answer * (BPS + scene.swing_bps) // BPS
    if not scene.swung_seconds:
        return latest, _before(latest, 1, over_seconds, high)
    ago, first = scene.swung_seconds, max(scene.swung_seconds, over_seconds)
    back = (ago - 1, latest.answer), (ago, high), (first + 1, latest.answer)
    return latest, *(_before(latest, number, seconds, answer) for number, (seconds, answer) in enumerate(back, 1))


def _before(latest: Round, number: int, seconds: int, answer: int) -> Round:
    at, id_ = latest.updated_at - seconds, latest.round_id - number
    return replace(latest, round_id=id_, answer=answer, started_at=at, updated_at=at, answered_in_round=id_)


def tick_at(sqrt_price_x96: int) -> int:
    """The greatest tick whose price is at most this one, as a pool has it."""
    ticks = range(_LOWEST, _HIGHEST + 1)
    return ticks[bisect_right(ticks, sqrt_price_x96, key=sqrt_price_at_tick) - 1]
