"""Best split of one order over the pools of a pair, and best flow over several tokens, beside the solvers that one
would otherwise use: SciPy's SLSQP and cvxpy for the split, Clarabel for the flow, on the same pools in the same run.

What is timed is an order at a block whose pools were made ready: ours by `Depth` and `Net`, theirs by building the
problem first; cvxpy also as it is mostly used, modelled for each order. Every split, also theirs, is then judged by the
pools' own integer quotes.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from simulations.multi_hop import flow
from simulations.net import net
from simulations.optimality import gap
from simulations.pools.uniswap_v3 import side
from simulations.routing import side_of
from simulations.water_filling import AnySide, Depth, curve
from strongroom.model import Address, PairState, PoolState
from strongroom.protocols.uniswap_v3 import PopulatedTick
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick

ROOT = Path(__file__).resolve().parent.parent
SIZES = (10, 100, 1_000)
SOLD, BOUGHT = Address("0xA"), Address("0xB")
ORDER = 10**21
POOLS, TOKENS = 1_000, 20
GOALS = {
    "split_us_10": 20,
    "split_us_100": 100,
    "split_us_1000": 1_000,
    "split_gap_bp": 0.01,
    "split_vs_slsqp_100": -1_000,
    "split_vs_cvxpy_100": -1_000,
    "router_ms_1000": 2,
    "router_gap_bp": 0.01,
    "router_vs_clarabel": -20,
}
"""At most so much, or with a minus sign at least."""


def main() -> None:
    """Prints both tables and whether each goal is kept, then one line of JSON."""
    metrics: dict[str, Any] = {}
    print(f"{'pools':>6} {'ready in':>10} {'split':>10} {'+ quotes':>10} {'proven gap':>12}")
    for count in SIZES:
        metrics |= measured(count)
    metrics["split_gap_bp"] = max(metrics.pop(f"gap_{count}") for count in SIZES)
    pairs, market = one_price(100), several_prices()
    metrics |= beside(pairs, market, peers(pairs, market))
    for name, goal in GOALS.items():
        if name in metrics:
            kept = metrics[name] >= -goal if goal < 0 else metrics[name] <= goal
            print(f"goal: {name} at {'least' if goal < 0 else 'most'} {abs(goal):,}; {'kept' if kept else 'missed'}")
    print(json.dumps({"name": "routing", "metrics": metrics}))


def measured(count: int) -> dict[str, float]:
    """Ranges of ticks and pairs, half each."""
    half = [side(state, SOLD) for state in synthetic(count - count // 2)]
    sides: list[AnySide] = [*half, *(side_of(pair, SOLD) for pair in one_price(count // 2))]
    curves = [curve(each) for each in sides]
    ready = seconds(lambda: Depth.of(curves), 5)
    depth = Depth.of(curves)
    taken, quoted = seconds(lambda: depth.amounts(ORDER)), seconds(lambda: quotes(sides, depth))
    found = quotes(sides, depth)
    given = sum(quote.units_out for quote in found if quote)
    left = bp(gap(sides, found), given)
    print(f"{count:6} {ready * 1e3:7.2f} ms {taken * 1e6:7.0f} µs {quoted * 1e6:7.0f} µs {left:9.1e} bp")
    return {
        f"split_us_{count}": round(taken * 1e6, 1),
        f"split_quoted_us_{count}": round(quoted * 1e6, 1),
        f"split_ready_ms_{count}": round(ready * 1e3, 2),
        f"gap_{count}": left,
    }


def quotes(sides: Sequence[AnySide], depth: Depth) -> list[Any]:
    amounts = depth.amounts(ORDER)
    assert amounts is not None and sum(amounts) == ORDER
    return [each.quote_in(amount) if amount else None for each, amount in zip(sides, amounts, strict=True)]


def beside(pairs: Sequence[PairState], market: Sequence[PairState], found: dict[str, Any]) -> dict[str, Any]:
    """Ours on the peers' pools, and how many times longer each of them takes."""
    sides = [side_of(pair, SOLD) for pair in pairs]
    depth = Depth.of([curve(each) for each in sides])
    taken, ours = seconds(lambda: depth.amounts(ORDER)), sum(quote.units_out for quote in quotes(sides, depth) if quote)
    print(f"{'100 pairs':12} strongroom {taken * 1e6:9.0f} µs")
    metrics: dict[str, Any] = {}
    for name in ("slsqp", "cvxpy"):
        if "missing" in found[name]:
            print(f"{name:12} missing: {found[name]['missing']}")
            continue
        left = bp(ours - given_by(sides, found[name]["shares"]), ours)
        print(f"{'':12} {name:10} {found[name]['seconds'] * 1e3:9.1f} ms, leaves {left:.6f} bp")
        metrics[f"split_vs_{name}_100"] = round(found[name]["seconds"] / taken)
        metrics[f"{name}_leaves_bp"] = round(left, 6)
    if "ready_seconds" in found["cvxpy"]:
        ready = found["cvxpy"]["ready_seconds"]
        print(f"{'':12} cvxpy      {ready * 1e3:9.1f} ms when compiled before the order comes, as ours is made ready")
        metrics["split_vs_cvxpy_ready_100"] = round(ready / taken)
    return metrics | routed(market, found["clarabel"])


