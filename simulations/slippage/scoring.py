"""Does the model keep its word? Coverage of later fills inside exact binomial bounds, and the points of a calibration
plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulations.slippage.fills import Fill
from simulations.slippage.model import Slippage

LEVELS = (0.50, 0.90, 0.99)
_SURE = 0.999
"""How sure the bounds are: a right model fails one of a thousand checks."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """`inside` of `fills` lay in the central interval of `level`; a right model has at least `least` and at most
    `most`."""

    level: float
    inside: int
    fills: int
    least: int
    most: int

    @property
    def holds(self) -> bool:
        return self.least <= self.inside <= self.most


def coverage(model: Slippage, later: Sequence[Fill], levels: Sequence[float] = LEVELS) -> tuple[Coverage, ...]:
    """How many of `later`, none of which the model was fitted on, lie where it said. Raises `ValueError` on none."""
    if not later:
        raise ValueError("no later fills to score by")
    return tuple(_coverage(model, later, level) for level in levels)


def _coverage(model: Slippage, later: Sequence[Fill], level: float) -> Coverage:
    from scipy.stats import binom

    spans = ((model.interval(level, fill.waited_seconds), fill.shortfall) for fill in later)
    inside = sum(low <= shortfall <= high for (low, high), shortfall in spans)
    least, most = binom.interval(_SURE, len(later), level)
    return Coverage(level, inside, len(later), int(least), int(most))


def calibration(model: Slippage, later: Sequence[Fill]) -> tuple[tuple[float, float], ...]:
    """(what the model said, what came) for each fill in order: the share of fills that should stay below it, and the
    share that did. On the diagonal where the model is right."""
    said = sorted(model.probability(fill.shortfall, fill.waited_seconds) for fill in later)
    return tuple((each, (rank + 0.5) / len(said)) for rank, each in enumerate(said))
