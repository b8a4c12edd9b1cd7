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
from scipy.special import softmax

from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.leave_one_out.jacobian import (
    DETERMINED,
    RIDGE,
    left_out_by_jacobian,
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
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 1, 0, 1])
    >>> z = 0.908184 * X[:, 0] - 1.362276
    >>> left_out_logit(X, z, y == 1, np.ones(4)).round(3).tolist()
    [0.804, -1.947, 1.947, -0.804]
    """
    design, ridge = _standardised(X, l2)
    return left_out_by_jacobian(design, logit, is_one, weight, ridge)


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

    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 1, 0, 1])
    >>> z = 0.908184 * X[:, 0] - 1.362276
    >>> both = left_out_softmax_logits(X, np.stack([0 * z, z], axis=1), y, np.ones(4))
    >>> (both[:, 1] - both[:, 0]).round(3).tolist()
    [0.804, -1.947, 1.947, -0.804]
    """
    C = contrasts(logits.shape[-1])
    design, ridge = _standardised(X, l2)
    curvature = weight[..., None, None] * _curvature(softmax(logits, axis=-1), C)
    return moved_logits(_blocks(design, curvature, ridge), logits, y, weight)


def moved_logits(A: FloatArray, logits: FloatArray, y: IntArray, weight: FloatArray) -> FloatArray:
    """Leave-one-out logits of softmax regressions whose blocks A are known.

    Parameters
    ----------
    A : ndarray, shape (..., n_samples, n_classes - 1, n_classes - 1)
        In coordinates of `contrasts`.
    logits, y, weight
        As in `left_out_softmax_logits`.

    Returns
    -------
    ndarray, shape (..., n_samples, n_classes)
    """
    C, proba = contrasts(logits.shape[-1]), softmax(logits, axis=-1)
    error = _softmax_error(proba, y) @ C
    curvature = weight[..., None, None] * _curvature(proba, C)
    one = np.eye(C.shape[1])
    left = one - curvature @ A
    told = np.linalg.det(left) > DETERMINED
    left = np.where(told[..., None, None], left, one)
    step = A @ np.linalg.solve(left, (weight[..., None] * error)[..., None])
    return np.where(told[..., None], logits + step[..., 0] @ C.T, np.nan)


def contrasts(n_classes: int) -> FloatArray:
    """Orthonormal columns that sum to zero, shape (n_classes, n_classes - 1).

    Examples
    --------
    >>> (contrasts(2).round(4) + 0.0).tolist()
    [[-0.7071], [0.7071]]
    """
    k = np.arange(1, n_classes)
    C = np.where(np.arange(n_classes)[:, None] < k, -1.0, 0.0)
    C[k, k - 1] = k
    return np.asarray(C / np.sqrt(k * (k + 1)))


def _standardised(X: FloatArray, l2: float) -> tuple[FloatArray, FloatArray]:
    """Centred and scaled features with a column of ones, and α in their units: (..., n_params)."""
    moved = X - X.mean(axis=-2, keepdims=True)
    scale = np.sqrt((moved**2).mean(axis=-2, keepdims=True))
    constant = scale == 0
    scale = np.where(constant, 1.0, scale)
    design = np.concatenate([moved / scale, np.ones_like(X[..., :1])], axis=-1)
    # A feature that is constant has no say.
    ridge = np.where(constant, 1.0, l2 / scale**2)
    return design, np.concatenate([ridge[..., 0, :], np.zeros_like(scale[..., 0, :1])], axis=-1)


def _diagonal(ridge: FloatArray, hessian: FloatArray) -> FloatArray:
    """The penalty as a matrix, and so much more that columns may be collinear."""
    mean = np.trace(hessian, axis1=-2, axis2=-1)[..., None] / hessian.shape[-1]
    return np.asarray((ridge + RIDGE * mean)[..., None] * np.eye(hessian.shape[-1]))


def _gram(left: FloatArray, weight: FloatArray, right: FloatArray) -> FloatArray:
    return np.asarray((left * weight[..., None]).mT @ right)


def _softmax_error(proba: FloatArray, y: IntArray) -> FloatArray:
    """Probability minus target, that of the own class not by subtraction."""
    own = np.arange(proba.shape[-1]) == y[:, None]
    others = np.where(own, 0.0, proba)
    return np.where(own, -others.sum(axis=-1, keepdims=True), others)


def _curvature(proba: FloatArray, C: FloatArray) -> FloatArray:
    """C' (diag f - f f') C of each sample."""
    pulled = proba[..., None] * C
    mean = proba @ C
    return np.asarray(C.T @ pulled - mean[..., :, None] * mean[..., None, :])


def _blocks(design: FloatArray, curvature: FloatArray, ridge: FloatArray) -> FloatArray:
    """Blocks A of each sample, (..., n_samples, m, m), by pairs of contrasts."""
    m, n_params = curvature.shape[-1], design.shape[-1]
    batch = np.broadcast_shapes(design.shape[:-2], curvature.shape[:-3])
    hessian = np.empty((*batch, m, n_params, m, n_params))
    for a in range(m):
        for b in range(a + 1):
            block = _gram(design, curvature[..., a, b], design)
            hessian[..., a, :, b, :] = hessian[..., b, :, a, :] = block
    flat = hessian.reshape(*batch, m * n_params, m * n_params)
    flat = flat + _diagonal(np.tile(ridge, m), flat)
    inverse = np.linalg.inv(flat).reshape(hessian.shape)
    A = np.empty((*batch, design.shape[-2], m, m))
    for a in range(m):
        for b in range(a + 1):
            of_pair = ((design @ inverse[..., a, :, b, :]) * design).sum(axis=-1)
            A[..., a, b] = A[..., b, a] = of_pair
    return A
