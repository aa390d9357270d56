"""Were the forecasts of the past right? From 2017 on, every thirtieth and every fifth day is the last one known: how
often did BTC and ETH then fall below the forecast's 1 % and 5 %, and how wide was it? Beside a normal random walk."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from simulations.treasury.fit import Prices, fit
from simulations.treasury.history import daily, shipped
from simulations.treasury.martingale import Martingale
from simulations.treasury.paths import plain
from simulations.treasury.source import Bootstrap, Floats, Source
from simulations.treasury.walk_forward import exceedances, walk_forward

FIRST, SEED, DAY = 300, 7, 86_400
HORIZONS = (5, 30)
LEVELS = (0.01, 0.05)
NAMES = shipped().names


def fitted(past: Floats) -> Source:
    closes = np.exp(np.vstack([np.zeros(len(NAMES)), past.cumsum(axis=0)]))
    return Martingale(fit(Prices(NAMES, range(0, DAY * len(closes), DAY), closes)).model, SEED)


def days(past: Floats) -> Source:
    return Bootstrap(past, SEED)


def normal(past: Floats) -> Source:
    return Martingale(plain(NAMES, tuple(map(float, past.std(axis=0)))), SEED)


MADE: dict[str, Callable[[Floats], Source]] = {"fitted": fitted, "days": days, "normal walk": normal}


def main() -> None:
    """Prints a line for each way to draw, horizon and asset, then one line of JSON."""
    returns = daily(shipped())
    metrics: dict[str, float] = {}
    for name, made in MADE.items():
        for horizon in HORIZONS:
            shares = walk_forward(returns, range(FIRST, len(returns) - horizon, horizon), horizon, made)
            for asset, column in zip(NAMES, shares.T, strict=True):
                metrics |= told(f"{name} {asset} {horizon} days", column)
    print(json.dumps({"name": "walk_forward", "metrics": metrics}))


def told(label: str, shares: Floats) -> dict[str, float]:
    found = {level: exceedances(shares, level) for level in LEVELS}
    texts = [f"{one.below:3} below its {level:.0%} (at most {one.most} if right)" for level, one in found.items()]
    print(f"{label:24} of {len(shares)} windows " + ", ".join(texts))
    key = label.replace(" ", "_").lower()
    return {f"{key}_below_{level:g}": round(one.below / one.windows, 4) for level, one in found.items()}


if __name__ == "__main__":
    main()
