"""A file of predictions: its columns, and its rows piece by piece."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import IntArray
from learnprop.simulations.generators.user_files.labels import label_names

_WITH_POINT = re.compile(r"-?\d+\.0*")

LABELS = ("y_true", "label", "y", "y_test", "target", "truth")
"""What a column of true labels is called where nobody says it."""


@dataclass(frozen=True)
class Columns:
    """What is read of a file; an empty name is nothing.

    Attributes
    ----------
    label : str
    proba : tuple of str
        Columns of numbers; in an npz file one array.
    weight, by : str
    """

    label: str
    proba: tuple[str, ...] = ()
    weight: str = ""
    by: str = ""


@dataclass(frozen=True)
class Coded:
    """A column of text: what is written in each row, by its place among what is written at all.

    Attributes
    ----------
    codes : ndarray of int, shape (m,)
        Place in `names`; -1 where nothing is written.
    names : tuple of str
    """

    codes: IntArray
    names: tuple[str, ...]


@dataclass(frozen=True)
class Piece:
    """Rows that are held at a time.

    Attributes
    ----------
    label : Coded
    values : ndarray of float32 or float64, shape (m, n_columns)
        NaN where nothing is written.
    weight : ndarray, shape (m,), or None
    by : Coded or None
    first_row : int
        Number of the first, counted from 1 after the header.
    """

    label: Coded
    values: np.ndarray
    weight: np.ndarray | None
    by: Coded | None
    first_row: int


@dataclass(frozen=True)
class Table:
    """A file that was opened.

    Attributes
    ----------
    names : tuple of str
        Of its columns, or of its arrays.
    pieces : callable ``(columns) -> iterator of Piece``
        Reads from the start; raises `BadArgument` about ``file``.
    n_columns : callable ``(name) -> int``
        How many columns of numbers one of them holds: one, but of an array.
    is_text : bool
    """

    names: tuple[str, ...]
    pieces: Callable[[Columns], Iterator[Piece]]
    n_columns: Callable[[str], int] = lambda _: 1
    is_text: bool = False


def whole(name: str) -> str:
    """Name of a label: a whole number without a point.

    Examples
    --------
    >>> whole("1.0"), whole("1.5"), whole("cat")
    ('1', '1.5', 'cat')
    """
    return name.partition(".")[0] if _WITH_POINT.fullmatch(name) else name


def coded(values: np.ndarray, first_row: int) -> Coded:
    """Code labels, or names of groups, as they are written: 1.0 as 1.

    Parameters
    ----------
    values : ndarray, shape (m,)
        Numbers, truth values, strings, bytes or objects.
    first_row : int
        Number of the first, for an error.

    Returns
    -------
    Coded

    Raises
    ------
    BadArgument
        About ``file``, naming the row of what is no label.

    Examples
    --------
    >>> coded(np.array([1.0, 0.0, 1.0, np.nan]), 1)
    Coded(codes=array([ 0,  1,  0, -1]), names=('1', '0'))
    """
    import pandas as pd

    plain = values.astype(object) if values.dtype.kind in "US" else values
    codes, distinct = pd.factorize(plain)
    return Coded(codes, names_of(distinct.tolist(), codes, first_row))


def names_of(distinct: Iterable[Any], codes: IntArray, first_row: int) -> tuple[str, ...]:
    """Names of distinct labels, without blanks around them, whole numbers without a point."""
    return tuple(
        value.strip() if isinstance(value, str) else _name(value, k, codes, first_row)
        for k, value in enumerate(distinct)
    )


def _name(value: Any, k: int, codes: IntArray, first_row: int) -> str:
    import pandas as pd

    try:
        return str(label_names(pd.Series([value]), "file")[0])
    except BadArgument:
        row = first_row + int((codes == k).argmax())
        said = f"holds {str(value)[:60]!r} in row {row}, which is no label"
        raise BadArgument("file", said) from None
