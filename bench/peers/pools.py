"""The same exact quotes by other programs, on one pool of 215 ticks, bit for bit compared with ours in the same run.

Each side's time is its process's own on the processor, so that what else the machine does counts for neither. Ours are
quotes from a table, whose making `bench/pools.py` tells apart; the stable degenbot also keeps the steps it has been
through.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from peers.environments import PEERS, node_environment, python_environment

from simulations.pools.uniswap_v3 import Side, side
from strongroom.model import Address, PoolState, PopulatedTick
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick

SOLD, BOUGHT, POOL = (Address("0x" + digit * 40) for digit in "abc")
TICKS, SPACING, ORDERS, ROUNDS = 215, 60, 1_000, 5
STEPS = {"typical": (0, 1, 2, 3, 3), "heavy": tuple(range(20, 77))}
"""How many whole steps orders cross before their last one: with that one 2.8 and 49 on average."""


def synthetic() -> PoolState:
    """Nested positions around the price, one tick each further out, as deep as a large pool."""
    draw, nets = random.Random(215), {}
    marks = [(n - TICKS // 2) * SPACING for n in range(TICKS)]
    for n in range(TICKS // 2):
        liquidity = int(10 ** draw.uniform(19, 21))
        for mark, net in ((marks[n], liquidity), (marks[-1 - n], -liquidity)):
            nets[mark] = nets.get(mark, 0) + net
    # The middle tick: one more provider on one side alone.
    nets[0], nets[marks[-1]] = 10**20, nets[marks[-1]] - 10**20
    ticks = tuple(PopulatedTick(mark, net) for mark, net in sorted(nets.items()))
    active = sum(net for mark, net in nets.items() if mark <= 5)
    return PoolState(POOL, SOLD, BOUGHT, 3_000, SPACING, sqrt_price_at_tick(5) + 12_345, 5, active, ticks)


def orders(known: Side) -> dict[str, list[int]]:
    """Sizes by name: each ends somewhere within a step drawn evenly."""
    draw = random.Random(49)
    found = {}
    for name, crossed in STEPS.items():
        steps = [draw.choice(crossed) for _ in range(ORDERS)]
        found[name] = [draw.randint(known.taken[step] + 1, known.taken[step + 1]) for step in steps]
    return found


def measure() -> dict[str, Any]:
    """Prints the table; the metrics."""
    pool = synthetic()
    known = side(pool, SOLD)
    sizes = orders(known)
    asked, metrics = _asked(pool, sizes), {}
    outs = {name: [str(_filled(known, units)) for units in each] for name, each in sizes.items()}
    print(f"{'exact quotes a second':24} {'typical':>10} {'heavy':>10}   ours meanwhile, and how many times as fast")
    for name, peer in _peers().items():
        # Ours right before and right after, so that both meet the same machine.
        before = _seconds(known, sizes)
        answer = _ask(peer, asked)
        after = _seconds(known, sizes)
        metrics |= _compared(name, answer, {size: before[size] + after[size] for size in sizes}, outs)
    return metrics


def _filled(known: Side, units: int) -> int:
    quote = known.quote_in(units)
    assert quote is not None
    return quote.units_out


def _seconds(known: Side, sizes: dict[str, list[int]]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in sizes}
    for _ in range(ROUNDS):
        for name, orders in sizes.items():
            began = time.process_time()
            for each in orders:
                known.quote_in(each)
            seconds[name].append(time.process_time() - began)
    return seconds


def _peers() -> dict[str, tuple[list[str], str, str]]:
    """Command, home folder and why it is missing, by the name in the metrics."""
    here = Path(__file__).resolve().parent
    stable, no_stable = python_environment("degenbot", ["degenbot"], "3.12")
    newest, no_newest = python_environment("degenbot-pre", ["--prerelease=allow", "degenbot>=0.6.0a0"], "3.13")
    folder, no_sdk = node_environment("v3-sdk", ["@uniswap/v3-sdk", "@uniswap/sdk-core"])
    script = str(here / "pools_degenbot.py")
    return {
        "degenbot": ([stable, script], "degenbot", no_stable),
        "degenbot_pre": ([newest, script], "degenbot-pre", no_newest),
        "v3_sdk": (["node", str(here / "pools_v3_sdk.cjs"), folder], "v3-sdk", no_sdk),
    }


def _asked(pool: PoolState, sizes: dict[str, list[int]]) -> str:
    described = {
        "sqrt_price_x96": str(pool.sqrt_price_x96),
        "tick": pool.tick,
        "liquidity": str(pool.liquidity),
        "fee_pips": pool.fee_pips,
        "tick_spacing": pool.tick_spacing,
        "ticks": [[row.tick, str(row.liquidity_net)] for row in pool.ticks],
    }
    texts = {name: [str(units) for units in each] for name, each in sizes.items()}
    return json.dumps({"pool": described, "orders": texts, "rounds": ROUNDS})


def _ask(peer: tuple[list[str], str, str], asked: str) -> dict[str, Any]:
    command, folder, why = peer
    if why:
        return {"missing": why}
    # Each peer keeps its settings in a home of its own.
    home = PEERS / folder / "home"
    home.mkdir(exist_ok=True)
    try:
        ran = subprocess.run(
            command, input=asked, capture_output=True, text=True, env={**os.environ, "HOME": str(home)}
        )
    except OSError as error:
        return {"missing": str(error)}
    if ran.returncode:
        lines = ran.stderr.strip().splitlines()
        return {"missing": next((line for line in reversed(lines) if "Error" in line), "no output")}
    answer: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return answer


def _compared(
    name: str, answer: dict[str, Any], mine: dict[str, list[float]], outs: dict[str, list[str]]
) -> dict[str, Any]:
    ours = {size: statistics.median(seconds) for size, seconds in mine.items()}
    metrics: dict[str, Any] = {f"v3_{size}_per_s": round(ORDERS / seconds) for size, seconds in ours.items()}
    if "missing" in answer:
        print(f"{name:24} missing: {answer['missing']}")
        return {**metrics, f"{name}_missing": answer["missing"]}
    theirs = {size: statistics.median(answer[size]["seconds"]) for size in mine}
    metrics |= {f"v3_{size}_vs_{name}": round(theirs[size] / ours[size], 2) for size in mine}
    metrics |= {f"{name}_{size}_per_s": round(ORDERS / theirs[size]) for size in mine}
    differing = sum(a != b for size in outs for a, b in zip(outs[size], answer[size]["outs"], strict=True))
    rates = " ".join(f"{metrics[f'{name}_{size}_per_s']:10,}" for size in mine)
    fast = " / ".join(f"{metrics[f'v3_{size}_per_s']:,} = {metrics[f'v3_{size}_vs_{name}']:.1f}x" for size in mine)
    print(f"{name + ' ' + answer['version']:24} {rates}   {fast}; {differing} outputs differ")
    return {**metrics, f"{name}_version": answer["version"], f"{name}_differs": differing}
