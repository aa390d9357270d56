"""Exact Uniswap quotes: every boundary of every V3 and V4 pool against the deployed quoters, by table, walk and batch;
then all of them by the clock, beside other programs."""

from __future__ import annotations

import json
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from peers import pools as peers

from simulations.pools.batch import batch_side
from simulations.pools.estimates import RELATIVE_ERROR, estimate_side
from simulations.pools.uniswap_v3 import PoolQuote, Side, side
from simulations.pools.uniswap_v3_walk import walk_in, walk_out
from simulations.pools.uniswap_v4 import MOST_UNITS, NotQuoted, bounded, keyed_side, keyed_walk
from simulations.pools.words import to_words
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address, Block, PoolState
from strongroom.ports import Read
from strongroom.protocols import uniswap_v4
from strongroom.protocols.uniswap_v3 import read_quote_in, read_quote_out
from strongroom.protocols.uniswap_v3_pool import head_from, head_reads, state_from, tick_reads
from strongroom.world.uniswap_v4 import PROVIDER, KeyedMarket, open_uniswap_v4
from strongroom.world.world import World

SPREAD = 400
SINGLE_CALLS = 200
SCALAR_QUOTES = 20_000
BATCH, SEARCH = 200_000, 2_000_000
TABLES = 50
GOALS = {
    "v3_typical_vs_degenbot": 15,
    "v3_heavy_vs_degenbot": 80,
    "v3_typical_vs_degenbot_pre": 1.5,
    "v3_heavy_vs_degenbot_pre": 8,
    "v3_batch_exact_per_s": 2_500_000,
    "float_batch_per_s": 50_000_000,
}

Quotes = list[PoolQuote | None]


def main() -> None:
    """Prints the comparison by pool, the rates and the peers, then one line of JSON."""
    with World.start() as world:
        chain = RpcChain(world.url)
        block = chain.head()
        states = [load(world, chain, pool.address, block) for pool in world.contracts.pools]
        metrics: dict[str, Any] = conformance_v3(world, chain, states, block)
        single_seconds = clock(lambda: one_by_one(world, chain, states[0], block))
        metrics |= conformance_v4(world, chain)
        chain.close()
    metrics |= scalar_rates(states[0])
    metrics["quoter_single_per_second"] = round(SINGLE_CALLS / single_seconds)
    metrics["times_quoter_batched"] = round(metrics["scalar_quotes_per_second"] / metrics["quoter_batched_per_second"])
    metrics |= batch_rates() | peers.measure()
    for name, value in metrics.items():
        print(f"{name:34} {value:>14,}" if isinstance(value, int | float) else f"{name:34} {value:>14}")
    for name, goal in GOALS.items():
        if name in metrics:
            print(f"goal: {name} at least {goal:,}; {'kept' if metrics[name] >= goal else 'missed'}")
    print(json.dumps({"name": "pools", "metrics": metrics}))


# CONFORMANCE


def load(world: World, chain: RpcChain, pool: Address, block: Block) -> PoolState:
    head = head_from(pool, chain.read(head_reads(pool), block))
    assert head is not None
    state = state_from(head, chain.read(tick_reads(world.contracts.tick_lens, head), block))
    assert state is not None
    return state


def conformance_v3(world: World, chain: RpcChain, states: Sequence[PoolState], block: Block) -> dict[str, Any]:
    """Quotes compared, how many differ from the deployed quoter, and its rate by batched RPC."""
    print(f"{'pool':44} {'fee':>9} {'spacing':>8} {'quotes':>7} {'wrong':>6}")
    compared, wrong, seconds = 0, 0, 0.0
    for state in states:
        both = zip(
            *(compare_v3(world, chain, state, token, block) for token in (state.token0, state.token1)), strict=True
        )
        quotes, bad, took = map(sum, both)
        print(f"{state.pool:44} {state.fee_pips:9,} {state.tick_spacing:8,} {quotes:7,} {bad:6}")
        compared, wrong, seconds = compared + quotes, wrong + bad, seconds + took
    rate = round(compared / seconds)
    older = {"quotes_compared": compared, "mismatches": wrong, "quoter_batched_per_second": rate}
    return {**older, "v3_quotes": compared, "v3_mismatches": wrong}


