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

PIECE = 4096
"""Samples whose blocks are factorised at once: their temporaries stay in a cache."""


@dataclass(frozen=True)
class Response:
    """A softmax regression at its minimum, m = n_classes - 1 and p = n_features + 1.

    Attributes
    ----------
    design : ndarray, shape (..., p, n_samples)
        Standardised features and ones.
    contrast : ndarray, shape (n_classes, m)
    proba : ndarray, shape (..., n_classes, n_samples)
    error : ndarray, shape (..., m, n_samples)
        ω (f - y).
    curvature : ndarray, shape (..., m, m, n_samples)
        W.
    inverse : ndarray, shape (..., m, p, m, p)
        Of the Hessian.
    blocks : ndarray, shape (..., m, m, n_samples)
        A.
    moved : ndarray, shape (..., m, m, n_samples)
        G; NaN of a sample without which nothing is left to tell its logits.
    """

    design: FloatArray
    contrast: FloatArray
    proba: FloatArray
    error: FloatArray
    curvature: FloatArray
    inverse: FloatArray
    blocks: FloatArray
    moved: FloatArray


def response_of(
    X: FloatArray, logits: FloatArray, y: IntArray, weight: FloatArray, l2: float = 0.0
) -> Response:
    """Return what a softmax regression at its minimum says of each of its samples.

    Parameters
    ----------
    X : ndarray, shape (..., n_samples, n_features)
    logits : ndarray, shape (..., n_samples, n_classes)
    y : ndarray of int, shape (n_samples,)
    weight : ndarray, shape (..., n_samples)
    l2 : float

    Returns
    -------
    Response
    """
    n_classes = logits.shape[-1]
    C = contrasts(n_classes)
    proba = softmax(np.ascontiguousarray(logits.mT), axis=-2)
    design, ridge = standardised(X, l2)
    W = weight[..., None, None, :] * curvature_of(proba, C)
    inverse = _inverse_hessian(design, W, ridge)
    A = quadratic_forms(design, inverse)
    return Response(
        design=design,
        contrast=C,
        proba=proba,
        error=weight[..., None, :] * (C.T @ _softmax_error(proba, y)),
        curvature=W,
        inverse=inverse,
        blocks=A,
        moved=_moved(A, W),
    )


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

    Examples
    --------
    >>> design, ridge = standardised(np.array([[1.0, 3.0], [5.0, 3.0]]), 1.0)
    >>> design.tolist(), ridge.tolist()  # a feature that is constant has no say
    ([[-1.0, 1.0], [0.0, 0.0], [1.0, 1.0]], [0.25, 1.0, 0.0])
    """
    features = np.ascontiguousarray(X.mT)
    moved = features - features.mean(axis=-1, keepdims=True)
    scale = np.sqrt((moved**2).mean(axis=-1, keepdims=True))
    constant = scale <= 1e-12 * np.abs(features).max(axis=-1, keepdims=True)
    scale = np.where(constant, 1.0, scale)
    design = np.concatenate(
        [np.where(constant, 0.0, moved / scale), np.ones_like(moved[..., :1, :])], axis=-2
    )
    ridge = np.where(constant, 1.0, l2 / scale**2)[..., 0]
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


def curvature_of(proba: FloatArray, C: FloatArray) -> FloatArray:
    """C' (diag f - f f') C of each sample, (..., m, m, n_samples)."""
    m = C.shape[1]
    pairs = (C[:, :, None] * C[:, None, :]).reshape(len(C), m * m)
    mean = C.T @ proba
    squares = (pairs.T @ proba).reshape(*proba.shape[:-2], m, m, proba.shape[-1])
    return np.asarray(squares - mean[..., :, None, :] * mean[..., None, :, :])


def quadratic_forms(design: FloatArray, matrix: FloatArray) -> FloatArray:
    """Blocks x̃' M x̃ of each sample, (..., m, m, n_samples), of a symmetric M (..., m, p, m, p)."""
    m = matrix.shape[-2]
    batch = np.broadcast_shapes(design.shape[:-2], matrix.shape[:-4])
    found = np.empty((*batch, m, m, design.shape[-1]))
    for a in range(m):
        for b in range(a + 1):
            of_pair = ((matrix[..., a, :, b, :].mT @ design) * design).sum(axis=-2)
            found[..., a, b, :] = found[..., b, a, :] = of_pair
    return found


def applied(blocks: FloatArray, vectors: FloatArray) -> FloatArray:
    """Products of each sample's block with its vector, (..., m, n_samples)."""
    return np.asarray((blocks * vectors[..., None, :, :]).sum(axis=-2))


def _softmax_error(proba: FloatArray, y: IntArray) -> FloatArray:
    """Probability minus target, that of the own class not by subtraction."""
    own = np.arange(proba.shape[-2])[:, None] == y
    others = np.where(own, 0.0, proba)
    return np.where(own, -others.sum(axis=-2, keepdims=True), others)


def _inverse_hessian(design: FloatArray, W: FloatArray, ridge: FloatArray) -> FloatArray:
    m, p = W.shape[-2], design.shape[-2]
    batch = np.broadcast_shapes(design.shape[:-2], W.shape[:-3])
    hessian = np.empty((*batch, m, p, m, p))
    for a in range(m):
        for b in range(a + 1):
            block = (design * W[..., a, None, b, :]) @ design.mT
            hessian[..., a, :, b, :] = hessian[..., b, :, a, :] = block
    flat = hessian.reshape(*batch, m * p, m * p)
    return np.linalg.inv(with_ridge(flat, np.tile(ridge, m))).reshape(hessian.shape)


def _moved(A: FloatArray, W: FloatArray) -> FloatArray:
    """G, a piece of the samples at a time."""
    found = np.empty(np.broadcast_shapes(A.shape, W.shape))
    for start in range(0, found.shape[-1], PIECE):
        piece = np.s_[..., start : start + PIECE]
        found[piece] = _moved_in_one(A[piece], W[piece])
    return found


def _moved_in_one(A: FloatArray, W: FloatArray) -> FloatArray:
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
