r"""What becomes of Eq. (8) where the loss is not the plain one: exact predictions (E8).

Each function returns the residual r_j = w_j - (wP)_j of the *plain* loss at the minimum of another
one. They follow from a zero gradient of the objective that is
minimised, with :math:`\partial L / \partial b_j = -r_j` for the plain loss L.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument, renamed
from learnprop.equations.arrays import FloatArray, as_number, as_numbers, by_class
from learnprop.equations.balance import right_side
from learnprop.equations.class_weights import check_class_count, check_class_weight


def _check_smoothing(smoothing: float) -> None:
    smoothing = as_number(smoothing, "smoothing")
    if not 0 <= smoothing <= 1:
        raise BadArgument("smoothing", f"must be in [0, 1], got {smoothing}")


def penalised_bias_residual(penalty: float, bias: ArrayLike) -> FloatArray:
    r"""Residual under a penalty :math:`(\alpha/2) \sum_j b_j^2` on the output bias.

    :math:`0 = -r_j + \alpha b_j`. A loss that is divided by C multiplies α by C.

    Parameters
    ----------
    penalty : float
        α, added to the sum-form loss.
    bias : array_like, shape (..., n_classes)
        b at the minimum.

    Returns
    -------
    ndarray of float64, shape (..., n_classes), in units of class mass

    Examples
    --------
    >>> penalised_bias_residual(2.0, [0.5, -0.5])
    array([ 1., -1.])
    """
    return np.asarray(as_number(penalty, "penalty") * by_class(bias, "bias"))


def label_smoothing_residual(class_mass: ArrayLike, smoothing: float) -> FloatArray:
    r"""Residual under label smoothing of λ_y times the smoothed cross-entropy.

    The target of class j has the mass :math:`(1-ε) w_j + ε \sum_k w_k / K`, and its excess over
    w_j must vanish: :math:`r_j = ε (w_j - \sum_k w_k / K)`. With inverse weights it is zero.

    Parameters
    ----------
    class_mass : array_like, shape (..., n_classes)
    smoothing : float
        ε, from 0 to 1, as the losses take it.

    Returns
    -------
    ndarray of float64, shape (..., n_classes), in units of class mass

    Examples
    --------
    >>> label_smoothing_residual([3.0, 1.0], 0.1)
    array([ 0.1, -0.1])
    """
    _check_smoothing(smoothing)
    mass = by_class(class_mass, "class_mass")
    if mass.ndim < 1:
        raise BadArgument("class_mass", f"must have shape (..., n_classes), got {mass.shape}")
    return np.asarray(smoothing * (mass - mass.mean(axis=-1, keepdims=True)))


def torch_label_smoothing_residual(
    mean_proba: ArrayLike, class_weight: ArrayLike, class_count: ArrayLike, smoothing: float
) -> FloatArray:
    r"""Residual under PyTorch's ``cross_entropy(weight=λ, label_smoothing=ε, reduction="sum")``.

    Its loss of a sample is :math:`-(1-ε) λ_y \log f_y - (ε/K) \sum_c λ_c \log f_c`: the smoothed
    part has the weight of the class that it is given to. From its gradient in b_j,

    .. math:: r_j = \frac{ε}{(1-ε) K} \Big( \sum_c λ_c \sum_k N_k P_{kj} - N λ_j \Big) .

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)
        On the training set.
    class_weight : array_like, shape (n_classes,)
    class_count : array_like, shape (n_classes,)
    smoothing : float
        ε, below 1: with 1 the loss does not depend on the labels, nor P on their balance.

    Returns
    -------
    ndarray of float64, shape (..., n_classes), in units of class mass

    Examples
    --------
    >>> P = [[0.9, 0.1], [0.2, 0.8]]
    >>> torch_label_smoothing_residual(P, [1.0, 1.0], [100, 100], 0.1).round(9).tolist()
    [1.111111111, -1.111111111]
    """
    _check_smoothing(smoothing)
    if smoothing == 1:
        raise BadArgument("smoothing", "must be below 1 where PyTorch's weights are")
    weight = check_class_weight(class_weight)
    count = check_class_count(class_count, weight.shape[-1])
    P = as_numbers(mean_proba, "mean_proba")
    with renamed(class_mass="class_count"):
        right = right_side(P, count)
    predicted = right + count * np.diagonal(P, axis1=-2, axis2=-1)
    excess = weight.sum() * predicted - count.sum() * weight
    return np.asarray(smoothing / ((1 - smoothing) * len(weight)) * excess)