def compare_v3(
    world: World, chain: RpcChain, state: PoolState, token_in: Address, block: Block
) -> tuple[int, int, float]:
    known, quoter = side(state, token_in), world.contracts.quoter
    pair = (token_in, state.token1 if token_in == state.token0 else state.token0, state.fee_pips)
    ins, outs = orders(known.taken), orders(known.given)
    reads: list[Read[Any]] = [read_quote_in(quoter, *pair, units) for units in ins]
    reads += [read_quote_out(quoter, *pair, units) for units in outs]
    start = time.perf_counter()
    theirs = chain.read(reads, block)
    seconds = time.perf_counter() - start
    args = state, known.zero_for_one, state.fee_pips
    walked = [walk_in(*args, units) for units in ins] + [walk_out(*args, units) for units in outs]
    wrong = 0
    for nth, found in enumerate(zip(*in_three_ways(known, ins, outs, walked, 256), theirs, strict=True)):
        *mine, their = found
        wrong += any(
            quote is None or their is None or _seen(quote, nth < len(ins)) != (their.units, their.sqrt_price_after_x96)
            for quote in mine
        )
    return len(reads), wrong, seconds


def _seen(quote: PoolQuote, exact_in: bool) -> tuple[int, int]:
    return (quote.units_out if exact_in else quote.units_in), quote.sqrt_price_after_x96


def in_three_ways(known: Side, ins: list[int], outs: list[int], walked: Quotes, bits: int) -> tuple[Quotes, ...]:
    """The quotes by table, by walk and by batch."""
    batch = batch_side(known, bits)
    tabled = [known.quote_in(units) for units in ins] + [known.quote_out(units) for units in outs]
    if bits < 256:
        tabled = [bounded(quote) for quote in tabled]
    return tabled, walked, batch.quote_in(to_words(ins)).quotes() + batch.quote_out(to_words(outs)).quotes()


def conformance_v4(world: World, chain: RpcChain) -> dict[str, Any]:
    """The same for every pool of a V4 market."""
    world.set_balance(PROVIDER, 10**24)
    market, script = open_uniswap_v4(world.contracts.tokens)
    world.extend(script)
    compared, wrong = 0, 0
    for key in market.keys:
        state = load_v4(market, chain, key)
        sides = (compare_v4(market, chain, state, currency) for currency in (key.currency0, key.currency1))
        quotes, bad = map(sum, zip(*sides, strict=True))
        print(f"{'V4 ' + key.id.hex()[:40]:44} {key.fee_pips:9,} {key.tick_spacing:8,} {quotes:7,} {bad:6}")
        compared, wrong = compared + quotes, wrong + bad
    return {"v4_quotes": compared, "v4_mismatches": wrong}


def load_v4(market: KeyedMarket, chain: RpcChain, key: uniswap_v4.PoolKey) -> uniswap_v4.KeyedPoolState:
    # All ticks there are; of spacing 1 they are 7,000 words.
    block, span = chain.head(), 900_000 if key.tick_spacing > 1 else 20_000
    head = uniswap_v4.head_from(key, chain.read(uniswap_v4.head_reads(market.state_view, key), block))
    assert head is not None
    bitmaps = chain.read(uniswap_v4.bitmap_reads(market.manager, head, span), block)
    ticks = chain.read(uniswap_v4.tick_reads(market.manager, head, bitmaps, span), block)
    state = uniswap_v4.state_from(head, bitmaps, ticks, span)
    assert state is not None
    return state


def compare_v4(
    market: KeyedMarket, chain: RpcChain, state: uniswap_v4.KeyedPoolState, currency: Address
) -> tuple[int, int]:
    known, walk = keyed_side(state, currency), keyed_walk(state, currency)
    assert not isinstance(known, NotQuoted)
    assert not isinstance(walk, NotQuoted)
    # Beyond the last tick the quoter goes through thousands of empty words before it refuses: few orders do.
    ins, outs = (
        sorted({*orders(edges), edges[-1] + 1, 2 * edges[-1], MOST_UNITS - 1, MOST_UNITS})
        for edges in (known.table.taken, known.table.given)
    )
    ins, outs = ([units for units in each if units <= MOST_UNITS] for each in (ins, outs))
    zero_for_one = known.table.zero_for_one
    reads: list[Read[Any]] = [uniswap_v4.read_quote_in(market.quoter, state.key, zero_for_one, units) for units in ins]
    reads += [uniswap_v4.read_quote_out(market.quoter, state.key, zero_for_one, units) for units in outs]
    theirs = chain.read(reads, chain.head())
    walked = [walk.quote_in(units) for units in ins] + [walk.quote_out(units) for units in outs]
    wrong = 0
    for nth, found in enumerate(zip(*in_three_ways(known.table, ins, outs, walked, 127), theirs, strict=True)):
        *mine, their = found
        wrong += any((_seen(quote, nth < len(ins))[0] if quote else None) != their for quote in mine)
    return len(reads), wrong