def routed(market: Sequence[PairState], peer: dict[str, Any]) -> dict[str, Any]:
    began = time.perf_counter()
    through = net(market, name(0), name(1))
    assert through is not None
    best = flow(through, ORDER)
    assert best is not None
    ready = time.perf_counter() - began
    taken, left = seconds(lambda: flow(through, ORDER), 30), bp(best.bound_units - best.units_out, best.units_out)
    print(f"{POOLS:,} pairs   strongroom {taken * 1e3:9.2f} ms, {len(best.hops)} swaps, proven gap {left:.1e} bp")
    metrics = {"router_ms_1000": round(taken * 1e3, 3), "router_gap_bp": left, "router_ready_ms": round(ready * 1e3, 1)}
    if "missing" in peer:
        print(f"{'clarabel':12} missing: {peer['missing']}")
        return metrics
    leaves = bp(best.units_out - round(peer["value"] * ORDER), best.units_out)
    print(f"{'':12} clarabel   {peer['seconds'] * 1e3:9.2f} ms, in floats alone, leaves {leaves:.6f} bp")
    return metrics | {"router_vs_clarabel": round(peer["seconds"] / taken, 1), "clarabel_leaves_bp": round(leaves, 6)}


def given_by(sides: Sequence[AnySide], shares: Sequence[float]) -> int:
    """The exact output of a peer's shares, what rounding leaves on the largest."""
    amounts = [int(ORDER * share) for share in shares]
    amounts[amounts.index(max(amounts))] += ORDER - sum(amounts)
    found = [each.quote_in(amount) for each, amount in zip(sides, amounts, strict=True)]
    return sum(quote.units_out for quote in found if quote)


def peers(pairs: Sequence[PairState], market: Sequence[PairState]) -> dict[str, Any]:
    """What the peers found, each with its time; or why one is missing."""
    python, why = environment()
    if why:
        return {each: {"missing": why} for each in ("slsqp", "cvxpy", "clarabel")}
    split = {"ins": [p.reserve0_units / ORDER for p in pairs], "outs": [p.reserve1_units / ORDER for p in pairs]}
    rows = [(place(p.token0), place(p.token1), p.reserve0_units / ORDER, p.reserve1_units / ORDER) for p in market]
    asked = {"rounds": 5, "split": split, "route": {"pools": rows, "tokens": TOKENS, "order": 1.0}}
    script = ROOT / "bench" / "peers" / "routing.py"
    ran = subprocess.run([python, script], input=json.dumps(asked), capture_output=True, text=True)
    if ran.returncode:
        why = (ran.stderr.strip().splitlines() or ["no output"])[-1]
        return {each: {"missing": why} for each in ("slsqp", "cvxpy", "clarabel")}
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def environment() -> tuple[str, str]:
    """The Python of the peers' own environment, made where it is missing; or the installer's own line."""
    home, wanted = ROOT / ".setup" / "peers" / "routing", ROOT / "bench" / "peers" / "routing.txt"
    python, installed = home / "bin" / "python", home / "installed.txt"
    if not installed.exists() or installed.read_text() != wanted.read_text():
        uv = str(ROOT / ".venv" / "bin" / "uv")
        for command in (
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)],
            [uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(wanted)],
        ):
            ran = subprocess.run(command, capture_output=True, text=True)
            if ran.returncode:
                return "", (ran.stderr.strip().splitlines() or ["no output"])[-1]
        installed.write_text(wanted.read_text())
    return str(python), ""


def one_price(count: int) -> list[PairState]:
    """Pairs of one price within two per cent, over two magnitudes of depth; the same for the same count."""
    draw = random.Random(count)
    depths = [int(10 ** draw.uniform(21.5, 23.5)) for _ in range(count)]
    return [
        PairState(Address(f"0x{at}"), SOLD, BOUGHT, depth, int(depth * draw.uniform(0.99, 1.01)))
        for at, depth in enumerate(depths)
    ]


def several_prices() -> list[PairState]:
    """Pairs of twenty tokens near one price each, no further out of line than the fee."""
    draw = random.Random(POOLS)
    return [several(draw, at) for at in range(POOLS)]


def several(draw: random.Random, at: int) -> PairState:
    first, second = draw.sample(range(TOKENS), 2)
    depth = int(10 ** draw.uniform(20.5, 22.5))
    return PairState(Address(f"0x{at}"), name(first), name(second), depth, int(depth * draw.uniform(0.999, 1.001)))


def name(token: int) -> Address:
    return Address(f"0x{token:02}")


def place(token: Address) -> int:
    return int(token[2:])


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
    ticks = tuple(PopulatedTick(mark, net_) for mark, net_ in sorted(nets.items()))
    active = sum(net_ for mark, net_ in nets.items() if mark <= tick)
    return PoolState(SOLD, SOLD, BOUGHT, fee, spacing, sqrt_price_at_tick(tick), tick, active, ticks, -20_000, 20_000)


def bp(part: int, of: int) -> float:
    return part / of * 10_000


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
