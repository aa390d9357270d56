"""Does the slippage model keep its word? Fitted on the earlier fills of a market that an independent trader moves,
scored on the later ones. `python bench/slippage.py [calibration.png]` draws the calibration plot too."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.forecasts import BLUE, GREY, origin, panels, save
from simulations.slippage.fills import Fill
from simulations.slippage.model import Slippage, fit
from simulations.slippage.scoring import calibration, coverage
from strongroom.world.world import World
from tests.simulations.slippage.market import market

FILLS, SEED = 400, 20


def main() -> None:
    """Prints the fit, its coverage, and one line of JSON."""
    with World.start() as world, market(world, SEED) as opened:
        fills = [opened.fill() for _ in range(FILLS)]
    earlier, later = fills[: FILLS // 2], fills[FILLS // 2 :]
    model = fit(earlier)
    print(f"fitted on {model.fills} fills: t with {model.freedom:.2f} degrees of freedom")
    metrics: dict[str, float] = {"fills": len(later)}
    for each in coverage(model, later):
        print(f"{each.level:.0%}: {each.inside} of {each.fills} inside, {each.least} to {each.most} if it is right")
        metrics[f"inside_{each.level:g}"] = each.inside / each.fills
        metrics[f"holds_{each.level:g}"] = int(each.holds)
    points = calibration(model, later)
    metrics["largest_miss"] = max(abs(said - came) for said, came in points)
    if len(sys.argv) > 1:
        draw(model, later, points, Path(sys.argv[1]))
    print(json.dumps({"name": "slippage", "metrics": metrics}))


def draw(model: Slippage, later: Sequence[Fill], points: Sequence[tuple[float, float]], path: Path) -> None:
    made = origin({"fills": [str(fill.received) for fill in later]}, SEED, ["simulate", "swap"])
    figure, (axes,) = panels(f"Fitted on {model.fills} fills, scored on the {len(later)} after them", 1, made)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="a right model")
    axes.plot(*zip(*points, strict=True), color=BLUE, label="this one")
    axes.set_xlabel("share of fills that should fall short by less")
    axes.set_ylabel("share that did")
    axes.legend(frameon=False)
    save(figure, path)


if __name__ == "__main__":
    main()
