"""The same treasury in radcad, in an environment of its own: model on stdin, seconds and final NAVs on stdout."""

from __future__ import annotations

import json
import math
import sys
import time
from typing import Any


def states_and_blocks(asked: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    import numpy as np

    draw = np.random.default_rng(asked["seed"])
    lower, weights = np.linalg.cholesky(np.array(asked["correlation"])), np.array(asked["weights"])
    rows = ("drifts", "volatilities", "jump_intensities", "jump_means", "jump_sizes")
    drifts, volatilities, intensities, means, sizes = (np.array(asked[row]) for row in rows)
    nu, stable, payment = asked["nu"], asked["stable"], asked["payment_usd"]

    def lived(params: Any, substep: int, history: Any, before: dict[str, Any], **_: Any) -> dict[str, Any]:
        scale = math.sqrt((nu - 2) / draw.chisquare(nu))
        jump = means + sizes * draw.standard_normal()
        shocks = volatilities * scale * (lower @ draw.standard_normal(len(weights)))
        values = before["values"] * np.exp(drifts + shocks + np.where(draw.random() < intensities, jump, 0.0))
        if before["timestep"] % asked["every_days"] == asked["every_days"] - 1:
            values = paid(values)
        off = np.abs(values - weights * values.sum())
        if off.max() > asked["band"] * values.sum():
            values = weights * (values.sum() - asked["cost"] * off.sum() / 2)
        return {"lived": values}

    def paid(values: Any) -> Any:
        if values.sum() < payment:
            return values * 0.0
        from_stable = min(values[stable], payment)
        values = values.copy()
        values[stable] -= from_stable
        return values * (1 - (payment - from_stable) / values.sum()) if payment > from_stable else values

    def values(params: Any, substep: int, history: Any, before: Any, given: Any, **_: Any) -> tuple[str, Any]:
        return "values", given["lived"]

    def peak(params: Any, substep: int, history: Any, before: Any, given: Any, **_: Any) -> tuple[str, Any]:
        return "peak", max(before["peak"], given["lived"].sum())

    def fall(params: Any, substep: int, history: Any, before: Any, given: Any, **_: Any) -> tuple[str, Any]:
        total = given["lived"].sum()
        return "fall", max(before["fall"], 1 - total / max(before["peak"], total))

    start = np.array(asked["values_usd"])
    states = {"values": start, "peak": float(start.sum()), "fall": 0.0}
    return states, [{"policies": {"lived": lived}, "variables": {"values": values, "peak": peak, "fall": fall}}]


def main() -> None:
    from radcad import Backend, Engine, Experiment, Model, Simulation

    asked = json.load(sys.stdin)
    states, blocks = states_and_blocks(asked)
    model = Model(initial_state=states, state_update_blocks=blocks, params={})
    experiment = Experiment([Simulation(model=model, timesteps=asked["days"], runs=asked["runs"])])
    experiment.engine = Engine(backend=Backend.SINGLE_PROCESS, deepcopy=False, drop_substeps=True)
    began = time.perf_counter()
    rows = experiment.run()
    seconds = time.perf_counter() - began
    last = [float(row["values"].sum()) for row in rows if row["timestep"] == asked["days"]]
    print(json.dumps({"seconds": seconds, "navs": last}))


if __name__ == "__main__":
    main()
