"""Losses compared in pairs: which, by how much over runs, and what one test set leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from learnprop.equations.inference.estimates import mcse_of_mean
from learnprop.equations.inference.resampling import mean_over_splits, resplit_ratio
from learnprop.equations.losses import LOSSES, REFERENCE
from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.losses.paper import binomial_error
from learnprop.reports.statistics.runs import CONFIDENCE
from learnprop.simulations.records.rows import Measurements
from learnprop.simulations.studies.losses.block import LossCell


def resplit_of(cell: LossCell, test: Measurements) -> float:
    """`resplit_ratio` of a data set that every run splits; zero where all share a test set."""
    if cell.shares_test_set:
        return 0.0
    n = test.class_count[0]
    return resplit_ratio(n, n + np.array(cell.train_size))


def difference_over_runs(
    one: dict[int, float], other: dict[int, float], margin: float, resplit: float = 0.0
) -> dict[str, Any]:
    """Mean difference of two losses' accuracies in the runs that both have, with its verdict.

    Parameters
    ----------
    one, other : dict of int to float
        Accuracy by run.
    margin : float
        Difference that still counts as none.
    resplit : float
        As from `resplit_of`.

    Returns
    -------
    dict
        ``difference`` with ``difference_mcse``, its 90 % t interval ``low`` and ``high`` (infinite
        with one run), ``runs``, and ``verdict``: "equivalent" where the interval is inside ±margin,
        else "higher" or "lower" where it is on one side of zero, else "inconclusive". So is an
        interval of no width: accuracies are counts, and the same few images may differ in all runs.
        Where runs split one data set also ``corrected_low``, ``corrected_high``, for new data, and
        ``corrected_verdict``.

    Examples
    --------
    >>> one, other = {0: 0.95, 1: 0.97, 2: 0.96}, {0: 0.93, 1: 0.94, 2: 0.94}
    >>> found = difference_over_runs(one, other, margin=0.005)
    >>> {name: round(found[name], 4) for name in ("difference", "low", "high")}
    {'difference': 0.0233, 'low': 0.0136, 'high': 0.0331}
    >>> found["verdict"], difference_over_runs({0: 0.9}, {0: 0.8}, 0.005)["verdict"]
    ('higher', 'inconclusive')
    """
    runs = sorted(one.keys() & other.keys())
    d = np.array([one[run] - other[run] for run in runs])
    found: dict[str, Any] = {
        "difference": float(d.mean()) if len(d) else float("nan"),
        "difference_mcse": mcse_of_mean(d) if len(d) > 1 else float("nan"),
    }
    low, high = _interval(d, 0.0)
    found |= {"low": low, "high": high, "verdict": _verdict(low, high, margin)}
    if resplit:
        low, high = _interval(d, resplit)
        found |= {"corrected_low": low, "corrected_high": high}
        found["corrected_verdict"] = _verdict(low, high, margin)
    return found | {"runs": len(d)}


def _interval(d: FloatArray, resplit: float) -> tuple[float, float]:
    if len(d) < 2:
        return -np.inf, np.inf
    found = mean_over_splits(d, resplit, level=CONFIDENCE)
    return found.low, found.high


def _verdict(low: float, high: float, margin: float) -> str:
    if high - low < 1e-12:
        return "inconclusive"
    if -margin < low and high < margin:
        return "equivalent"
    if low > 0 or high < 0:
        return "higher" if low > 0 else "lower"
    return "inconclusive"


def pairs_to_compare(cells: Sequence[LossCell]) -> list[tuple[LossCell, LossCell]]:
    """Pairs to compare: losses at one step size, and each loss at both.

    The reference, the softmax loss, is the same under both and comes last; of others the later in
    `LOSSES` comes first.
    """
    names = list(LOSSES)

    def order(cell: LossCell) -> tuple[bool, int]:
        return cell.loss.kind == REFERENCE, -names.index(cell.loss.name)

    ranked = sorted(cells, key=lambda c: (c.matched, order(c)))
    found = []
    for matched in (False, True):
        alike = [c for c in ranked if c.matched == matched or c.loss.kind == REFERENCE]
        alike.sort(key=order)
        found += [p for p in combinations(alike, 2) if any(c.matched == matched for c in p)]
    return found + [
        (a, b) for a in ranked for b in ranked if a.loss == b.loss and a.matched and not b.matched
    ]


def error_of_test_set(a: LossCell, b: LossCell, confusion: Sequence[dict[str, Any]]) -> float:
    """Standard error of a difference due to a test set that all runs share, at most.

    As if the two losses erred independently: they err on the same images more often than that. NaN
    where every run draws its own test sample, whose error is part of the interval over runs.
    """
    if not a.shares_test_set:
        return float("nan")
    variance = 0.0
    for cell in (a, b):
        mine = [
            r
            for r in confusion
            if (r["dataset"], r["model"], r["setting"]) == (cell.dataset, cell.model, cell.setting)
        ]
        n = sum(r["images"] for r in mine)
        right = sum(r["images"] for r in mine if r["true"] == r["predicted"]) / n
        variance += binomial_error(right, n) ** 2
    return float(variance**0.5)
