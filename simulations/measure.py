"""Measurements of a fitted model on one sample: all that any later analysis needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from equations.mean_proba import (
    FloatArray,
    IntArray,
    check_labels,
    class_count,
    mean_proba_and_second_moments,
    proba_from_logits,
)

MeasuredValues = tuple[IntArray, FloatArray, IntArray, FloatArray, FloatArray]
"""class_count (K,), mean_proba (K, K), confusion (K, K), log_loss (K,), second_moment (K, K, K)."""


def measure(y_true: ArrayLike, logits: ArrayLike) -> MeasuredValues:
    """Measure a model's predictions per true class, in float64 from its logits.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
    logits : array_like, shape (n_samples,) or (n_samples, n_classes)
        One logit of class 1, or one per class.

    Returns
    -------
    class_count : ndarray of int64, shape (n_classes,)
    mean_proba : ndarray of float64, shape (n_classes, n_classes)
        P of Eq. (9).
    confusion : ndarray of int64, shape (n_classes, n_classes)
        ``confusion[i, j]``: samples of class i whose most probable class is j; ties go to the
        lower class.
    log_loss : ndarray of float64, shape (n_classes,)
        Sum over the class of -log of the probability of the true class, in nats.
    second_moment : ndarray of float64, shape (n_classes, n_classes, n_classes)
        Mean over class i of f_a f_b.

    Raises
    ------
    ValueError
        If a logit is NaN, a class is absent or the labels do not fit.

    Examples
    --------
    >>> count, P, confusion, log_loss, _ = measure([0, 0, 1], [-1000.0, 0.0, 3.0])
    >>> P.round(3).tolist(), confusion.tolist(), log_loss.round(3).tolist()
    ([[0.75, 0.25], [0.047, 0.953]], [[2, 0], [0, 1]], [0.693, 0.049])
    """
    z = np.asarray(logits, dtype=np.float64)
    proba = proba_from_logits(z)
    n_classes = proba.shape[1]
    labels = check_labels(y_true, n_classes)
    mean, second = mean_proba_and_second_moments(labels, proba)
    predicted = (z > 0).astype(np.int64) if z.ndim == 1 else z.argmax(axis=1)
    pairs = np.bincount(labels * n_classes + predicted, minlength=n_classes**2)
    confusion = pairs.reshape(n_classes, n_classes).astype(np.int64)
    if z.ndim == 1:
        loss = np.logaddexp(0.0, np.where(labels == 0, z, -z))
    else:
        loss = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), labels]
    return (
        class_count(labels, n_classes),
        mean,
        confusion,
        np.asarray(np.bincount(labels, weights=loss, minlength=n_classes), dtype=np.float64),
        second,
    )
