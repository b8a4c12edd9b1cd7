r"""Gaps, joint test, effective weights and covariances, from `Predictions`.

A covariance of Eq. (9)'s residual is a sum over classes, :math:`\sum_k c_k S_k`: with
:math:`c_k = w_k^2 / n_k` that due to a test sample, and, to first order, with
:math:`c_k = w_k^2 / N_k` that due to the *training* sample: a fit has residual zero on its own
sample, so what it has on all fresh data is minus the sampling error of its own sample.

Of weighted samples n_k is Kish's effective number, and :math:`S_k` the covariance under the squared
weights: :math:`S_k / n_k` is then the covariance of the weighted mean.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, as_finite, by_class, check_level
from learnprop.equations.balance import residual
from learnprop.equations.inference.estimates import Estimate
from learnprop.equations.inference.joint import JointTest
from learnprop.equations.inference.model import gaps_within, joint_test_within
from learnprop.equations.inference.within_class import WithinClass, within_class_of_moments
from learnprop.equations.stationary import effective_class_weight_within

SAME = 1e-9
"""Of the total mass: a residual of a constant classifier that is smaller is due to rounding."""


def within(predictions: Predictions) -> WithinClass:
    """Spread of the predictions within each class.

    Raises
    ------
    BadArgument
        If a class has fewer than two samples: it has no spread that could be known.
    """
    p = predictions
    few = np.flatnonzero(p.count < 2)
    if len(few):
        label, n = p.labels[few[0]], int(p.count[few[0]])
        said = f"holds {n or 'no'} sample of class {label!r}: two are needed of each class"
        raise BadArgument("y_true", said)
    if p.spread is not None:
        return p.spread
    if p.second_moment is None:
        raise BadArgument("predictions", "have neither a `spread` nor a `second_moment`")
    count = p.count.astype(np.float64)
    miss = None if p.activation == "softmax" else p.miss_proba
    return within_class_of_moments(p.mean_proba, p.second_moment, count, miss)


def _of_classes(values: ArrayLike, name: str, predictions: Predictions) -> FloatArray:
    found = as_finite(by_class(values, name), name)
    if found.shape != predictions.count.shape or not (found > 0).all():
        K = len(predictions.count)
        raise BadArgument(name, f"must be {K} positive numbers, got {shown(values)}")
    return found / found.max()


def gaps(
    predictions: Predictions,
    class_mass: ArrayLike,
    *,
    level: float = 0.9,
    simultaneous: bool = False,
) -> list[Estimate]:
    """Gaps of the K equations with intervals for fresh data (`gaps_of_model`)."""
    mass = _of_classes(class_mass, "class_mass", predictions)
    return gaps_within(
        within(predictions), mass, level=check_level(level), simultaneous=simultaneous
    )


def joint_test(predictions: Predictions, class_mass: ArrayLike) -> JointTest:
    """Test of all equations at once (`joint_test_of_model`).

    Where some class's probability never varies F has no covariance to go by, and Chernoff's bounds
    take its place; of a classifier that predicts the same for all samples nothing is uncertain, and
    the p value is 1 or 0.
    """
    mass = _of_classes(class_mass, "class_mass", predictions)
    spread, independent = within(predictions), predictions.activation == "sigmoid"
    if spread.constant:
        r = residual(spread.mean_proba, mass, spread.miss_proba)
        holds = np.abs(r).max() <= SAME * mass.sum()
        df = len(mass) - (not independent)
        reason = "the predictions are the same for every sample"
        return JointTest(float("nan"), df, float("nan"), float(holds), reason)
    try:
        return joint_test_within(spread, mass, independent=independent)
    except (BadArgument, np.linalg.LinAlgError):
        bounded = joint_test_within(spread, mass, independent=independent, min_misses=np.inf)
        return replace(bounded, reason="the covariance of the residual is singular")


def effective_weights(
    predictions: Predictions, train_count: ArrayLike, *, level: float = 0.95
) -> list[Estimate]:
    """Effective class weights with intervals (`effective_class_weight_of_model`)."""
    if predictions.activation == "sigmoid":
        raise BadArgument("activation", "must be softmax: sigmoids act upon no one set of weights")
    count = _of_classes(train_count, "train_count", predictions)
    return effective_class_weight_within(within(predictions), count, level=check_level(level))


def weighted_covariance(predictions: Predictions, coefficient: ArrayLike) -> FloatArray:
    r"""Sum over classes of coefficient c_k times within-class covariance S_k, (K, K)."""
    return within(predictions).total(as_finite(coefficient, "coefficient"))


def residual_covariance(
    predictions: Predictions, class_mass: ArrayLike, train_count: ArrayLike | None = None
) -> FloatArray:
    r"""Covariance of the residual r = w - wP, in units of w squared, (n_classes, n_classes).

    .. math:: \sum_k w_k^2 S_k \left( \frac{1}{n_k} + \frac{1}{N_k} \right)

    Without `train_count` N the second term is left out: what a test sample does to the residual of
    this very model. With it, what a training sample leaves is added, to first order.
    """
    mass = as_finite(by_class(class_mass, "class_mass"), "class_mass")
    inverse = 1 / predictions.effective_count
    if train_count is not None:
        inverse = inverse + 1 / as_finite(by_class(train_count, "train_count"), "train_count")
    return weighted_covariance(predictions, mass**2 * inverse)


def flow(predictions: Predictions, class_mass: ArrayLike) -> FloatArray:
    r"""Σ_k w_k E_k f_j f_l, zero on the diagonal: minus the change of (wP)_j with a bias b_l."""
    mass = as_finite(class_mass, "class_mass")
    if predictions.second_moment is not None:
        found = np.einsum("k,kij->ij", mass, predictions.second_moment)
    elif predictions.products is not None:
        found = predictions.products(mass)
    else:
        raise BadArgument("predictions", "have neither `products` nor a `second_moment`")
    np.fill_diagonal(found, 0.0)
    return found
