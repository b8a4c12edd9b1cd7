r"""Fitted logits of a sample from its left-out ones, in softmax regression.

Logits of K classes are written as :math:`C z`, with C an orthonormal basis (n_classes, K - 1) of
the contrasts between classes, so that z has no constant to spare.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from learnprop.equations.arrays import FloatArray


class Lost(Exception):
    """A search went where no solution is."""


@dataclass(frozen=True)
class Fields:
    """Samples of one class: fitted logits z and gradients u (n, p), and D = du/dζ (n, p, p)."""

    fitted: FloatArray
    gradient: FloatArray
    response: FloatArray


def contrasts(n_classes: int) -> FloatArray:
    """Orthonormal contrasts between classes, shape (n_classes, n_classes - 1).

    Examples
    --------
    >>> C = contrasts(3)
    >>> (C.T @ C).round(12).tolist(), np.abs(C.sum(axis=0)).max() < 1e-15
    ([[1.0, 0.0], [0.0, 1.0]], np.True_)
    """
    return np.linalg.qr(np.eye(n_classes) - 1 / n_classes)[0][:, :-1]


def fields(
    left_out: FloatArray,
    leverage: FloatArray,
    contrast: FloatArray,
    label: int,
    weight: float,
    start: FloatArray | None = None,
) -> Fields:
    r"""Solve :math:`z + \Gamma u(z) = \zeta`, with :math:`u = \omega\, C^T (f - e_y)`.

    It is the gradient of a strictly convex function. Newton's method takes a step d by
    :math:`\log(1 + r) / r` of its length, r the range of :math:`C d`: the third derivative of the
    log of a sum of exponentials is at most r times the second, so that every step descends (Bach
    2010, Electronic Journal of Statistics 4, 384-414), without a line search.

    Parameters
    ----------
    left_out : ndarray, shape (n_samples, K - 1)
        ζ.
    leverage : ndarray, shape (K - 1, K - 1)
        Γ, symmetric, positive semidefinite.
    contrast : ndarray, shape (n_classes, K - 1)
    label : int
        y.
    weight : float
        ω.
    start : ndarray, shape (n_samples, K - 1), optional

    Returns
    -------
    Fields

    Raises
    ------
    Lost
        If a leverage is so large that rounding prevents it.

    Examples
    --------
    >>> C = contrasts(2)
    >>> found = fields(np.array([[0.3]]), np.array([[2.0]]), C, 1, 1.5)
    >>> np.abs(found.fitted + 2.0 * found.gradient - 0.3).max() < 1e-12
    np.True_
    """
    n_free = contrast.shape[1]
    squares = (contrast[:, :, None] * contrast[:, None, :]).reshape(len(contrast), -1)
    z = left_out if start is None else start
    for _ in range(300):
        proba = softmax(z @ contrast.T, axis=1)
        mean = proba @ contrast
        gradient = weight * (mean - contrast[label])
        second = (proba @ squares).reshape(-1, n_free, n_free)
        curvature = weight * (second - mean[:, :, None] * mean[:, None, :])
        slope = np.eye(n_free) + leverage @ curvature
        step = np.linalg.solve(slope, (left_out - z - gradient @ leverage)[:, :, None])[:, :, 0]
        reach = np.ptp(step @ contrast.T, axis=1)
        if not np.isfinite(reach).all():
            break
        if reach.max() <= 1e-10:
            return Fields(z, gradient, np.linalg.solve(slope.swapaxes(1, 2), curvature))
        short = np.maximum(reach, 1e-10)
        z = z + step * (np.log1p(short) / short)[:, None]
    raise Lost
