"""Losses compared in pairs: which, by how much over runs, and what one test set leaves open."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from learnprop.equations.inference.estimates import Estimate, mcse_of_mean
from learnprop.equations.inference.resampling import resplit_ratio
from learnprop.equations.losses import LOSSES, REFERENCE
from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.losses.paper import binomial_error
from learnprop.reports.statistics.columns import accuracy_of_runs
from learnprop.reports.statistics.runs import CONFIDENCE, mean_with_interval
from learnprop.simulations.records.rows import Measurements
from learnprop.simulations.studies.losses.block import LossCell


def resplit_of(cell: LossCell, test: Measurements) -> float:
    """`resplit_ratio` of a data set that every run splits; zero where all share a test set."""
    if cell.shares_test_set:
        return 0.0
    n = test.class_count[0]
    return resplit_ratio(n, n + np.array(cell.train_size))


def accuracy_by_run(test: Measurements) -> dict[int, float]:
    """Accuracies of one epoch, stage and split, by run."""
    return dict(zip(test.run.tolist(), accuracy_of_runs(test).tolist(), strict=True))


def in_shared_runs(one: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    """First less second by run, of the runs that both have.

    Examples
    --------
    >>> in_shared_runs({0: 3.0, 1: 5.0}, {1: 4.0, 2: 1.0})
    {1: 1.0}
    """
    return {run: one[run] - other[run] for run in sorted(one.keys() & other.keys())}


def has_width(low: float, high: float) -> bool:
    """Whether an interval says anything: accuracies are counts, which may differ alike in all runs.

    Examples
    --------
    >>> has_width(0.01, 0.02), has_width(0.01, 0.01)
    (True, False)
    """
    return high - low > 1e-12


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
    d = np.array(list(in_shared_runs(one, other).values()))
    mean = mean_with_interval(d)
    found: dict[str, Any] = {
        "difference": mean.value,
        "difference_mcse": mcse_of_mean(d) if len(d) > 1 else float("nan"),
        "low": mean.low,
        "high": mean.high,
        "verdict": _verdict(mean, margin),
    }
    if resplit:
        corrected = mean_with_interval(d, resplit)
        found |= {"corrected_low": corrected.low, "corrected_high": corrected.high}
        found["corrected_verdict"] = _verdict(corrected, margin)
    return found | {"runs": len(d)}


def _verdict(found: Estimate, margin: float) -> str:
    low, high = found.low, found.high
    if not has_width(low, high):
        return "inconclusive"
    if -margin < low and high < margin:
        return "equivalent"
    if low > 0 or high < 0:
        return "higher" if low > 0 else "lower"
    return "inconclusive"


def class_differences(one: Measurements, other: Measurements) -> list[Estimate]:
    """Mean differences of the classes' accuracies in the runs that both have.

    Parameters
    ----------
    one, other : Measurements
        On a test set that all runs share.

    Returns
    -------
    list of Estimate, one per class
        With intervals that hold together at 90 %, by Bonferroni's inequality: correlations of ten
        classes cannot be had from a few runs.
    """
    shared = np.intersect1d(one.run, other.run)
    first, second = (accuracy_of_classes(t)[np.isin(t.run, shared)] for t in (one, other))
    level = 1 - (1 - CONFIDENCE) / first.shape[1]
    return [mean_with_interval(of_class, level=level) for of_class in (first - second).T]


def accuracy_of_classes(test: Measurements) -> FloatArray:
    """Accuracy of each run and class, shape (n_runs, n_classes)."""
    hits = np.diagonal(test.confusion, axis1=1, axis2=2)
    return np.asarray(hits / test.class_count, dtype=np.float64)


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


def error_of_test_set(cell: LossCell, tests: Sequence[Measurements]) -> float:
    """Standard error of a difference due to a test set that all runs share, at most.

    As if the two losses erred independently: they err on the same images more often than that.

    Parameters
    ----------
    cell : LossCell
        Either of the two.
    tests : sequence of Measurements
        Of both, on test.

    Returns
    -------
    float
        NaN where every run draws its own test sample, whose error is part of the interval over
        runs.
    """
    if not cell.shares_test_set:
        return float("nan")
    return _error(
        (float(accuracy_of_runs(test).mean()), int(test.class_count[0].sum())) for test in tests
    )


def largest_class_error(tests: Sequence[Measurements]) -> float:
    """`error_of_test_set` of the class whose difference of accuracies has the largest."""
    of_tests = [(accuracy_of_classes(test).mean(axis=0), test.class_count[0]) for test in tests]
    n_classes = len(tests[0].class_count[0])
    return max(_error((float(p[k]), int(n[k])) for p, n in of_tests) for k in range(n_classes))


def _error(accuracies: Iterable[tuple[float, int]]) -> float:
    """Standard error of a difference of accuracies on as many images each, if independent."""
    return math.hypot(*(binomial_error(accuracy, n) for accuracy, n in accuracies))
