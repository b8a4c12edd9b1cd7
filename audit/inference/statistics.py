r"""Gaps, joint test, effective weights and covariances, from `Predictions`.

A covariance of Eq. (9)'s residual is a sum over classes, :math:`\sum_k c_k S_k`: with
:math:`c_k = w_k^2 / n_k` that due to a test sample, and, to first order, with
:math:`c_k = w_k^2 / N_k` that due to the *training* sample: a fit has residual zero on its own
sample, so what it has on all fresh data is minus the sampling error of its own sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arrays import FloatArray
from learnprop.equations.inference.estimates import Estimate
from learnprop.equations.inference.joint import JointTest
from learnprop.equations.inference.model import gaps_of_model, joint_test_of_model
from learnprop.equations.inference.within_class import within_class_covariance
from learnprop.equations.stationary import effective_class_weight_of_model


def gaps(
    predictions: Predictions,
    class_mass: ArrayLike,
    *,
    level: float = 0.9,
    simultaneous: bool = False,
) -> list[Estimate]:
    """Gaps of the K equations with intervals for fresh data (`gaps_of_model`)."""
    p = predictions
    return gaps_of_model(
        p.mean_proba, p.second_moment, p.count, class_mass,
        level=level, simultaneous=simultaneous,
    )  # fmt: skip


def joint_test(predictions: Predictions, class_mass: ArrayLike) -> JointTest:
    """Test of all equations at once (`joint_test_of_model`)."""
    p = predictions
    return joint_test_of_model(p.mean_proba, p.second_moment, p.count, class_mass)


def effective_weights(
    predictions: Predictions, train_count: ArrayLike, *, level: float = 0.95
) -> list[Estimate]:
    """Effective class weights with intervals (`effective_class_weight_of_model`)."""
    p = predictions
    return effective_class_weight_of_model(
        p.mean_proba, p.second_moment, p.count, train_count, level=level
    )


def weighted_covariance(predictions: Predictions, coefficient: ArrayLike) -> FloatArray:
    r"""Sum over classes of coefficient c_k times within-class covariance S_k, (K, K)."""
    p = predictions
    within = within_class_covariance(p.mean_proba, p.second_moment, p.count)
    return np.einsum("k,kij->ij", np.asarray(coefficient, dtype=np.float64), within)


def flow(predictions: Predictions, class_mass: ArrayLike) -> FloatArray:
    r"""Σ_k w_k E_k f_j f_l, zero on the diagonal: minus the change of (wP)_j with a bias b_l."""
    found = np.einsum(
        "k,kij->ij", np.asarray(class_mass, dtype=np.float64), predictions.second_moment
    )
    np.fill_diagonal(found, 0.0)
    return found
