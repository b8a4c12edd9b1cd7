"""npz files: arrays read side by side, piece by piece, compressed or not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from learnprop.audit.predictions.user_predictions.faults import damaged
from learnprop.audit.predictions.user_predictions.table import Columns, Piece, Table, coded
from learnprop.equations.arguments import BadArgument

_ROWS = 1 << 16  # rows that are held at a time


@dataclass(frozen=True)
class _Header:
    shape: tuple[int, ...]
    by_column: bool
    dtype: np.dtype[Any]


def npz_table(path: Path) -> Table:
    """Open an npz file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Table

    Raises
    ------
    BadArgument
        About ``file``: if it is damaged, or holds Python objects.
    """
    headers = {}
    try:
        with ZipFile(path) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a damaged header
            for member in archive.namelist():
                with archive.open(member) as file:
                    name = member.removesuffix(".npy")
                    if name in headers:
                        raise ValueError(f"it holds {name} twice")
                    headers[name] = _header(file)
    except Exception as error:  # a damaged file raises whatever its bytes happen to mean
        raise damaged(error) from None
    lengths = {name: h.shape[1] for name, h in headers.items() if len(h.shape) == 2}
    return Table(tuple(headers), partial(_pieces, path, headers), lambda name: lengths.get(name, 1))


def _header(file: Any) -> _Header:
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0
    }[version]  # fmt: skip
    return _Header(*read(file))


def _pieces(path: Path, headers: dict[str, _Header], columns: Columns) -> Iterator[Piece]:
    wanted = [name for name in (columns.label, *columns.proba, columns.weight, columns.by) if name]
    for name in wanted:
        _check(name, headers, columns)
    n = headers[columns.label].shape[0]
    try:
        with ZipFile(path) as archive, ExitStack() as stack:
            rows = {}
            for name in wanted:
                file = stack.enter_context(archive.open(f"{name}.npy"))
                _header(file)
                rows[name] = _rows(file, headers[name])
            for first in range(0, n, _ROWS):
                part = {name: next(pieces) for name, pieces in rows.items()}
                values = part[columns.proba[0]] if columns.proba else np.empty((0, 0))
                yield Piece(
                    coded(part[columns.label], first + 1),
                    values[:, None] if values.ndim == 1 else values,
                    part[columns.weight] if columns.weight else None,
                    coded(part[columns.by], first + 1) if columns.by else None,
                    first + 1,
                )
            for pieces in rows.values():  # to their ends, where checksums are compared
                next(pieces, None)
    except (BadArgument, MemoryError):
        raise
    except Exception as error:  # a damaged file raises whatever its bytes happen to mean
        raise damaged(error) from None


def _check(name: str, headers: dict[str, _Header], columns: Columns) -> None:
    header, n = headers[name], headers[columns.label].shape[:1]
    if header.dtype.hasobject:
        said = f": {name} holds Python objects, not numbers or strings"
        raise BadArgument("file", said)
    dims = (1, 2) if name in columns.proba else (1,)
    if len(header.shape) not in dims or header.shape[:1] != n:
        shape = "(n_samples, n_classes)" if 2 in dims else "(n_samples,)"
        said = f": {name} must have shape {shape}, got {header.shape}"
        if name != columns.label:
            said += f" beside {columns.label} of {n}"
        elif len(header.shape) == 2 and header.shape[1] > 1:
            said += "; if it is one-hot, store its argmax(axis=1)"
        raise BadArgument("file", said)
    if name in (*columns.proba, columns.weight) and header.dtype.kind not in "iuf":
        raise BadArgument("file", f": {name} must hold numbers, got {header.dtype}")


def _rows(file: Any, header: _Header) -> Iterator[np.ndarray]:
    """Rows of an array, some at a time; one that is stored column by column is read whole."""
    n, *more = header.shape
    if header.by_column and more:
        whole = _read(file, header.dtype, n * more[0]).reshape(more[0], n).T
        yield from (whole[a : a + _ROWS] for a in range(0, n, _ROWS))
        return
    width = int(np.prod(more, dtype=np.int64))
    for a in range(0, n, _ROWS):
        m = min(_ROWS, n - a)
        yield _read(file, header.dtype, m * width).reshape(m, *more)
    if file.read(1):
        raise ValueError("it holds more bytes than its header says")


def _read(file: Any, dtype: np.dtype[Any], n: int) -> np.ndarray:
    content = file.read(n * dtype.itemsize)
    if len(content) != n * dtype.itemsize:
        raise ValueError("it ends early")
    found = np.frombuffer(content, dtype)
    if dtype.kind in "iuf" and dtype not in (np.float32, np.float16):
        return found.astype(np.float64 if dtype.kind == "f" else np.int64, copy=False)
    return found
