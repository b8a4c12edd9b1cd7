r"""Proof, in exact arithmetic, that a direction parts the classes.

A *direction* holds θ, of shape (n_classes, n_columns), in :class:`Columns`; the *margins* of a
sample of class y are :math:`(\theta_y - \theta_j)^T u`, j ≠ y. Floats are rational numbers: what
their rounding leaves open is decided by integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from scipy.linalg import qr

from learnprop.equations.mean_proba import FloatArray, IntArray

LARGEST_SYSTEM = 80
"""Unknowns that are solved for exactly, within seconds: the integers grow with their number."""

RANK = 1e-9
"""Of the largest: a pivot that is smaller is rounding."""


@dataclass(frozen=True)
class Columns:
    """Features as columns u = (x - centre) / scale, and one of ones where there is an intercept.

    Attributes
    ----------
    features : ndarray, shape (n_samples, n_features)
        x.
    centre : ndarray, shape (n_features,)
    scale : ndarray, shape (n_features,)
        Powers of two: dividing by them is exact.
    values : ndarray, shape (n_samples, n_columns)
        u, each number rounded once.
    """

    features: FloatArray
    centre: FloatArray
    scale: FloatArray
    values: FloatArray


def columns_around(features: FloatArray, focus: FloatArray, *, intercept: bool) -> Columns:
    """Columns whose origin and unit are typical of some samples, whatever outliers there are.

    The origin is the median, which is a value of the data, so that what is tied with it stays so.

    Parameters
    ----------
    features : ndarray, shape (n_samples, n_features)
    focus : ndarray, shape (n_focus, n_features)
    intercept : bool
        Without one there is no other origin than zero.

    Returns
    -------
    Columns

    Examples
    --------
    >>> x = np.array([[1.0], [3.0], [5.0], [1e9]])
    >>> columns_around(x, x, intercept=True).values.tolist()
    [[-0.5, 1.0], [0.0, 1.0], [0.5, 1.0], [249999999.25, 1.0]]
    """
    centre = np.sort(focus, axis=0)[(len(focus) - 1) // 2] * intercept
    with np.errstate(over="ignore"):  # beyond the floats is where integers decide
        away = np.sort(np.abs(focus - centre), axis=0)
        first = (away == 0).sum(axis=0)
        middle = np.minimum((first + len(away)) // 2, len(away) - 1)
        unit = away[middle, np.arange(away.shape[1])]
        unit = np.where((unit > 0) & np.isfinite(unit), unit, 1.0)
        scale = np.ldexp(1.0, np.clip(np.frexp(unit)[1], -1000, 1000))
        values = (features - centre) / scale
    if intercept:
        values = np.column_stack([values, np.ones(len(values))])
    return Columns(features, centre, scale, values)


def parts(columns: Columns, labels: IntArray, direction: np.ndarray) -> bool:
    """Whether no margin is negative and some margin is positive, without a rounding error.

    Parameters
    ----------
    columns : Columns
    labels : ndarray of int, shape (n_samples,)
    direction : ndarray of float or Fraction, shape (n_classes, n_columns)

    Returns
    -------
    bool

    Examples
    --------
    >>> x = np.array([[0.1 + 0.2], [0.3]])  # they differ by 2^-54
    >>> columns = columns_around(x, np.zeros((1, 1)), intercept=True)
    >>> columns.scale.tolist()
    [2.0]
    >>> direction = np.array([[0.0, 0.15], [1.0, 0.0]])  # class 1 where x > 0.3, a tie there
    >>> parts(columns, np.array([1, 0]), direction), parts(columns, np.array([0, 1]), direction)
    (True, False)
    """
    theta = direction.astype(np.float64)
    if not np.isfinite(theta).all():
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        margin = _margins(columns.values, labels, theta)
        rounding = (len(theta.T) + 8) * np.finfo(float).eps
        size = _margins(np.abs(columns.values), labels, np.abs(theta), sign=-1)
        error = rounding * size + 1e-290
        ahead, behind = margin > error, margin < -error
    unlike = (direction[:, None] != direction).any(axis=2)  # the others are tied by their equality
    ahead, behind = ahead & unlike[labels], behind & unlike[labels]
    if behind.any():
        return False
    open_ = unlike[labels] & ~ahead
    rows = np.flatnonzero(open_.any(axis=1))
    exact = _exact_margins(columns, labels, direction, rows)[open_[rows]].tolist()
    return min(exact, default=0) >= 0 and (bool(ahead.any()) or max(exact, default=0) > 0)


def _margins(values: np.ndarray, labels: IntArray, theta: np.ndarray, sign: int = 1) -> np.ndarray:
    """Margins towards every class, (n_samples, n_classes); of sign -1 the sum of the two sides."""
    logits = values @ theta.T
    return logits[np.arange(len(labels)), labels][:, None] - sign * logits


def _exact_margins(
    columns: Columns, labels: IntArray, direction: np.ndarray, rows: IntArray
) -> np.ndarray:
    """Margins of some samples times one positive number, as integers: (n_rows, n_classes)."""
    used = np.flatnonzero((direction != 0).any(axis=0))
    x, unit = _integers(columns, rows, used)
    theta = [
        [Fraction(v) * u for v, u in zip(row, unit, strict=True)] for row in direction[:, used]
    ]
    common = lcm(*(v.denominator for row in theta for v in row))
    whole = np.array([[int(v * common) for v in row] for row in theta], dtype=object)
    return _margins(x, labels[rows], whole)


def _integers(
    columns: Columns, rows: IntArray, used: IntArray
) -> tuple[np.ndarray, list[Fraction]]:
    """Some columns of some samples as integers, (n_rows, n_used), and the unit of each column."""
    x, unit = [], []
    for p in used.tolist():
        if p == columns.features.shape[1]:  # the intercept's
            x.append([1] * len(rows))
            unit.append(Fraction(1))
            continue
        ratios = [v.as_integer_ratio() for v in columns.features[rows, p].tolist()]
        ratios.append(float(columns.centre[p]).as_integer_ratio())
        common = max(denominator for _, denominator in ratios)  # powers of two
        *whole, origin = (n * (common // d) for n, d in ratios)
        x.append([v - origin for v in whole])
        unit.append(1 / (common * Fraction(float(columns.scale[p]))))
    return np.array(x, dtype=object).reshape(len(used), len(rows)).T, unit


def snapped(direction: FloatArray, size: float) -> FloatArray:
    """A direction whose coefficients that are zero, or alike in two classes, but for noise, are so.

    Parameters
    ----------
    direction : ndarray, shape (n_classes, n_columns)
    size : float
        Of the noise, relative to the largest coefficient.

    Returns
    -------
    ndarray, same shape

    Examples
    --------
    >>> snapped(np.array([[1.0, 1e-12], [1.0 + 1e-12, 0.5], [0.2, -1e-15]]), 1e-9).tolist()
    [[1.0, 0.0], [1.0, 0.5], [0.2, 0.0]]
    """
    theta = np.where(np.abs(direction) <= size * np.abs(direction).max(), 0.0, direction)
    for k in range(1, len(theta)):
        for j in range(k):
            alike = np.abs(theta[k] - theta[j]) <= size * np.abs(theta).max()
            theta[k] = np.where(alike, theta[j], theta[k])
    return np.asarray(theta)


def with_exact_ties(
    columns: Columns,
    labels: IntArray,
    direction: FloatArray,
    tied: tuple[IntArray, IntArray],
) -> np.ndarray | None:
    """The direction near a snapped one whose margins are exactly zero where they should be.

    Coefficients that are zero stay so, and those that are alike stay alike.

    Parameters
    ----------
    columns : Columns
    labels : ndarray of int, shape (n_samples,)
    direction : ndarray, shape (n_classes, n_columns)
    tied : pair of ndarray of int
        Samples, and the classes towards which their margin should be zero.

    Returns
    -------
    ndarray of Fraction, shape (n_classes, n_columns), or None
        None where there is none, or the system is larger than `LARGEST_SYSTEM`.

    Examples
    --------
    >>> x = np.array([[1.0], [3.0], [3.0], [4.0]])
    >>> columns, y = columns_around(x, x[:1], intercept=True), np.array([0, 0, 1, 1])
    >>> near = np.array([[0.0, 0.67], [1 / 3, 0.0]])
    >>> found = with_exact_ties(columns, y, near, (np.array([1, 2]), np.array([1, 0])))
    >>> parts(columns, y, near), parts(columns, y, found)
    (False, True)
    """
    unknown = [
        (direction[:, p] == value, p)
        for p in range(direction.shape[1])
        for value in np.unique(direction[:, p])
        if value != 0
    ]
    samples, classes = tied
    if not 0 < len(unknown) <= LARGEST_SYSTEM:
        return None
    own = labels[samples]
    factor = np.stack([of[own].astype(int) - of[classes] for of, _ in unknown], axis=1)
    column = np.array([p for _, p in unknown])
    system = factor * columns.values[samples][:, column]
    size = np.abs(system).max(axis=1)
    kept = np.flatnonzero((size > 0) & np.isfinite(size))
    near = np.array([direction[of, p][0] for of, p in unknown])
    solution = [Fraction(v) for v in near.tolist()]
    if len(kept):
        scaled = system[kept] / size[kept, None]
        _, upper, order = qr(scaled.T, mode="economic", pivoting=True)
        diagonal = np.abs(upper.diagonal())
        rank = int((diagonal > RANK * diagonal[0]).sum())
        if rank == len(unknown):
            return None
        rows = kept[order[:rank]]
        pivots = qr(scaled[order[:rank]], mode="r", pivoting=True)[1]
        bound, free = np.sort(pivots[:rank]), np.sort(pivots[rank:])
        x, unit = _integers(columns, samples[rows], column)
        exact = factor[rows].astype(object) * x
        for f in free:  # in units of the columns as integers
            solution[f] = solution[f] * unit[f]
        common = lcm(*(solution[f].denominator for f in free))
        right = [-sum(a * int(solution[f] * common) for a, f in zip(row[free], free, strict=True))
                 for row in exact]  # fmt: skip
        values = _solve(exact[:, bound], right)
        if values is None:
            return None
        for g, value in zip(bound, values, strict=True):
            solution[g] = value / common
        for g in range(len(unknown)):
            solution[g] = solution[g] / unit[g]
    found = np.full(direction.shape, Fraction(0), dtype=object)
    for value, (of, p) in zip(solution, unknown, strict=True):
        found[of, p] = value
    return found


def _solve(matrix: np.ndarray, right: Sequence[int]) -> list[Fraction] | None:
    """Solution of a square system of integers by Bareiss's elimination, which keeps them integers.

    Bareiss (1968), Mathematics of Computation 22, 565-578.
    """
    n = len(matrix)
    a = np.column_stack([matrix, np.array(right, dtype=object)])
    previous = 1
    for k in range(n):
        pivot = next((i for i in range(k, n) if a[i, k] != 0), None)
        if pivot is None:
            return None
        a[[k, pivot]] = a[[pivot, k]]
        rest = np.arange(n) != k
        a[rest] = (a[k, k] * a[rest] - a[rest, k : k + 1] * a[k]) // previous
        previous = a[k, k]
    return [Fraction(int(a[i, n]), int(a[i, i])) for i in range(n)]
