r"""Effective weights as people read them: a class against the others, beside what was stated.

Weights have no unit: scaled to sum to one, the share of a rare class that is off moves the shares
of all others. What is compared here is a class with all others together,

.. math:: \omega_k = \frac{\lambda_k}{\sum_{j \ne k} \lambda_j},

which of two classes is their ratio.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from learnprop.equations.arrays import FloatArray
from learnprop.equations.inference.estimates import Estimate

if TYPE_CHECKING:
    from learnprop.audit.report.record import BalanceReport


def relative_weights(report: BalanceReport) -> list[Estimate]:
    """Effective weight of each class against all others together, over the same as stated.

    Intervals are those of the effective weights: where the delta method made them, it is carried on
    to the scale of log ω; bounds are carried over as they are.

    Parameters
    ----------
    report : BalanceReport

    Returns
    -------
    list of Estimate, one per class
        One where it acts upon the weights that were stated; NaN where it cannot be told.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(2, 6, 40_000)  # calibrated: it acts upon equal weights
    >>> from learnprop import check
    >>> report = check((rng.random(40_000) < p).astype(int), p, class_weight=[1, 3])
    >>> light, heavy = relative_weights(report)
    >>> round(heavy.value, 1), round(light.value * heavy.value, 12)
    (0.3, 1.0)
    """
    effective = np.array([e.value for e in report.effective])
    found = _odds(effective)
    stated = _odds(report.class_weight)
    return [
        _relative(estimate, float(omega), float(omega / estimate.value), float(said))
        for estimate, omega, said in zip(report.effective, found, stated, strict=True)
    ]


def _odds(weight: FloatArray) -> FloatArray:
    """Each weight over the sum of the others, not by subtraction."""
    others = np.zeros_like(weight)
    others[1:] = np.cumsum(weight)[:-1]
    others[:-1] += np.cumsum(weight[::-1])[::-1][1:]
    odds: FloatArray = weight / others
    return odds


def _relative(estimate: Estimate, omega: float, power: float, stated: float) -> Estimate:
    """Divide ω with its interval by that of the stated weights; power is d log ω / d log λ."""
    level, reason = estimate.level, estimate.reason
    if not math.isfinite(omega):
        return Estimate(math.nan, 0.0, math.inf, level, reason)
    if reason:
        ends = (estimate.low, estimate.high)
        low, high = (end / (1 - end) if end < 1 else math.inf for end in ends)
    else:
        with np.errstate(over="ignore"):
            shares = np.array([estimate.low, estimate.high]) / estimate.value
            low, high = (omega * shares**power).tolist()
    return Estimate(omega / stated, low / stated, high / stated, level, reason)


def shown_weights(report: BalanceReport) -> tuple[FloatArray, list[Estimate]]:
    """Stated and effective weights in the unit of the lightest class that was stated.

    Of two classes the lightest is 1 on both sides, and the other's weight is their ratio. Of more
    the effective weight of each is that against all others together, where those weigh what was
    stated.

    Parameters
    ----------
    report : BalanceReport

    Returns
    -------
    stated : ndarray, shape (n_classes,)
    effective : list of Estimate, one per class

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(2, 6, 40_000)  # calibrated: it acts upon equal weights
    >>> from learnprop import check
    >>> report = check((rng.random(40_000) < p).astype(int), p, class_weight=[1, 3])
    >>> stated, (light, heavy) = shown_weights(report)
    >>> stated.round(9).tolist(), light.value, round(heavy.value, 1)
    ([1.0, 3.0], 1.0, 1.0)
    """
    stated = report.class_weight / report.class_weight.min()
    effective = [
        Estimate(said * e.value, said * e.low, said * e.high, e.level, e.reason)
        for said, e in zip(stated.tolist(), relative_weights(report), strict=True)
    ]
    if len(stated) == 2:
        unit = reference(report)
        effective[unit] = Estimate(1.0, 1.0, 1.0, effective[unit].level)
    return stated, effective


def reference(report: BalanceReport) -> int:
    """Class that the other of two is compared with: the lightest as stated, or as it acts."""
    stated = report.class_weight
    if not math.isclose(stated[0], stated[1]):
        return int(np.argmin(stated))
    return int(report.effective[1].value < report.effective[0].value)
