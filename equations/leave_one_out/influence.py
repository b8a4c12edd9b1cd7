r"""How a sample's weight moves what leaving samples out predicts: the infinitesimal jackknife.

The predicted sides of Eq. (9) are functions of the training sample, through every term, the
minimum :math:`\hat\theta` and the Hessian H there. Let sample l count :math:`v_l` times. At v = 1

.. math:: \frac{d\hat\theta}{dv_l} = -H^{-1} \tilde x_l \omega_l (f_l - y_l), \qquad
          \frac{dH}{dv_l} = \tilde x_l W_l \tilde x_l^T + \frac{dH}{d\hat\theta}
          \frac{d\hat\theta}{dv_l},

while what is left out remains one sample. A side's derivative in :math:`v_l` is the influence of
sample l, and its variance over samples drawn anew, with fixed class sizes, to first order
:math:`\sum_k N_k S_k^2`, :math:`S_k^2` the variance of the influences within class k. The
derivative is taken backwards, once for each of the 2 K sides and not for each sample: of five
classes all of them take two to four times as long as the fit.

References
----------
Jaeckel (1972), The infinitesimal jackknife, Bell Laboratories; Efron (2014), JASA 109, 991-1007.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.leave_one_out.response import (
    Local,
    applied,
    factors,
    inverse_hessian,
    local_loss,
    moved_by,
    pieces,
    quadratic_forms,
    squared,
    standardised,
)


def influence_on_sides(
    X: FloatArray, logits: FloatArray, y: IntArray, weight: FloatArray, l2: float = 0.0
) -> FloatArray:
    """Influence of each training sample on both sides of Eq. (9) as left-out predictions have them.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
        Features, without a column of ones.
    logits : ndarray, shape (n_samples, n_classes)
        Of a softmax regression at its minimum, none of whose samples is without leave-one-out
        logits.
    y : ndarray of int, shape (n_samples,)
    weight : ndarray, shape (n_samples,)
        ω, of each sample.
    l2 : float
        α of the coefficients of all K logits, in the units of the features.

    Returns
    -------
    ndarray, shape (2, n_classes, n_samples)
        Of left and right, up to a constant within each class.

    Examples
    --------
    With all samples twice as heavy, nothing but the unit of the sides is another:

    >>> X, y = np.arange(12.0)[:, None], np.array([0, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 1])
    >>> both = np.stack([np.zeros(12), 0.2 * X[:, 0] - 1.1], axis=1)
    >>> once, twice = (influence_on_sides(X, both, y, np.full(12, w)) for w in (1.0, 2.0))
    >>> once.shape, bool(np.allclose(twice, 2 * once))
    ((2, 2, 12), True)
    """
    at = _fitted(X, logits, y, weight, l2)
    left_out = softmax(logits + (at.loss.contrast @ at.step).mT, axis=-1).T
    own = np.arange(len(left_out))[:, None] == y
    sides = np.stack([np.where(own, -weight, 0.0), np.where(own, 0.0, weight)])
    found, C = np.empty_like(sides), at.loss.contrast
    for j, f in enumerate(left_out):
        slope = f * (C[j][:, None] - C.T @ left_out)
        for side, share in enumerate(sides[:, j]):
            found[side, j] = share * f + _through_the_fit(at, weight, share * slope)
    return found


def influence_on_binary_sides(
    X: FloatArray, logit: FloatArray, is_one: np.ndarray, weight: FloatArray, l2: float = 0.0
) -> FloatArray:
    """`influence_on_sides` of a logistic regression: two logits of a softmax, half of it each.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
    logit : ndarray, shape (n_samples,)
    is_one : ndarray of bool, shape (n_samples,)
    weight : ndarray, shape (n_samples,)
    l2 : float
        α of the coefficients of the one logit.

    Returns
    -------
    ndarray, shape (2, 2, n_samples)
    """
    both = np.stack([-logit / 2, logit / 2], axis=1)
    # α (|β/2|² + |β/2|²) is half of α |β|²
    return influence_on_sides(X, both, is_one.astype(np.int64), weight, 2 * l2)


@dataclass(frozen=True)
class _Fitted:
    """A softmax regression at its minimum, samples last; ``step`` is from its logits to left-out.

    Shapes are (p, n_samples), (m, p, m, p), (m, m, n_samples) and (m, n_samples).
    """

    loss: Local
    design: FloatArray
    inverse: FloatArray
    factors: FloatArray
    step: FloatArray


def _fitted(
    X: FloatArray, logits: FloatArray, y: IntArray, weight: FloatArray, l2: float
) -> _Fitted:
    loss = local_loss(logits, y, weight)
    design, ridge = standardised(X, l2)
    inverse = inverse_hessian(design, ridge, logits, y, weight)
    G = factors(quadratic_forms(design, inverse), loss.curvature)
    return _Fitted(loss, design, inverse, G, moved_by(G, loss.error))


def _through_the_fit(at: _Fitted, weight: FloatArray, slope: FloatArray) -> FloatArray:
    """Influence on a sum of functions of the left-out logits, but for its own terms.

    Parameters
    ----------
    at : _Fitted
    weight : ndarray, shape (n_samples,)
    slope : ndarray, shape (m, n_samples)
        a, of each term in its sample's left-out logits.
    """
    W, step = at.loss.curvature, at.step
    q = at.loss.error + applied(W, step)  # the step is A q
    moved = moved_by(at.factors, slope)  # A p
    p = slope + applied(W, moved)  # of the logits, and of A together with q
    in_inverse = np.sum([_outer(at.design[:, s], p[:, s], q[:, s]) for s in _pieces(at)], axis=0)
    H = at.inverse.reshape(in_inverse.shape)
    in_hessian = -H @ in_inverse @ H
    in_hessian = (in_hessian + in_hessian.T) / 2
    matrix = in_hessian.reshape(at.inverse.shape)
    forms = np.concatenate([quadratic_forms(at.design[:, s], matrix) for s in _pieces(at)], axis=-1)
    in_curvature = (moved[:, None] * step + step[:, None] * moved) / 2 + forms
    in_logits = p + _curvature_slope(at.loss, weight, in_curvature)
    in_params = H @ (in_logits @ at.design.T).ravel()
    of_sample = in_params.reshape(len(p), -1) @ at.design
    return np.asarray((forms * W).sum(axis=(0, 1)) - (of_sample * at.loss.error).sum(axis=0))


def _pieces(at: _Fitted) -> Iterator[slice]:
    m, p = at.inverse.shape[:2]
    return pieces(at.design.shape[-1], m * p)


def _outer(design: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """Σ x̃ p q' x̃' over all pairs of parameters, (m n_params, m n_params)."""
    left, right = ((vectors[:, None] * design).reshape(-1, design.shape[1]) for vectors in (p, q))
    return np.asarray(left @ right.T)


def _curvature_slope(at: Local, weight: FloatArray, matrix: FloatArray) -> FloatArray:
    """Derivative of <matrix, W> of each sample in its logits, (m, n_samples)."""
    C, f = at.contrast, at.proba
    squares = squared(C) @ matrix.reshape(-1, matrix.shape[-1])
    in_proba = squares - 2 * C @ applied(matrix, C.T @ f)
    return np.asarray(weight * (C.T @ (f * (in_proba - (f * in_proba).sum(axis=0)))))
