r"""Mean predicted probabilities: the left column of every equation of the paper.

The paper's :math:`\bar p_{i \to j} = E_{x \sim P(x \mid y=i)} f_j(x)` is estimated by the mean of
``proba[:, j]`` over the samples whose true class is ``i``. Only P(x | y) enters, so the class
sizes of the sample on which it is measured are free.
"""

from __future__ import annotations

from itertools import pairwise
from numbers import Real
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax

from learnprop.equations.arguments import BadArgument

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

Activation = Literal["softmax", "sigmoid"]
"""Of the output layer: softmax (rows of probabilities sum to one), or one sigmoid per class, as in
one-vs-all classification (they do not)."""

ROW_SUM_TOLERANCE = 1e-6


def without_gradient(values: Any) -> Any:
    """A tensor of PyTorch as numpy can read it; anything else as it is.

    Examples
    --------
    >>> import torch
    >>> np.asarray(without_gradient(torch.ones(1, requires_grad=True))).tolist()
    [1.0]
    """
    if not hasattr(values, "detach"):
        return values
    plain = values.detach().cpu()
    return plain.float() if str(plain.dtype) == "torch.bfloat16" else plain


def check_activation(activation: str) -> None:
    """Raise ValueError if there is no such activation.

    Examples
    --------
    >>> check_activation("softmax")
    """
    if activation not in get_args(Activation):
        raise BadArgument("activation", f"must be softmax or sigmoid, got {activation!r}")


def check_labels(y_true: ArrayLike, n_classes: int, name: str = "y_true") -> IntArray:
    """Return `y_true` as int64 if it holds labels in ``0 .. n_classes-1``.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
        Class labels, integers or floats of integral value, also in an array of objects.
    n_classes : int
        K, at least 2.
    name : str
        What to call the argument in an error.

    Returns
    -------
    ndarray of int64, shape (n_samples,)

    Raises
    ------
    ValueError
        If `n_classes` is below 2, the labels are not one-dimensional and integral, or one lies
        outside ``0 .. n_classes-1``.

    Examples
    --------
    >>> check_labels([0.0, 1.0, 1.0], 2)
    array([0, 1, 1])
    """
    if not isinstance(n_classes, int | np.integer):
        raise BadArgument("n_classes", f"must be a whole number, got {n_classes!r}")
    if n_classes < 2:
        raise BadArgument("n_classes", f"must be at least 2, got {n_classes}")
    y_true = without_gradient(y_true)
    if np.ma.is_masked(y_true):
        raise BadArgument(name, "must hold integer labels, got masked ones")
    labels = np.asarray(y_true)
    if labels.ndim != 1:
        raise BadArgument(name, f"must be one-dimensional, got shape {labels.shape}")
    whole = f"{name} must hold integer labels 0..{n_classes - 1}, got"
    if labels.dtype == object:
        for position, label in enumerate(labels):
            if not isinstance(label, Real | np.bool_):
                raise ValueError(f"{whole} {label!r} at position {position}")
        labels = np.array(labels.tolist())  # of the kind that the numbers are
    if labels.dtype.kind not in "biuf":
        raise ValueError(f"{whole} an array of {labels.dtype}")
    with np.errstate(invalid="ignore"):  # NaN and infinity, caught by the comparison below
        as_int = labels.astype(np.int64)
    if not np.array_equal(as_int, labels):
        position = int(np.argmax(as_int != labels))
        raise ValueError(f"{whole} {labels[position]} at position {position}")
    outside = (as_int < 0) | (as_int >= n_classes)
    if outside.any():
        raise BadArgument(
            name,
            f"must hold labels 0..{n_classes - 1}, got {as_int[outside][0]} "
            f"at position {int(np.argmax(outside))}",
        )
    return as_int


