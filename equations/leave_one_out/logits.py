r"""Leave-one-out logits of regressions: all of them from one fit (E13).

The fit minimises :math:`\sum_i \omega_i \ell_i + \frac{\alpha}{2} |\beta|^2`, without a penalty on
the intercepts. Without sample i its minimum is, to first order, one Newton step away; for a linear
output layer the step has a closed form in what the Hessian H of the whole sample says of
:math:`\tilde x_i = (x_i, 1)`:

.. math:: z_{-i} = z_i + \frac{h_i \omega_i (f_i - y_i)}{1 - h_i \omega_i f_i (1 - f_i)},
          \qquad h_i = \tilde x_i^T H^{-1} \tilde x_i

for one logit, and with the blocks :math:`A_i` of :math:`\tilde x_i^T H^{-1} \tilde x_i` and
:math:`W_i = \omega_i (\mathrm{diag} f_i - f_i f_i^T)`

.. math:: z_{-i} = z_i + A_i (I - W_i A_i)^{-1} \omega_i (f_i - y_i)

for softmax, whose logits are told up to a constant: both are in coordinates of K - 1 contrasts.

References
----------
Beirami, Razaviyayn, Shahrampour and Tarokh (2017), NeurIPS 30; Rad and Maleki (2020), JRSS B 82,
965-996.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.leave_one_out.response import (
    DETERMINED,
    factors,
    inverse_hessian,
    local_loss,
    moved_by,
    quadratic_forms,
    standardised,
    with_ridge,
)


def left_out_logit(
    X: FloatArray, logit: FloatArray, is_one: np.ndarray, weight: FloatArray, l2: float = 0.0
) -> FloatArray:
    """Leave-one-out logits of fitted logistic regressions.

    Parameters
    ----------
    X : ndarray, shape (..., n_samples, n_features)
        Features, without a column of ones.
    logit : ndarray, shape (..., n_samples)
        At the minimum.
    is_one : ndarray of bool, shape (..., n_samples)
        Whether a sample is of class 1.
    weight : ndarray, shape (..., n_samples)
        ω, of each sample.
    l2 : float
        α, in the units of the features.

    Returns
    -------
    ndarray, shape (..., n_samples)
        NaN of a sample without which nothing is left to tell its logit.

    Examples
    --------
    Twenty samples of one feature, and what a fit to the other nineteen would say of three:

    >>> X, is_one = np.arange(20.0)[:, None], np.array(list("00100100101101101101")) == "1"
    >>> z = 0.13008388 * X[:, 0] - 1.23579689  # of the fit to all
    >>> z[[0, 2, 5]].round(2).tolist()
    [-1.24, -0.98, -0.59]
    >>> left_out_logit(X, z, is_one, np.ones(20))[[0, 2, 5]].round(2).tolist()
    [-0.99, -1.52, -0.85]

    Three fits to nineteen samples say -1.00, -1.59 and -0.87.
    """
    p, q = expit(logit), expit(-logit)
    error = np.where(is_one, -q, p)
    curvature = weight * p * q
    design, ridge = standardised(X, l2)
    hessian = with_ridge((design * curvature[..., None, :]) @ design.mT, ridge)
    leverage = (np.linalg.solve(hessian, design) * design).sum(axis=-2)
    left = 1 - leverage * curvature
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = logit + leverage * weight * error / left
    return np.where(left > DETERMINED, moved, np.nan)


def left_out_softmax_logits(
    X: FloatArray, logits: FloatArray, y: IntArray, weight: FloatArray, l2: float = 0.0
) -> FloatArray:
    """Leave-one-out logits of fitted softmax regressions.

    Parameters
    ----------
    X : ndarray, shape (..., n_samples, n_features)
        Features, without a column of ones.
    logits : ndarray, shape (..., n_samples, n_classes)
        At the minimum.
    y : ndarray of int, shape (n_samples,)
    weight : ndarray, shape (..., n_samples)
        ω, of each sample.
    l2 : float
        α of the coefficients of all K logits, in the units of the features.

    Returns
    -------
    ndarray, shape (..., n_samples, n_classes)
        NaN of a sample without which nothing is left to tell its logits. Memory is that of
        n_samples (n_features + n_classes²) numbers.

    Examples
    --------
    Two logits are one:

    >>> X, y = np.arange(20.0)[:, None], np.array([int(c) for c in "00100100101101101101"])
    >>> z, weight = 0.13008388 * X[:, 0] - 1.23579689, np.ones(20)
    >>> both = left_out_softmax_logits(X, np.stack([0 * z, z], axis=1), y, weight)
    >>> bool(np.allclose(both[:, 1] - both[:, 0], left_out_logit(X, z, y == 1, weight)))
    True
    """
    design, ridge = standardised(X, l2)
    inverse = inverse_hessian(design, local_loss(logits, y, weight).curvature, ridge)
    return moved_logits(quadratic_forms(design, inverse), logits, y, weight)


def moved_logits(A: FloatArray, logits: FloatArray, y: IntArray, weight: FloatArray) -> FloatArray:
    """Leave-one-out logits of softmax regressions whose blocks A are known.

    Parameters
    ----------
    A : ndarray, shape (..., n_classes - 1, n_classes - 1, n_samples)
        In coordinates of `contrasts`.
    logits, y, weight
        As in `left_out_softmax_logits`.

    Returns
    -------
    ndarray, shape (..., n_samples, n_classes)
    """
    at = local_loss(logits, y, weight)
    step = moved_by(factors(A, at.curvature), at.error)
    return np.asarray(logits + (at.contrast @ step).mT)
