"""The scale of ratios on which gaps are drawn: logarithmic, within what can be read."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arrays import FloatArray

REACH = 1.5
"""Ends of intervals are drawn as far out as so many times the span of the points themselves, or the
usual length of an interval if that is more."""

_STEPS = (1.0, 2.0, 5.0)
_MANY_TICKS = 6


def log_ratio(gap: ArrayLike) -> FloatArray:
    """log(1 + gap), the logarithm of left / right: -inf of -1 and below, NaN of NaN.

    Examples
    --------
    >>> log_ratio([0.0, -1.0, float("inf")]).tolist()
    [0.0, -inf, inf]
    """
    ratio = np.maximum(1 + np.asarray(gap, dtype=np.float64), 0)
    with np.errstate(divide="ignore"):
        logarithm: FloatArray = np.log(ratio)
    return logarithm


def limits(
    intervals: Iterable[tuple[float, float, float]], always: Iterable[float]
) -> tuple[float, float]:
    """Limits of an axis that shows every point, and of long intervals a part.

    Parameters
    ----------
    intervals : iterable of (value, low, high)
        What is not finite has no say.
    always : iterable of float
        What must be seen besides.

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> low, high = limits([(0.0, -0.5, 0.5), (1.0, 0.9, float("inf")), (0.5, 0.4, 99.0)], [0.0])
    >>> round(low, 9), round(high, 9)
    (-0.8, 2.8)
    """
    found = np.array(list(intervals), dtype=np.float64).reshape(-1, 3)
    points = np.r_[found[:, 0], list(always)]
    points = points[np.isfinite(points)]
    low, high = float(points.min()), float(points.max())
    length = found[:, 2] - found[:, 1]
    length = np.sort(length[np.isfinite(length)])
    usual = float(length[(len(length) - 1) // 2]) if len(length) else 0.0
    reach = REACH * max(high - low, usual)
    ends = found[:, 1:][np.isfinite(found[:, 1:])]
    if ends.size:
        ends = np.clip(ends, low - reach, high + reach)
        low, high = min(low, float(ends.min())), max(high, float(ends.max()))
    room = (0.1 if np.isinf(found[:, 1:]).any() else 0.04) * (high - low)  # for arrows
    return low - room, high + room


def percent_ticks(low: float, high: float) -> list[float]:
    """Gaps at which an axis from one log ratio to another has its ticks, zero among them.

    Parameters
    ----------
    low, high : float

    Returns
    -------
    list of float

    Examples
    --------
    >>> percent_ticks(-0.06, 0.06)
    [-0.05, -0.02, 0.0, 0.02, 0.05]
    """
    inside = [g for g in _nice_gaps() if low <= math.log1p(g) <= high]
    kept: list[float] = []
    least = (high - low) / 8
    for gap in sorted(inside, key=lambda g: (g != 0, -abs(math.log1p(g)))):
        if all(abs(math.log1p(gap) - math.log1p(k)) > least for k in kept):
            kept.append(gap)
    return sorted(kept)


def _nice_gaps() -> list[float]:
    up = [step * 10.0**power for power in range(-5, 12) for step in _STEPS]
    down = [-gap for gap in up if gap < 1]
    near_minus_one = [-(1 - gap) for gap in up if gap < 0.5]
    return sorted({0.0, *up, *down, *near_minus_one})


def ratio_ticks(low: float, high: float) -> list[float]:
    """Ratios at which an axis of log ratios has its ticks, one among them where it is inside.

    Parameters
    ----------
    low, high : float

    Returns
    -------
    list of float

    Examples
    --------
    >>> ratio_ticks(-0.1, 4.7)
    [1.0, 3.0, 10.0, 30.0, 100.0]
    """
    if high - low < math.log(4):
        return [1 + gap for gap in percent_ticks(low, high)]
    decades = [10.0**power for power in range(-300, 301)]
    finest: list[float] = []
    for ratios in (
        decades[::50], decades[::10], decades[::3], decades[::2], decades,
        [step * d for d in decades for step in (1.0, 3.0)],
        [step * d for d in decades for step in _STEPS],
    ):  # fmt: skip
        inside = [ratio for ratio in ratios if low <= math.log(ratio) <= high]
        if len(inside) <= _MANY_TICKS:
            finest = inside
    return finest
