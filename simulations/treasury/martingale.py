"""Paths of a fitted model on which no past growth is promised: the expected price stays where it is, but for a drift
that is asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulations.treasury.paths import Drawn, Floats, Model

LEAST_CUT = 1.0
"""A day's log-return beyond it is cut: a fall to 37 %, a rise to 272 %. The exponential of a Student t has no mean."""
_NODES, _WIDEST = 801, 7.6
_JUMPS = 15
SCALES = np.geomspace(1e-4, 10.0, 400)


class Martingale:
    """`Source` of a model's joint returns, whose own drifts are left out.

    Each day's log-return is cut at `cut`, up and down; then the log of its exact mean, given that day's volatility, is
    taken away, and `drift_bps` a year added: E[S_t] = S_0 (1 + drift)^(t / 365), on every path, at every volatility, so
    each price is a martingale where no drift is asked for. The mean is the integral of the cut exponential over the
    shock and the jump, tabled over volatilities, to about 1e-7 a day."""

    def __init__(self, model: Model, seed: int, drift_bps: int = 0, cut: float = LEAST_CUT) -> None:
        count = len(model.names)
        still = replace(model, drifts=(0.0,) * count)
        self._whole, self._shocks = Drawn(still, seed), Drawn(replace(still, jump_intensities=(0.0,) * count), seed)
        self._jumps = any(model.jump_intensities)
        self._model, self._cut = model, cut
        self._growth = float(np.log1p(drift_bps / 10_000)) / 365
        self._means = [log_means(model, each, cut) for each in range(count)]

    def block_returns(self, first_path: int, count: int, days: int, out: Floats) -> None:
        """See `Source`; a path's returns depend on model, seed and its number only."""
        drawn = np.empty((days, len(self._model.names), count))
        self._shocks.block_returns(first_path, count, days, drawn)
        offsets = self._growth - self._logs(drawn)
        if self._jumps:
            # The same numbers again, with the jumps among them.
            self._whole.block_returns(first_path, count, days, drawn)
        np.clip(drawn, -self._cut, self._cut, out=drawn)
        np.add(drawn, offsets, out=out)

    def _logs(self, shocks: Floats) -> Floats:
        """Of each day's mean, by that day's volatility, which the shocks before it tell (GARCH(1,1))."""
        model = self._model
        alphas, betas, longs = (np.array(row)[:, None] for row in (model.alphas, model.betas, model.volatilities))
        if not (alphas.any() or betas.any()):
            means = [np.interp(each, SCALES, table) for each, table in zip(longs[:, 0], self._means, strict=True)]
            return np.array(means)[:, None]
        omegas = longs**2 * (1 - alphas - betas)
        variances = np.broadcast_to(np.array(model.volatilities_now)[:, None] ** 2, shocks.shape[1:])
        logs = np.empty(shocks.shape)
        for day, shock in enumerate(shocks):
            for asset, table in enumerate(self._means):
                logs[day, asset] = np.interp(np.sqrt(variances[asset]), SCALES, table)
            variances = omegas + alphas * shock**2 + betas * variances
        return logs


def log_means(model: Model, asset: int, cut: float) -> Floats:
    """log E[exp(cut(s t + jump))] of one asset for each s of the tabled volatilities (a day, 1e-4 to 10): t by its
    distribution's own weight between 801 nodes, the jump's normal by Gauss and Hermite."""
    shocks, weights = _shocks(model.nu)
    moved = SCALES[:, None] * shocks
    calm = np.exp(np.clip(moved, -cut, cut)) @ weights
    chance = model.jump_intensities[asset]
    if not chance:
        return np.asarray(np.log(calm), np.float64)
    nodes, shares = np.polynomial.hermite_e.hermegauss(_JUMPS)
    jumps = model.jump_means[asset] + model.jump_sizes[asset] * nodes
    jumped = sum(
        share * (np.exp(np.clip(moved + jump, -cut, cut)) @ weights)
        for jump, share in zip(jumps, shares / shares.sum(), strict=True)
    )
    return np.asarray(np.log((1 - chance) * calm + chance * jumped), np.float64)


def _shocks(nu: float) -> tuple[Floats, Floats]:
    """Student t shocks of variance one, and the probability around each."""
    from scipy.stats import norm, t

    points = np.sinh(np.linspace(-_WIDEST, _WIDEST, _NODES))
    edges = (points[1:] + points[:-1]) / 2
    below = norm.cdf(edges) if np.isinf(nu) else t.cdf(edges * np.sqrt(nu / (nu - 2)), nu)
    return points, np.diff(below, prepend=0.0, append=1.0)
