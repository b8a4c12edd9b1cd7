r"""Mean predicted probabilities: the left column of every equation of the paper.

The paper's :math:`\bar p_{i \to j} = E_{x \sim P(x \mid y=i)} f_j(x)` is estimated by the mean of
``proba[:, j]`` over the samples whose true class is ``i``. Only P(x | y) enters, so the class
sizes of the sample on which it is measured are free.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, softmax

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray as FloatArray
from learnprop.equations.arrays import IntArray as IntArray
from learnprop.equations.arrays import as_numbers, without_gradient
from learnprop.equations.labels import class_of, labels_of_columns

Activation = Literal["softmax", "sigmoid"]
"""Of the output layer: softmax (rows of probabilities sum to one), or one sigmoid per class, as in
one-vs-all classification (they do not)."""

ROW_SUM_TOLERANCE = 1e-6


def check_activation(activation: str) -> None:
    """Raise ValueError if there is no such activation.

    Examples
    --------
    >>> check_activation("softmax")
    """
    if not isinstance(activation, str) or activation not in get_args(Activation):
        raise BadArgument("activation", f"must be softmax or sigmoid, got {shown(activation)}")


def check_proba(
    proba: ArrayLike,
    name: str = "proba",
    activation: Activation = "softmax",
    *,
    first_row: int = 0,
    epsilon: float = 0.0,
) -> FloatArray:
    """Return `proba` as float64 if its rows are probability distributions.

    Parameters
    ----------
    proba : array_like, shape (n_samples, n_classes) or (n_samples,)
        Predicted probabilities; one per sample is that of class 1 of two, as scikit-learn's
        binary metrics take it.
    name : str
        What to call the argument in an error.
    activation : {"softmax", "sigmoid"}
        With sigmoids each number is a probability of its own.
    first_row : int
        Number of its first row in an error, of a piece of a longer array.
    epsilon : float
        Machine epsilon of the type that the numbers had, if that was coarser than theirs.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_classes)

    Raises
    ------
    ValueError
        If it is not a matrix with at least two columns, holds NaN or a negative number, or a row
        does not sum to one (with sigmoids, or one per sample: a number is above one). It may miss
        one by 1e-6, or by K/2 machine epsilons of its own type, the rounding error of a normaliser
        that was summed term by term; float64 numbers that all are float32's are taken for such.

    Examples
    --------
    >>> check_proba([[0.25, 0.75]])
    array([[0.25, 0.75]])
    >>> check_proba([0.75])
    array([[0.25, 0.75]])
    """
    check_activation(activation)
    values = as_numbers(proba, name)
    if values.ndim not in (1, 2) or (values.ndim == 2 and values.shape[1] < 2):
        raise BadArgument(
            name,
            "must have shape (n_samples, n_classes >= 2), or (n_samples,) of class 1, "
            f"got {values.shape}",
        )
    if np.isnan(values).any():
        raise BadArgument(name, "holds NaN")
    if (values < 0).any():
        row = first_row + int(values.reshape(len(values), -1).min(axis=1).argmin())
        raise BadArgument(name, f"holds a negative number: {values.min()} in row {row}")
    if activation == "sigmoid" or values.ndim == 1:
        if (values > 1 + ROW_SUM_TOLERANCE).any():
            raise BadArgument(name, f"holds a number above one: {values.max()}")
        if values.ndim == 2:
            return values
        return np.stack([np.maximum(1 - values, 0.0), values], axis=1)
    row_sum = values.sum(axis=1)
    worst = int(np.argmax(np.abs(row_sum - 1))) if len(row_sum) else 0
    off = abs(row_sum[worst] - 1) if len(row_sum) else 0.0
    allowed = max(ROW_SUM_TOLERANCE, values.shape[1] * epsilon / 2)
    if off > allowed and off > _rounding(proba, values):
        said = f"must sum to one: row {first_row + worst} sums to {row_sum[worst]:.8g}"
        raise BadArgument(name, said)
    return values


def _rounding(proba: ArrayLike, values: FloatArray) -> float:
    """What a row of K probabilities may miss one by, for the type they were computed in."""
    given = np.asarray(without_gradient(proba)).dtype
    kind = given if given.kind == "f" else np.dtype(np.float64)
    with np.errstate(over="ignore", under="ignore"):
        if kind.itemsize > 4 and np.array_equal(values.astype(np.float32), values):
            kind = np.dtype(np.float32)
    return float(values.shape[1] * np.finfo(kind).eps / 2)


def proba_from_logits(logits: ArrayLike, activation: Activation = "softmax") -> FloatArray:
    """Probabilities in float64; for one logit per sample, the logistic pair.

    Each probability is computed from the logits, never as one minus another, so that small
    probabilities keep all their digits.

    Parameters
    ----------
    logits : array_like, shape (n_samples,) or (n_samples, n_classes)
        One logit of class 1 per sample (Eq. 1 of the paper with K = 2), or one per class (Eq. 2).
    activation : {"softmax", "sigmoid"}
        Of several logits.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_classes)

    Raises
    ------
    ValueError
        If the shape or the activation is none of these.

    Examples
    --------
    >>> proba_from_logits([-800.0, 0.0, 40.0])[:, 0].tolist()
    [1.0, 0.5, 4.248354255291589e-18]
    """
    check_activation(activation)
    z = as_numbers(logits, "logits")
    if z.ndim not in (1, 2) or (z.ndim == 2 and z.shape[1] < 2):
        raise BadArgument(
            "logits", f"must have shape (n_samples,) or (n_samples, n_classes >= 2), got {z.shape}"
        )
    # What is below 1e-308 is zero, also where a user's seterr would raise.
    with np.errstate(under="ignore", over="ignore"):
        if z.ndim == 1:
            return np.stack([expit(-z), expit(z)], axis=1)
        if activation == "sigmoid":
            return np.asarray(expit(z))
        return np.asarray(softmax(z, axis=1))


def _in_classes(
    y_true: ArrayLike, proba: ArrayLike, activation: Activation, labels: ArrayLike | None
) -> tuple[FloatArray, list[slice]]:
    """Probabilities sorted by class, and the rows of each class: with `labels` maybe none."""
    values = check_proba(proba, activation=activation)
    n_classes = values.shape[1]
    known = labels_of_columns(y_true, proba, labels)
    classes = class_of(y_true, n_classes, known)
    if len(classes) != len(values):
        raise BadArgument("y_true", f"has {len(classes)} samples, `proba` has {len(values)}")
    order, rows_of = in_order(classes, n_classes)
    check_present(rows_of, known, absent_allowed=labels is not None)
    return values if order is None else values[order], rows_of


def in_order(classes: IntArray, n_classes: int) -> tuple[IntArray | None, list[slice]]:
    """What sorts samples by their class, None where they are sorted; then the rows of each class.

    Examples
    --------
    >>> order, rows_of = in_order(np.array([1, 0, 1]), 3)
    >>> order.tolist(), [(rows.start, rows.stop) for rows in rows_of]
    ([1, 0, 2], [(0, 1), (1, 3), (3, 3)])
    """
    order = None
    if not np.all(classes[1:] >= classes[:-1]):
        order = np.argsort(classes, kind="stable")
        classes = classes[order]
    ends = np.searchsorted(classes, np.arange(n_classes + 1))
    return order, [slice(a, b) for a, b in pairwise(ends.tolist())]


def check_present(
    rows_of: Sequence[slice], known: ArrayLike | None = None, *, absent_allowed: bool = False
) -> None:
    """Raise BadArgument where a class has no sample; `known` are the labels of columns."""
    absent = [k for k, rows in enumerate(rows_of) if rows.start == rows.stop]
    if absent and not absent_allowed:
        raise BadArgument(
            "y_true",
            f"holds no sample of class {absent[0]}; "
            f"with labels={known or f'range({len(rows_of)})'} its row is NaN",
        )


def mean_proba(
    y_true: ArrayLike,
    proba: ArrayLike,
    activation: Activation = "softmax",
    *,
    labels: ArrayLike | None = None,
) -> FloatArray:
    r"""Mean predicted probability of each class over the samples of each true class.

    .. math:: P_{ij} = \bar p_{i \to j} = \frac{1}{N_i} \sum_{n : y_n = i} f_j(x_n)

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
        Integers ``0 .. n_classes-1``, or strings, whose classes are in the order of ``np.unique``,
        as the columns of scikit-learn's ``predict_proba`` are; with `labels` any of those.
    proba : array_like, shape (n_samples, n_classes) or (n_samples,)
        One per sample is the probability of class 1 of two; of misses below 1e-16 it keeps
        nothing, logits do (`proba_from_logits`). Columns of a DataFrame that are named as labels
        are taken by their names; where both are pandas', they have one index.
    activation : {"softmax", "sigmoid"}
    labels : array_like, shape (n_classes,), optional
        The label of each column, e.g. ``model.classes_``. The row of one that `y_true` does not
        hold is NaN; without `labels` it is refused.

    Returns
    -------
    ndarray of float64, shape (n_classes, n_classes)
        Rows sum to one under softmax.

    Raises
    ------
    ValueError
        If a class has no sample, or labels or probabilities are not what they should be.

    References
    ----------
    The definition below Eq. (9) of the paper.

    Examples
    --------
    >>> mean_proba([0, 0, 1], [[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]])
    array([[0.8, 0.2],
           [0.4, 0.6]])
    >>> mean_proba(["no", "no", "yes"], [0.1, 0.3, 0.6])
    array([[0.8, 0.2],
           [0.4, 0.6]])
    >>> mean_proba([2, 2], [[0.9, 0.1], [0.7, 0.3]], labels=[2, 4])
    array([[0.8, 0.2],
           [nan, nan]])
    """
    values, rows_of = _in_classes(y_true, proba, activation, labels)
    mean = np.full((len(rows_of), len(rows_of)), np.nan)
    with np.errstate(under="ignore"):
        for k, rows in enumerate(rows_of):
            if rows.stop > rows.start:
                mean[k] = values[rows].mean(axis=0)
    return mean


def mean_proba_and_second_moments(
    y_true: ArrayLike,
    proba: ArrayLike,
    activation: Activation = "softmax",
    *,
    labels: ArrayLike | None = None,
) -> tuple[FloatArray, FloatArray]:
    r"""`mean_proba`, and the raw second moments of the predicted probabilities per class.

    .. math:: M_{iab} = \frac{1}{N_i} \sum_{n : y_n = i} f_a(x_n) f_b(x_n)

    ``M[i] - np.outer(P[i], P[i])`` is the within-class covariance of the predictions (divisor
    :math:`N_i`), which is what an interval for a *fixed* model on fresh data needs; see
    `learnprop.equations.inference.within_class` for how it keeps its digits where P is near the
    identity.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
    proba : array_like, shape (n_samples, n_classes) or (n_samples,)
    activation : {"softmax", "sigmoid"}
    labels : array_like, shape (n_classes,), optional
        All as in `mean_proba`.

    Returns
    -------
    mean_proba : ndarray of float64, shape (n_classes, n_classes)
    second_moment : ndarray of float64, shape (n_classes, n_classes, n_classes)

    Raises
    ------
    ValueError
        As `mean_proba`.

    Examples
    --------
    >>> P, M = mean_proba_and_second_moments([0, 0, 1], [[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]])
    >>> (M[0] - np.outer(P[0], P[0])).round(12).tolist()
    [[0.01, -0.01], [-0.01, 0.01]]
    """
    values, rows_of = _in_classes(y_true, proba, activation, labels)
    n_classes = values.shape[1]
    mean = np.full((n_classes, n_classes), np.nan)
    second = np.full((n_classes, n_classes, n_classes), np.nan)
    with np.errstate(under="ignore"):
        for k, rows in enumerate(rows_of):
            in_class = values[rows]
            if len(in_class):
                mean[k] = in_class.mean(axis=0)
                second[k] = in_class.T @ in_class / len(in_class)
    return mean, second
