r"""λ of Eq. (11), hardness within a negative class, and the balance that it leaves (E10).

With λ detached and from the same P, the gradient of Eq. (11) in the output bias of class k is

.. math:: \frac{\partial L}{\partial b_k} = -(1 - \bar p_{k \to k})
          + \sum_{j \ne k} \lambda_j^{(k)} \bar p_{j \to k} ,

so that where it is zero a class is missed as much as the others, each weighed by its hardness, are
taken for it. Class sizes do not come into it. K equations, one for each sigmoid.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from learnprop.equations.arguments import BadArgument
from learnprop.equations.balance import off_diagonal
from learnprop.equations.losses.inputs.arguments import check_beta
from learnprop.equations.losses.one_vs_all import LogWeights, without_own
from learnprop.equations.mean_proba import FloatArray


def in_negative_weights(mean_proba: Tensor, beta: float, present: Tensor | None = None) -> Tensor:
    r"""λ of Eq. (11): within the negative class of each target class, a softmax of hardness.

    .. math:: \lambda_j^{(k)} = \frac{e^{\beta \bar p_{j \to k}}}
              {\sum_{i \ne k} e^{\beta \bar p_{i \to k}}}, \quad j \ne k ,

    over the sub-classes j and i that are present (errata 9). β = 0 gives 1/(K-1), a large one
    picks the hardest.

    Parameters
    ----------
    mean_proba : tensor, shape (..., n_classes, n_classes)
        Row j, column k: mean probability of class k over the samples of class j.
    beta : float
        Inverse temperature, 0 <= beta <= 1e30.
    present : tensor of bool, shape (..., n_classes), optional
        By default all classes are.

    Returns
    -------
    tensor, shape (..., n_classes, n_classes)
        Row j, column k; zero on the diagonal and where j is absent. A column sums to one, or to
        zero where no other class is present.

    Raises
    ------
    ValueError
        If beta is not such a number.

    Examples
    --------
    >>> P = torch.tensor([[0.9, 0.1, 0.1], [0.3, 0.8, 0.1], [0.1, 0.1, 0.9]])
    >>> in_negative_weights(P, 0.0)[:, 0], in_negative_weights(P, 1000.0)[:, 0]
    (tensor([0.0000, 0.5000, 0.5000]), tensor([0., 1., 0.]))
    """
    check_beta(beta)
    none = torch.eye(mean_proba.shape[-1], dtype=torch.bool, device=mean_proba.device)
    if present is not None:
        none = none | ~present[..., :, None]
    least = torch.finfo(mean_proba.dtype).min  # not -inf: a column may have no negative class
    score = (beta * mean_proba).masked_fill(none, least)
    return torch.softmax(score, dim=-2).masked_fill(none, 0.0)


def in_negative_sides(
    mean_proba: ArrayLike, miss_proba: ArrayLike, beta: float
) -> tuple[FloatArray, FloatArray]:
    r"""Both sides of E10: :math:`1 - \bar p_{kk}` and :math:`\sum_{j \ne k} \lambda_j \bar p_{jk}`.

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)
        P of K sigmoids, every class present.
    miss_proba : array_like, shape (..., n_classes)
        Mean of ``sigmoid(-z_k)`` over class k (`learnprop.simulations.records.measure.measure`).
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
    others = off_diagonal(mean_proba)
    miss = np.asarray(miss_proba, dtype=np.float64)
    if miss.shape != others.shape[:-1]:
        raise BadArgument("miss_proba", f"must have shape {others.shape[:-1]}, got {miss.shape}")
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


def sides(
    mean_proba: ArrayLike,
    miss_proba: ArrayLike,
    class_count: ArrayLike,  # noqa: ARG001 (classes count alike)
    beta: float,
) -> tuple[FloatArray, FloatArray]:
    """Both sides of E10 (see `learnprop.equations.losses.loss`)."""
    return in_negative_sides(mean_proba, miss_proba, beta)


def residual(
    mean_proba: ArrayLike,
    miss_proba: ArrayLike,
    class_count: ArrayLike,  # noqa: ARG001 (classes count alike)
    beta: float,
) -> FloatArray:
    """Residual of E10 (see `learnprop.equations.losses.loss`)."""
    return in_negative_residual(mean_proba, miss_proba, beta)


def bias_equation(class_count: FloatArray, beta: float) -> tuple[FloatArray, LogWeights]:
    """E10 for the output bias (see `learnprop.equations.losses.loss`)."""
    return np.zeros(len(class_count)), hardness_log_weights(beta)


def hardness_log_weights(beta: float) -> LogWeights:
    """Weights of LGL-INR: λ of Eq. (11), from the same mean probabilities.

    Parameters
    ----------
    beta : float

    Returns
    -------
    callable
        See `learnprop.equations.losses.one_vs_all.LogWeights`.
    """

    def weights(log_p: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(without_own(beta * log_p.exp(), k), dim=0)

    return weights
