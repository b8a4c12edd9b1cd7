r"""The balance of Eq. (8), (9) and (10) between P, the class sizes and the class weights.

With the class mass :math:`w_k = \lambda_k N_k` and :math:`P_{kj} = \bar p_{k \to j}`, Eq. (9) says

.. math:: w_j (1 - P_{jj}) = \sum_{k \ne j} w_k P_{kj}   \qquad (j = 0, \dots, K-1).

Its two sides are `left_side` and `right_side`, their difference is the `residual`, which on the
training set equals minus the gradient of the loss with respect to the output bias, at *any*
parameters. All functions take leading batch axes, so a thousand runs are one call. A row of P that
is NaN, of a class without samples, makes NaN of what needs it, and of nothing else.

``1 - P_jj`` is never formed by subtraction: for softmax it is the sum of the other entries of the
row; for one-vs-all sigmoids, whose rows do not sum to one, pass the mean of ``sigmoid(-z_j)`` over
class j as `miss_proba`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, as_numbers, by_class, check_broadcast
from learnprop.equations.class_weights import check_class_count, check_class_weight
from learnprop.equations.matrix import beside, check_rows_sum_to_one, off_diagonal

INTERPOLATED_BELOW = 1e-12
"""Right side over the class's own mass, not the total, under which a row is `interpolated`."""


def class_mass(class_weight: ArrayLike, class_count: ArrayLike) -> FloatArray:
    r"""Class mass :math:`w_k = \lambda_k N_k`.

    Parameters
    ----------
    class_weight : array_like, shape (..., n_classes)
        λ, positive.
    class_count : array_like, shape (..., n_classes)
        N, positive.

    Returns
    -------
    ndarray of float64, shape (..., n_classes)

    Raises
    ------
    ValueError
        If a weight or a count is not positive and finite, or fewer than two classes are given.

    Examples
    --------
    >>> class_mass([0.5, 0.5], [1000, 10000])
    array([ 500., 5000.])
    """
    weight = check_class_weight(class_weight)
    count = check_class_count(class_count)
    if count.shape[-1:] != weight.shape[-1:]:
        raise BadArgument(
            "class_count",
            f"must have {weight.shape[-1]} classes as `class_weight`, got shape {count.shape}",
        )
    check_broadcast(class_weight=weight, class_count=count)
    return weight * count


def left_side(
    mean_proba: ArrayLike, class_mass: ArrayLike, miss_proba: ArrayLike | None = None
) -> FloatArray:
    r"""Left side of Eq. (9): the mass that each class loses to the others.

    .. math:: \text{left}_j = w_j (1 - P_{jj})

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)
    class_mass : array_like, shape (..., n_classes)
    miss_proba : array_like, shape (..., n_classes), optional
        ``1 - P_jj``, needed where the rows of P do not sum to one (one-vs-all); by default the sum
        of the other entries of the row.

    Returns
    -------
    ndarray of float64, shape (..., n_classes), in units of class mass

    Raises
    ------
    ValueError
        If an argument does not fit, or `miss_proba` is needed.

    Examples
    --------
    >>> left_side([[0.8, 0.2], [0.01, 0.99]], [500.0, 5000.0])
    array([100.,  50.])
    """
    off = off_diagonal(mean_proba)
    mass = beside(class_mass, "class_mass", off)
    if miss_proba is None:
        check_rows_sum_to_one(as_numbers(mean_proba, "mean_proba"))
        return mass * off.sum(axis=-1)
    return mass * beside(miss_proba, "miss_proba", off, may_be_nan=True)


def right_side(mean_proba: ArrayLike, class_mass: ArrayLike) -> FloatArray:
    r"""Right side of Eq. (9): the mass that each class receives from the others.

    .. math:: \text{right}_j = \sum_{k \ne j} w_k P_{kj}

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)
    class_mass : array_like, shape (..., n_classes)

    Returns
    -------
    ndarray of float64, shape (..., n_classes), in units of class mass

    Examples
    --------
    >>> right_side([[0.8, 0.2], [0.01, 0.99]], [500.0, 5000.0])
    array([ 50., 100.])
    """
    off = off_diagonal(mean_proba)
    return np.asarray((beside(class_mass, "class_mass", off)[..., :, None] * off).sum(axis=-2))


def residual(
    mean_proba: ArrayLike, class_mass: ArrayLike, miss_proba: ArrayLike | None = None
) -> FloatArray:
    r"""Residual of Eq. (8) and (9), :math:`r_j = w_j - (wP)_j`.

    On the training set, for the plain sum-form loss evaluated as the predictions are, it equals
    :math:`-\partial L / \partial b_j` at any parameters (E1): it measures the optimisation, not
    the theory. For softmax the K residuals sum to zero (E2).

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)
    class_mass : array_like, shape (..., n_classes)
    miss_proba : array_like, shape (..., n_classes), optional
        As in `left_side`.

    Returns
    -------
    ndarray of float64, shape (..., n_classes), in units of class mass

    Examples
    --------
    >>> residual([[0.8, 0.2], [0.01, 0.99]], [500.0, 5000.0])
    array([ 50., -50.])
    """
    return left_side(mean_proba, class_mass, miss_proba) - right_side(mean_proba, class_mass)


def is_interpolated(right: ArrayLike, class_mass: ArrayLike) -> NDArray[np.bool_]:
    """Whether the right side of Eq. (9) vanishes: nothing to compare with.

    Parameters
    ----------
    right : array_like, shape (..., n_classes)
        As `right_side` has it.
    class_mass : array_like, shape (..., n_classes)
        In the same unit.

    Returns
    -------
    ndarray of bool, shape (..., n_classes)
        Where it is below 1e-12 of the class's own mass.

    Examples
    --------
    >>> is_interpolated([1e-13, 1e-13], [1.0, 1e-12]).tolist()
    [True, False]
    """
    mass = np.asarray(class_mass, dtype=np.float64)
    return np.asarray(np.asarray(right, dtype=np.float64) < INTERPOLATED_BELOW * mass)


