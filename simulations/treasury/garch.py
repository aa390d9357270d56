"""GARCH(1,1) with Student-t shocks (Bollerslev, 1987) from one asset's daily returns.

By maximum likelihood first. Of prices whose swings last as long as a coin's, that often says that volatility has no
mean at all; then the mean is held at the history's own and the rest fitted around it (variance targeting: Francq,
Horváth and Zakoïan, 2011).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulations.treasury.paths import LEAST_NU, Floats

MOST_NU = 200.0
_MOST_PERSISTENCE, _MOST_TARGETED = 0.995, 0.999
"""Of alpha + beta. Beyond the first, the mean that likelihood names is an accident of the sample's end; at the second,
a shock lasts for longer than years of days can show."""
_STARTS = ((0.1, 0.95, 4.0), (0.05, 0.99, 3.5), (0.2, 0.9, 6.0))
"""Of alpha's share of alpha + beta, that sum, and nu."""


@dataclass(frozen=True, slots=True)
class Garch:
    """Daily `volatility` in the long run and `volatility_now`, for the day after the last; `nu` is from 2.1 to 200;
    `residuals` (days) are the returns over their own day's volatility. `targeted`: the long run is the history's own
    standard deviation. `errors` are standard errors by parameter, where likelihood gives them."""

    volatility: float
    volatility_now: float
    alpha: float
    beta: float
    nu: float
    residuals: Floats
    errors: Mapping[str, float]
    targeted: bool = False


def garch(returns: Floats) -> Garch | None:
    """Of `returns` (days), which move; `None` where nothing converges to a variance with a mean."""
    return _likeliest(returns) or targeted(returns)


def _likeliest(returns: Floats) -> Garch | None:
    from arch import arch_model

    # In units of a spread of one, where the optimiser's own steps and tolerances fit.
    scale = float(returns.std())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = arch_model(returns / scale, mean="Constant", p=1, q=1, dist="t", rescale=False).fit(
                disp="off", show_warning=False
            )
        except (ValueError, FloatingPointError, np.linalg.LinAlgError):
            return None
        errors = result.std_err
    return _of_result(result, errors, scale) if result.convergence_flag == 0 else None


def _of_result(result: Any, errors: Any, scale: float) -> Garch | None:
    alpha, beta, omega, nu = (float(result.params[name]) for name in ("alpha[1]", "beta[1]", "omega", "nu"))
    if not all(map(math.isfinite, (alpha, beta, omega, nu))) or alpha + beta >= _MOST_PERSISTENCE:
        return None
    last = omega + alpha * float(result.resid[-1]) ** 2 + beta * float(result.conditional_volatility[-1]) ** 2
    named = {"alpha": "alpha[1]", "beta": "beta[1]", "nu": "nu"}
    return Garch(
        volatility=scale * math.sqrt(omega / (1 - alpha - beta)),
        volatility_now=scale * math.sqrt(last),
        alpha=alpha,
        beta=beta,
        nu=min(max(nu, LEAST_NU), MOST_NU),
        residuals=np.asarray(result.resid / result.conditional_volatility, np.float64),
        errors={ours: float(errors[theirs]) for ours, theirs in named.items() if math.isfinite(errors[theirs])},
    )


def targeted(returns: Floats) -> Garch | None:
    """The fit of `returns` (days) whose long-run variance is their own; `None` where shocks do not fade."""
    from scipy.optimize import minimize

    scale = float(returns.std())
    moved = (returns - returns.mean()) / scale
    bounds = [(0.0, 1.0), (0.0, _MOST_TARGETED), (LEAST_NU, MOST_NU)]
    tried = [minimize(_surprise, start, args=(moved,), bounds=bounds, method="L-BFGS-B") for start in _STARTS]
    share, persistence, nu = (float(each) for each in min(tried, key=lambda one: one.fun).x)
    if persistence >= _MOST_TARGETED:
        return None
    alpha = share * persistence
    variances = _variances(alpha, persistence - alpha, moved)
    return Garch(
        volatility=scale,
        volatility_now=scale * math.sqrt(variances[-1]),
        alpha=alpha,
        beta=persistence - alpha,
        nu=nu,
        residuals=moved / np.sqrt(variances[:-1]),
        errors={},
        targeted=True,
    )


def _surprise(given: Floats, returns: Floats) -> float:
    """Minus the log-likelihood of `returns`, by what `_STARTS` are of."""
    from scipy.special import gammaln

    share, persistence, nu = given
    variances = _variances(share * persistence, (1 - share) * persistence, returns)[:-1]
    each = (nu + 1) / 2 * np.log1p(returns**2 / ((nu - 2) * variances)) + np.log(variances) / 2
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - math.log(math.pi * (nu - 2)) / 2
    return float(each.sum() - len(returns) * constant)


def _variances(alpha: float, beta: float, returns: Floats) -> Floats:
    """Of each day and the one after the last, around a mean of 1, which the first day has."""
    from scipy.signal import lfilter

    after, _ = lfilter([1.0], [1.0, -beta], 1 - alpha - beta + alpha * returns**2, zi=[beta])
    return np.append(1.0, after)
