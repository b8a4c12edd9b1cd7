"""Measuring predictions and all inference on them, against two scores of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from sklearn.metrics import confusion_matrix, log_loss

from benchmarks.pairs import Comparison, Setting, interleaved, seconds
from learnprop.audit.inference.statistics import effective_weights, gaps, joint_test
from learnprop.audit.predictions.arrays import measure_predictions
from learnprop.equations.arrays import FloatArray, IntArray

SIZES = ((1_000_000, 10, np.float64), (1_000_000, 10, np.float32), (50_000, 1000, np.float32))
"""Samples, classes, and the type of the probabilities; the last as of ImageNet's validation set."""

PAIRS = 3


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


def run(at: Setting) -> Iterator[Comparison]:
    for n_samples, n_classes, dtype in SIZES:
        n = max(2 * n_classes, at.share(n_samples))  # two of each are needed
        y, proba = made(n, n_classes, dtype)
        pairs = interleaved(
            at.pairs_or(PAIRS), partial(seconds, ours, y, proba), partial(seconds, scores, y, proba)
        )
        what = f"audit, {n} x {n_classes} {np.dtype(dtype)}"
        yield Comparison(what, "audit", pairs, "log_loss and confusion_matrix")
