"""Warnings where the weights that probabilities are moved by are hardly known."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from learnprop.audit.report.record import BalanceReport
from learnprop.equations.arguments import shown
from learnprop.equations.arrays import FloatArray
from learnprop.equations.inference.few_misses import MIN_MISSES

MOST_FACTOR = 4.0
"""Between the ends of the interval of a weight that is still said to be known."""


def warn_if_vague(given: Any, name: str) -> None:
    """Warn of a report whose weights are hardly known; of what is no report, never.

    Parameters
    ----------
    given : object
        A BalanceReport, or weights that somebody states.
    name : str
        Argument that it is.
    """
    if not isinstance(given, BalanceReport):
        return
    low, high = (np.array([getattr(e, end) for e in given.effective]) for end in ("low", "high"))
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.stack([low / (1 - low), high / (1 - high)])
        factor = odds[1] / odds[0]
    if not (factor > MOST_FACTOR).any():
        return
    k = int(np.nanargmax(factor))
    ends = " and ".join(f"{end:.3g}" for end in odds[:, k])
    by = f", a factor of {factor[k]:.3g}" if np.isfinite(factor[k]) else ""
    warnings.warn(
        f"{name} hardly knows the weight of class {shown(given.labels[k])}: it is between {ends} "
        f"times that of all others{by} ({given.effective[k].level:.0%} interval); a larger test "
        "sample says more",
        UserWarning,
        stacklevel=3,
    )


def warn_of_few_misses(misses: FloatArray, labels: Sequence[Any]) -> None:
    """Warn where a bias is found from few expected misses.

    Parameters
    ----------
    misses : ndarray, shape (n_classes,)
    labels : sequence
    """
    k = int(np.argmin(misses))
    if misses[k] < MIN_MISSES:
        warnings.warn(
            f"class {shown(labels[k])} has {misses[k]:.2g} expected misses, fewer than "
            f"{MIN_MISSES:g}: the bias is hardly known; more samples say more",
            UserWarning,
            stacklevel=3,
        )
