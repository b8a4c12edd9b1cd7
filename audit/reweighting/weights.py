"""Class weights that probabilities are moved between: as users state them, or of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.report.record import BalanceReport
from learnprop.audit.stated_weights import named, weights_by_class
from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray


def weights_between(
    given: Any,
    name: str,
    n_classes: int,
    *,
    labels: list[Any] | None = None,
    class_count: ArrayLike | None = None,
) -> FloatArray:
    """Class weights in the order of classes, up to a factor, however they are said.

    Parameters
    ----------
    given : None, str, mapping, Series, BalanceReport or array_like, shape (n_classes,)
        As `weights_by_class`; of a report it is what it measured.
    name : str
        What to call the argument in an error.
    n_classes : int
    labels : list, optional
        The label of each class. Without them a mapping has all labels, in whose order classes are.
    class_count : array_like, shape (n_classes,), optional
        What schemes need, other than ``equal``.

    Returns
    -------
    ndarray of float64, shape (n_classes,)

    Raises
    ------
    BadArgument
        As `weights_by_class`; if a report is on other classes or measured no weights, or without
        `labels` a mapping does not have all of them, or has them in no order.

    Examples
    --------
    >>> weights_between({"yes": 9}, "to", 2, labels=["no", "yes"]).tolist()
    [1.0, 9.0]
    >>> weights_between({"yes": 9, "no": 2}, "to", 2).tolist()
    [2.0, 9.0]
    >>> weights_between({"yes": 9}, "to", 2)
    Traceback (most recent call last):
    ValueError: to has 1 of 2 labels: say with labels which there are
    """
    if isinstance(given, BalanceReport):
        return _of_report(given, name, n_classes, labels)
    known = _labels_in(given, name, n_classes) if labels is None else labels
    return weights_by_class(given, known, name, class_count=class_count)


def _of_report(
    report: BalanceReport, name: str, n_classes: int, labels: list[Any] | None
) -> FloatArray:
    weight = np.array([estimate.value for estimate in report.effective])
    if not np.isfinite(weight).all():
        raise BadArgument(name, f"measured no weights: {report.effective[0].reason}")
    own = list(report.labels)
    if len(own) != n_classes:
        raise BadArgument(name, f"is a report on {len(own)} classes, not on {n_classes}")
    if labels is None or labels == own:
        return weight
    if any(label not in own for label in labels):
        raise BadArgument(name, f"is a report on {shown(own)}, not on {shown(labels)}")
    return weight[[own.index(label) for label in labels]]


def _labels_in(given: Any, name: str, n_classes: int) -> Sequence[Any]:
    """Labels of a mapping in their order; of what has none, the numbers of the classes."""
    by_label = named(given, name)
    if not isinstance(by_label, Mapping):
        return range(n_classes)
    if len(by_label) != n_classes:
        said = f"has {len(by_label)} of {n_classes} labels: say with `labels` which there are"
        raise BadArgument(name, said)
    try:
        return sorted(by_label)
    except TypeError:
        said = f"has labels without an order: {shown(list(by_label))}"
        raise BadArgument(name, said) from None
