"""Which class each sample is, by scikit-learn's rules, for ten million of them at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learnprop.equations.arguments import BadArgument, renamed, shown
from learnprop.equations.arrays import IntArray, without_gradient
from learnprop.equations.labels import known_labels, labels_of_columns

ORDER = "; labels come first, then probabilities"

WIDEST = 2**16
"""Range of integers that are counted, not sorted."""


def codes_of(values: Any, name: str) -> tuple[IntArray, list[Any]]:
    """Number of each sample's label, and the labels in their order.

    Parameters
    ----------
    values : array_like, shape (n_samples,) or (n_samples, 1)
        Integers, truth values, strings, categories; also of pandas, polars or PyTorch.
    name : str

    Returns
    -------
    codes : ndarray of int, shape (n_samples,)
    labels : list
        Those that occur. Floats of integral value are integers.

    Raises
    ------
    BadArgument
        If it is not one-dimensional or empty, holds NaN, None or masked values, or floats that are
        no labels.

    Examples
    --------
    >>> codes, labels = codes_of(["no", "yes", "no"], "y_true")
    >>> codes.tolist(), labels
    ([0, 1, 0], ['no', 'yes'])
    """
    given = _plain(values, name)
    if not len(given):
        raise BadArgument(name, "holds no sample")
    if given.dtype.kind == "f":
        given = _whole(given, name)
    if given.dtype.kind == "b":
        codes, labels = _counted(given.astype(np.int8))
        return codes, [bool(label) for label in labels]
    if given.dtype.kind in "iu" and int(given.max()) - int(given.min()) < WIDEST:
        return _counted(given)
    from pandas import factorize, isna

    if given.dtype.kind == "O":
        missing = isna(given)
        if missing.any():
            raise BadArgument(name, f"holds a missing label at position {int(missing.argmax())}")
    try:
        codes, found = factorize(given, sort=True)
    except TypeError:
        raise BadArgument(name, "must hold labels of one type, got several") from None
    labels = found.tolist()
    if len({isinstance(label, str) for label in labels}) > 1:
        at = next(i for i, label in enumerate(given) if not isinstance(label, str))
        said = f"must hold strings alone, got {shown(given[at])} at position {at}"
        raise BadArgument(name, said)
    return codes, labels


def _plain(values: Any, name: str) -> NDArray[Any]:
    """Labels as numpy has them."""
    values = without_gradient(values)
    if np.ma.is_masked(values):
        raise BadArgument(name, "holds masked labels")
    refuse_lazy(values, name)
    try:
        if str(getattr(values, "dtype", "")) == "category":
            values = values.astype(object)
        given = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
    except (TypeError, ValueError):
        raise BadArgument(name, f"must be one-dimensional, got {shown(values)}") from None
    if given.ndim == 2 and given.shape[1] == 1:  # a frame of one column
        given = given[:, 0]
    if given.ndim != 1:
        said = f"must be one-dimensional, got shape {given.shape}"
        if name == "y_true" and given.ndim == 2:
            said += f"{ORDER}; of one-hot rows argmax(axis=1) gives labels"
        raise BadArgument(name, said)
    if given.dtype.kind not in "biufOUST":
        raise BadArgument(name, f"must hold labels, got an array of {given.dtype}")
    return given


def _whole(given: NDArray[Any], name: str) -> NDArray[Any]:
    """Floats as integers."""
    with np.errstate(invalid="ignore"):
        whole = given.astype(np.int64)
    wrong = whole != given
    if wrong.any():
        at = int(wrong.argmax())
        said = "a missing label" if np.isnan(given[at]) else f"{given[at]}, which is no label,"
        order = ORDER if 0 < given[at] < 1 and name == "y_true" else ""
        raise BadArgument(name, f"holds {said} at position {at}{order}")
    return whole


def _counted(given: NDArray[Any]) -> tuple[IntArray, list[Any]]:
    least = given.min()
    if given.dtype.itemsize < 8:  # where a difference may not fit
        given = given.astype(np.int64)
    offset = np.asarray(given if least == 0 else given - least).astype(np.int64, copy=False)
    present = np.bincount(offset) > 0
    labels = (np.flatnonzero(present) + int(least)).tolist()
    if present.all():
        return offset, labels
    place = np.cumsum(present) - 1
    return place[offset], labels


def refuse_lazy(values: Any, name: str) -> None:
    """Refuse a lazy frame of polars, which has no rows yet."""
    if hasattr(values, "collect_schema") and not hasattr(values, "shape"):
        raise BadArgument(name, "must be collected, got a LazyFrame: collect() makes it a frame")


def classes_of(
    y_true: Any,
    values: Any,
    n_classes: int | None,
    labels: ArrayLike | None,
    name: str = "y_proba",
) -> tuple[IntArray, list[Any]]:
    """Class of each sample, and the label of each class, in the order of the columns.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
    values : array_like or None
        Probabilities or logits; a frame's columns may be named as labels.
    n_classes : int or None
        Number of columns; None of one number per sample, which there is of two classes.
    labels : array_like, shape (n_classes,), optional
        As the user says them.
    name : str
        What to call `values` in an error.

    Returns
    -------
    classes : ndarray of int, shape (n_samples,)
    labels : list

    Raises
    ------
    BadArgument
        If a label is none of the classes', or without `labels` there are not as many of them as
        columns, or the columns are named as some of them alone.

    Examples
    --------
    >>> classes_of([3, 1, 3], None, 2, None)[0].tolist()
    [1, 0, 1]
    >>> classes_of([3, 1, 3], None, 3, None)
    Traceback (most recent call last):
    ValueError: y_true holds the labels [1, 3], but y_proba has 3 columns: say with labels which ...
    """
    codes, found = codes_of(y_true, "y_true")
    with renamed(proba=name):
        named = labels_of_columns(np.array(found), _header(values, n_classes), labels)
    if named is None:
        if len(found) != (n_classes or 2):
            raise BadArgument("y_true", _other_number(found, n_classes, name))
        return codes, found
    known = known_labels(named, n_classes or 2)
    place = {label: k for k, label in enumerate(known)}
    at = np.array([place.get(label, -1) for label in found], dtype=np.int64)
    if (at < 0).any():
        first = int(np.argmin(at[codes]))
        label = found[codes[first]]
        said = f"must hold labels among {shown(known)}, got {shown(label)} at position {first}"
        raise BadArgument("y_true", said)
    if (at == np.arange(len(at))).all():
        return codes, known
    return at[codes], known


def _other_number(found: list[Any], n_classes: int | None, name: str) -> str:
    """What is wrong with labels that are not as many as classes."""
    if n_classes is None and len(found) > 2:
        return (
            f"holds {len(found)} labels, {shown(found)}, but one-dimensional `{name}` is of two "
            "classes: give a column for each, or as `y_true` whether it is the one class"
        )
    if n_classes is not None and len(found) > n_classes:
        return (
            f"holds {len(found)} labels, {shown(found)}, but `{name}` has {n_classes} columns: "
            "give a column for each"
        )
    has = "is one-dimensional, of two classes" if n_classes is None else f"has {n_classes} columns"
    return (
        f"holds the labels {shown(found)}, but `{name}` {has}: say with `labels` which the "
        "classes are, e.g. labels=model.classes_"
    )


def _header(columns: Any, n_classes: int | None) -> Any:
    """A frame without rows: only its names are asked for."""
    if n_classes is None or not hasattr(columns, "columns"):
        return None
    from pandas import DataFrame

    return columns.iloc[:0] if hasattr(columns, "iloc") else DataFrame(columns=columns.columns)
