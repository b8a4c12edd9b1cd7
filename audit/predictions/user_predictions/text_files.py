"""Text files, plain or gzip, streamed by pyarrow where it is installed, else by pandas."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np

from learnprop.audit.predictions.user_predictions.faults import damaged
from learnprop.audit.predictions.user_predictions.table import (
    Coded,
    Columns,
    Piece,
    Table,
    coded,
    names_of,
)
from learnprop.equations.arguments import BadArgument, renamed
from learnprop.simulations.generators.user_files.columns import MISSING, numbers_in
from learnprop.simulations.generators.user_files.dialect import (
    Dialect,
    decimal_of,
    is_decimal,
    records,
    separator_of,
    stripped_names,
    text_of,
)

_HEAD = 1 << 16  # bytes in which the header and some rows are looked at
_BLOCK = 1 << 22  # bytes that pyarrow parses at a time
_ROWS = 40_000  # rows that pandas parses at a time
_WORDS = [
    word for missing in sorted(MISSING) for word in {missing, missing.upper(), missing.title()}
]


@dataclass(frozen=True)
class _Layout:
    """How a text file is written."""

    path: Path
    names: tuple[str, ...]
    sep: str
    decimal: str
    encoding: str
    lines: int
    """Of the header, blank ones before it included."""

    @property
    def is_gzip(self) -> bool:
        return self.path.name.lower().endswith(".gz")

    def place(self, name: str) -> int:
        return self.names.index(name)


def text_table(path: Path, labels: Sequence[str], dialect: Dialect) -> Table:
    """Open a text file.

    Parameters
    ----------
    path : Path
        Text, or text as gzip where its name ends so.
    labels : sequence of str
        Names that the column of labels may have: the header that has one decides the separator.
    dialect : Dialect
        What is said of encoding, separator and decimal mark.

    Returns
    -------
    Table

    Raises
    ------
    BadArgument
        About ``file``, ``sep``, ``decimal`` or ``encoding``.
    """
    layout = _layout(path, labels, dialect)
    read = _by_pyarrow if find_spec("pyarrow") else _by_pandas
    return Table(layout.names, partial(_pieces, layout, read), is_text=True)


def _layout(path: Path, labels: Sequence[str], dialect: Dialect) -> _Layout:
    """Read the header, and the decimal mark of the first rows where commas may be one."""
    with renamed(data="file", drop="proba"):
        head = _head(path)
        text = text_of(head, dialect.encoding)
        file = io.StringIO(text, "")
        of = [separator_of(file, label, dialect) for label in labels]
        sep = next(
            (s for s, label in zip(of, labels, strict=True) if label in _header(file, s)[0]), of[0]
        )
        names, lines = _header(file, sep)
        if not names:
            raise BadArgument("data", "cannot be read: it is empty")
        if len(names) == 1:
            raise BadArgument(
                "data", f"has one column, {names[0]!r}; `sep` says what stands between columns"
            )
        decimal = dialect.decimal or "."
        if not dialect.decimal and sep != "," and ("," in text or sep == ";"):
            rows = list(islice(records(file, sep), 1, 200))[:-1]  # the last may be cut
            # A column of which every field has the mark is one of numbers.
            numbers = [c for c in zip(*rows, strict=False) if all(map(_is_number, c))]
            decimal = decimal_of(zip(*numbers, strict=True), sep)
    return _Layout(path, names, sep, decimal, dialect.encoding or _encoding(head), lines)


def _is_number(text: str) -> bool:
    return is_decimal(text.strip()) or text.strip().isdigit()


def _head(path: Path) -> bytes:
    """First bytes, up to where a line or at least a letter ends."""
    try:
        with _opened(path) as file:
            head: bytes = file.read(_HEAD)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(error) from None
    if len(head) < _HEAD:
        return head
    return head if _encoding(head) != "utf-8" else head[: head.rfind(b"\n") + 1] or head


def _encoding(head: bytes) -> str:
    marks = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32"}
    marks |= {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    return next((name for mark, name in marks.items() if head.startswith(mark)), "utf-8")


def _opened(path: Path) -> Any:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rb")
    return path.open("rb")


def _header(file: io.StringIO, sep: str) -> tuple[tuple[str, ...], int]:
    """Names of columns, and how many lines end with theirs."""
    file.seek(0)
    reader = csv.reader(file, delimiter=sep, strict=True, skipinitialspace=True)
    try:
        names = next(filter(None, reader), [])
    except csv.Error as error:
        raise BadArgument("data", f"cannot be read: {error} in the header") from None
    return tuple(stripped_names(names)), reader.line_num


_Read = Callable[[_Layout, Columns, list[int]], Iterator[Piece]]


def _pieces(layout: _Layout, read: _Read, columns: Columns) -> Iterator[Piece]:
    """Pieces as they are read; where that fails, the row is looked for."""
    done = [0]  # rows
    try:
        yield from read(layout, columns, done)
    except BadArgument:
        raise
    except OSError as error:
        raise damaged(error) from None
    except Exception as error:  # of pyarrow, of pandas, or of what a damaged file holds
        if isinstance(error, KeyboardInterrupt | MemoryError):
            raise
        raise _fault(layout, columns, done[0]) or damaged(error) from None


def _by_pyarrow(layout: _Layout, columns: Columns, done: list[int]) -> Iterator[Piece]:
    import pandas  # noqa: F401 - else pyarrow does, and swallows a Ctrl-C meanwhile
    import pyarrow as pa
    from pyarrow import csv as arrow

    texts = [layout.place(name) for name in (columns.label, columns.by) if name]
    numbers = [layout.place(name) for name in (*columns.proba, columns.weight) if name]
    types = {str(j): pa.string() for j in texts} | {str(j): pa.float64() for j in numbers}
    source = pa.input_stream(str(layout.path), compression="gzip" if layout.is_gzip else None)
    with source, arrow.open_csv(
        source,
        arrow.ReadOptions(
            block_size=_BLOCK, column_names=[str(j) for j in range(len(layout.names))],
            skip_rows=layout.lines, encoding=layout.encoding,
        ),
        arrow.ParseOptions(delimiter=layout.sep),
        arrow.ConvertOptions(
            column_types=types, include_columns=list(types), decimal_point=layout.decimal,
            null_values=_WORDS,
        ),
    ) as reader:  # fmt: skip
        for batch in reader:
            first = done[0] + 1

            def text(name: str, batch: Any = batch, first: int = first) -> Coded:
                column = batch.column(str(layout.place(name))).dictionary_encode()
                codes = column.indices.to_numpy(zero_copy_only=False).astype(np.int64)
                return Coded(codes, names_of(column.dictionary.to_pylist(), codes, first))

            def number(name: str, batch: Any = batch) -> np.ndarray:
                column = batch.column(str(layout.place(name)))
                return cast(np.ndarray, column.to_numpy(zero_copy_only=False))

            yield _piece(columns, text, number, first)
            done[0] += batch.num_rows


def _by_pandas(layout: _Layout, columns: Columns, done: list[int]) -> Iterator[Piece]:
    import pandas as pd

    numbers = [layout.place(name) for name in (*columns.proba, columns.weight) if name]
    every = list(range(len(layout.names)))  # with some alone it takes rows of any length
    with pd.read_csv(
        layout.path, header=None, names=every, skiprows=layout.lines, sep=layout.sep,
        decimal=layout.decimal, encoding=layout.encoding,
        compression="gzip" if layout.is_gzip else None,
        dtype=cast(Any, dict.fromkeys(every, object) | dict.fromkeys(numbers, np.float64)),
        keep_default_na=False, na_values=cast(Any, dict.fromkeys(numbers, _WORDS)),
        skipinitialspace=True, chunksize=_ROWS,
    ) as reader:  # fmt: skip
        for frame in reader:
            first = done[0] + 1
            if not hasattr(frame.index, "step"):
                raise ValueError("rows have more fields than the header")

            def text(name: str, frame: pd.DataFrame = frame, first: int = first) -> Coded:
                return coded(frame[layout.place(name)].to_numpy(), first)

            def number(name: str, frame: pd.DataFrame = frame) -> np.ndarray:
                return np.asarray(frame[layout.place(name)].to_numpy())

            yield _piece(columns, text, number, first)
            done[0] += len(frame)


def _piece(
    columns: Columns,
    text: Callable[[str], Coded],
    number: Callable[[str], np.ndarray],
    first_row: int,
) -> Piece:
    values = [number(name) for name in columns.proba]
    return Piece(
        text(columns.label),
        np.stack(values, axis=1) if values else np.empty((0, 0)),
        number(columns.weight) if columns.weight else None,
        text(columns.by) if columns.by else None,
        first_row,
    )


def _fault(layout: _Layout, columns: Columns, done: int) -> BadArgument | None:
    """First row, after those that were read, that has too few fields or text among numbers."""
    numbers = [(name, layout.place(name)) for name in (*columns.proba, columns.weight) if name]
    row = 0
    encoding = "utf-8-sig" if layout.encoding == "utf-8" else layout.encoding
    try:
        with io.TextIOWrapper(_opened(layout.path), encoding, newline="") as file:
            rows = records(file, layout.sep)
            next(rows)
            for row, fields in enumerate(rows, 1):
                if len(fields) != len(layout.names):
                    said = f"{len(fields)} field{'s'[: len(fields) != 1]}"
                    problem = f": row {row} has {said}, but the header has {len(layout.names)}"
                    return BadArgument("file", problem)
                if row <= done:
                    continue
                for name, j in numbers:
                    try:
                        numbers_in([fields[j]], "file", row, layout.decimal)
                    except BadArgument:
                        problem = f": row {row} holds {fields[j][:60]!r} in column {name!r}"
                        return BadArgument("file", f"{problem}, which is no number")
    except csv.Error as error:
        return BadArgument("file", f"cannot be read: {error} in row {row + 1}")
    except UnicodeDecodeError as error:
        said = f"byte {error.object[error.start]:#x} after row {row} is not {layout.encoding}"
        return BadArgument("file", f"cannot be read: {said}; `encoding` says what it is")
    except (OSError, EOFError, zlib.error) as error:
        return damaged(error)
    return None
