r"""A fixed classifier on a test sample: the covariance of its predictions within each class.

All that an interval of one model knows of the spread of the predictions is the within-class
covariance :math:`S_k` of the test sample. Of K classes these are K³ numbers; what intervals and
tests need of them are K² and a few sums over classes (`WithinClass`), which also come from passes
over the samples where K³ numbers would not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import (
    FloatArray,
    as_finite,
    as_numbers,
    by_class,
    check_level,
)
from learnprop.equations.matrix import check_rows_sum_to_one, off_diagonal
from learnprop.equations.mean_proba import ROW_SUM_TOLERANCE

ROUNDING = 64 * np.finfo(np.float64).eps
"""Of a second moment: a central moment that is smaller is due to rounding."""


def check_test_count(test_count: ArrayLike) -> FloatArray:
    """Return test class sizes as float64 if each is at least 2.

    Examples
    --------
    >>> check_test_count([5, 2])
    array([5., 2.])
    """
    n = by_class(test_count, "test_count")
    if not (n == np.floor(n)).all():
        raise BadArgument("test_count", f"must hold whole numbers, got {shown(n)}")
    if not (n >= 2).all():
        raise BadArgument("test_count", f"must be at least 2 in every class, got {shown(n)}")
    return n


def check_model(
    mean_proba: ArrayLike,
    second_moment: ArrayLike,
    test_count: ArrayLike,
    class_mass: ArrayLike,
    miss_proba: ArrayLike | None,
    level: float = 0.95,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """P, M, n and w of one model as float64 if they fit together; w in units near one.

    Raises
    ------
    ValueError
        Naming the argument.

    Examples
    --------
    >>> P = np.full((2, 2), 0.5)
    >>> check_model(P, np.full((2, 2, 2), 0.25), [5, 5], [2e200, 4e200], None)[3].tolist()
    [0.5, 1.0]
    """
    P, M = as_numbers(mean_proba, "mean_proba"), as_numbers(second_moment, "second_moment")
    K = off_diagonal(P, all_rows=True).shape[-1]
    n, mass = check_test_count(test_count), by_class(class_mass, "class_mass")
    shapes = {"mean_proba": (P, (K, K)), "second_moment": (M, (K, K, K))}
    shapes |= {"test_count": (n, (K,)), "class_mass": (mass, (K,))}
    if miss_proba is not None:
        shapes["miss_proba"] = (by_class(miss_proba, "miss_proba"), (K,))
    for name, (array, shape) in shapes.items():
        if array.shape != shape:
            raise BadArgument(name, f"must have shape {shape}, got {array.shape}")
        as_finite(array, name)
    if not (mass > 0).all():
        raise BadArgument("class_mass", f"must be positive, got {shown(mass)}")
    if (P > 1 + ROW_SUM_TOLERANCE).any() or (miss_proba is not None and np.min(miss_proba) < 0):
        name = "miss_proba" if P.max() <= 1 + ROW_SUM_TOLERANCE else "mean_proba"
        raise BadArgument(name, f"must hold probabilities, got {shown(shapes[name][0])}")
    if miss_proba is None:
        check_rows_sum_to_one(P)
    with np.errstate(under="ignore"):
        if (np.einsum("kjj->kj", M) < P**2 * (1 - 1e-6) - ROUNDING).any():
            raise BadArgument(
                "second_moment", "is not of these predictions: a variance is negative"
            )
    check_level(level)
    return P, M, n, mass / mass.max() if mass.max() > 1e100 or mass.min() < 1e-100 else mass


def within_class_covariance(
    mean_proba: FloatArray,
    second_moment: FloatArray,
    test_count: FloatArray,
    miss_proba: ArrayLike | None = None,
) -> FloatArray:
    r"""Unbiased covariance of the predictions within each class.

    Under softmax the own class's row and column follow from those of the others, since
    :math:`f_k = 1 - \sum_{a \ne k} f_a`: M - PP' of numbers near one would leave nothing but
    rounding where misses are below 1e-8. Sigmoids have no such relation.

    Parameters
    ----------
    mean_proba : ndarray, shape (n_classes, n_classes)
    second_moment : ndarray, shape (n_classes, n_classes, n_classes)
    test_count : ndarray, shape (n_classes,)
    miss_proba : array_like, shape (n_classes,), optional
        As in `learnprop.equations.balance.left_side`.

    Returns
    -------
    ndarray of float64, shape (n_classes, n_classes, n_classes)

    Examples
    --------
    >>> P, M = np.array([[0.5, 0.5]] * 2), np.full((2, 2, 2), 0.25) + 0.01 * np.eye(2)
    >>> within_class_covariance(P, M, np.array([2.0, 2.0]))[0].round(12).tolist()
    [[0.02, 0.0], [0.0, 0.02]]
    """
    n = np.asarray(test_count, dtype=np.float64)
    together = rows_sum_to_one(mean_proba, second_moment, miss_proba)
    return _covariance(mean_proba, second_moment, together) * (n / (n - 1))[:, None, None]


def _covariance(P: FloatArray, M: FloatArray, together: bool) -> FloatArray:
    """Central moments within each class, with divisor n, of rows that sum to one or do not."""
    with np.errstate(under="ignore"):
        centred = np.asarray(M - P[:, :, None] * P[:, None, :], dtype=np.float64)
    centred[np.abs(centred) <= ROUNDING * np.abs(M)] = 0.0
    if together:
        for k, of_class in enumerate(centred):
            of_class[k], of_class[:, k] = 0.0, 0.0
            of_class[k] = of_class[:, k] = -of_class.sum(axis=0)
            of_class[k, k] = -of_class[k].sum()
    return centred


def rows_sum_to_one(
    mean_proba: FloatArray, second_moment: FloatArray, miss_proba: ArrayLike | None = None
) -> bool:
    r"""Whether every sample's probabilities sum to one: then :math:`\sum_b M_{kab} = P_{ka}`.

    Those of confident sigmoids nearly do; what they miss is then not what they give to others.

    Examples
    --------
    >>> P = np.array([[0.5, 0.5], [0.5, 0.5]])
    >>> rows_sum_to_one(P, np.full((2, 2, 2), 0.25)), rows_sum_to_one(P, np.full((2, 2, 2), 0.3))
    (True, False)
    """
    if np.abs(second_moment.sum(axis=-1) - mean_proba).max() > 1e-6:
        return False
    given = off_diagonal(mean_proba).sum(axis=-1)
    return miss_proba is None or bool(np.allclose(miss_proba, given, rtol=1e-6, atol=0))


def is_constant(mean_proba: FloatArray, second_moment: FloatArray) -> bool:
    """Whether the classifier predicts the same for every sample: nothing of it is uncertain.

    Examples
    --------
    >>> is_constant(np.full((2, 2), 0.5), np.full((2, 2, 2), 0.25))
    True
    """
    if np.abs(mean_proba - mean_proba[0]).max() > ROUNDING:
        return False
    moments = mean_proba[:, :, None] * mean_proba[:, None, :]
    return bool((np.abs(second_moment - moments) <= ROUNDING * np.abs(second_moment)).all())


@dataclass(frozen=True)
class WithinClass:
    r"""What intervals and tests need of the covariances within classes :math:`S_k`, without them.

    Attributes
    ----------
    mean_proba : ndarray, shape (n_classes, n_classes)
    miss_proba : ndarray, shape (n_classes,), or None
        As in `learnprop.equations.balance.left_side`.
    variance : ndarray, shape (n_classes, n_classes)
        Of f_j within class k, with divisor n.
    count : ndarray, shape (n_classes,)
        n; of weighted samples Kish's effective number :math:`(\sum\omega)^2 / \sum\omega^2`.
    unit_count : ndarray, shape (n_classes,)
        One over the largest share of one sample in its class's mean: n, or
        :math:`\sum\omega / \max\omega`.
    own_is_exact : bool
        Whether the own class's variance holds however small the misses are.
    constant : bool
        Whether the predictions are the same for every sample.
    total : callable
        Coefficients c (n_classes,) to :math:`\sum_k c_k S_k`, unbiased, (n_classes, n_classes).
    traces : callable
        Coefficients c and a matrix V (m, m) to :math:`\mathrm{tr}\, V_k V^{-1}` and
        :math:`\mathrm{tr}\,(V_k V^{-1})^2` of the first m components, :math:`V_k = c_k S_k`.
    between : callable
        Ratios ρ (n_classes,) and coefficients c to the covariance of left_j - ρ_j right_j, an array
        of shape (n_classes, n_classes).
    names : tuple of str
        Of the classes, for sentences.
    """

    mean_proba: FloatArray
    miss_proba: FloatArray | None
    variance: FloatArray
    count: FloatArray
    unit_count: FloatArray
    own_is_exact: bool
    constant: bool
    total: Callable[[FloatArray], FloatArray]
    traces: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
    between: Callable[[FloatArray, FloatArray], FloatArray]
    names: tuple[str, ...]

    @property
    def unbiased_variance(self) -> FloatArray:
        """`variance` with divisor n - 1."""
        return self.variance * (self.count / (self.count - 1))[:, None]


def within_class_of_moments(
    mean_proba: FloatArray,
    second_moment: FloatArray,
    test_count: FloatArray,
    miss_proba: ArrayLike | None = None,
) -> WithinClass:
    """`WithinClass` from the K³ second moments.

    Examples
    --------
    >>> P, M = np.array([[0.5, 0.5]] * 2), np.full((2, 2, 2), 0.25) + 0.01 * np.eye(2)
    >>> within_class_of_moments(P, M, np.array([2.0, 2.0])).total(np.ones(2)).round(12).tolist()
    [[0.04, 0.0], [0.0, 0.04]]
    """
    P, M = np.asarray(mean_proba, np.float64), np.asarray(second_moment, np.float64)
    missed = None if miss_proba is None else np.asarray(miss_proba, np.float64)
    together = rows_sum_to_one(P, M, missed)
    n = np.asarray(test_count, np.float64)
    return within_class_of_covariances(
        P, _covariance(P, M, together), n, n, missed,
        own_is_exact=together, constant=is_constant(P, M),
    )  # fmt: skip


def within_class_of_covariances(
    mean_proba: FloatArray,
    covariance: FloatArray,
    count: FloatArray,
    unit_count: FloatArray,
    miss_proba: FloatArray | None,
    *,
    own_is_exact: bool,
    constant: bool,
    names: tuple[str, ...] = (),
) -> WithinClass:
    """`WithinClass` from covariances (n_classes, n_classes, n_classes) with divisor n.

    Examples
    --------
    >>> S, P, n = np.stack([0.01 * np.eye(2)] * 2), np.full((2, 2), 0.5), np.array([5.0, 5.0])
    >>> within = within_class_of_covariances(
    ...     P, S, n, n, None, own_is_exact=True, constant=False
    ... )
    >>> within.unbiased_variance[0].round(12).tolist()
    [0.0125, 0.0125]
    """
    with np.errstate(invalid="ignore", divide="ignore"):  # of a class with one sample
        S = covariance * (count / (count - 1))[:, None, None]

    def total(coefficient: FloatArray) -> FloatArray:
        return np.asarray((coefficient[:, None, None] * S).sum(axis=0))

    def traces(coefficient: FloatArray, V: FloatArray) -> tuple[FloatArray, FloatArray]:
        m = len(V)
        parts = coefficient[:, None, None] * S[:, :m, :m]
        # One factorisation for all classes.
        together = np.linalg.solve(V, parts.transpose(1, 0, 2).reshape(m, -1))
        shares = together.reshape(m, len(S), m).transpose(1, 0, 2)
        return np.trace(shares, axis1=1, axis2=2), np.einsum("kij,kji->k", shares, shares)

    def between(ratio: FloatArray, coefficient: FloatArray) -> FloatArray:
        a = side_factor(ratio)
        return np.asarray(np.einsum("kj,kl,kjl->jl", a, a, coefficient[:, None, None] * S))

    return WithinClass(
        mean_proba, miss_proba, np.einsum("kjj->kj", covariance), count, unit_count,
        own_is_exact, constant, total, traces, between,
        names or tuple(map(str, range(len(mean_proba)))),
    )  # fmt: skip


def side_factor(ratio: FloatArray) -> FloatArray:
    """Factor of f_kj in left_j - ρ_j right_j, up to its sign, (k, j): one of the own class.

    Examples
    --------
    >>> side_factor(np.array([2.0, 3.0])).tolist()
    [[1.0, 3.0], [2.0, 1.0]]
    """
    return np.where(np.eye(len(ratio), dtype=bool), 1.0, ratio)
