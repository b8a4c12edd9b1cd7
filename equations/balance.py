r"""The balance of Eq. (8), (9) and (10) between P, the class sizes and the class weights.

With the class mass :math:`w_k = \lambda_k N_k` and :math:`P_{kj} = \bar p_{k \to j}`, Eq. (9) says

.. math:: w_j (1 - P_{jj}) = \sum_{k \ne j} w_k P_{kj}   \qquad (j = 0, \dots, K-1).

Its two sides are `left_side` and `right_side`, their difference is the `residual`, which on the
training set equals minus the gradient of the loss with respect to the output bias, at *any*
parameters. All functions take leading batch axes, so a thousand runs are one call.

``1 - P_jj`` is never formed by subtraction: for softmax it is the sum of the other entries of the
row; for one-vs-all sigmoids, whose rows do not sum to one, pass the mean of ``sigmoid(-z_j)`` over
class j as `miss_proba`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from equations.class_weights import check_class_weight
from equations.mean_proba import ROW_SUM_TOLERANCE, FloatArray

INTERPOLATED_BELOW = 1e-12
"""Right side, relative to the total mass, under which a row is interpolated: nothing to compare."""


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
    count = np.asarray(class_count, dtype=np.float64)
    if count.shape[-1:] != weight.shape[-1:]:
        raise ValueError(
            f"class_count must have {weight.shape[-1]} classes as class_weight, "
            f"got shape {count.shape}"
        )
    if not (np.isfinite(count).all() and (count > 0).all()):
        raise ValueError(f"class_count must be positive, got {count.tolist()}")
    return weight * count


def _off_diagonal(mean_proba: ArrayLike) -> FloatArray:
    """Copy of P with a zero diagonal."""
    off = np.array(mean_proba, dtype=np.float64)
    if off.ndim < 2 or off.shape[-1] != off.shape[-2] or off.shape[-1] < 2:
        raise ValueError(
            f"mean_proba must have shape (..., n_classes, n_classes >= 2), got {off.shape}"
        )
    if not (np.isfinite(off).all() and (off >= 0).all()):
        raise ValueError("mean_proba must hold finite numbers, none negative")
    diagonal = np.arange(off.shape[-1])
    off[..., diagonal, diagonal] = 0.0
    return off


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
        ``1 - P_jj`` where the rows of P do not sum to one (one-vs-all); by default the sum of the
        other entries of the row.

    Returns
    -------
    ndarray of float64, shape (..., n_classes), in units of class mass

    Examples
    --------
    >>> left_side([[0.8, 0.2], [0.01, 0.99]], [500.0, 5000.0])
    array([100.,  50.])
    """
    off = _off_diagonal(mean_proba)
    miss = off.sum(axis=-1) if miss_proba is None else np.asarray(miss_proba, dtype=np.float64)
    return np.asarray(class_mass, dtype=np.float64) * miss


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
    mass = np.asarray(class_mass, dtype=np.float64)
    return np.asarray((mass[..., :, None] * _off_diagonal(mean_proba)).sum(axis=-2))


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
        NaN where the right side is below 1e-12 of the total mass: such a row is interpolated, it
        does not hold.

    Examples
    --------
    >>> gap([[0.8, 0.2], [0.01, 0.99]], [500.0, 5000.0])
    array([ 1. , -0.5])
    """
    mass = np.asarray(class_mass, dtype=np.float64)
    left = left_side(mean_proba, mass, miss_proba)
    right = right_side(mean_proba, mass)
    compared = right >= INTERPOLATED_BELOW * mass.sum(axis=-1, keepdims=True)
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
    off = _off_diagonal(mean_proba)
    if off.shape[-1] != 2:
        raise ValueError(f"mean_proba must have 2 classes for Eq. (10), got {off.shape[-1]}")
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
    mass = np.asarray(class_mass, dtype=np.float64)
    if mass.shape[-1:] != (2,):
        raise ValueError(f"class_mass must have 2 classes for Eq. (10), got shape {mass.shape}")
    return np.asarray(mass[..., 1] / mass[..., 0])


def stationary_distribution(mean_proba: ArrayLike) -> FloatArray:
    r"""Unique stationary distribution of P, which Eq. (9) says is :math:`w / \sum_k w_k` (E3).

    Solved by the elimination of Grassmann, Taksar and Heyman, which subtracts nothing and uses
    the off-diagonal entries alone: every component keeps its relative accuracy however close P is
    to the identity.

    Parameters
    ----------
    mean_proba : array_like, shape (n_classes, n_classes)
        Rows sum to one, every class reachable from every other.

    Returns
    -------
    ndarray of float64, shape (n_classes,), summing to one

    Raises
    ------
    ValueError
        If rows do not sum to one (as with one-vs-all), or some class cannot be reached from the
        others, so that no unique positive solution exists.

    References
    ----------
    Grassmann, Taksar and Heyman (1985), Operations Research 33, 1107-1116.

    Examples
    --------
    >>> stationary_distribution([[0.9, 0.1], [0.01, 0.99]]).round(12)
    array([0.09090909, 0.90909091])
    """
    a = _off_diagonal(mean_proba)
    if a.ndim != 2:
        raise ValueError(f"mean_proba must be one matrix here, got shape {a.shape}")
    row_sum = np.asarray(mean_proba, dtype=np.float64).sum(axis=1)
    if np.abs(row_sum - 1).max() > ROW_SUM_TOLERANCE:
        raise ValueError(f"mean_proba must have rows that sum to one, got {row_sum.tolist()}")
    n_classes = len(a)
    leaving = np.empty(n_classes)
    for k in range(n_classes - 1, 0, -1):
        leaving[k] = a[k, :k].sum()
        if not leaving[k] > 0:
            raise ValueError(
                "mean_proba has no unique positive stationary distribution: it is reducible"
            )
        a[:k, :k] += np.outer(a[:k, k] / leaving[k], a[k, :k])
    pi = np.ones(n_classes)
    for k in range(1, n_classes):
        pi[k] = pi[:k] @ a[:k, k] / leaving[k]
    if not (pi > 0).all():
        raise ValueError(
            "mean_proba has no unique positive stationary distribution: it is reducible"
        )
    return pi / pi.sum()


def effective_class_weight(mean_proba: ArrayLike, class_count: ArrayLike) -> FloatArray:
    r"""λ that a classifier behaves as if it had been trained with, from P and N alone (E3).

    .. math:: \lambda_k \propto \pi_k / N_k, \qquad \pi P = \pi

    Parameters
    ----------
    mean_proba : array_like, shape (n_classes, n_classes)
    class_count : array_like, shape (n_classes,)
        Training class sizes.

    Returns
    -------
    ndarray of float64, shape (n_classes,), scaled to sum to one (λ is defined up to a factor)

    Examples
    --------
    >>> effective_class_weight([[0.9, 0.1], [0.01, 0.99]], [1000, 10000]).round(12)
    array([0.5, 0.5])
    """
    count = np.asarray(class_count, dtype=np.float64)
    if not (np.isfinite(count).all() and (count > 0).all()):
        raise ValueError(f"class_count must be positive, got {count.tolist()}")
    weight = stationary_distribution(mean_proba) / count
    return weight / weight.sum()
