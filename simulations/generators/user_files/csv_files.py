"""Text files row by row: every row has the header's fields, and is counted as it is read."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TextIO

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.generators.user_files.columns import (
    noting,
    numbers_in,
    refuse_columns,
)
from learnprop.simulations.generators.user_files.dialect import (
    UNSAID,
    Dialect,
    decimal_of,
    records,
    separator_of,
    stripped_names,
    text_of,
)

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 20_000  # rows that are held as text at a time


def read_csv(
    content: bytes,
    label: str,
    drop: Sequence[str],
    check_names: Callable[[Sequence[str]], None],
    dialect: Dialect = UNSAID,
    is_gzip: bool = False,
) -> tuple[pd.DataFrame, pd.Series]:
    """Read features as numbers, and labels as the text that they are.

    Parameters
    ----------
    content : bytes
        Text, or text as gzip. Blank lines are no rows, blanks around a field no part of it.
    label : str
        Column of the labels.
    drop : sequence of str
        Columns that are no features.
    check_names : callable
        Raises ValueError if the columns are not what they should be.
    dialect : Dialect
        What is known of encoding, separator and decimal mark.
    is_gzip : bool

    Returns
    -------
    features : DataFrame of float64 or bool
        A missing value is NaN.
    labels : Series of str

    Raises
    ------
    ValueError
        Naming the row that has too many fields, too few, or no number in a feature;
        rows are counted from 1 after the header.

    Examples
    --------
    >>> content = "a;kind/1,5; x/2,25;007/".replace("/", chr(10))
    >>> features, labels = read_csv(content.encode(), "kind", (), print)
    ['a', 'kind']
    >>> features["a"].tolist(), labels.tolist()
    ([1.5, 2.25], ['x', '007'])
    >>> read_csv(content.replace(";", ",").encode(), "kind", (), len)
    Traceback (most recent call last):
    ValueError: data: row 1 has 3 fields, but the header has 2
    """
    import pandas as pd

    text = text_of(_unpacked(content) if is_gzip else content, dialect.encoding)
    file = io.StringIO(text, "")
    sep = separator_of(file, label, dialect)
    header = next(_rows(file, sep), None)
    if header is None:
        raise BadArgument("data", "cannot be read: it is empty")
    columns = [field or f"Unnamed: {j}" for j, field in enumerate(stripped_names(header))]
    if len(columns) == 1 and columns != [label]:
        raise BadArgument(
            "data", f"has one column, {columns[0]!r}; `sep` says what stands between columns"
        )
    check_names(columns)
    chosen = [j for j, column in enumerate(columns) if column not in (label, *drop)]
    decimal = dialect.decimal or "."
    if not dialect.decimal and sep != "," and ("," in text or sep == ";"):
        of_features = ([row[j] for j in chosen] for row in islice(_rows(file, sep), 1, None))
        decimal = decimal_of(of_features, sep)
    pieces: dict[int, list[np.ndarray]] = {j: [] for j in chosen}
    refused: dict[str, BadArgument] = {}
    labels: list[str] = []
    rows = islice(_rows(file, sep), 1, None)
    while block := list(islice(rows, _BLOCK)):
        fields = list(zip(*block, strict=True))
        for j in chosen:
            if repr(columns[j]) not in refused:
                with noting(refused, repr(columns[j]), "data"):
                    pieces[j].append(numbers_in(fields[j], "data", len(labels) + 1, decimal))
        labels += stripped_names(fields[columns.index(label)])
    refuse_columns(refused, "data")
    features = {columns[j]: _joined(pieces[j], f": column {columns[j]!r}") for j in chosen}
    return pd.DataFrame(features), pd.Series(labels, dtype=object)


def _unpacked(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise BadArgument("data", f"cannot be read: it is damaged: {error}") from None


def _rows(file: TextIO, sep: str) -> Iterator[list[str]]:
    """Yield the header, and every row that has as many fields."""
    n_fields, row = 0, -1
    try:
        for row, fields in enumerate(records(file, sep)):
            n_fields = n_fields or len(fields)
            if len(fields) != n_fields:
                raise BadArgument(
                    "data",
                    f": row {row} has {len(fields)} field{'s'[: len(fields) != 1]}, "
                    f"but the header has {n_fields}",
                )
            yield fields
    except csv.Error as error:
        where = f"row {row + 1}" if n_fields else "the header"
        raise BadArgument("data", f"cannot be read: {error} in {where}") from None


def _joined(pieces: list[np.ndarray], where: str) -> np.ndarray:
    if not pieces:
        return np.empty(0)
    whole = np.concatenate(pieces)
    if whole.dtype != bool and any(p.dtype == bool for p in pieces) and not np.isnan(whole).any():
        raise BadArgument("data", f"{where} holds numbers, and True and False in other rows")
    return whole
