r"""What the minimum of a softmax regression says of each of its samples, samples last.

In coordinates of K - 1 orthonormal contrasts C (of logits that are told up to a constant),
:math:`W_i = \omega_i C^T (\mathrm{diag} f_i - f_i f_i^T) C` and, with the Hessian H of the whole
sample, :math:`A_i` the blocks of :math:`\tilde x_i^T H^{-1} \tilde x_i`. Both are symmetric, and so
is what a sample left out moves with: with :math:`A_i = L L^T` and :math:`I - L^T W_i L = R R^T`

.. math:: A_i (I - W_i A_i)^{-1} = G_i G_i^T, \qquad G_i = L R^{-T}.

Each step of these factorisations is one of all samples at once: LAPACK, a sample at a time, took
five times as long for the small matrices that they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from learnprop.equations.arrays import FloatArray, IntArray

DETERMINED = 1e-9
"""Of a sample's own weight in its fit: what is left for the others when it is left out."""

RIDGE = 1e-13
"""Added to a Hessian, relative to its mean diagonal: a direction that no sample has is no crash."""

ROUNDING = 1e-13
"""Of a feature's spread, relative to its size, and of a direction's variance, to the largest."""

PIECE = 4096
"""Samples whose blocks are factorised at once: their temporaries stay in a cache."""


@dataclass(frozen=True)
class Local:
    """The loss of each sample at its logits, m = n_classes - 1.

    Attributes
    ----------
    contrast : ndarray, shape (n_classes, m)
    proba : ndarray, shape (..., n_classes, n_samples)
    error : ndarray, shape (..., m, n_samples)
        e = ω C' (f - y).
    curvature : ndarray, shape (..., m, m, n_samples)
        W.
    """

    contrast: FloatArray
    proba: FloatArray
    error: FloatArray
    curvature: FloatArray


def local_loss(logits: FloatArray, y: IntArray, weight: FloatArray) -> Local:
    """Error and curvature of each sample at its logits.

    Parameters
    ----------
    logits : ndarray, shape (..., n_samples, n_classes)
    y : ndarray of int, shape (n_samples,)
    weight : ndarray, shape (..., n_samples)
    """
    C = contrasts(logits.shape[-1])
    proba = softmax(np.ascontiguousarray(logits.mT), axis=-2)
    own = np.arange(proba.shape[-2])[:, None] == y
    others = np.where(own, 0.0, proba)  # of the own class not by subtraction
    error = np.where(own, -others.sum(axis=-2, keepdims=True), others)
    curvature = weight[..., None, None, :] * _curvature(proba, C)
    return Local(C, proba, weight[..., None, :] * (C.T @ error), curvature)


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


def standardised(X: FloatArray, l2: float) -> tuple[FloatArray, FloatArray]:
    """Centred and scaled features and ones, (..., p, n_samples), and α in their units, (..., p).

    Without a penalty, which has a say in what a feature is, uncorrelated ones take their place:
    collinear features would cost digits.

    Examples
    --------
    >>> X = np.array([[1.0, 3.0], [5.0, 3.0]])
    >>> design, ridge = standardised(X, 1.0)
    >>> design.tolist(), ridge.tolist()  # a feature that is constant has no say
    ([[-1.0, 1.0], [0.0, 0.0], [1.0, 1.0]], [0.25, 1.0, 0.0])
    """
    features = np.ascontiguousarray(X.mT)
    moved = features - features.mean(axis=-1, keepdims=True)
    scale = np.sqrt((moved**2).mean(axis=-1, keepdims=True))
    no_say = scale <= ROUNDING * np.abs(features).max(axis=-1, keepdims=True, initial=0.0)
    scale[no_say] = 1.0
    moved /= scale
    if not l2 and X.shape[-1]:
        values, vectors = np.linalg.eigh(moved @ moved.mT / X.shape[-2])
        no_say = (values <= ROUNDING * values[..., -1:])[..., None]
        moved = vectors.mT @ moved / np.sqrt(np.where(no_say, 1.0, values[..., None]))
    moved = np.where(no_say, 0.0, moved)
    design = np.concatenate([moved, np.ones_like(features[..., :1, :])], axis=-2)
    ridge = np.where(no_say, 1.0, l2 / scale**2)[..., 0]
    return design, np.concatenate([ridge, np.zeros_like(ridge[..., :1])], axis=-1)


def with_ridge(hessian: FloatArray, ridge: FloatArray) -> FloatArray:
    """Add the penalty, and so much more that columns may be collinear.

    Parameters
    ----------
    hessian : ndarray, shape (..., n, n)
    ridge : ndarray, shape (..., n)
    """
    mean = np.trace(hessian, axis1=-2, axis2=-1)[..., None] / hessian.shape[-1]
    return np.asarray(hessian + (ridge + RIDGE * mean)[..., None] * np.eye(hessian.shape[-1]))