def check_proba(
    proba: ArrayLike, name: str = "proba", activation: Activation = "softmax"
) -> FloatArray:
    """Return `proba` as float64 if its rows are probability distributions.

    Parameters
    ----------
    proba : array_like, shape (n_samples, n_classes)
        Predicted probabilities.
    name : str
        What to call the argument in an error.
    activation : {"softmax", "sigmoid"}
        With sigmoids each number is a probability of its own.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_classes)

    Raises
    ------
    ValueError
        If it is not a matrix with at least two columns, holds NaN or a negative number, or a row
        does not sum to one (with sigmoids: a number is above one). It may miss one by 1e-6, or by
        K/2 machine epsilons of its own type, the rounding error of a normaliser that was summed
        term by term; float64 numbers that all are float32's are taken for such.

    Examples
    --------
    >>> check_proba([[0.25, 0.75]])
    array([[0.25, 0.75]])
    """
    check_activation(activation)
    proba = without_gradient(proba)
    if np.ma.is_masked(proba):
        raise BadArgument(name, "holds masked numbers")
    try:
        given = np.asarray(proba)
        if given.dtype.kind not in "biufO":
            raise ValueError(f"got an array of {given.dtype}")
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadArgument(name, f"must hold numbers: {error}") from None
    if values.ndim != 2 or values.shape[1] < 2:
        raise BadArgument(name, f"must have shape (n_samples, n_classes >= 2), got {values.shape}")
    if np.isnan(values).any():
        raise BadArgument(name, "holds NaN")
    if (values < 0).any():
        row = int(values.min(axis=1).argmin())
        raise BadArgument(name, f"holds a negative number: {values.min()} in row {row}")
    if activation == "sigmoid":
        if (values > 1 + ROW_SUM_TOLERANCE).any():
            raise BadArgument(name, f"holds a number above one: {values.max()}")
        return values
    row_sum = values.sum(axis=1)
    worst = int(np.argmax(np.abs(row_sum - 1))) if len(row_sum) else 0
    off = abs(row_sum[worst] - 1) if len(row_sum) else 0.0
    if off > ROW_SUM_TOLERANCE and off > _rounding(given, values):
        raise BadArgument(name, f"must sum to one: row {worst} sums to {row_sum[worst]:.8g}")
    return values


def _rounding(given: np.ndarray, values: FloatArray) -> float:
    """What a row of K probabilities may miss one by, for the type they were computed in."""
    kind = given.dtype if given.dtype.kind == "f" else np.dtype(np.float64)
    with np.errstate(over="ignore"):
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
    z = np.asarray(without_gradient(logits), dtype=np.float64)
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


def class_count(y_true: ArrayLike, n_classes: int) -> IntArray:
    """Number of samples of each class, N in the paper.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
    n_classes : int

    Returns
    -------
    ndarray of int64, shape (n_classes,)

    Examples
    --------
    >>> class_count([0, 2, 2], 3)
    array([1, 0, 2])
    """
    return np.bincount(check_labels(y_true, n_classes), minlength=n_classes)


def _in_classes(
    y_true: ArrayLike, proba: ArrayLike, activation: Activation
) -> tuple[FloatArray, list[slice]]:
    """Probabilities sorted by class, and the rows of each class."""
    values = check_proba(proba, activation=activation)
    n_classes = values.shape[1]
    labels = check_labels(y_true, n_classes)
    if len(labels) != len(values):
        raise BadArgument("y_true", f"has {len(labels)} samples, `proba` has {len(values)}")
    if not np.all(labels[1:] >= labels[:-1]):
        order = np.argsort(labels, kind="stable")
        labels, values = labels[order], values[order]
    ends = np.searchsorted(labels, np.arange(n_classes + 1))
    absent = np.flatnonzero(ends[1:] == ends[:-1])
    if len(absent):
        raise BadArgument("y_true", f"holds no sample of class {absent[0]}")
    return values, [slice(a, b) for a, b in pairwise(ends.tolist())]


def mean_proba(
    y_true: ArrayLike, proba: ArrayLike, activation: Activation = "softmax"
) -> FloatArray:
    r"""Mean predicted probability of each class over the samples of each true class.

    .. math:: P_{ij} = \bar p_{i \to j} = \frac{1}{N_i} \sum_{n : y_n = i} f_j(x_n)

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
    proba : array_like, shape (n_samples, n_classes)
    activation : {"softmax", "sigmoid"}

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
    """
    values, rows_of = _in_classes(y_true, proba, activation)
    with np.errstate(under="ignore"):
        return np.stack([values[rows].mean(axis=0) for rows in rows_of])


def mean_proba_and_second_moments(
    y_true: ArrayLike, proba: ArrayLike, activation: Activation = "softmax"
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
    proba : array_like, shape (n_samples, n_classes)
    activation : {"softmax", "sigmoid"}

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
    values, rows_of = _in_classes(y_true, proba, activation)
    n_classes = values.shape[1]
    mean = np.empty((n_classes, n_classes))
    second = np.empty((n_classes, n_classes, n_classes))
    with np.errstate(under="ignore"):
        for k, rows in enumerate(rows_of):
            in_class = values[rows]
            mean[k] = in_class.mean(axis=0)
            second[k] = in_class.T @ in_class / len(in_class)
    return mean, second
