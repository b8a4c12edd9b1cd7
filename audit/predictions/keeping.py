"""A part of the predictions that does not depend on their order, every class with its share.

Every sample draws a number, by its place and a fixed seed; of each class those with the smallest
are kept. What is kept of a stream is so what would be kept of an array, whatever the threads do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learnprop.audit.predictions.pieces import Piece, Source
from learnprop.audit.predictions.record import Kept
from learnprop.equations.arrays import FloatArray, IntArray, as_numbers

NUMBERS = 500_000
"""Kept at most, or four samples of each class."""


@dataclass(frozen=True)
class Drawn:
    """Samples with the numbers that they drew."""

    key: FloatArray
    classes: IntArray
    values: FloatArray
    weight: FloatArray
    epsilon: float


def drawn_of(piece: Piece, source: Source, below: FloatArray) -> Drawn:
    """Samples of a piece whose numbers are below their class's bound (n_classes,)."""
    chunk = piece.chunk
    classes = np.asarray(chunk.classes)
    key = np.random.default_rng((0, piece.number)).random(len(classes))
    chosen = key < below[classes]
    if chunk.weight is not None:
        chosen &= np.asarray(chunk.weight) > 0
    at = np.flatnonzero(chosen)
    weight = np.ones(len(at)) if chunk.weight is None else np.asarray(chunk.weight, float)[at]
    values = as_numbers(chunk.values[at], source.name)
    kind = np.asarray(chunk.values).dtype
    epsilon = float(np.finfo(kind if kind.kind == "f" else np.float64).eps)
    return Drawn(key[at], classes[at].astype(np.int64), values, weight, epsilon)


@dataclass(frozen=True)
class Held:
    """What is held so far, at most twice `rows`, and each class's bound on what is yet to come."""

    rows: int
    below: FloatArray
    drawn: tuple[Drawn, ...] = ()

    @property
    def epsilon(self) -> float:
        """Machine epsilon of the coarsest type that came."""
        return max(one.epsilon for one in self.drawn)


def nothing_held(n_classes: int) -> Held:
    """To begin with."""
    return Held(max(NUMBERS // n_classes, 4 * n_classes), np.ones(n_classes))


def hold(held: Held, drawn: Drawn) -> Held:
    """Hold more."""
    parts = (*held.drawn, drawn)
    if sum(len(one.key) for one in parts) <= 2 * held.rows:
        return Held(held.rows, held.below, parts)
    last, below = _smallest(parts, held)
    return Held(held.rows, below, (last,))


def kept_of(held: Held, source: Source) -> Kept:
    """What is kept in the end."""
    last, _ = _smallest(held.drawn, held)
    sums = np.bincount(last.classes, last.weight, minlength=source.n_classes)
    logits = last.values if source.are_logits else _log(last.values, source)
    return Kept(logits, last.classes, last.weight / sums[last.classes])


def _smallest(parts: tuple[Drawn, ...], held: Held) -> tuple[Drawn, FloatArray]:
    """Of each class those with the smallest numbers, and the bounds that they leave."""
    columns = zip(*((d.key, d.classes, d.values, d.weight) for d in parts), strict=True)
    key, classes, values, weight = (np.concatenate(column) for column in columns)
    below = held.below.copy()
    count = np.bincount(classes, minlength=len(below))
    cap = _cap(count, held.rows)
    order = np.lexsort((key, classes))
    starts = np.concatenate([[0], np.cumsum(count)])
    chosen = np.zeros(len(order), dtype=bool)
    for k in np.flatnonzero(count):
        of_class = order[starts[k] : starts[k + 1]]
        chosen[of_class[:cap]] = True
        if len(of_class) > cap:
            below[k] = key[of_class[cap]]
    epsilon = max(one.epsilon for one in parts)
    return Drawn(key[chosen], classes[chosen], values[chosen], weight[chosen], epsilon), below


def _cap(count: IntArray, rows: int) -> int:
    """Largest number of samples of a class such that all classes have at most `rows` of them."""
    if count.sum() <= rows:
        return int(count.max(initial=0))
    low, high = 0, rows
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(count, middle).sum() <= rows else (low, middle - 1)
    return low


def _log(proba: FloatArray, source: Source) -> FloatArray:
    with np.errstate(divide="ignore"):
        if source.activation == "softmax":
            return np.log(proba)
        return np.log(proba) - np.log1p(-proba)
