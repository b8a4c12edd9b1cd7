"""Class weights and class sizes as users state them: by name, by label, or in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

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
    labels: Sequence[Any],
    name: str = "class_weight",
    *,
    class_count: ArrayLike | None = None,
) -> FloatArray:
    """Class weights in the order of the classes, up to a factor, however they are stated.

    Parameters
    ----------
    given : None, str, mapping, Series or array_like, shape (n_classes,)
        None are equal weights; a name is one of `NAMES`; a mapping, or a Series with an index of
        its own, has labels as keys, and a label that it leaves out weighs 1, as scikit-learn has
        it.
    labels : sequence
        The label of each class.
    name : str
        What to call the argument in an error.
    class_count : array_like, shape (n_classes,), optional
        N, which schemes other than ``equal`` need.

    Returns
    -------
    ndarray of float64, shape (n_classes,)
        Numbers as they are given.

    Raises
    ------
    BadArgument
        If a label or a scheme is unknown, a weight is not positive and finite, or they are not as
        many as there are classes.

    Examples
    --------
    >>> weights_by_class({"yes": 9}, ["no", "yes"]).tolist()
    [1.0, 9.0]
    >>> weights_by_class("balanced", ["no", "yes"], class_count=[900, 100]).round(12).tolist()
    [0.1, 0.9]
    >>> weights_by_class({"maybe": 9}, ["no", "yes"], "to")
    Traceback (most recent call last):
    ValueError: to must be of labels among ['no', 'yes'], got 'maybe'
    """
    n_classes = len(labels)
    if given is None:
        return np.ones(n_classes)
    if isinstance(given, str):
        return _of_scheme(given, n_classes, name, class_count)
    weight = check_class_weight(in_order(given, labels, name, missing=1.0), name)
    if weight.shape != (n_classes,):
        said = f"must hold {n_classes} weights, one per class, got shape {weight.shape}"
        raise BadArgument(name, said)
    return weight


def stated_weights(
    given: Any, labels: Sequence[Any], class_count: ArrayLike, name: str = "class_weight"
) -> FloatArray:
    """`weights_by_class`, scaled to sum to one.

    Examples
    --------
    >>> count = [300, 100]
    >>> stated_weights("balanced", (0, 1), count), stated_weights({1: 4}, (0, 1), count)
    (array([0.25, 0.75]), array([0.2, 0.8]))
    """
    weight = weights_by_class(given, labels, name, class_count=class_count)
    return np.asarray(weight / weight.sum())


def stated_count(given: Any, labels: Sequence[Any]) -> FloatArray:
    """Class sizes of training, (n_classes,); raise `BadArgument` of shares.

    Examples
    --------
    >>> stated_count({"no": 900, "yes": 100}, ("no", "yes"))
    array([900., 100.])
    >>> stated_count([0.9, 0.1], ("no", "yes"))
    Traceback (most recent call last):
    ValueError: train_count must be counts of samples, not shares, got [0.9, 0.1]
    """
    with renamed(class_count="train_count"):
        count = check_class_count(in_order(given, labels, "train_count"), len(labels))
    if count.min() < 1 or count.sum() < 2 * len(count):
        said = f"must be counts of samples, not shares, got {shown(count.tolist())}"
        raise BadArgument("train_count", said)
    return count


def in_order(given: Any, labels: Sequence[Any], name: str, missing: float | None = None) -> Any:
    """Numbers in the order of the classes, of a mapping or a Series by label; others as they are.

    Parameters
    ----------
    given : object
    labels : sequence
        The label of each class.
    name : str
        What to call the argument in an error.
    missing : float, optional
        Of a label that is not among them; without it that is refused.

    Returns
    -------
    object

    Raises
    ------
    BadArgument
        If it names a label that no class has or one twice, or leaves one out that it must not.

    Examples
    --------
    >>> in_order({"b": 3}, ("a", "b"), "class_weight", missing=1.0), in_order([1, 3], "ab", "N")
    ([1.0, 3], [1, 3])
    """
    by_label = named(given, name)
    if not isinstance(by_label, Mapping):
        return by_label
    unknown = [label for label in by_label if label not in labels]
    if unknown:
        said = f"must be of labels among {shown(list(labels))}, got {shown(unknown[0])}"
        raise BadArgument(name, said)
    absent = [label for label in labels if label not in by_label]
    if absent and missing is None:
        raise BadArgument(name, f"must hold a number for every label, got none of {absent[0]!r}")
    return [by_label.get(label, missing) for label in labels]


def named(given: Any, name: str) -> Any:
    """A Series as a dict by label, or as an array where its index only counts; others as they are.

    Examples
    --------
    >>> import pandas as pd
    >>> named(pd.Series({"yes": 9}), "to"), named(pd.Series([1, 9]), "to")
    ({'yes': 9}, array([1, 9]))
    """
    if not (hasattr(given, "iloc") and given.ndim == 1):
        return given
    index = given.index
    if hasattr(index, "step") and (index.start, index.step) == (0, 1):
        return given.to_numpy()
    if not index.is_unique:
        raise BadArgument(name, "must hold one number for each label: its index repeats one")
    return given.to_dict()


def _of_scheme(scheme: str, n_classes: int, name: str, class_count: ArrayLike | None) -> FloatArray:
    if one_of(scheme, name, NAMES) == "equal":
        return np.ones(n_classes)
    if class_count is None:
        raise BadArgument("class_count", f"is needed where `{name}` is {scheme!r}")
    count = check_class_count(class_count, n_classes)
    return class_weights("inverse" if scheme == "balanced" else scheme, count)
