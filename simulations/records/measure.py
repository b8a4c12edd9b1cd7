"""Measurements of a fitted model on one sample: all that any later analysis needs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import as_numbers
from learnprop.equations.labels import class_of
from learnprop.equations.mean_proba import (
    Activation,
    FloatArray,
    IntArray,
    check_activation,
    check_present,
    in_order,
)


@dataclass(frozen=True)
class Measured:
    """A model's predictions on one sample, per true class.

    The metadata of a field say how a store keeps it: dtype and number of axes of length n_classes.

    Attributes
    ----------
    class_count : ndarray of int64, shape (n_classes,)
    mean_proba : ndarray of float64, shape (n_classes, n_classes)
        P of Eq. (9).
    miss_proba : ndarray of float64, shape (n_classes,)
        ``1 - P[k, k]``, not by subtraction: the sum of the other entries of the row, or with
        sigmoids the mean of ``sigmoid(-z_k)`` over class k.
    confusion : ndarray of int64, shape (n_classes, n_classes)
        ``confusion[i, j]``: samples of class i whose most probable class is j; ties go to the
        lower class.
    log_loss : ndarray of float64, shape (n_classes,)
        Sum over the class of -log of the probability of the true class, in nats; with sigmoids, of
        the K binary losses.
    second_moment : ndarray of float64, shape (n_classes, n_classes, n_classes)
        Mean over class i of f_a f_b.
    """

    class_count: IntArray = field(metadata={"dtype": "<i8", "class_axes": 1})
    mean_proba: FloatArray = field(metadata={"dtype": "<f8", "class_axes": 2})
    miss_proba: FloatArray = field(metadata={"dtype": "<f8", "class_axes": 1})
    confusion: IntArray = field(metadata={"dtype": "<i8", "class_axes": 2})
    log_loss: FloatArray = field(metadata={"dtype": "<f8", "class_axes": 1})
    second_moment: FloatArray = field(metadata={"dtype": "<f8", "class_axes": 3})


def measure(
    y_true: ArrayLike,
    logits: ArrayLike,
    activation: Activation = "softmax",
    *,
    labels: ArrayLike | None = None,
) -> Measured:
    """Measure a model's predictions per true class, in float64 from its logits.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
    logits : array_like, shape (n_samples,) or (n_samples, n_classes)
        One logit of class 1, or one per class.
    activation : {"softmax", "sigmoid"}
        Of several logits; sigmoids are one-vs-all classifiers.
    labels : array_like, shape (n_classes,), optional
        The label of each class (`learnprop.equations.mean_proba.mean_proba`). Of one that
        `y_true` does not hold, probabilities and moments are NaN.

    Returns
    -------
    Measured

    Raises
    ------
    ValueError
        If a logit is NaN, a class is absent or the labels do not fit.

    Examples
    --------
    >>> found = measure([0, 0, 1], [-1000.0, 0.0, 3.0])
    >>> found.mean_proba.round(3).tolist(), found.confusion.tolist()
    ([[0.75, 0.25], [0.047, 0.953]], [[2, 0], [0, 1]])
    """
    return measure_each(y_true, as_numbers(logits, "logits")[None], activation, labels=labels)[0]


def measure_each(
    y_true: ArrayLike,
    logits: ArrayLike,
    activation: Activation = "softmax",
    *,
    labels: ArrayLike | None = None,
) -> list[Measured]:
    """Measure several models on one sample, each as `measure` does.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
    logits : array_like, shape (n_models, n_samples) or (n_models, n_samples, n_classes)
    activation : {"softmax", "sigmoid"}
    labels : array_like, shape (n_classes,), optional
        All as in `measure`.

    Returns
    -------
    list of Measured
        One per model.

    Raises
    ------
    ValueError
        As `measure`.

    Examples
    --------
    >>> sure, unsure = measure_each([0, 1], [[-9.0, 9.0], [0.0, 0.0]])
    >>> sure.miss_proba.round(4).tolist(), unsure.miss_proba.tolist()
    ([0.0001, 0.0001], [0.5, 0.5])
    """
    check_activation(activation)
    z = as_numbers(logits, "logits")
    if z.ndim not in (2, 3) or (z.ndim == 3 and z.shape[2] < 2):
        said = f"must have shape (n_samples,) or (n_samples, n_classes >= 2), got {z.shape[1:]}"
        raise BadArgument("logits", said)
    if np.isnan(z).any():
        raise BadArgument("logits", "holds NaN")
    n_classes = 2 if z.ndim == 2 else z.shape[2]
    classes = class_of(y_true, n_classes, labels)
    if len(classes) != z.shape[1]:
        raise BadArgument("y_true", f"has {len(classes)} samples, `logits` have {z.shape[1]}")
    order, rows_of = in_order(classes, n_classes)
    check_present(rows_of, absent_allowed=labels is not None)
    with np.errstate(all="ignore"):  # whatever a user's seterr
        return [_measured(of if order is None else of[order], rows_of, activation) for of in z]


def _measured(z: FloatArray, rows_of: list[slice], activation: Activation) -> Measured:
    """Measure a model on samples sorted by class; of a class without any, means are NaN."""
    n_classes = len(rows_of)
    by = (n_classes, n_classes)
    mean, second = np.full(by, np.nan), np.full((n_classes, *by), np.nan)
    miss, confusion = np.full(n_classes, np.nan), np.zeros(by, dtype=np.int64)
    loss = np.zeros(n_classes)
    others = ~np.eye(n_classes, dtype=bool)
    for k, rows in enumerate(rows_of):
        if rows.start == rows.stop:
            continue
        f, losses, own_miss = _predicted(z[rows], k, activation)
        mean[k] = f.mean(axis=1)
        second[k] = f @ f.T / f.shape[1]
        miss[k] = mean[k].sum(where=others[k]) if own_miss is None else own_miss.mean()
        loss[k] = losses.sum()
        if z.ndim == 1:
            ones = np.count_nonzero(z[rows] > 0)
            confusion[k] = f.shape[1] - ones, ones
        else:
            confusion[k] = np.bincount(z[rows].argmax(axis=1), minlength=n_classes)
    if np.isnan(mean[[rows.start < rows.stop for rows in rows_of]]).any():
        raise BadArgument("proba", "holds NaN")
    count = np.array([rows.stop - rows.start for rows in rows_of])
    return Measured(count, mean, miss, confusion, loss, second)


def _predicted(
    z: FloatArray, k: int, activation: Activation
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Probabilities (n_classes, n_samples) and losses of samples of class k.

    With sigmoids the probability of not being of class k, too, which no other is.
    """
    if z.ndim == 1:
        f = np.empty((2, len(z)))
        f[k], f[1 - k], loss = _logistic(z if k == 0 else -z)
        return f, loss, None
    wrong = z.T.copy()  # in rows of one class each: sums over classes add whole rows
    if activation == "sigmoid":
        wrong[k] *= -1
        against, f, loss = _logistic(wrong)
        own_miss = f[k].copy()
        f[k] = against[k]
        return f, loss.sum(axis=0), own_miss
    wrong -= wrong.max(axis=0)
    f = np.exp(wrong)
    total = f.sum(axis=0)
    f /= total
    return f, np.log(total) - wrong[k], None


def _logistic(z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sigmoids of -z and of z, and log(1 + exp(z)), each to its last digits.

    From one exponential: `expit` of both and `logaddexp` take three times as long.
    """
    e = np.exp(-np.abs(z))
    large = 1 / (1 + e)
    small, positive = e * large, z > 0
    f, g = np.where(positive, small, large), np.where(positive, large, small)
    return f, g, np.maximum(z, 0) + np.log1p(e)
