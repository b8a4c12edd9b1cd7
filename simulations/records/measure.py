"""Measurements of a fitted model on one sample: all that any later analysis needs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import as_numbers
from learnprop.equations.labels import class_of
from learnprop.equations.mean_proba import (
    Activation,
    FloatArray,
    IntArray,
    mean_proba_and_second_moments,
    proba_from_logits,
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
    z = as_numbers(logits, "logits")
    if np.isnan(z).any():
        raise BadArgument("logits", "holds NaN")
    proba = proba_from_logits(z, activation)
    n_classes = proba.shape[1]
    classes = class_of(y_true, n_classes, labels)
    known = None if labels is None else range(n_classes)
    mean, second = mean_proba_and_second_moments(classes, proba, activation, labels=known)
    predicted = (z > 0).astype(np.int64) if z.ndim == 1 else z.argmax(axis=1)
    pairs = np.bincount(classes * n_classes + predicted, minlength=n_classes**2)
    confusion = pairs.reshape(n_classes, n_classes).astype(np.int64)
    count = np.bincount(classes, minlength=n_classes)
    own = np.arange(len(z)), classes
    miss = mean.sum(axis=1, where=~np.eye(n_classes, dtype=bool))
    # Whatever a user's seterr; an absent class has 0/0.
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        loss = _log_loss(z, classes, activation)
        if z.ndim == 2 and activation == "sigmoid":
            miss = np.bincount(classes, weights=expit(-z[own]), minlength=n_classes) / count
    return Measured(
        class_count=count,
        mean_proba=mean,
        miss_proba=miss,
        confusion=confusion,
        log_loss=np.bincount(classes, weights=loss, minlength=n_classes).astype(np.float64),
        second_moment=second,
    )


def _log_loss(z: FloatArray, labels: IntArray, activation: Activation) -> FloatArray:
    """-log of the probability of each sample's class; of sigmoids, the sum of their losses."""
    if z.ndim == 1:
        return np.asarray(np.logaddexp(0.0, np.where(labels == 0, z, -z)))
    own = np.arange(len(z)), labels
    if activation == "softmax":
        return np.asarray(np.logaddexp.reduce(z, axis=1) - z[own])
    wrong = z.copy()
    wrong[own] *= -1
    return np.asarray(np.logaddexp(0.0, wrong).sum(axis=1))
