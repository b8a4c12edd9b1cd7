"""Balance of a network, from what it gives on the samples of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.stated_weights import stated_weights
from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray
from learnprop.equations.balance import gap, left_side, right_side
from learnprop.equations.class_weights import check_class_count
from learnprop.equations.stationary import effective_class_weight

LISTED = 20
"""Classes whose numbers a log has one by one."""


@dataclass(frozen=True)
class NetworkBalance:
    """Balance of a network on one sample. A class that it does not hold has NaN.

    Attributes
    ----------
    count : ndarray of float64, shape (n_classes,)
        Samples of each class that were seen.
    class_weight : ndarray, shape (n_classes,)
        λ that were stated, scaled to sum to one.
    class_count : ndarray, shape (n_classes,)
        N, class sizes of training.
    mean_proba : ndarray, shape (n_classes, n_classes)
        P of Eq. (9).
    left, right, residual : ndarray, shape (n_classes,)
        Both sides of Eq. (9) and their difference r_j, over the total mass.
    relative_residual : ndarray, shape (n_classes,)
        r_j / w_j.
    gap : ndarray, shape (n_classes,)
        left / right - 1.
    effective : ndarray, shape (n_classes,)
        Class weights that it acts upon, scaled to sum to one (E3). NaN if a class is absent, never
        reached from the others, or the outputs are sigmoids, each of which has a weight of its own.
    path_gradient, mean_gradient : ndarray, shape (n_classes,), or None
        Of E9, where the output bias is tracked: the mean gradient that the way of the bias tells
        of, and that of the minibatches that were seen.
    note : str
        Why there is no `path_gradient`; empty where nobody asked.
    """

    count: FloatArray
    class_weight: FloatArray
    class_count: FloatArray
    mean_proba: FloatArray
    left: FloatArray
    right: FloatArray
    residual: FloatArray
    relative_residual: FloatArray
    gap: FloatArray
    effective: FloatArray
    path_gradient: FloatArray | None = None
    mean_gradient: FloatArray | None = None
    note: str = ""

    @property
    def largest_gap(self) -> float:
        """Largest gap of a class, either sign; NaN where no class has one."""
        known = np.abs(self.gap[~np.isnan(self.gap)])
        return float(known.max()) if len(known) else float("nan")


def balance_of(
    mean_proba: FloatArray,
    count: FloatArray,
    class_weight: Any,
    class_count: ArrayLike | None,
    miss_proba: FloatArray | None = None,
) -> NetworkBalance:
    """Put mean probabilities to Eq. (9).

    Parameters
    ----------
    mean_proba : ndarray, shape (n_classes, n_classes)
    count : ndarray, shape (n_classes,)
    class_weight : str, dict, Series, array_like or None
        As `stated_weights`, the label of a class being its number.
    class_count : array_like, shape (n_classes,), optional
        Of training; by default the sample is the training sample.
    miss_proba : ndarray, shape (n_classes,), optional
        Of sigmoids.

    Returns
    -------
    NetworkBalance

    Examples
    --------
    >>> found = balance_of(np.array([[0.9, 0.1], [0.01, 0.99]]), np.array([10.0, 100]), None, None)
    >>> found.largest_gap < 1e-14, found.effective.round(12)
    (True, array([0.5, 0.5]))
    """
    if class_count is None and (count == 0).any():
        # Sizes of absent classes are of no matter: their rows are NaN.
        trained_on = np.maximum(count, 1.0)
    else:
        trained_on = check_class_count(count if class_count is None else class_count, len(count))
    weight = stated_weights(class_weight, range(len(count)), trained_on)
    mass = weight * trained_on / (weight * trained_on).sum()
    left, right = left_side(mean_proba, mass, miss_proba), right_side(mean_proba, mass)
    return NetworkBalance(
        count=count,
        class_weight=weight,
        class_count=trained_on,
        mean_proba=mean_proba,
        left=left,
        right=right,
        residual=left - right,
        relative_residual=(left - right) / mass,
        gap=gap(mean_proba, mass, miss_proba),
        effective=_effective(mean_proba, trained_on, miss_proba),
    )


def _effective(
    mean_proba: FloatArray, class_count: FloatArray, miss_proba: FloatArray | None
) -> FloatArray:
    if miss_proba is None and not np.isnan(mean_proba).any():
        try:
            return effective_class_weight(mean_proba, class_count)
        except BadArgument:  # probabilities of exactly zero cut classes off
            pass
    return np.full(len(class_count), np.nan)


def logged(found: NetworkBalance) -> dict[str, float]:
    """What a log has of a balance: the largest gap and, of few classes, all gaps and weights.

    Examples
    --------
    >>> balance = balance_of(np.array([[0.9, 0.1], [0.01, 0.99]]), np.ones(2), None, [1000, 10000])
    >>> list(logged(balance))[:3]
    ['balance_largest_gap', 'balance_gap_0', 'balance_gap_1']
    """
    numbers = {"balance_largest_gap": found.largest_gap}
    if len(found.count) <= LISTED:
        for name, values in (("gap", found.gap), ("weight", found.effective)):
            numbers |= {f"balance_{name}_{k}": float(v) for k, v in enumerate(values)}
    return numbers
