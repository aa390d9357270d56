"""Exact Uniswap V3 quotes: every boundary of every pool against the deployed QuoterV2, then both by the clock."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence

from simulations.pools.uniswap_v3 import Side, side
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address, Block, PoolState
from strongroom.protocols.uniswap_v3 import read_quote_in, read_quote_out
from strongroom.protocols.uniswap_v3_pool import head_from, head_reads, state_from, tick_reads
from strongroom.world.world import World

SPREAD = 400
SINGLE_CALLS = 200
SCALAR_QUOTES = 20_000
TABLES = 50


def main() -> None:
    """Prints the comparison by pool and the rates, then one line of JSON."""
    with World.start() as world:
        chain = RpcChain(world.url)
        block = chain.head()
        states = [load(world, chain, pool.address, block) for pool in world.contracts.pools]
        compared, wrong, batched_seconds = compare_all(world, chain, states, block)
        single_seconds = clock(lambda: one_by_one(world, chain, states[0], block))
        chain.close()
    ours = scalar_rate(states[0])
    rates = {
        "quotes_compared": compared,
        "mismatches": wrong,
        "scalar_quotes_per_second": round(ours),
        "table_microseconds": round(1e6 * clock(lambda: tables(states[0])) / TABLES, 1),
        "quoter_batched_per_second": round(compared / batched_seconds),
        "quoter_single_per_second": round(SINGLE_CALLS / single_seconds),
    }
    rates["times_quoter_batched"] = round(ours / rates["quoter_batched_per_second"])
    for name, value in rates.items():
        print(f"{name:28} {value:>14,}")
    print(json.dumps({"name": "pools", "metrics": rates}))


def load(world: World, chain: RpcChain, pool: Address, block: Block) -> PoolState:
    head = head_from(pool, chain.read(head_reads(pool), block))
    assert head is not None
    state = state_from(head, chain.read(tick_reads(world.contracts.tick_lens, head), block))
    assert state is not None
    return state


def compare_all(world: World, chain: RpcChain, states: Sequence[PoolState], block: Block) -> tuple[int, int, float]:
    """Quotes compared, mismatches, seconds that the deployed quoter took by batched RPC."""
    print(f"{'pool':44} {'fee':>6} {'ticks':>6} {'quotes':>7} {'wrong':>6}")
    compared, wrong, seconds = 0, 0, 0.0
    for state in states:
        counts = [compare(world, chain, state, token, block) for token in (state.token0, state.token1)]
        quotes, bad = sum(count for count, _, _ in counts), sum(count for _, count, _ in counts)
        print(f"{state.pool:44} {state.fee_pips:6} {len(state.ticks):6} {quotes:7} {bad:6}")
        compared, wrong, seconds = compared + quotes, wrong + bad, seconds + sum(took for _, _, took in counts)
    return compared, wrong, seconds


def compare(world: World, chain: RpcChain, state: PoolState, token_in: Address, block: Block) -> tuple[int, int, float]:
    mine, quoter = side(state, token_in), world.contracts.quoter
    pair = (token_in, state.token1 if token_in == state.token0 else state.token0, state.fee_pips)
    ins, outs = orders(mine.taken), orders(mine.given)
    reads = [read_quote_in(quoter, *pair, units) for units in ins]
    reads += [read_quote_out(quoter, *pair, units) for units in outs]
    start = time.perf_counter()
    theirs = chain.read(reads, block)
    seconds = time.perf_counter() - start
    found = [(q.units_out, q.sqrt_price_after_x96) if (q := mine.quote_in(units)) else None for units in ins]
    found += [(q.units_in, q.sqrt_price_after_x96) if (q := mine.quote_out(units)) else None for units in outs]
    expected = [(quote.units, quote.sqrt_price_after_x96) if quote else None for quote in theirs]
    wrong = sum(a is None or a != b for a, b in zip(found, expected, strict=True))
    return len(reads), wrong, seconds


def orders(edges: Sequence[int]) -> list[int]:
    """One below, at and above every boundary, 1..100 units, and more over all magnitudes."""
    draw, most = random.Random(11), edges[-1]
    near = {edge + step for edge in edges for step in (-1, 0, 1)}
    far = {int(most ** draw.random()) for _ in range(SPREAD)}
    return sorted(units for units in near | far | set(range(1, 101)) if 0 < units <= most)


def one_by_one(world: World, chain: RpcChain, state: PoolState, block: Block) -> None:
    draw = random.Random(12)
    for _ in range(SINGLE_CALLS):
        units = draw.randint(1, 10**18)
        chain.read([read_quote_in(world.contracts.quoter, state.token1, state.token0, state.fee_pips, units)], block)


def scalar_rate(state: PoolState) -> float:
    """Quotes a second, one by one in plain Python, sizes over all magnitudes."""
    draw = random.Random(13)
    mine: Side = side(state, state.token1)
    sizes = [int(mine.taken[-1] ** draw.random()) + 1 for _ in range(SCALAR_QUOTES)]
    return SCALAR_QUOTES / min(clock(lambda: [mine.quote_in(units) for units in sizes]) for _ in range(5))


def tables(state: PoolState) -> None:
    for _ in range(TABLES):
        side(state, state.token1)


def clock(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
