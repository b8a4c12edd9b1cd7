r"""A fixed classifier on a test sample: its covariance within each class, and whether it suffices.

What an interval of one model knows of the spread of the predictions is the within-class covariance
:math:`S_k` of the test sample. A confident model misses rarely: most of what it gives to wrong
classes is given by a few samples, and a sample without them underestimates mean and spread
together. What decides is the number of misses that are expected, :math:`n_k (1 - \bar p_{kk})`.
Where they are few, large-sample intervals do not keep their level (docs/small-samples.md), and
bounds that are true of every sample size take their place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import (
    FloatArray,
    as_finite,
    as_number,
    as_numbers,
    by_class,
    check_level,
)
from learnprop.equations.balance import left_side, right_side
from learnprop.equations.matrix import check_rows_sum_to_one, off_diagonal
from learnprop.equations.mean_proba import ROW_SUM_TOLERANCE

MIN_MISSES = 10.0
"""Expected misses below which a large-sample interval is not trusted."""

SMALL = 25.0
"""Of misses counted by their own size, (Σf)² / Σf² = m of n samples, m³ must be at least this times
n², and m fifteen: a thousand samples that each give about 1e-8 to a wrong class have a mean that is
normal, though not one whole miss is expected. It is Cochran's n > 25 skewness², of misses that are
log-normal, whose squared skewness is about (n / m)³ where they scatter widely."""

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


def too_few_misses(
    mean_proba: ArrayLike,
    second_moment: ArrayLike,
    test_count: ArrayLike,
    class_mass: ArrayLike,
    miss_proba: ArrayLike | None = None,
    *,
    min_misses: float = MIN_MISSES,
) -> list[str]:
    r"""Why large-sample intervals of each equation cannot be trusted; empty where they can.

    A side of Eq. (9) is a sum of independent terms, of which those of class k are at most the unit
    :math:`w_k / n_k`. It is close to normal, and its spread is known, where it is worth many of
    the largest such terms: ten units, or fifteen of the terms' own size
    :math:`(w_k / n_k) E f^2 / E f`, where class k has shown enough of them to know that size
    (`SMALL`). So is what is missing of it: few hits are as bad as few misses. What no sample shows,
    a cluster of misses rarer than one in n, this cannot know.

    Parameters
    ----------
    mean_proba : array_like, shape (n_classes, n_classes)
    second_moment : array_like, shape (n_classes, n_classes, n_classes)
    test_count : array_like, shape (n_classes,)
    class_mass : array_like, shape (n_classes,)
    miss_proba : array_like, shape (n_classes,), optional
        As in `learnprop.equations.balance.left_side`.
    min_misses : float
        0 trusts every sample.

    Returns
    -------
    list of str, one per equation

    Examples
    --------
    >>> P = np.array([[0.9, 0.1], [0.1, 0.9]])
    >>> M = np.array([np.diag(row) for row in P])  # one miss in ten, certain of itself
    >>> too_few_misses(P, M, [40, 400], [1.0, 1.0])[0]
    'class 0 has 4 expected misses in 40 samples, fewer than 10'
    >>> too_few_misses(P, M, [100, 400], [1.0, 1.0])
    ['', '']
    """
    P, M = np.asarray(mean_proba, dtype=np.float64), np.asarray(second_moment, dtype=np.float64)
    n, mass = np.asarray(test_count, np.float64), np.asarray(class_mass, np.float64)
    min_misses = as_number(min_misses, "min_misses")
    if not min_misses >= 0:
        raise BadArgument("min_misses", f"must not be negative, got {min_misses:g}")
    if min_misses == 0 or is_constant(P, M):
        return [""] * len(P)
    left, right = left_side(P, mass, miss_proba), right_side(P, mass)
    own = np.eye(len(P), dtype=bool)
    given = np.where(own, (left / mass)[:, None], off_diagonal(P))  # to wrong classes; own: missed
    together = rows_sum_to_one(P, M, miss_proba)
    variance = np.einsum("kjj->kj", _covariance(P, M, together))
    if not together:  # a sigmoid's misses below the rounding of its moments
        variance = np.where(own & (given**2 < 1e4 * ROUNDING), given * (1 - given), variance)
    unit = np.broadcast_to((mass / n)[:, None], P.shape)
    enough = np.ones((2, len(P)), dtype=bool)
    for f in (given, 1 - given):  # few hits are as bad as few misses
        enough &= _is_enough(f, variance, unit, n, min_misses)
    left_enough, right_enough = enough
    fewest = np.where(own, 0.0, unit).argmax(axis=0)  # the class whose samples weigh most
    reasons = []
    for j in range(len(P)):
        reason = ""
        if not left_enough[j]:
            reason = (
                f"class {j} has {n[j] * min(given[j, j], 1 - given[j, j]):.2g} expected "
                f"{'misses' if given[j, j] <= 0.5 else 'hits'} in {n[j]:.0f} samples, fewer than "
                f"{min_misses:g}"
            )
        elif not right_enough[j]:
            k = fewest[j]
            reason = (
                f"class {j} takes what {right[j] / unit[k, j]:.2g} misses of class {k} would give "
                f"it ({n[k]:.0f} samples), fewer than {min_misses:g}"
            )
        reasons.append(reason)
    return reasons


def _is_enough(
    f: FloatArray, variance: FloatArray, unit: FloatArray, n: FloatArray, min_misses: float
) -> NDArray[np.bool_]:
    """Whether both sides, (2, n_classes), are worth enough of their largest terms f (k, j)."""
    own = np.eye(len(f), dtype=bool)
    square = variance + f**2
    alike = np.divide(n[:, None] * f**2, square, out=np.zeros_like(f), where=square > 0)
    least = np.maximum(1.5, np.cbrt(SMALL * n[:, None] ** 2) / MIN_MISSES) * min_misses
    size = np.divide(square, f, out=np.ones_like(f), where=(f > 0) & (alike >= least))
    found = []
    for where in (own, ~own):
        side = np.where(where, unit * n[:, None] * f, 0.0).sum(axis=0)
        whole = side >= min_misses * np.where(where, unit, 0.0).max(axis=0)
        by_size = side >= 1.5 * min_misses * np.where(where, unit * size, 0.0).max(axis=0)
        found.append(whole | by_size)
    return np.array(found)


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
