"""Parquet files, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from learnprop.audit.predictions.user_predictions.faults import damaged
from learnprop.audit.predictions.user_predictions.table import (
    Coded,
    Columns,
    Piece,
    Table,
    names_of,
)
from learnprop.equations.arguments import BadArgument

_ROWS = 1 << 16  # rows that are held at a time


def parquet_table(path: Path) -> Table:
    """Open a Parquet file; an index that pandas keeps in it is no column.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Table

    Raises
    ------
    BadArgument
        About ``file``: if it is damaged, or pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError:
        raise BadArgument("file", "needs: pip install 'learnprop[parquet]'") from None
    try:
        names = parquet.read_schema(path).names
    except Exception as error:  # a damaged file raises whatever its bytes happen to mean
        raise damaged(error) from None
    shown = tuple(name for name in names if not name.startswith("__index_level_"))
    return Table(shown, partial(_pieces, path))


def _pieces(path: Path, columns: Columns) -> Iterator[Piece]:
    import pandas  # noqa: F401 - else pyarrow does, and swallows a Ctrl-C meanwhile
    from pyarrow import parquet

    wanted = [name for name in (columns.label, *columns.proba, columns.weight, columns.by) if name]
    first = 1
    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            n_rows = file.metadata.num_rows
            for batch in file.iter_batches(_ROWS, columns=wanted):
                yield _piece(batch, columns, first)
                first += batch.num_rows
    except (BadArgument, MemoryError):
        raise
    except Exception as error:  # a damaged file raises whatever its bytes happen to mean
        raise damaged(error) from None
    if first - 1 != n_rows:  # a damaged page header: pyarrow stops early
        raise damaged(ValueError(f"it is damaged, with {first - 1} of {n_rows} rows"))


def _piece(batch: Any, columns: Columns, first: int) -> Piece:
    values = [_numbers(batch, name) for name in columns.proba]
    return Piece(
        _text(batch, columns.label, first),
        np.stack(values, axis=1) if values else np.empty((0, 0)),
        _numbers(batch, columns.weight) if columns.weight else None,
        _text(batch, columns.by, first) if columns.by else None,
        first,
    )


def _text(batch: Any, name: str, first: int) -> Coded:
    column = batch.column(name)
    if not hasattr(column, "dictionary"):
        column = column.dictionary_encode()
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Coded(codes, names_of(column.dictionary.to_pylist(), codes, first))


def _numbers(batch: Any, name: str) -> np.ndarray:
    import pyarrow as pa

    column = batch.column(name)
    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise BadArgument("file", f": column {name!r} must hold numbers, got {kind}")
    if not pa.types.is_float32(kind) and not pa.types.is_float16(kind):
        column = column.cast(pa.float64(), safe=False)
    return cast(np.ndarray, column.to_numpy(zero_copy_only=False))
