"""Best split of one order over the pools of a pair: water-filling against SciPy's SLSQP on the same exact pools."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable, Sequence

from simulations.pools.uniswap_v3 import Side, side
from simulations.routing import curve, split, water_fill
from strongroom.model import Address, PoolState
from strongroom.protocols.uniswap_v3 import PopulatedTick
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick

SIZES = (3, 10, 100)
SOLD, BOUGHT = Address("0xA"), Address("0xB")
ORDER = 10**21
GRID = 20


def main() -> None:
    """Prints, for each number of pools, times and what SLSQP and a 5 % grid leave; then one line of JSON."""
    metrics: dict[str, float] = {}
    print(
        f"{'pools':>5} {'search':>10} {'+ quotes':>10} {'SLSQP':>10} {'faster':>7} {'it leaves':>13} {'proven gap':>11}"
    )
    for count in SIZES:
        metrics |= compare([(state, side(state, SOLD)) for state in synthetic(count)], count)
    metrics["grid_5_percent_leaves_bp"] = grid_leaves()
    print(f"a 5 % grid over 3 pools leaves {metrics['grid_5_percent_leaves_bp']:.3f} bp")
    print(json.dumps({"name": "routing", "metrics": metrics}))


def compare(pools: Sequence[tuple[PoolState, Side]], count: int) -> dict[str, float]:
    sides = [each for _, each in pools]
    curves = [curve(each) for each in sides]
    search = seconds(lambda: water_fill(curves, ORDER))
    whole = seconds(lambda: split(pools, ORDER))
    theirs = slsqp(sides)
    slow = seconds(lambda: slsqp(sides), runs=3)
    found = split(pools, ORDER)
    assert found is not None
    left, gap = bp(found.units_out - theirs, found.units_out), bp(found.gap_units, found.units_out)
    print(
        f"{count:5} {search * 1e6:7.0f} µs {whole * 1e6:7.0f} µs {slow * 1e3:7.1f} ms {slow / search:6.0f}x"
        f" {left:10.6f} bp {gap:8.1e} bp"
    )
    return {
        f"split_{count}_microseconds": round(search * 1e6, 1),
        f"split_quoted_{count}_microseconds": round(whole * 1e6, 1),
        f"times_slsqp_{count}": round(slow / search),
        f"slsqp_leaves_{count}_bp": round(left, 6),
        f"proven_gap_{count}_bp": gap,
    }


def slsqp(sides: Sequence[Side]) -> int:
    """Output of SciPy's split into shares of the order: exact quotes as objective, marginal prices as gradient."""
    import numpy as np
    from scipy.optimize import minimize

    def given(shares: Sequence[float]) -> float:
        return -sum(out(each, int(ORDER * share)) for each, share in zip(sides, shares, strict=True)) / ORDER

    def slope(shares: Sequence[float]) -> list[float]:
        return [-marginal(each, int(ORDER * share)) for each, share in zip(sides, shares, strict=True)]

    even = np.full(len(sides), 1 / len(sides))
    sums = {"type": "eq", "fun": lambda shares: shares.sum() - 1, "jac": np.ones_like}
    options = {"maxiter": 300, "ftol": 1e-15}
    found = minimize(given, even, jac=slope, bounds=[(0, 1)] * len(sides), constraints=sums, options=options)
    shares = np.clip(found.x, 0, 1)
    amounts = [int(ORDER * share / shares.sum()) for share in shares]
    amounts[0] += ORDER - sum(amounts)
    return sum(out(each, units) for each, units in zip(sides, amounts, strict=True))


def out(one: Side, units: int) -> int:
    quote = one.quote_in(units)
    return quote.units_out if quote else 0


def marginal(one: Side, units: int) -> float:
    quote = one.quote_in(units)
    price = (quote.sqrt_price_after_x96 if quote else one.prices[0]) / 2**96
    return price * price * (1 - one.fee_pips / 1e6)


def grid_leaves() -> float:
    """Basis points of output that a split in steps of 5 % leaves on the table, the median over orders of many sizes."""
    sides = [side(state, SOLD) for state in synthetic(3)]
    pools = [(state, each) for state, each in zip(synthetic(3), sides, strict=True)]
    left = []
    for exponent in range(190, 215):
        units = int(10 ** (exponent / 10))
        table = [[out(each, units * step // GRID) for step in range(GRID + 1)] for each in sides]
        best = max(
            table[0][a] + table[1][b] + table[2][GRID - a - b] for a in range(GRID + 1) for b in range(GRID + 1 - a)
        )
        found = split(pools, units)
        assert found is not None
        left.append(bp(found.units_out - best, found.units_out))
    return round(statistics.median(left), 3)


def bp(part: int, of: int) -> float:
    return part / of * 10_000


def synthetic(count: int) -> list[PoolState]:
    """Pools of one pair near one price, with uneven positions, of all fee tiers; the same for the same count."""
    draw = random.Random(count)
    return [pool(draw) for _ in range(count)]


def pool(draw: random.Random) -> PoolState:
    fee, spacing = draw.choice([(100, 1), (500, 10), (3000, 60), (10000, 200)])
    nets: dict[int, int] = {}
    for _ in range(10):
        lower, upper = -draw.randint(1, 60) * 200, draw.randint(1, 60) * 200
        liquidity = int(10 ** draw.uniform(20.0, 22.5))
        nets[lower] = nets.get(lower, 0) + liquidity
        nets[upper] = nets.get(upper, 0) - liquidity
    tick = draw.randint(-30, 30)
    ticks = tuple(PopulatedTick(mark, net) for mark, net in sorted(nets.items()))
    active = sum(net for mark, net in nets.items() if mark <= tick)
    return PoolState(SOLD, SOLD, BOUGHT, fee, spacing, sqrt_price_at_tick(tick), tick, active, ticks, -20_000, 20_000)


def seconds(work: Callable[[], object], runs: int = 50) -> float:
    """The median of `runs`."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
