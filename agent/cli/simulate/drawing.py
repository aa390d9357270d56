"""Where a forecast's prices are drawn from, and how that is told: real days laid end to end, or a model of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.cli.simulate.options import DAYS, FITTED
from agent.cli.units import aligned

if TYPE_CHECKING:
    from simulations.treasury.fit import Fitted
    from simulations.treasury.history import History
    from simulations.treasury.source import Source

_YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Draw:
    """`fitted` is the model and `cut` the largest log-return of a day, `None` and 0 where real days are drawn."""

    fitted: Fitted | None = None
    cut: float = 0.0
    filled_days: int = 0

    def source(self, history: History, seed: int, drift_bps: int) -> Source:
        from simulations.treasury.martingale import Martingale
        from simulations.treasury.source import Bootstrap

        if self.fitted is None:
            return Bootstrap(history.log_returns(), seed, drift_bps=drift_bps)
        return Martingale(self.fitted.model, seed, drift_bps, self.cut)


def draw_of(name: str, history: History) -> Draw:
    """Raises `BadValue` for a history that is too thin or too wild for a model."""
    if name == DAYS:
        return Draw()
    import numpy as np

    from simulations.treasury.fit import Prices, fit
    from simulations.treasury.martingale import LEAST_CUT

    whole = history.filled()
    found = fit(Prices(whole.names, whole.days, whole.prices))
    widest = float(np.abs(np.diff(np.log(whole.prices), axis=0)).max())
    return Draw(found, max(LEAST_CUT, widest), len(whole.days) - len(history.days))


def draw_told(draw: Draw) -> dict[str, Any]:
    """For `--json` and the data's hash; volatilities a year beside the jumps, jumps as log-returns."""
    if draw.fitted is None:
        return {"from": DAYS}
    model = draw.fitted.model
    return {
        "from": FITTED,
        "assets": {name: _asset_told(draw, place) for place, name in enumerate(model.names)},
        "degrees_of_freedom": model.nu,
        "correlation": [list(row) for row in model.correlation],
        "cut_log_return": draw.cut,
        "days_filled": draw.filled_days,
        "notes": list(draw.fitted.notes),
    }


def _asset_told(draw: Draw, place: int) -> Mapping[str, float]:
    assert draw.fitted is not None
    model = draw.fitted.model
    year = math.sqrt(_YEAR_DAYS)
    return {
        "volatility_today": model.volatilities_now[place] * year,
        "volatility_long_run": model.volatilities[place] * year,
        "alpha": model.alphas[place],
        "beta": model.betas[place],
        "jumps_a_year": model.jump_intensities[place] * _YEAR_DAYS,
        "jump_mean": model.jump_means[place],
        "jump_spread": model.jump_sizes[place],
    }


def draw_head(draw: Draw, past: str, drift: str) -> Iterator[str]:
    """What prices are, and the model's parameters in a table; `past` names the history and its days."""
    if draw.fitted is None:
        yield f"prices: stretches of real days of {past}; expected growth {drift} a year"
        return
    model = draw.fitted.model
    yield f"prices: drawn from a model fitted on {past}; expected growth {drift} a year"
    yield from (f"  {line}" for line in aligned(list(_rows(draw)), right=range(1, 6 + len(model.names))))
    yield from (f"  {note}" for note in draw.fitted.notes)
    if draw.filled_days:
        yield f"  {draw.filled_days:,} days are missing there and stand at the last price before"


def _rows(draw: Draw) -> Iterator[tuple[str, ...]]:
    assert draw.fitted is not None
    model = draw.fitted.model
    with_others = (f"with {name}" for name in model.names)
    yield "", "volatility today", "long run", "tails, freedom", "jumps a year", "a jump, mean", *with_others
    for place, name in enumerate(model.names):
        one = _asset_told(draw, place)
        told = (f"{one['volatility_today']:.0%}", f"{one['volatility_long_run']:.0%}", f"{model.nu:.1f}")
        jumps = (f"{one['jumps_a_year']:.1f}", f"{math.expm1(one['jump_mean']):+.0%}")
        yield name, *told, *jumps, *(f"{each:.2f}" for each in model.correlation[place])


def draw_foot(draw: Draw) -> Iterator[str]:
    """What a treasurer must not read into drawn prices."""
    if draw.fitted is None:
        return
    fall, rise = math.exp(-draw.cut), math.exp(draw.cut)
    yield "the model keeps no past growth: each price is expected to stay where it is, but for `--drift`"
    yield f"a day's price is cut at {fall:.0%} and {rise:.0%} of the day before: without a bound no mean would exist"
