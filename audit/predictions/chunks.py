"""Predictions that come piece by piece (a stand-in for the one to come, behind its name)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from learnprop.audit.predictions.record import Kept, Predictions
from learnprop.equations.arrays import IntArray
from learnprop.equations.matrix import off_diagonal
from learnprop.equations.mean_proba import Activation


@dataclass(frozen=True)
class Chunk:
    """Some samples: classes, probabilities or logits (m, K), weights or None."""

    classes: IntArray
    values: np.ndarray
    weight: np.ndarray | None = None


def measure_chunks(
    chunks: Callable[[], Iterable[Chunk]],
    labels: tuple[Any, ...],
    *,
    activation: Activation = "softmax",
    are_logits: bool = False,
) -> Predictions:
    """Measure predictions that come piece by piece."""
    K = len(labels)
    count, total, squares = np.zeros(K, np.int64), np.zeros(K), np.zeros(K)
    first, second = np.zeros((K, K)), np.zeros((K, K, K))
    kept: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for chunk in chunks():
        f = np.asarray(chunk.values, dtype=np.float64)
        if are_logits:
            f = np.exp(f - f.max(axis=1, keepdims=True))
            f /= f.sum(axis=1, keepdims=True)
        order = np.argsort(chunk.classes.astype(np.int16), kind="stable")
        f, y = f[order], chunk.classes[order]
        w = np.ones(len(y)) if chunk.weight is None else chunk.weight[order]
        ends = np.searchsorted(y, np.arange(K + 1))
        for k in range(K):
            rows = slice(ends[k], ends[k + 1])
            A, a = f[rows], w[rows]
            count[k] += len(a)
            total[k] += a.sum()
            squares[k] += (a**2).sum()
            first[k] += a @ A
            second[k] += (A if chunk.weight is None else A * a[:, None]).T @ A
        if sum(len(part[0]) for part in kept) < 50_000:
            kept.append((f, y, w))
    P = first / total[:, None]
    logits, classes, weight = (np.concatenate(part) for part in zip(*kept, strict=True))
    with np.errstate(divide="ignore"):
        logits = np.log(logits)
    weight = weight / np.bincount(classes, weight, minlength=K)[classes]
    return Predictions(
        labels, activation, count, total**2 / squares, total, P, off_diagonal(P).sum(axis=1),
        second / total[:, None, None], Kept(logits, classes, weight),
    )  # fmt: skip
