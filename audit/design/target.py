"""What is asked of a classifier: mean probabilities, recalls, or the least expected cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, IntArray, as_finite, as_number

Kind = Literal["mean_proba", "recall", "cost"]

EQUAL: dict[str, Kind] = {"equal-recalls": "recall", "equal-mean-probas": "mean_proba"}
_FORMS = (
    '{"mean_proba": {label: 0.8}}, {"recall": {label: 0.9}}, {"cost": [[0, 1], [5, 0]]}, '
    f"{' or '.join(map(repr, EQUAL))}"
)


@dataclass(frozen=True)
class Target:
    """What is asked, of classes by their numbers.

    Attributes
    ----------
    kind : {"mean_proba", "recall", "cost"}
    classes : ndarray of int64, shape (n_asked,)
        Those of which something is asked; all of them where they shall be equal, none of a cost.
    values : ndarray of float64, shape (n_asked,), or None
        What is asked of each; None where they shall be equal.
    cost : ndarray of float64, shape (n_classes, n_classes), or None
        ``cost[i, j]`` of saying j where i is true.
    """

    kind: Kind
    classes: IntArray
    values: FloatArray | None = None
    cost: FloatArray | None = None

    @property
    def is_equal(self) -> bool:
        """Whether the classes shall be equal, at no stated value."""
        return self.values is None and self.cost is None


def check_target(target: Any, names: Sequence[str]) -> Target:
    """Read a target.

    Parameters
    ----------
    target : str or mapping
        As `design` takes it.
    names : sequence of str
        Of the classes, as they are written; a label of 1.0 is 1.

    Returns
    -------
    Target

    Raises
    ------
    BadArgument
        If it is none of these forms, of an unknown label, of every class, out of range, or a matrix
        under which the truth is not the cheapest answer.

    Examples
    --------
    >>> check_target({"recall": {"yes": 0.9}}, ["no", "yes"]).classes.tolist()
    [1]
    >>> check_target({"recall": {"yes": 2}}, ["no", "yes"])
    Traceback (most recent call last):
    ValueError: target must ask for more than 0 and less than 1, got a recall of 2 of 'yes'
    """
    every = np.arange(len(names))
    if isinstance(target, str) and target in EQUAL:
        return Target(EQUAL[target], every)
    if not isinstance(target, Mapping) or len(target) != 1:
        raise BadArgument("target", f"must be {_FORMS}, got {shown(target)}")
    ((kind, asked),) = target.items()
    if kind == "cost":
        return Target("cost", every[:0], cost=_check_cost(asked, len(names)))
    if kind not in ("mean_proba", "recall") or not isinstance(asked, Mapping) or not asked:
        raise BadArgument("target", f"must be {_FORMS}, got {shown(target)}")
    classes = [_class_named(label, names) for label in asked]
    if len(set(classes)) < len(classes):
        raise BadArgument("target", f"names a class twice: {shown(list(asked))}")
    if len(classes) == len(names):
        raise BadArgument(
            "target",
            f"asks something of each of {len(names)} classes, but only ratios of weights matter: "
            "leave one out",
        )
    values = [_check_share(v, kind, label) for label, v in asked.items()]
    order = np.argsort(classes)
    return Target(kind, np.array(classes)[order], np.array(values)[order])


def check_margin(margin: Any) -> float:
    """Return a margin of shares if it is one.

    Examples
    --------
    >>> check_margin(5)
    Traceback (most recent call last):
    ValueError: margin must be between 0 and 1, e.g. 0.05, got 5
    """
    number = as_number(margin, "margin")
    if not 0 < number < 1:
        raise BadArgument("margin", f"must be between 0 and 1, e.g. 0.05, got {margin}")
    return number


def word_of(label: Any) -> str:
    """A label as it is written: 1.0 is 1.

    Examples
    --------
    >>> word_of(1.0), word_of(np.int64(1)), word_of("yes"), word_of(True)
    ('1', '1', 'yes', 'True')
    """
    plain = label.item() if isinstance(label, np.generic) else label
    is_whole = isinstance(plain, float) and plain.is_integer()
    return str(int(plain)) if is_whole else str(plain)


def _class_named(label: Any, names: Sequence[str]) -> int:
    if word_of(label) not in names:
        raise BadArgument("target", f"must name labels of {shown(list(names))}, got {label!r}")
    return list(names).index(word_of(label))


def _check_share(value: Any, kind: str, label: Any) -> float:
    number = as_number(value, "target")
    if not 0 < number < 1:
        what = kind.replace("mean_proba", "mean probability")
        said = f"must ask for more than 0 and less than 1, got a {what} of {number:g} of {label!r}"
        never = "; only who says one class always reaches it" if number in (0, 1) else ""
        raise BadArgument("target", said + never)
    return number


def _check_cost(cost: Any, n_classes: int) -> FloatArray:
    matrix = as_finite(cost, "target")
    if matrix.shape != (n_classes, n_classes):
        said = f"must have a cost for each of {n_classes} x {n_classes} pairs of classes"
        raise BadArgument("target", f"{said}, got shape {matrix.shape}")
    for i, j in np.argwhere(matrix <= matrix.diagonal()[:, None]):
        if i != j:
            raise BadArgument(
                "target",
                f"must have costs above that of the truth, got {matrix[i, j]:g} of saying class "
                f"{j} where {i} is true, and {matrix[i, i]:g} of saying {i}",
            )
    return matrix
