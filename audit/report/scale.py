"""The scale of ratios on which gaps are drawn: logarithmic, within what can be read."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arrays import FloatArray

REACH = 1.5
"""Ends of intervals are drawn as far out as so many times the span of the points themselves."""

_STEPS = (1.0, 2.0, 5.0)
_MANY_TICKS = 7


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
    values: Iterable[float], ends: Iterable[float], always: Iterable[float]
) -> tuple[float, float]:
    """Limits of an axis that shows every point, and of long intervals a part.

    Parameters
    ----------
    values, ends : iterable of float
        Points, and ends of their intervals; those that are not finite have no say.
    always : iterable of float
        What must be seen besides.

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> low, high = limits([0.0, 1.0], [-0.5, float("inf"), 99.0], [0.0])
    >>> round(low, 9), round(high, 9)
    (-0.62, 2.62)
    """
    seen = [v for v in (*values, *always) if math.isfinite(v)]
    low, high = min(seen), max(seen)
    reach = REACH * (high - low)
    clipped = [min(max(v, low - reach), high + reach) for v in ends if not math.isnan(v)]
    low, high = min([low, *clipped]), max([high, *clipped])
    room = 0.04 * (high - low)
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
    [-0.05, 0.0, 0.05]
    """
    inside = [g for g in _nice_gaps() if low <= math.log1p(g) <= high]
    kept: list[float] = []
    least = (high - low) / _MANY_TICKS
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
    [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
    """
    decades = [10.0**power for power in range(-12, 13)]
    for nice in (decades[::3], decades, [s * d for d in decades for s in _STEPS]):
        pass
    return nice
