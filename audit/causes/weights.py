"""Class weights and class sizes as users state them."""

from __future__ import annotations

from typing import Any

from learnprop.equations.arguments import BadArgument, renamed, shown
from learnprop.equations.arrays import FloatArray
from learnprop.equations.class_weights import check_class_count, class_weights


def by_label(values: Any, labels: tuple[Any, ...], name: str, missing: float | None) -> Any:
    """Numbers in the order of the classes, of a dict or a Series by label; others as they are.

    Parameters
    ----------
    values : object
    labels : tuple
        The label of each class.
    name : str
        What to call the argument in an error.
    missing : float or None
        Of a label that is not among them; None refuses.

    Returns
    -------
    object

    Raises
    ------
    BadArgument
        If it names a label that no class has, or leaves one out that it must not.

    Examples
    --------
    >>> by_label({"b": 3}, ("a", "b"), "class_weight", missing=1.0)
    [1.0, 3]
    >>> by_label({"c": 3}, ("a", "b"), "class_weight", missing=1.0)
    Traceback (most recent call last):
    ValueError: class_weight must be of labels among ['a', 'b'], got 'c'
    """
    if hasattr(values, "to_dict") and getattr(values, "ndim", 0) == 1:
        if hasattr(values.index, "step") and len(values) == len(labels):  # numbered, not named
            return values.to_numpy()
        if not values.index.is_unique:
            raise BadArgument(name, "must hold one number for each label: its index repeats one")
        values = values.to_dict()
    if not isinstance(values, dict):
        return values
    unknown = [label for label in values if label not in labels]
    if unknown:
        said = f"must be of labels among {shown(list(labels))}, got {shown(unknown[0])}"
        raise BadArgument(name, said)
    absent = [label for label in labels if label not in values]
    if absent and missing is None:
        raise BadArgument(name, f"must hold a number for every label, got none of {absent[0]!r}")
    return [values.get(label, missing) for label in labels]


def stated_weights(
    values: Any, labels: tuple[Any, ...], count: FloatArray, name: str = "class_weight"
) -> FloatArray:
    """Class weights as scikit-learn takes them, or of a scheme, scaled to sum to one.

    Parameters
    ----------
    values : str, dict, Series, array_like or None
        None is equal weights, and "balanced" inverse ones, as scikit-learn has it; of labels that a
        dict leaves out the weight is 1.
    labels : tuple
    count : ndarray, shape (n_classes,)
        N.
    name : str
        What to call the argument in an error.

    Returns
    -------
    ndarray of float64, shape (n_classes,)

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> import numpy as np
    >>> count = np.array([300.0, 100.0])
    >>> stated_weights("balanced", (0, 1), count), stated_weights({1: 4}, (0, 1), count)
    (array([0.25, 0.75]), array([0.2, 0.8]))
    """
    if values is None:
        values = "equal"
    elif isinstance(values, str) and values == "balanced":
        values = "inverse"
    with renamed(scheme=name):
        return class_weights(by_label(values, labels, name, missing=1.0), count)


def stated_count(values: Any, labels: tuple[Any, ...]) -> FloatArray:
    """Class sizes of training, (n_classes,), positive; raise `BadArgument` if they are not.

    Examples
    --------
    >>> stated_count({"no": 900, "yes": 100}, ("no", "yes"))
    array([900., 100.])
    """
    with renamed(class_count="train_count"):
        count = by_label(values, labels, "train_count", missing=None)
        return check_class_count(count, len(labels))
