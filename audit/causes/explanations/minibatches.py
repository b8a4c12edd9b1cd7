r"""A weighted mean over minibatches of a size that nobody stated: the size is fitted.

What it acts upon (E8) runs with the size B from equal weights at B = 1 to those stated at B = ∞, a
family of one number. Statistic and covariance are those of the other explanations.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.optimize import brentq, minimize_scalar

from learnprop.audit.causes.evidence import Evidence, Fitted, in_standard_errors, p_value_of
from learnprop.audit.causes.explanations.catalogue import DIVIDE, WHY_MINIBATCHES, differ
from learnprop.audit.causes.explanations.explanation import Explanation, imbalance
from learnprop.audit.causes.facts import TrainingFacts
from learnprop.equations.arrays import FloatArray
from learnprop.equations.violations.minibatch_mean import weight_in_minibatches

SIZES = 1.2, 4096.0
"""Between which B is fitted: near them weights are all but equal, and all but those stated."""

FIRST = 64.0
"""Guess, for a covariance to begin with."""

GRID = 33
"""Values of log B among which the minimum is bracketed."""


def fitted_minibatch_mean(
    weight: FloatArray,
    count: FloatArray,
    facts: TrainingFacts,
    evidence: Evidence,
    *,
    error: float,
    known: tuple[FloatArray, ...] = (),
) -> Fitted | None:
    """Fit the size of minibatches by generalised least squares, and test what it leaves.

    Parameters
    ----------
    weight, count : ndarray, shape (n_classes,)
        λ as stated, and N.
    facts : TrainingFacts
    evidence : Evidence
    error : float
        Of the interval of B that the explanation is given: 1 - level.
    known : tuple of ndarray
        Masses of other explanations, none of which is said twice.

    Returns
    -------
    Fitted, or None
        None where the size was stated, weights are equal, or the best fit is one of those known or,
        at less than two at once, all but equal weights. A size at an end of its range is not free:
        what is left is tested by all the equations. Of two classes one within the range leaves
        nothing to be tested.
    """
    if facts.normalised_together is not None or not differ(weight, np.ones_like(weight)):
        return None
    scaled = weight / weight.sum()
    drawn_by = np.ones_like(count) if facts.sampler_weight is None else facts.sampler_weight
    share = count * drawn_by / (count * drawn_by).sum()

    def mass(log_size: float) -> FloatArray:
        of_class = weight_in_minibatches(scaled, share, float(np.exp(log_size))) * share
        return np.asarray(of_class / of_class.sum())

    P, miss = evidence.mean_proba, evidence.miss_proba
    best = float(np.log(FIRST))
    for _ in range(3):  # the covariance changes with B
        covariance = evidence.covariance(mass(best))

        def statistic(log_size: float, covariance: FloatArray = covariance) -> float:
            left = imbalance(Explanation("", "", "", mass(log_size)), 0.0, P, miss)
            found = in_standard_errors(covariance, left)
            return float("nan") if found is None else float(found[0] @ found[0])

        if not np.isfinite(statistic(best)):
            break
        best = _least(statistic)
    found = mass(best)
    least = statistic(best)
    inside = np.log(SIZES[0]) + 1e-3 < best < np.log(SIZES[1]) - 1e-3
    df = len(P) - 1 - inside
    p_value = p_value_of(least, df, evidence.df)
    refuted = p_value < error
    if not refuted and (best < np.log(2) or any(not differ(found, one) for one in known)):
        return None
    why = WHY_MINIBATCHES
    if inside:
        why += f" {_interval(statistic, best, least, error)}"
    name = "minibatch mean, about {:.3g} at once"
    if not inside:
        name = f"minibatch mean, {SIZES[0]:g} at once or fewer"
        name = name if best < np.log(FIRST) else f"minibatch mean, {SIZES[1]:g} at once or more"
    e = Explanation(name, why, DIVIDE, found, n_free=1)
    left = imbalance(e, 0.0, P, miss)
    return Fitted(e, float(np.exp(best)), left, least, df, p_value)


def _least(statistic: Callable[[float], float]) -> float:
    """Where a function of log B is least: bracketed on a grid, then by Brent's method."""
    grid = np.linspace(np.log(SIZES[0]), np.log(SIZES[1]), GRID)
    at = int(np.argmin([statistic(one) for one in grid]))
    bounds = grid[max(at - 1, 0)], grid[min(at + 1, GRID - 1)]
    found = minimize_scalar(statistic, bounds=bounds, method="bounded", options={"xatol": 1e-8})
    return float(found.x)


def _interval(statistic: Callable[[float], float], best: float, least: float, error: float) -> str:
    """Sizes whose statistic is above the least by no more than chi-squared of one number."""
    most = least + float(stats.chi2.isf(error, 1))

    def above(log_size: float) -> float:
        return statistic(log_size) - most

    low, high = np.log(SIZES)
    first = np.exp(brentq(above, low, best)) if above(low) > 0 else None
    last = np.exp(brentq(above, best, high)) if above(high) > 0 else None
    level = f"at level {1 - error:.3g}"
    if first is not None and last is not None:
        return f"From {first:.3g} to {last:.3g} at once fit, {level}."
    if first is not None:
        return f"{first:.3g} and more at once fit, {level}."
    if last is not None:
        return f"Up to {last:.3g} at once fit, {level}."
    return "Any size fits."
