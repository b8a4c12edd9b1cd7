"""Predictions by groups of samples, and by bins of a class's probability.

Balance within groups is what the literature on calibration calls *weighted* calibration: by groups
alone group-wise calibration in the large (multicalibration asks it of many groups at once), by bins
of a probability the reliability diagram, each with the samples of a class weighted by its mass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.predictions.arrays import Arrays, arrays_of
from learnprop.audit.predictions.labels import codes_of, refuse_lazy
from learnprop.audit.predictions.moments import weights_of
from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, IntArray, as_whole
from learnprop.equations.labels import check_same_index
from learnprop.equations.mean_proba import proba_from_logits

MOST = 1000
"""Groups: more would be samples of their own."""


def measure_groups(
    y_true: ArrayLike,
    y_proba: ArrayLike | None = None,
    *,
    by: Any,
    y_logits: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    pos_label: Any = None,
) -> list[tuple[str, Predictions]]:
    """Measure predictions within each class and each group of samples.

    Parameters
    ----------
    y_true, y_proba, y_logits, sample_weight, labels, pos_label
        As `learnprop.audit.predictions.arrays.measure_predictions` takes them.
    by : array_like, shape (n_samples,), or DataFrame
        The group of each sample: names, categories or whole numbers. The columns of a DataFrame are
        crossed. A category that no sample has is refused: its group would be empty.

    Returns
    -------
    list of (str, Predictions)
        Sorted by group. All have the classes of the whole sample; of one that a group does not hold
        the count is 0 and the row NaN.

    Raises
    ------
    BadArgument
        As `measure_predictions`; or if a sample has no group, a group no sample, or there are more
        than a thousand.

    Examples
    --------
    >>> found = measure_groups([0, 1, 0, 1], [0.2, 0.6, 0.4, 0.8], by=["b", "a", "a", "b"])
    >>> [(name, p.miss_proba.round(12).tolist()) for name, p in found]
    [('a', [0.4, 0.4]), ('b', [0.2, 0.2])]
    """
    arrays = arrays_of(y_true, y_proba, y_logits, sample_weight, labels, pos_label)
    check_same_index(by, y_true, "by", "y_true")
    codes, names = _groups_of(by)
    if len(codes) != len(arrays.classes):
        raise BadArgument("by", f"has {len(codes)} samples, `y_true` has {len(arrays.classes)}")
    if len(names) > MOST:
        raise BadArgument("by", f"makes {len(names)} groups, more than {MOST}")
    return list(zip(names, _measured(arrays, codes, len(names)), strict=True))


def _groups_of(by: Any) -> tuple[IntArray, list[str]]:
    """Number of each sample's group, and the names of the groups."""
    refuse_lazy(by, "by")
    if hasattr(by, "columns"):
        columns = [(str(name), _groups_of(by[name])) for name in by.columns]
        if not columns:
            raise BadArgument("by", "has no column")
        crossed = np.zeros(len(columns[0][1][0]), dtype=np.int64)
        names = [""]
        for name, (codes, values) in columns:
            crossed = crossed * len(values) + codes
            names = [f"{a}, {name}={b}".removeprefix(", ") for a in names for b in values]
            crossed, there = codes_of(crossed, "by")
            names = [names[i] for i in there]
        return crossed, names
    categories = getattr(getattr(by, "cat", by), "categories", None)
    codes, found = codes_of(by, "by")
    if categories is not None and not hasattr(categories, "lower"):
        empty = [name for name in list(categories) if name not in found]
        if empty:
            said = f"has no sample in group {empty[0]!r}: cat.remove_unused_categories() drops it"
            raise BadArgument("by", said)
    return codes, [str(name) for name in found]


def _measured(arrays: Arrays, codes: IntArray, n_groups: int) -> list[Predictions]:
    """Predictions of each group, which know the sizes of the whole sample."""
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(n_groups + 1))
    parts = [arrays.measure(order[a:b]) for a, b in pairwise(ends)]
    sizes = _sizes(arrays)
    return [replace(part, all_counts=sizes) for part in parts]


def _sizes(arrays: Arrays) -> tuple[IntArray, FloatArray, FloatArray]:
    """Samples, Kish's effective number and sum of weights of each class of the whole sample."""
    K, classes, weight = len(arrays.labels), arrays.classes, arrays.weight
    if weight is None:
        count = np.bincount(classes, minlength=K)
        return count, count.astype(np.float64), count.astype(np.float64)
    count = np.bincount(classes[weight > 0], minlength=K)
    first, second = weights_of(classes, weight, K)
    effective = np.divide(first**2, second, out=np.zeros(K), where=second > 0)
    return count, effective, first


@dataclass(frozen=True)
class Bin:
    """Samples to which a class is given a probability between two numbers.

    Attributes
    ----------
    name : str
    column : int
        Of the class: only its own equation is meant.
    low, high : float
        Of its probability.
    predictions : Predictions
    """

    name: str
    column: int
    low: float
    high: float
    predictions: Predictions


def measure_bins(
    y_true: ArrayLike,
    y_proba: ArrayLike | None = None,
    *,
    bins: int = 10,
    y_logits: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    pos_label: Any = None,
) -> list[Bin]:
    """Measure predictions within bins of each class's probability.

    Bins hold as many samples each, as near as ties allow: their ends are quantiles. Of two classes
    only the second one's bins are measured, of which the first one's are the mirror image.

    Parameters
    ----------
    y_true, y_proba, y_logits, sample_weight, labels, pos_label
        As `learnprop.audit.predictions.arrays.measure_predictions` takes them.
    bins : int
        At least 2; fewer where probabilities are tied.

    Returns
    -------
    list of Bin
        Class by class. In a bin of a class's probability only that class's equation is meant:
        `learnprop.audit.inference.groups.bin_balance`.

    Examples
    --------
    >>> found = measure_bins([0, 1, 0, 1], [0.2, 0.6, 0.4, 0.8], bins=2)
    >>> [(one.name, one.predictions.count.tolist()) for one in found]
    [('1: 0.2 to 0.5', [2, 0]), ('1: 0.5 to 0.8', [0, 2])]
    """
    bins = as_whole(bins, "bins", 2)
    arrays = arrays_of(y_true, y_proba, y_logits, sample_weight, labels, pos_label)
    K = len(arrays.labels)
    arrays.measure(slice(None))  # refuses what are no probabilities
    found = []
    for column in range(1 if K == 2 else 0, K):
        f = _column(arrays, column)
        ends = np.unique(np.quantile(f, np.linspace(0, 1, bins + 1)))
        last = max(len(ends) - 2, 0)  # the largest belongs to the last bin
        codes, there = codes_of(np.clip(np.searchsorted(ends, f, "right") - 1, 0, last), "bins")
        high = ends[1:] if len(ends) > 1 else ends
        for i, part in zip(there, _measured(arrays, codes, len(there)), strict=True):
            name = f"{arrays.labels[column]}: {ends[i]:.3g} to {high[i]:.3g}"
            found.append(Bin(name, column, float(ends[i]), float(high[i]), part))
    return found


def _column(arrays: Arrays, column: int) -> FloatArray:
    """Probability of one class, of all samples."""
    logits = arrays.name == "y_logits"
    parts = (np.asarray(chunk.values, dtype=np.float64) for chunk in arrays.chunks(slice(None)))
    columns = [(proba_from_logits(z) if logits else z)[:, column] for z in parts]
    return np.concatenate(columns)
