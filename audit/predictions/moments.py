r"""Moments within classes, piece by piece: each centred at its own mean, then put together.

With :math:`g` the probabilities given to other classes, the own one replaced by its miss, a state
holds of each class :math:`s_1 = \sum\omega`, :math:`s_2 = \sum\omega^2`, a centre c, which is the
mean, and of the deviations d = g - c the sums :math:`\sum\omega^2 d`,
:math:`\sum\omega^2 d d^T` and, of weighted samples, :math:`\sum\omega d d^T`. No mean is subtracted
from a sum of squares, so that a miss of 1e-12 keeps its digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learnprop.audit.predictions.pieces import Misses
from learnprop.equations.arrays import FloatArray, IntArray

ROUNDING = 64 * np.finfo(np.float64).eps
"""Of a mean: a standard deviation that is smaller is due to rounding."""


@dataclass(frozen=True)
class Sizes:
    """Of each class, (n_classes,): samples, Σω, Σω² and the largest ω."""

    count: IntArray
    first: FloatArray
    second: FloatArray
    largest: FloatArray

    @property
    def effective(self) -> FloatArray:
        """Kish's number, (Σω)² / Σω²; 0 of an absent class."""
        return _ratio(self.first**2, self.second)

    @property
    def unit(self) -> FloatArray:
        """One over the largest share of one sample, Σω / max ω; 0 of an absent class."""
        return _ratio(self.first, self.largest)


def _ratio(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def sizes_of(misses: Misses) -> Sizes:
    """Sizes of the classes in a piece."""
    count = np.diff(misses.rows)
    K, weight = len(count), misses.weight
    if weight is None:
        n = count.astype(np.float64)
        return Sizes(count, n, n, (count > 0).astype(np.float64))
    classes, largest = misses.classes, np.zeros(K)
    np.maximum.at(largest, classes, weight)
    positive = np.bincount(classes[weight > 0], minlength=K)
    return Sizes(positive, *weights_of(classes, weight, K), largest)


def weights_of(
    classes: IntArray, weight: FloatArray, n_classes: int
) -> tuple[FloatArray, FloatArray]:
    """Σω and Σω² of each class, (n_classes,)."""
    sums = (np.bincount(classes, w, minlength=n_classes) for w in (weight, weight**2))
    first, second = (np.asarray(one, dtype=np.float64) for one in sums)
    return first, second


def add_sizes(a: Sizes, b: Sizes) -> Sizes:
    """Sizes of two pieces together."""
    return Sizes(
        a.count + b.count, a.first + b.first, a.second + b.second, np.maximum(a.largest, b.largest)
    )


@dataclass(frozen=True)
class Moments:
    """Sums of deviations from the centre (n_classes, n_classes), as the module says."""

    sizes: Sizes
    centre: FloatArray
    deviation: FloatArray
    second: FloatArray
    first: FloatArray | None


def moments_of(misses: Misses) -> Moments:
    """Moments of a piece."""
    K = len(misses.rows) - 1
    sizes = sizes_of(misses)
    centre, deviation = np.zeros((K, K)), np.zeros((K, K))
    second = np.zeros((K, K, K))
    first = None if misses.weight is None else np.zeros((K, K, K))
    for k in np.flatnonzero(sizes.first > 0):
        rows = slice(misses.rows[k], misses.rows[k + 1])
        g = misses.values[rows]
        if misses.weight is None or first is None:
            centre[k] = np.ones(len(g)) @ g / len(g)
            g = g - centre[k]
            second[k] = g.T @ g
            continue
        weight = misses.weight[rows]
        centre[k] = weight @ g / sizes.first[k]
        g = g - centre[k]
        scaled = weight[:, None] * g
        deviation[k] = weight @ scaled
        second[k], first[k] = scaled.T @ scaled, g.T @ scaled
    return Moments(sizes, centre, deviation, second, first)


def together(a: Moments, b: Moments) -> Moments:
    """Moments of two pieces together, about their common mean."""
    sizes = add_sizes(a.sizes, b.sizes)
    share = _ratio(b.sizes.first, sizes.first)[:, None]
    centre = a.centre + share * (b.centre - a.centre)
    moved = [_about(centre, one) for one in (a, b)]
    first = None if a.first is None else moved[0][2] + moved[1][2]
    return Moments(
        sizes, centre, moved[0][0] + moved[1][0], moved[0][1] + moved[1][1], first
    )  # fmt: skip


def _about(centre: FloatArray, one: Moments) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sums of deviations from another centre."""
    step = np.where(one.sizes.first[:, None] > 0, one.centre - centre, 0.0)
    outer = step[:, :, None] * step[:, None, :]
    cross = one.deviation[:, :, None] * step[:, None, :]
    s1, s2 = one.sizes.first, one.sizes.second
    second = one.second + cross + cross.transpose(0, 2, 1) + s2[:, None, None] * outer
    # Σω d is zero about a mean.
    first = second if one.first is None else one.first + s1[:, None, None] * outer
    return one.deviation + s2[:, None] * step, second, first


def covariances(moments: Moments) -> FloatArray:
    """Covariances of the probabilities within classes, divisor n, (n_classes,) * 3."""
    return _signed(_means(moments.second, moments.sizes.second, moments.centre))


def second_moments(moments: Moments, mean_proba: FloatArray) -> FloatArray:
    """Mean over class i of f_a f_b, weighted as the samples are; NaN of an absent class."""
    sums, size = moments.second, moments.sizes.second
    if moments.first is not None:
        sums, size = moments.first, moments.sizes.first
    central = _signed(_means(sums, size, moments.centre))
    return central + mean_proba[:, :, None] * mean_proba[:, None, :]


def _means(sums: FloatArray, size: FloatArray, centre: FloatArray) -> FloatArray:
    found = sums / np.where(size > 0, size, np.nan)[:, None, None]
    found[np.abs(found) <= ROUNDING**2 * centre[:, :, None] * centre[:, None, :]] = 0.0
    return found


def _signed(of_misses: FloatArray) -> FloatArray:
    """Of probabilities from that of misses: the own class's is one minus its miss."""
    for k, of_class in enumerate(of_misses):
        of_class[k] *= -1
        of_class[:, k] *= -1
    return of_misses
