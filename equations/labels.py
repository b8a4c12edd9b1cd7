"""Labels of samples: integers 0..K-1, or names of classes as scikit-learn has them."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import IntArray, as_whole, without_gradient


def check_labels(
    y_true: ArrayLike, n_classes: int, name: str = "y_true", *, otherwise: str = ""
) -> IntArray:
    """Return `y_true` as int64 if it holds labels in ``0 .. n_classes-1``.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
        Class labels, integers or floats of integral value, also in an array of objects.
    n_classes : int
        K, at least 2.
    name : str
        What to call the argument in an error.
    otherwise : str
        What an error says of labels that lie outside, where they are not too many.

    Returns
    -------
    ndarray of int64, shape (n_samples,)

    Raises
    ------
    ValueError
        If `n_classes` is below 2, the labels are not one-dimensional and integral, or one lies
        outside ``0 .. n_classes-1``.

    Examples
    --------
    >>> check_labels([0.0, 1.0, 1.0], 2)
    array([0, 1, 1])
    """
    n_classes = as_whole(n_classes, "n_classes", 2)
    labels = _one_dimensional(y_true, name)
    whole = f"must hold integer labels 0..{n_classes - 1}, got"
    if labels.dtype == object:
        for position, label in enumerate(labels):
            if not isinstance(label, Real | np.bool_):
                raise BadArgument(name, f"{whole} {shown(label)} at position {position}")
        labels = np.array(labels.tolist())  # of the kind that the numbers are
    if labels.dtype.kind not in "biuf":
        raise BadArgument(name, f"{whole} an array of {labels.dtype}")
    with np.errstate(invalid="ignore"):  # NaN and infinity, caught by the comparison below
        as_int = labels.astype(np.int64)
    if not np.array_equal(as_int, labels):
        position = int(np.argmax(as_int != labels))
        raise BadArgument(name, f"{whole} {labels[position]} at position {position}")
    outside = (as_int < 0) | (as_int >= n_classes)
    if outside.any():
        helps = len(np.unique(as_int)) <= n_classes
        raise BadArgument(
            name,
            f"must hold labels 0..{n_classes - 1}, got {as_int[outside][0]} "
            f"at position {int(np.argmax(outside))}{otherwise if helps else ''}",
        )
    return as_int


def _one_dimensional(values: Any, name: str) -> np.ndarray:
    values = without_gradient(values)
    if np.ma.is_masked(values):
        raise BadArgument(name, "must hold integer labels, got masked ones")
    try:
        labels = np.asarray(values)
    except (TypeError, ValueError):
        raise BadArgument(name, f"must be one-dimensional, got {shown(values)}") from None
    if labels.ndim != 1:
        raise BadArgument(name, f"must be one-dimensional, got shape {labels.shape}")
    return labels


_SAY_WHICH = "say with `labels` which the classes are, e.g. labels=model.classes_"
_SAY_WHICH_COLUMNS = "say with `labels` which class each column is of, e.g. labels=model.classes_"


def class_of(y_true: ArrayLike, n_classes: int, labels: ArrayLike | None = None) -> IntArray:
    """Class of each sample, ``0 .. n_classes-1``, where labels may be names.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
        Integers ``0 .. n_classes-1``, or strings; with `labels` any of those.
    n_classes : int
    labels : array_like, shape (n_classes,), optional
        The label of each class, in their order: what scikit-learn calls ``classes_``. By default
        that of ``np.unique(y_true)`` where labels are strings.

    Returns
    -------
    ndarray of int64, shape (n_samples,)

    Raises
    ------
    BadArgument
        If a label is unknown, or strings are not of `n_classes` classes.

    Examples
    --------
    >>> class_of(["no", "yes", "no"], 2), class_of([1, 3], 3, labels=[1, 2, 3])
    (array([0, 1, 0]), array([0, 2]))
    """
    if labels is not None:
        known = known_labels(labels, n_classes)
        return _found_among(_one_dimensional(y_true, "y_true"), known)
    names = names_in(y_true)
    if names is None:
        return check_labels(y_true, n_classes, otherwise=f": {_SAY_WHICH}")
    if len(names) > n_classes:
        problem = f"holds {len(names)} labels, {shown(names)}, but there are {n_classes} classes"
        raise BadArgument("y_true", problem)
    if len(names) < n_classes:
        problem = f"holds the labels {shown(names)} of {n_classes} classes: {_SAY_WHICH}"
        raise BadArgument("y_true", problem)
    return _found_among(_one_dimensional(y_true, "y_true"), names)


def labels_of_columns(y_true: Any, proba: Any, labels: ArrayLike | None) -> ArrayLike | None:
    """Labels of the columns of probabilities: of a DataFrame its names, where they are labels.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
    proba : array_like
    labels : array_like, shape (n_classes,), optional
        As the user says them.

    Returns
    -------
    array_like or None
        `labels`, or the names of the columns where all labels of `y_true` are among them.

    Raises
    ------
    BadArgument
        If `labels` are the names in another order; if without `labels` some labels of `y_true` are
        names and others are not, or differ from names by case, blanks or type alone; or if `y_true`
        and `proba` have different indexes, that of `proba` not merely being the numbers of its
        rows.

    Examples
    --------
    >>> import pandas as pd
    >>> labels_of_columns(["hi", "lo"], pd.DataFrame([[0.1, 0.9]] * 2, columns=["lo", "hi"]), None)
    ['lo', 'hi']
    >>> labels_of_columns(["hi", "mid"], pd.DataFrame([[0.1, 0.9]] * 2, columns=["lo", "hi"]), None)
    Traceback (most recent call last):
    ValueError: y_true holds 'mid', which is no column of proba, ['lo', 'hi']: say with labels ...
    """
    if not hasattr(proba, "iloc"):
        return labels
    check_same_index(y_true, proba, "y_true", "proba")
    if proba.ndim != 2 or hasattr(proba.columns, "step"):  # numbered, not named
        return labels
    names = proba.columns.tolist()
    if labels is None:
        found = _one_dimensional(y_true, "y_true").tolist()
        if set(found) <= set(names):
            return names
        _refuse_half_named(found, names)
        return None
    said = known_labels(labels, len(names))
    if said != names and set(said) == set(names):
        problem = f"are {shown(said)}, but the columns of `proba` are {shown(names)}"
        raise BadArgument("labels", problem)
    return labels


def _refuse_half_named(found: list[Any], names: list[Any]) -> None:
    """Refuse columns that are named as some labels are, or nearly so: by place they may be wrong.

    Names that are the labels' texts, in the order of the labels, say what their places say.
    """
    labels = list(dict.fromkeys(found))
    place = {_plainly(name): k for k, name in reversed(list(enumerate(names)))}
    at = {label: place[_plainly(label)] for label in labels if _plainly(label) in place}
    if not at:
        return
    texts = all(str(label) == str(names[at[label]]) for label in at)
    one_type = len({type(label) for label in labels}) == 1
    if len(at) == len(labels) and texts and one_type and not set(labels) & set(names):
        in_order = [at[label] for label in sorted(labels)]
        if in_order == sorted(in_order):
            return
    label = next(label for label in labels if label not in names)
    said = f"holds {shown(label)}, which is no column of `proba`, {shown(names)}"
    if label in at:
        what = f"is {shown(names[at[label]])} the same? If so, rename the column"
    elif len(labels) > len(names):
        what = "is a column missing?"
    else:
        what = _SAY_WHICH_COLUMNS
    raise BadArgument("y_true", f"{said}: {what}")


def _plainly(label: Any) -> str:
    return str(label).strip().casefold()


def check_same_index(labels: Any, rows: Any, name: str, name_of_rows: str) -> None:
    """Refuse labels and rows of pandas with different indexes, those of rows not merely numbers.

    Where they are not as many, no index is looked at: that is another error.

    Examples
    --------
    >>> import pandas as pd
    >>> check_same_index(pd.Series([0, 1]), pd.DataFrame([1.0, 2.0], index=[1, 0]), "y", "X")
    Traceback (most recent call last):
    ValueError: y and X must have the same index, got 0 and 1 at position 0; y.to_numpy() goes ...
    """
    if not (hasattr(labels, "iloc") and hasattr(rows, "iloc")):
        return
    numbered = hasattr(rows.index, "step")  # as `DataFrame(model.predict_proba(X))` is
    if not numbered and len(rows) == len(labels):
        refuse_other_index(labels.index, rows.index, name, name_of_rows)


def refuse_other_index(index: Any, other: Any, name: str, other_name: str) -> None:
    """Refuse two indexes of pandas, of one length, that differ, and say what to do."""
    if index.equals(other):
        return
    i = next((i for i, (a, b) in enumerate(zip(index, other, strict=True)) if a != b), 0)
    raise BadArgument(
        name,
        f"and `{other_name}` must have the same index, got {shown(index[i])} and "
        f"{shown(other[i])} at position {i}; {name}.to_numpy() goes by position",
    )


def names_in(y_true: ArrayLike) -> list[Any] | None:
    """Distinct labels in their order where they are strings; None where they are not."""
    found = _one_dimensional(y_true, "y_true")
    if found.dtype.kind == "O":
        is_text = [isinstance(label, str) for label in found]
        if not any(is_text):
            return None
        if not all(is_text):
            other = is_text.index(False)
            raise BadArgument(
                "y_true", f"must hold strings alone, got {shown(found[other])} at position {other}"
            )
        found = found.astype(str)
    if found.dtype.kind not in "UST" or not len(found):
        return None
    return list(np.unique(found).tolist())


def known_labels(labels: ArrayLike, n_classes: int | None = None) -> list[Any]:
    """The label of each class, if they are distinct and as many as there are classes.

    Examples
    --------
    >>> known_labels(np.array(["a", "b"]), 2)
    ['a', 'b']
    """
    known = _one_dimensional(labels, "labels").tolist()
    if n_classes is not None and len(known) != n_classes:
        raise BadArgument(
            "labels", f"must name {n_classes} classes, one by one, got {shown(known)}"
        )
    if any(label in known[:k] for k, label in enumerate(known)):
        raise BadArgument("labels", f"must be distinct, got {shown(known)}")
    return known


def _found_among(y: np.ndarray, known: list[Any]) -> IntArray:
    place = {label: k for k, label in enumerate(known)}
    found = np.array([place.get(label, -1) for label in y.tolist()], dtype=np.int64)
    if (found < 0).any():
        position = int(np.argmax(found < 0))
        raise BadArgument(
            "y_true",
            f"must hold labels among {shown(known)}, got {shown(y[position])} "
            f"at position {position}",
        )
    return found


def class_count(
    y_true: ArrayLike, n_classes: int | None = None, *, labels: ArrayLike | None = None
) -> IntArray:
    """Number of samples of each class, N in the paper.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
        Integers ``0 .. n_classes-1``, or strings.
    n_classes : int, optional
        Needed where labels are integers and `labels` does not say it.
    labels : array_like, shape (n_classes,), optional
        The label of each class, in their order; by default that of ``np.unique`` of strings.

    Returns
    -------
    ndarray of int64, shape (n_classes,)

    Raises
    ------
    ValueError
        If a label is none of the classes'.

    Examples
    --------
    >>> class_count([0, 2, 2], 3)
    array([1, 0, 2])
    >>> class_count(["no", "yes", "no"]), class_count(["b"], labels=["a", "b"])
    (array([2, 1]), array([0, 1]))
    """
    if n_classes is None:
        known = known_labels(labels) if labels is not None else names_in(y_true)
        if known is None:
            raise BadArgument("n_classes", "or `labels` is needed where labels are numbers")
        n_classes = len(known)
    n_classes = as_whole(n_classes, "n_classes", 2)
    return np.bincount(class_of(y_true, n_classes, labels), minlength=n_classes)