def gap(
    mean_proba: ArrayLike, class_mass: ArrayLike, miss_proba: ArrayLike | None = None
) -> FloatArray:
    r"""Relative gap between the two sides, :math:`\text{left}_j / \text{right}_j - 1`.

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)
    class_mass : array_like, shape (..., n_classes)
    miss_proba : array_like, shape (..., n_classes), optional
        As in `left_side`.

    Returns
    -------
    ndarray of float64, shape (..., n_classes)
        NaN where the right side is below 1e-12 of the class's own mass: such a row is
        interpolated, it does not hold.

    Examples
    --------
    >>> gap([[0.8, 0.2], [0.01, 0.99]], [500.0, 5000.0])
    array([ 1. , -0.5])
    """
    mass = by_class(class_mass, "class_mass")
    left = left_side(mean_proba, mass, miss_proba)
    right = right_side(mean_proba, mass)
    compared = ~is_interpolated(right, mass)
    return np.divide(left, right, out=np.full_like(left, np.nan), where=compared) - 1.0


def binary_ratio(mean_proba: ArrayLike) -> FloatArray:
    r"""Left-hand side of Eq. (10), :math:`(1 - \bar p_{0 \to 0}) / \bar p_{1 \to 0}`.

    Parameters
    ----------
    mean_proba : array_like, shape (..., 2, 2)

    Returns
    -------
    ndarray of float64, shape (...)
        NaN where the denominator is zero.

    Raises
    ------
    ValueError
        If there are not exactly two classes.

    Examples
    --------
    >>> binary_ratio([[0.9, 0.1], [0.01, 0.99]])
    array(10.)
    """
    off = off_diagonal(mean_proba)
    if off.shape[-1] != 2:
        raise BadArgument("mean_proba", f"must have 2 classes for Eq. (10), got {off.shape[-1]}")
    numerator, denominator = off[..., 0, 1], off[..., 1, 0]
    undefined = np.full_like(numerator, np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator > 0)


def binary_ratio_in_theory(class_mass: ArrayLike) -> FloatArray:
    r"""Right-hand side of Eq. (10), :math:`\lambda_1 N_1 / (\lambda_0 N_0)`.

    Parameters
    ----------
    class_mass : array_like, shape (..., 2)

    Returns
    -------
    ndarray of float64, shape (...)

    Raises
    ------
    ValueError
        If there are not exactly two classes.

    Examples
    --------
    >>> binary_ratio_in_theory(class_mass([0.5, 0.5], [1000, 10000])).item()
    10.0
    """
    mass = by_class(class_mass, "class_mass")
    if mass.shape[-1:] != (2,):
        raise BadArgument("class_mass", f"must have 2 classes for Eq. (10), got shape {mass.shape}")
    if not (np.isfinite(mass).all() and (mass > 0).all()):
        raise BadArgument("class_mass", f"must be positive and finite, got {shown(mass)}")
    return np.asarray(mass[..., 1] / mass[..., 0])


def detailed_balance_asymmetry(mean_proba: ArrayLike, class_mass: ArrayLike) -> FloatArray:
    r"""Asymmetry of the flows between classes, zero for the true posterior (E7).

    .. math:: a_{ij} = w_i P_{ij} - w_j P_{ji}

    The posterior under priors proportional to w satisfies K(K-1)/2 equations, more than the K-1 of
    Eq. (9). For softmax the rows of a sum to the residuals.

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)
    class_mass : array_like, shape (..., n_classes)

    Returns
    -------
    ndarray of float64, shape (..., n_classes, n_classes), in units of class mass
        Antisymmetric.

    Examples
    --------
    >>> detailed_balance_asymmetry([[0.8, 0.2], [0.01, 0.99]], [500.0, 5000.0]).tolist()
    [[0.0, 50.0], [-50.0, 0.0]]
    """
    off = off_diagonal(mean_proba)
    flow = beside(class_mass, "class_mass", off)[..., :, None] * off
    return np.asarray(flow - np.swapaxes(flow, -1, -2))


@dataclass(frozen=True)
class ResidualSplit:
    """Terms of the residual on test data (E5), shape (..., n_classes) each.

    Without a population, ``overfitting`` is None and ``sampling`` holds both.
    """

    optimisation: FloatArray
    overfitting: FloatArray | None
    sampling: FloatArray


def split_residual(
    train: ArrayLike, test: ArrayLike, population: ArrayLike | None = None
) -> ResidualSplit:
    """Split the residual on test data into optimisation, overfitting and sampling (E5).

    Optimisation is the residual on train, overfitting population minus train, sampling test minus
    population; they add up to the residual on test.

    Parameters
    ----------
    train, test : array_like, shape (..., n_classes)
        Residuals in one unit.
    population : array_like, shape (..., n_classes), optional

    Returns
    -------
    ResidualSplit

    Examples
    --------
    >>> split = split_residual([0.0], [0.3], [0.2])
    >>> float(split.optimisation[0]), float(split.overfitting[0]), float(split.sampling[0].round(9))
    (0.0, 0.2, 0.1)
    """
    a, c = as_numbers(train, "train"), as_numbers(test, "test")
    if population is None:
        check_broadcast(train=a, test=c)
        return ResidualSplit(a, None, c - a)
    b = as_numbers(population, "population")
    check_broadcast(train=a, test=c, population=b)
    return ResidualSplit(a, b - a, c - b)
