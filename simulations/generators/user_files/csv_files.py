"""CSV files row by row: every row has the header's fields, and is counted as it is read."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from learnprop.equations.arguments import BadArgument, within
from learnprop.simulations.generators.user_files.columns import as_numbers

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 20_000  # rows that are held as text at a time


def read_csv(
    content: bytes,
    label: str,
    drop: Sequence[str],
    check_names: Callable[[Sequence[str]], None],
    is_gzip: bool = False,
) -> tuple[pd.DataFrame, pd.Series]:
    """Read features as numbers, and labels as the text that they are.

    Parameters
    ----------
    content : bytes
        UTF-8, with commas between fields; or that as gzip. Blank lines are no rows.
    label : str
        Column of the labels.
    drop : sequence of str
        Columns that are no features.
    check_names : callable
        Raises ValueError if the columns are not what they should be.
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
    >>> content = "a,kind/1.5,x/2,007/".replace("/", chr(10))
    >>> features, labels = read_csv(content.encode(), "kind", (), print)
    ['a', 'kind']
    >>> features["a"].tolist(), labels.tolist()
    ([1.5, 2.0], ['x', '007'])
    >>> read_csv(content.replace("1.5", "1,5").encode(), "kind", (), len)
    Traceback (most recent call last):
    ValueError: data: row 1 has 3 fields, but the header has 2
    """
    import pandas as pd

    rows = _rows(_text(content, is_gzip))
    header = next(rows, None)
    if header is None:
        raise BadArgument("data", "cannot be read: it is empty")
    columns = [field or f"Unnamed: {j}" for j, field in enumerate(header)]
    check_names(columns)
    chosen = [j for j, column in enumerate(columns) if column not in (label, *drop)]
    pieces: list[list[np.ndarray]] = [[] for _ in chosen]
    labels: list[str] = []
    while block := list(islice(rows, _BLOCK)):
        fields = list(zip(*block, strict=True))
        for j, column_pieces in zip(chosen, pieces, strict=True):
            with within("data", f": column {columns[j]!r}"):
                column_pieces.append(as_numbers(fields[j], "data", len(labels) + 1))
        labels += fields[columns.index(label)]
    features = {
        columns[j]: _joined(column_pieces, f": column {columns[j]!r}")
        for j, column_pieces in zip(chosen, pieces, strict=True)
    }
    return pd.DataFrame(features), pd.Series(labels, dtype=object)


def _text(content: bytes, is_gzip: bool) -> str:
    if is_gzip:
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise BadArgument("data", f"cannot be read: it is damaged: {error}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadArgument(
            "data", f"cannot be read: byte {content[error.start]:#x} in line {line} is not UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BadArgument("data", f"cannot be read: NUL in line {line}, which is no text")
    return text


def _rows(text: str) -> Iterator[list[str]]:
    """Yield the header, and every row that has as many fields."""
    n_fields, row = 0, -1
    try:
        for row, fields in enumerate(filter(None, csv.reader(io.StringIO(text, ""), strict=True))):
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
