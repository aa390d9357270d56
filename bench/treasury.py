"""Treasury Monte Carlo, 100,000 paths of 365 days and 5 assets, against NumPy in chunks, NumPy at once, and
radcad; on Ray its bits are the same.

All play the same model (correlated Student-t shocks, jumps) and treasury (monthly payments, weights within a band) with
generators of their own; each one's statistics are held to ours within four standard errors.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers.environments import python_environment
from simulations.treasury.kernel import Outcomes, Treasury, simulate
from simulations.treasury.paths import cholesky, plain
from simulations.treasury.workers import Task, processes, run, spread, threads

ROOT = Path(__file__).parents[1]
PATHS, DAYS, SEED, CHUNK = 100_000, 365, 1, 1_000
AT_ONCE_PATHS, RADCAD_RUNS = 20_000, 100
_MIXED = tuple(tuple(1.0 if i == j else 0.6 if max(i, j) < 4 else 0.0 for j in range(5)) for i in range(5))
MODEL = plain(
    ("ETH", "BTC", "GOV", "UNI", "USDC"),
    (0.05, 0.04, 0.07, 0.06, 0.001),
    correlation=_MIXED,
    nu=4.0,
    jump_intensities=(0.01, 0.01, 0.02, 0.02, 0.0),
    jump_means=(-0.05, -0.05, -0.1, -0.1, 0.0),
    jump_sizes=(0.05, 0.05, 0.1, 0.1, 0.0),
)
TREASURY = Treasury((2e6, 1e6, 3e6, 1e6, 3e6), 4, 2e5, weights=(0.2, 0.1, 0.3, 0.1, 0.3))


def main() -> None:
    """Prints seconds and statistics of each, then one line of JSON."""
    task = Task(MODEL, TREASURY, SEED, 0, PATHS, DAYS)
    began = time.perf_counter()
    simulate(MODEL, TREASURY, SEED, 1, 1)
    print(f"first call, compiled or read from disk  {time.perf_counter() - began:8.3f} s")
    ours, chunked = alternated(lambda: run(task), lambda: by_numpy(PATHS, CHUNK))
    two, at_once = timed(lambda: spread(task, 2, threads(2))), timed(lambda: by_numpy(AT_ONCE_PATHS, AT_ONCE_PATHS))
    found = run(task)
    peers = {"numpy in chunks": by_numpy(PATHS, CHUNK), "numpy at once": by_numpy(AT_ONCE_PATHS, AT_ONCE_PATHS)}
    agreed = [agree(name, found, peer) for name, peer in peers.items()]
    naive = at_once * PATHS / AT_ONCE_PATHS
    print(f"strongroom, one thread                  {ours:8.3f} s")
    print(f"strongroom, two threads                 {two:8.3f} s")
    print(f"NumPy in chunks of {CHUNK} paths          {chunked:8.3f} s  {chunked / ours:8.1f}x")
    print(f"NumPy, all paths at once                {naive:8.3f} s  {naive / ours:8.1f}x, from {AT_ONCE_PATHS} paths")
    metrics: dict[str, Any] = {
        "mc_seconds_1_thread": round(ours, 4),
        "mc_seconds_2_threads": round(two, 4),
        "mc_vs_chunked_numpy": round(chunked / ours, 2),
        "mc_vs_naive_numpy": round(naive / ours, 1),
        "mc_peak_mb": peak_mb(),
        "mc_same_for_any_threads": same(task, found),
    }
    metrics["mc_statistics_agree"] = all(agreed)
    metrics |= radcad(ours, found) | by_ray(found)
    print(f"peak memory {metrics['mc_peak_mb']} MB, same bits by any workers: {metrics['mc_same_for_any_threads']}")
    print(json.dumps({"name": "treasury", "metrics": metrics}))


def by_numpy(paths: int, chunk: int) -> Outcomes:
    parts = [_numpy_chunk(np.random.default_rng([SEED, first]), chunk) for first in range(0, paths, chunk)]
    return Outcomes(*(np.concatenate(column) for column in zip(*parts, strict=True)), DAYS)  # type: ignore[arg-type]


def _numpy_returns(draw: np.random.Generator, paths: int) -> Any:
    """Shape (days, paths, assets)."""
    lower = cholesky(MODEL.correlation, len(MODEL.names))
    scale = np.sqrt((MODEL.nu - 2) / draw.chisquare(MODEL.nu, (DAYS, paths, 1)))
    shocks = draw.standard_normal((DAYS, paths, len(MODEL.names))) @ lower.T * MODEL.volatilities * scale
    jumps = np.array(MODEL.jump_means) + np.array(MODEL.jump_sizes) * draw.standard_normal((DAYS, paths, 1))
    return np.array(MODEL.drifts) + shocks + np.where(draw.random((DAYS, paths, 1)) < MODEL.jump_intensities, jumps, 0)


def _numpy_chunk(draw: np.random.Generator, paths: int) -> tuple[Any, Any, Any, Any]:
    growth = np.exp(_numpy_returns(draw, paths))
    values = np.tile(TREASURY.values_usd, (paths, 1))
    start = math.fsum(TREASURY.values_usd)
    peak, fall = np.full(paths, start), np.zeros(paths)
    unpaid, ruin = np.zeros(paths, np.int64), np.zeros(paths, np.int64)
    for day in range(DAYS):
        values = values * growth[day]
        if (day + 1) % TREASURY.every_days == 0:
            values, paid = _numpy_paid(values)
            unpaid = np.where((unpaid == 0) & ~paid, day + 1, unpaid)
        values = _numpy_rebalanced(values)
        nav = values.sum(axis=1)
        peak = np.maximum(peak, nav)
        fall = np.maximum(fall, 1 - nav / peak)
        ruin = np.where((ruin == 0) & (nav <= TREASURY.floor_bps / 10_000 * start), day + 1, ruin)
    return nav, fall, unpaid, ruin


def _numpy_paid(values: Any) -> tuple[Any, Any]:
    nav, held = values.sum(axis=1), values[:, TREASURY.stable].copy()
    paid, rest = nav >= TREASURY.payment_usd, np.maximum(TREASURY.payment_usd - held, 0)
    kept = np.where(rest > 0, 1 - rest / np.maximum(nav - held, 1e-300), 1.0)
    left = values * kept[:, None]
    left[:, TREASURY.stable] = np.maximum(held - TREASURY.payment_usd, 0)
    return np.where(paid[:, None], left, 0.0), paid


def _numpy_rebalanced(values: Any) -> Any:
    nav, weights = values.sum(axis=1, keepdims=True), np.array(TREASURY.weights)
    off = np.abs(values - weights * nav)
    trades = off.max(axis=1, keepdims=True) > TREASURY.band_bps / 10_000 * nav
    after = weights * (nav - TREASURY.cost_bps / 10_000 * off.sum(axis=1, keepdims=True) / 2)
    return np.where(trades, after, values)


def agree(name: str, ours: Outcomes, theirs: Outcomes) -> bool:
    """Each statistic within four standard errors of the difference; prints both."""
    rows = [(label, told(ours), told(theirs)) for label, told in STATISTICS.items()]
    fits = [abs(one[0] - two[0]) <= 4 * math.hypot(one[1], two[1]) for _, one, two in rows]
    for (label, one, two), fit in zip(rows, fits, strict=True):
        print(f"  {name:16} {label:20} {one[0]:14,.4f} {two[0]:14,.4f}  {'agree' if fit else 'DIFFER'}")
    return all(fits)


def _mean(samples: Any) -> tuple[float, float]:
    return float(samples.mean()), float(samples.std(ddof=1)) / math.sqrt(len(samples))


def _tail(samples: Any, level: float) -> tuple[float, float]:
    """CVaR: the mean of losses beyond the level's quantile, by Rockafellar and Uryasev's equation, with its error."""
    at = float(np.quantile(samples, level))
    beyond, error = _mean(np.maximum(samples - at, 0) / (1 - level))
    return at + beyond, error


def _var(samples: Any, level: float) -> tuple[float, float]:
    """VaR, its error a quarter of the width between the order statistics two standard errors either side."""
    step = 2 * math.sqrt(level * (1 - level) / len(samples))
    low, at, high = np.quantile(samples, [level - step, level, level + step])
    return float(at), float(high - low) / 4


def _losses(made: Outcomes) -> Any:
    return math.fsum(TREASURY.values_usd) - made.nav_usd


STATISTICS: dict[str, Callable[[Outcomes], tuple[float, float]]] = {
    "VaR 95 % USD": lambda made: _var(_losses(made), 0.95),
    "CVaR 95 % USD": lambda made: _tail(_losses(made), 0.95),
    "VaR 50 % USD": lambda made: _var(_losses(made), 0.5),
    "drawdown": lambda made: _mean(made.drawdown),
    "runway days": lambda made: _mean(made.runway_days),
    "ruined": lambda made: _mean(made.ruin_day > 0),
    "ruin day": lambda made: _mean(made.ruin_day[made.ruin_day > 0]),
}


def same(task: Task, found: Outcomes) -> bool:
    """By one, two and five threads, and by two processes, to the last bit of every array."""
    others = [spread(task, parts, threads(parts)) for parts in (1, 2, 5)] + [spread(task, 3, processes(2))]
    return all(digest(other) == digest(found) for other in others)


def digest(found: Outcomes) -> str:
    """SHA-256 over every bit of every array."""
    arrays = (found.nav_usd, found.drawdown, found.unpaid_day, found.ruin_day)
    return hashlib.sha256(b"".join(each.tobytes() for each in arrays)).hexdigest()


def by_ray(found: Outcomes) -> dict[str, Any]:
    """Seconds on Ray, two workers, and whether its bits are ours; in an environment of its own."""
    wanted = ["ray>=2.50,<3", *(f"{name}=={version(name)}" for name in ("numpy", "numba", "scipy"))]
    python, why = python_environment("ray", wanted, platform.python_version())
    if not why:
        command = [python, "-m", "bench.peers.treasury_ray", "4"]
        ran = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        why = (ran.stderr.strip().splitlines() or ["no output"])[-1] if ran.returncode else ""
    if why:
        print(f"Ray is missing: {why}")
        return {"mc_same_on_ray": None}
    told = json.loads(ran.stdout.splitlines()[-1])
    alike = told["digest"] == digest(found)
    print(f"Ray, two workers                        {told['seconds']:8.3f} s  same bits: {alike}")
    return {"mc_seconds_ray_2_workers": round(told["seconds"], 4), "mc_same_on_ray": alike}


def peak_mb() -> int:
    """Of a fresh process that imports, compiles or loads, and simulates all paths."""
    program = "from bench.treasury import *; run(Task(MODEL, TREASURY, SEED, 0, PATHS, DAYS)); peak()"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    return int(ran.stdout)


def peak() -> None:
    """Linux's high-water mark of this program: `getrusage` would count what the parent held when it started this."""
    told = Path("/proc/self/status").read_text()
    print(int(told.split("VmHWM:")[1].split()[0]) // 1024)


def radcad(ours: float, found: Outcomes) -> dict[str, Any]:
    """Seconds of few runs, extrapolated to all paths, for each run costs the same; and whether its mean NAV fits."""
    wanted = (ROOT / "bench" / "peers" / "treasury.txt").read_text().split()
    python, why = python_environment("radcad", wanted, platform.python_version())
    if why:
        print(f"radcad is missing: {why}")
        return {"mc_vs_radcad": None}
    model = {**asdict(MODEL), **asdict(TREASURY), "band": TREASURY.band_bps / 1e4, "cost": TREASURY.cost_bps / 1e4}
    asked = json.dumps({**model, "seed": SEED, "days": DAYS, "runs": RADCAD_RUNS})
    ran = subprocess.run(
        [python, ROOT / "bench" / "peers" / "treasury.py"], input=asked, capture_output=True, text=True
    )
    if ran.returncode:
        print(f"radcad failed: {ran.stderr.strip().splitlines()[-1]}")
        return {"mc_vs_radcad": None}
    told = json.loads(ran.stdout)
    seconds = told["seconds"] * PATHS / RADCAD_RUNS
    mean, error = _mean(np.array(told["navs"]))
    fits = len(told["navs"]) == RADCAD_RUNS and abs(mean - found.nav_usd.mean()) <= 4 * error
    print(f"radcad                                  {seconds:8.0f} s  {seconds / ours:8.0f}x, from {RADCAD_RUNS} runs")
    print(f"  radcad           mean NAV {found.nav_usd.mean():14,.0f} {mean:14,.0f}  {'agree' if fits else 'DIFFER'}")
    return {"mc_vs_radcad": round(seconds / ours), "mc_radcad_agrees": bool(fits)}


def alternated(one: Callable[[], object], other: Callable[[], object], runs: int = 3) -> tuple[float, float]:
    """Medians of both, taken in turns, so that a busy minute meets both."""
    pairs = [(timed(one), timed(other)) for _ in range(runs)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
