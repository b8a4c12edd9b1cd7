"""Measuring predictions and all inference on them, against two scores of scikit-learn."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from sklearn.metrics import confusion_matrix, log_loss

from learnprop.audit.inference.statistics import effective_weights, gaps, joint_test
from learnprop.audit.predictions.arrays import measure_predictions
from learnprop.equations.arrays import FloatArray, IntArray

SIZES = ((1_000_000, 10, np.float64), (1_000_000, 10, np.float32), (50_000, 1000, np.float32))
"""Samples, classes, and the type of the probabilities; the last as of ImageNet's validation set."""

PAIRS = 5


def made(n_samples: int, n_classes: int, dtype: type) -> tuple[IntArray, FloatArray]:
    """Labels, and probabilities that favour them."""
    rng = np.random.default_rng(0)
    y = np.arange(n_samples) % n_classes
    z = rng.normal(size=(n_samples, n_classes))
    z[np.arange(n_samples), y] += np.log(n_classes)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return y, z.astype(dtype)


def ours(y: IntArray, proba: FloatArray) -> None:
    """All that an audit does but for its causes."""
    found = measure_predictions(y, proba)
    mass = np.ones(proba.shape[1])
    gaps(found, mass)
    gaps(found, mass, level=0.95, simultaneous=True)
    effective_weights(found, mass)
    joint_test(found, mass)


def scores(y: IntArray, proba: FloatArray) -> None:
    """Two of scikit-learn's."""
    log_loss(y, proba)
    confusion_matrix(y, proba.argmax(axis=1))


def seconds(work: Callable[[IntArray, FloatArray], None], y: IntArray, proba: FloatArray) -> float:
    """Of one call."""
    started = time.perf_counter()
    work(y, proba)
    return time.perf_counter() - started


def run(_runs: int) -> None:
    """Interleaved pairs: what else the machine does slows both."""
    for n_samples, n_classes, dtype in SIZES:
        y, proba = made(n_samples, n_classes, dtype)
        pairs = [(seconds(ours, y, proba), seconds(scores, y, proba)) for _ in range(PAIRS)]
        mine, theirs = np.median(pairs, axis=0)
        print(
            f"audit, {n_samples} x {n_classes} {np.dtype(dtype)}: {mine:.2f} s, "
            f"{mine / theirs:.2f} times log_loss and confusion_matrix ({theirs:.2f} s)"
        )