def orders(edges: Sequence[int]) -> list[int]:
    """One below, at and above every boundary, 1..100 units, and more over all magnitudes up to the last."""
    draw, most = random.Random(11), edges[-1]
    near = {edge + step for edge in edges for step in (-1, 0, 1)}
    far = {int(most ** draw.random()) for _ in range(SPREAD)}
    return sorted(units for units in near | far | set(range(1, 101)) if 0 < units <= most)


# RATES


def one_by_one(world: World, chain: RpcChain, state: PoolState, block: Block) -> None:
    draw = random.Random(12)
    for _ in range(SINGLE_CALLS):
        units = draw.randint(1, 10**18)
        chain.read([read_quote_in(world.contracts.quoter, state.token1, state.token0, state.fee_pips, units)], block)


def scalar_rates(state: PoolState) -> dict[str, Any]:
    """Quotes a second, one by one in plain Python, sizes over all magnitudes: by table, whose making is told apart, and
    by walk."""
    draw, known = random.Random(13), side(state, state.token1)
    sizes = [int(known.taken[-1] ** draw.random()) + 1 for _ in range(SCALAR_QUOTES)]
    args = state, False, state.fee_pips
    tabled = median(lambda: [known.quote_in(units) for units in sizes])
    walked = median(lambda: [walk_in(*args, units) for units in sizes[:1_000]])
    made = median(lambda: [side(state, state.token1) for _ in range(TABLES)])
    return {
        "scalar_quotes_per_second": round(SCALAR_QUOTES / tabled),
        "walk_quotes_per_second": round(1_000 / walked),
        "table_microseconds": round(1e6 * made / TABLES, 1),
    }


def batch_rates() -> dict[str, Any]:
    """Exact and estimated quotes a second of one core over the peers' pool, half of the orders typical, half heavy."""
    pool = peers.synthetic()
    known = side(pool, peers.SOLD)
    units = [size for sizes in peers.orders(known).values() for size in sizes]
    batch, threads, words = batch_side(known), os.cpu_count() or 1, np.tile(to_words(units), (BATCH // len(units), 1))
    wrong = sum(a != known.quote_in(b) for a, b in zip(batch.quote_in(to_words(units)).quotes(), units, strict=True))
    search, floats = estimate_side(known), np.tile(np.array(units, np.float64), SEARCH // len(units))
    about = search.estimate_in(np.array(units, np.float64)).about_units
    exact = [quote.units_out for size in units if (quote := known.quote_in(int(float(size))))]
    error = max(abs(float(a) / b - 1) for a, b in zip(about, exact, strict=True))
    assert error <= RELATIVE_ERROR
    threaded = median(lambda: batch.quote_in(words, threads), time.perf_counter)
    made = median(lambda: [side(pool, peers.SOLD) for _ in range(5)])
    return {
        "table_of_215_ticks_microseconds": round(1e6 * made / 5),
        "v3_batch_differs": wrong,
        "v3_batch_exact_per_s": round(len(words) / median(lambda: batch.quote_in(words))),
        "v3_batch_exact_out_per_s": round(len(words) / median(lambda: batch.quote_out(words))),
        f"v3_batch_exact_{threads}_threads_per_s": round(len(words) / threaded),
        "float_batch_per_s": round(len(floats) / median(lambda: search.estimate_in(floats))),
        "float_relative_error": float(f"{error:.1e}"),
    }


def median(work: Callable[[], object], timer: Callable[[], float] = time.process_time, runs: int = 7) -> float:
    """Seconds on the processor, unless another timer is given."""
    return statistics.median(clock(work, timer) for _ in range(runs))


def clock(work: Callable[[], object], timer: Callable[[], float] = time.perf_counter) -> float:
    start = timer()
    work()
    return timer() - start


if __name__ == "__main__":
    main()
