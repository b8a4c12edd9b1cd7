"""Class weights as users say them: by name of a scheme, by label, in order, or from a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.report.record import BalanceReport
from learnprop.equations.arguments import BadArgument, one_of, renamed, shown
from learnprop.equations.arrays import FloatArray
from learnprop.equations.class_weights import (
    SCHEMES,
    check_class_count,
    check_class_weight,
    class_weights,
)

NAMES = (*SCHEMES, "balanced")
"""`balanced` is scikit-learn's word for `inverse`."""


def weights_by_class(
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
        None are equal weights; a name is one of `NAMES`; a mapping has labels as keys, and a label
        that it does not have weighs 1, as scikit-learn has it; of a report it is what it measured.
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
        If a label or a scheme is unknown, a weight is not positive and finite, or they are not as
        many as there are classes.

    Examples
    --------
    >>> weights_by_class({"yes": 9}, "to", 2, labels=["no", "yes"]).tolist()
    [1.0, 9.0]
    >>> weights_by_class("balanced", "to", 2, class_count=[900, 100]).round(12).tolist()
    [0.1, 0.9]
    >>> weights_by_class({"maybe": 9}, "to", 2, labels=["no", "yes"])
    Traceback (most recent call last):
    ValueError: to weighs 'maybe', which is none of the labels ['no', 'yes']
    """
    if given is None:
        return np.ones(n_classes)
    if isinstance(given, str):
        return _of_scheme(given, name, n_classes, class_count)
    if isinstance(given, BalanceReport):
        return _of_report(given, name, n_classes, labels)
    if hasattr(given, "iloc") and given.ndim == 1 and not hasattr(given.index, "step"):
        given = dict(zip(given.index.tolist(), given.tolist(), strict=True))
    values = _in_order(given, name, n_classes, labels) if isinstance(given, Mapping) else given
    weight = check_class_weight(values, name)
    if weight.shape != (n_classes,):
        said = f"must hold {n_classes} weights, one per class, got shape {weight.shape}"
        raise BadArgument(name, said)
    return weight


def _of_scheme(scheme: str, name: str, n_classes: int, class_count: ArrayLike | None) -> FloatArray:
    one_of(scheme, name, NAMES)
    if scheme == "equal":
        return np.ones(n_classes)
    if class_count is None:
        raise BadArgument("class_count", f"is needed where `{name}` is {scheme!r}")
    count = check_class_count(class_count, n_classes)
    with renamed(scheme=name):
        return class_weights("inverse" if scheme == "balanced" else scheme, count)


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


def _in_order(
    by_label: Mapping[Any, Any], name: str, n_classes: int, labels: list[Any] | None
) -> list[Any]:
    if labels is None:
        if len(by_label) != n_classes:
            said = f"has {len(by_label)} of {n_classes} labels: say with `labels` which there are"
            raise BadArgument(name, said)
        try:
            return [by_label[label] for label in sorted(by_label)]
        except TypeError:
            said = f"has labels without an order: {shown(list(by_label))}"
            raise BadArgument(name, said) from None
    unknown = [label for label in by_label if label not in labels]
    if unknown:
        said = f"weighs {shown(unknown[0])}, which is none of the labels {shown(labels)}"
        raise BadArgument(name, said)
    return [by_label.get(label, 1.0) for label in labels]
