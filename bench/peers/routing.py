"""Splits and routes by SciPy's SLSQP, cvxpy and Clarabel, in an environment of their own: constant-product pools on
stdin, allocations and times on stdout.

Each peer gets what helps it: one thread, for two that share small matrices wait more than they work; reserves scaled to
their value; SLSQP its exact gradient; its problem built before the clock starts (cvxpy's also after it has, as it is
mostly used); Clarabel the second-order cone that a constant product is, without a modelling layer.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # Read when NumPy is imported.

import numpy as np

KEPT = 0.997
_Seconds = list[float]


def slsqp(asked: dict[str, Any]) -> dict[str, Any]:
    """Shares of the order; inputs and outputs in units of it."""
    from scipy.optimize import minimize

    ins, outs = (np.array(asked[name]) for name in ("ins", "outs"))

    def lost(shares: Any) -> float:
        return -float((outs * KEPT * shares / (ins + KEPT * shares)).sum())

    def slope(shares: Any) -> Any:
        return -outs * KEPT * ins / (ins + KEPT * shares) ** 2

    sums = {"type": "eq", "fun": lambda shares: shares.sum() - 1, "jac": np.ones_like}
    even, bounds = np.full(len(ins), 1 / len(ins)), [(0, 1)] * len(ins)
    options = {"maxiter": 500, "ftol": 1e-12}

    def solve() -> Any:
        return minimize(lost, even, jac=slope, bounds=bounds, constraints=sums, options=options).x

    return timed(solve, asked["rounds"])


def cvxpy(asked: dict[str, Any]) -> dict[str, Any]:
    """The same, modelled and solved for each order; and beside it compiled once, with the order as a parameter."""
    import cvxpy as cp

    ins, outs = (np.array(asked[name]) for name in ("ins", "outs"))

    def modelled() -> tuple[Any, Any]:
        shares, order = cp.Variable(len(ins), nonneg=True), cp.Parameter(nonneg=True, value=1.0)
        given = cp.sum(cp.multiply(outs, 1 - cp.inv_pos(1 + cp.multiply(KEPT / ins, shares))))
        return cp.Problem(cp.Maximize(given), [cp.sum(shares) == order]), shares

    def solved(problem: Any, shares: Any) -> Any:
        problem.solve(solver=cp.CLARABEL, warm_start=False)
        return shares.value

    ready = modelled()
    solved(*ready)
    compiled = timed(lambda: solved(*ready), asked["rounds"])
    return {**timed(lambda: solved(*modelled()), asked["rounds"]), "ready_seconds": compiled["seconds"]}


def clarabel(asked: dict[str, Any]) -> dict[str, Any]:
    """The best flow over several tokens, as a cone program: of each pool x = (in0, in1, out0, out1) in shares of its
    reserves, with (1 + kept in0 - out0) (1 + kept in1 - out1) >= 1."""
    import clarabel as cl
    from scipy import sparse

    pools, tokens = asked["pools"], asked["tokens"]
    count = len(pools)
    flows = np.zeros((tokens, 4 * count))
    cones = np.zeros((3 * count, 4 * count))
    offsets = np.zeros(3 * count)
    for place, (first, second, reserve, other) in enumerate(pools):
        at = 4 * place
        flows[first, [at, at + 2]], flows[second, [at + 1, at + 3]] = (-reserve, reserve), (-other, other)
        u, w = np.array([KEPT, 0, -1, 0]), np.array([0, KEPT, 0, -1])
        # |(2, u - w)| <= u + w; Clarabel's form is b - A x in the cone.
        cones[3 * place : 3 * place + 3, at : at + 4] = [-(u + w), np.zeros(4), -(u - w)]
        offsets[3 * place : 3 * place + 3] = [2.0, 2.0, 0.0]
    kept = [token for token in range(tokens) if token != 1]
    order = np.array([asked["order"] if token == 0 else 0.0 for token in kept])
    rows = sparse.csc_matrix(np.vstack([-flows[kept], -np.eye(4 * count), cones]))
    limits = np.concatenate([order, np.zeros(4 * count), offsets])
    kinds = [cl.NonnegativeConeT(len(kept) + 4 * count), *(cl.SecondOrderConeT(3) for _ in range(count))]
    settings = cl.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_rel = settings.tol_gap_abs = settings.tol_feas = 1e-9
    solver = cl.DefaultSolver(sparse.csc_matrix((4 * count, 4 * count)), -flows[1], rows, limits, kinds, settings)
    seconds, value = [], 0.0
    for _ in range(asked["rounds"]):
        began = time.perf_counter()
        solution = solver.solve()
        seconds.append(time.perf_counter() - began)
        value = float(flows[1] @ np.array(solution.x))
    return {"seconds": statistics.median(seconds), "value": value}


def timed(solve: Callable[[], Any], rounds: int) -> dict[str, Any]:
    """The allocation, as shares that sum to one, and the median time."""
    seconds: _Seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        found = solve()
        seconds.append(time.perf_counter() - began)
    shares = np.clip(found, 0, None)
    return {"seconds": statistics.median(seconds), "shares": (shares / shares.sum()).tolist()}


def main() -> None:
    asked = json.load(sys.stdin)
    found: dict[str, Any] = {}
    for name, peer, problem in (("slsqp", slsqp, "split"), ("cvxpy", cvxpy, "split"), ("clarabel", clarabel, "route")):
        try:
            found[name] = peer({**asked[problem], "rounds": asked["rounds"]})
        except Exception as error:  # noqa: BLE001 - one peer that fails is reported, the others still run
            found[name] = {"missing": f"{type(error).__name__}: {error}"}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
