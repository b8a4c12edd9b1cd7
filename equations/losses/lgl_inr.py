r"""What LGL-INR leaves in balance (E10), from mean probabilities.

With λ detached and from the same P, the gradient of Eq. (11) in the output bias of class k is

.. math:: \frac{\partial L}{\partial b_k} = -(1 - \bar p_{k \to k})
          + \sum_{j \ne k} \lambda_j^{(k)} \bar p_{j \to k} ,

so that where it is zero a class is missed as much as the others, each weighed by its hardness, are
taken for it. Class sizes do not come into it. K equations, one for each sigmoid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from equations.balance import off_diagonal
from equations.mean_proba import FloatArray


def in_negative_sides(
    mean_proba: ArrayLike, miss_proba: ArrayLike, beta: float
) -> tuple[FloatArray, FloatArray]:
    r"""Both sides of E10: :math:`1 - \bar p_{kk}` and :math:`\sum_{j \ne k} \lambda_j \bar p_{jk}`.

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)
        P of K sigmoids, every class present.
    miss_proba : array_like, shape (..., n_classes)
        Mean of ``sigmoid(-z_k)`` over class k (`simulations.measure.measure`).
    beta : float
        Inverse temperature of LGL-INR, 0 <= beta <= 1e30.

    Returns
    -------
    left, right : ndarray of float64, shape (..., n_classes)

    Raises
    ------
    ValueError
        If an argument does not fit.

    Examples
    --------
    >>> P = [[0.75, 0.25, 0.25], [0.25, 0.5, 0.5], [0.25, 0.5, 0.5]]
    >>> left, right = in_negative_sides(P, [0.25, 0.5, 0.5], beta=0.0)
    >>> left.tolist(), right.tolist()
    ([0.25, 0.5, 0.5], [0.25, 0.375, 0.375])
    """
    import torch

    from equations.losses import in_negative_weights

    others = off_diagonal(mean_proba)
    miss = np.asarray(miss_proba, dtype=np.float64)
    if miss.shape != others.shape[:-1]:
        raise ValueError(f"miss_proba must have shape {others.shape[:-1]}, got {miss.shape}")
    weight = in_negative_weights(torch.as_tensor(others), beta).numpy()
    return miss, (weight * others).sum(axis=-2)


def in_negative_residual(mean_proba: ArrayLike, miss_proba: ArrayLike, beta: float) -> FloatArray:
    """Left minus right side of E10: minus the gradient of LGL-INR in the output bias.

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)
    miss_proba : array_like, shape (..., n_classes)
    beta : float

    Returns
    -------
    ndarray of float64, shape (..., n_classes)

    Raises
    ------
    ValueError
        If an argument does not fit.

    Examples
    --------
    >>> in_negative_residual([[0.75, 0.5], [0.25, 0.5]], [0.25, 0.5], beta=1.0).tolist()
    [0.0, 0.0]
    """
    left, right = in_negative_sides(mean_proba, miss_proba, beta)
    return left - right