def inverse_hessian(design: FloatArray, curvature: FloatArray, ridge: FloatArray) -> FloatArray:
    """H^-1 of all parameters, (..., m, p, m, p).

    Parameters
    ----------
    design : ndarray, shape (..., p, n_samples)
    curvature : ndarray, shape (..., m, m, n_samples)
    ridge : ndarray, shape (..., p)
    """
    m, p = curvature.shape[-2], design.shape[-2]
    batch = np.broadcast_shapes(design.shape[:-2], curvature.shape[:-3])
    hessian = np.empty((*batch, m, p, m, p))
    for a in range(m):
        for b in range(a + 1):
            block = (design * curvature[..., a, None, b, :]) @ design.mT
            hessian[..., a, :, b, :] = hessian[..., b, :, a, :] = block
    flat = hessian.reshape(*batch, m * p, m * p)
    return np.asarray(np.linalg.inv(with_ridge(flat, np.tile(ridge, m))).reshape(hessian.shape))


def quadratic_forms(design: FloatArray, matrix: FloatArray) -> FloatArray:
    """Blocks x̃' M x̃ of each sample, (..., m, m, n_samples), of a symmetric M (..., m, p, m, p)."""
    m, _ = matrix.shape[-2:]
    batch = np.broadcast_shapes(design.shape[:-2], matrix.shape[:-4])
    found = np.empty((*batch, m, m, design.shape[-1]))
    for a in range(m):
        for b in range(a + 1):
            of_pair = ((matrix[..., a, :, b, :].mT @ design) * design).sum(axis=-2)
            found[..., a, b, :] = found[..., b, a, :] = of_pair
    return found


def factors(A: FloatArray, W: FloatArray) -> FloatArray:
    """G of each sample, a piece of them at a time; NaN where nothing is left to tell its logits.

    Parameters
    ----------
    A, W : ndarray, shape (..., m, m, n_samples)
    """
    found = np.empty(np.broadcast_shapes(A.shape, W.shape))
    for start in range(0, A.shape[-1], PIECE):
        piece = slice(start, start + PIECE)
        found[..., piece] = _factors_in_one(A[..., piece], W[..., piece])
    return found


def moved_by(factors: FloatArray, vectors: FloatArray) -> FloatArray:
    """G G' times a vector of each sample, (..., m, n_samples)."""
    return applied(factors, applied(factors.swapaxes(-3, -2), vectors))


def applied(blocks: FloatArray, vectors: FloatArray) -> FloatArray:
    """Products of each sample's block with its vector, (..., m, n_samples)."""
    return np.asarray((blocks * vectors[..., None, :, :]).sum(axis=-2))


def _curvature(proba: FloatArray, C: FloatArray) -> FloatArray:
    """C' (diag f - f f') C of each sample, (..., m, m, n_samples)."""
    m = C.shape[1]
    pairs = (C[:, :, None] * C[:, None, :]).reshape(len(C), m * m)
    mean = C.T @ proba
    squares = (pairs.T @ proba).reshape(*proba.shape[:-2], m, m, proba.shape[-1])
    return np.asarray(squares - mean[..., :, None, :] * mean[..., None, :, :])


def _factors_in_one(A: FloatArray, W: FloatArray) -> FloatArray:
    """G of G R' = L, column by column."""
    L = _cholesky(A)
    left = np.einsum("...abn,...acn->...bcn", L, np.einsum("...abn,...bcn->...acn", W, L))
    left *= -1
    m = range(A.shape[-2])
    left[..., m, m, :] += 1
    R = _cholesky(left)
    told = np.prod(R[..., m, m, :], axis=-2) ** 2 > DETERMINED
    for k in m:
        L[..., k, :] /= R[..., k, None, k, :]
        for j in range(k + 1, len(m)):
            L[..., j, :] -= L[..., k, :] * R[..., j, None, k, :]
    return np.where(told[..., None, None, :], L, np.nan)


@np.errstate(invalid="ignore", divide="ignore")
def _cholesky(matrix: FloatArray) -> FloatArray:
    """Lower factors of positive definite matrices (..., m, m, n_samples); NaN where they are not.

    What is above the diagonal is zero.
    """
    rest, found = matrix.copy(), np.zeros_like(matrix)
    for k in range(matrix.shape[-2]):
        found[..., k:, k, :] = column = rest[..., k:, k, :] / np.sqrt(rest[..., k, None, k, :])
        rest[..., k + 1 :, k + 1 :, :] -= column[..., 1:, None, :] * column[..., None, 1:, :]
    return found
