"""Export of the measurements or fits of a store as one tidy table: CSV, Parquet or JSON."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.engine.study import block_runs, block_size_of
from learnprop.simulations.records.measure import Measured
from learnprop.simulations.records.rows import Fits, Measurements, columns_of
from learnprop.simulations.records.store import (
    Store,
    max_classes,
    read_blocks,
    read_fits,
    read_measurements,
)

if TYPE_CHECKING:
    import pandas as pd

FORMATS = {
    "csv": (".csv", ".csv.gz"),
    "parquet": (".parquet",),
    "json": (".json", ".json.gz"),
}
"""Endings of the file's name, by format."""

TABLES = ("measurements", "fits")


def export(
    store: Store,
    out: Path | BinaryIO,
    *,
    file_format: str | None = None,
    table: str = "measurements",
) -> int:
    """Write a table of a store to a file, whole or not at all, a block at a time.

    Parameters
    ----------
    store : Store
    out : Path or binary file
        A path is replaced if it is there, and compressed if it ends in ``.gz``. A file, such as
        that of stdout, takes text alone.
    file_format : {"csv", "parquet", "json"}, optional
        Numbers keep every bit. JSON is one array of records; what is missing is null, and an
        infinite number, such as the log-loss of a probability of zero, the text "Infinity" or
        "-Infinity". By default as the path ends; of a file it is CSV.
    table : {"measurements", "fits"}
        One row per cell, λ setting, run, epoch, stage, split, true class and predicted class; or
        one per fit, failed ones included.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    ValueError
        If a name is unknown, the path ends as another format does, or the package that the format
        needs is missing.
    """
    path = out if isinstance(out, Path) else None
    writer = {"csv": _csv, "parquet": _parquet, "json": _json}[format_of(path, file_format, table)]
    if not isinstance(out, Path):
        return _write(store, table, writer, out)
    beside = out.with_name(f"{out.name}.tmp")
    try:
        with beside.open("wb") as file:
            if out.suffix.lower() == ".gz":  # no time in it: the same rows are the same bytes
                with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                    n_rows = _write(store, table, writer, cast("BinaryIO", packed))
            else:
                n_rows = _write(store, table, writer, file)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    return n_rows


def format_of(path: Path | None, file_format: str | None, table: str) -> str:
    """Format that a path and what was said agree on.

    Parameters
    ----------
    path : Path or None
        None is stdout.
    file_format : str or None
        None is not said.
    table : str

    Returns
    -------
    {"csv", "parquet", "json"}

    Raises
    ------
    BadArgument
        Unless `export` can write that there.

    Examples
    --------
    >>> format_of(Path("a.json.gz"), None, "fits"), format_of(None, None, "fits")
    ('json', 'csv')
    >>> format_of(Path("a.csv"), "json", "fits")
    Traceback (most recent call last):
    ValueError: file_format must be csv, as out a.csv ends, got 'json'
    """
    if file_format is not None and file_format not in FORMATS:
        raise BadArgument(
            "file_format", f"must be one of {', '.join(FORMATS)}, got {file_format!r}"
        )
    if table not in TABLES:
        raise BadArgument("table", f"must be one of {', '.join(TABLES)}, got {table!r}")
    chosen = file_format or "csv"
    if path is not None and (path.suffix or file_format is None):
        chosen = next((f for f in FORMATS if path.name.lower().endswith(FORMATS[f])), "")
        if not chosen:
            known = ", ".join(ending for endings in FORMATS.values() for ending in endings)
            raise BadArgument("out", f"must end in {known}, got {path}")
        if file_format not in (None, chosen):
            raise BadArgument(
                "file_format", f"must be {chosen}, as `out` {path} ends, got {file_format!r}"
            )
    if chosen == "parquet" and path is None:
        raise BadArgument("file_format", "parquet needs a file (`out`); stdout takes csv and json")
    if chosen == "parquet" and find_spec("pyarrow") is None:
        raise BadArgument("file_format", "parquet needs: pip install 'learnprop[parquet]'")
    return chosen


def _write(
    store: Store,
    table: str,
    writer: Callable[[BinaryIO], AbstractContextManager[Callable[[pd.DataFrame], None]]],
    file: BinaryIO,
) -> int:
    n_rows = 0
    with writer(file) as write:
        for frame in _frames(store, table):
            write(frame)
            n_rows += len(frame)
    return n_rows


def _frames(store: Store, table: str) -> Iterator[pd.DataFrame]:
    """One table per block, so that memory does not grow with the store; at least one."""
    empty = True
    n_classes = max_classes(store) if table == "fits" else 0
    for cell, index, *_ in read_blocks(store):
        runs = block_runs(index, block_size_of(store.design))
        if table == "fits":
            yield fits_frame(cell, read_fits(store, cell, runs), n_classes)
            empty = False
        else:
            rows = read_measurements(store, cell, runs)
            if rows is not None:
                yield measurements_frame(cell, rows, class_labels(store, cell))
                empty = False
    if empty:
        raise ValueError(f"{store.path} holds no {table} yet")


def class_labels(store: Store, cell: str) -> tuple[str, ...]:
    """Names of a cell's classes, where the study knows them; else empty."""
    chosen = store.design.get("dataset")
    if isinstance(chosen, list):  # of several, the cell's name begins with its own
        chosen = cell.split()[0]
    if chosen is not None:
        return dataset_named(chosen).labels
    return tuple((store.design.get("file") or {}).get("labels", ()))


def measurements_frame(cell: str, rows: Measurements, labels: tuple[str, ...] = ()) -> pd.DataFrame:
    """Lay measurements out tidily.

    Parameters
    ----------
    cell : str
    rows : Measurements
    labels : tuple of str
        Names of the classes in place of their numbers.

    Returns
    -------
    DataFrame
        One row per row of `rows`, true class i and predicted class j. ``mean_proba`` is p̄(i→j),
        ``mean_square_proba`` the mean over class i of f_j², ``confusion`` the samples of class i
        predicted as j; ``class_count``, ``miss_proba`` (1 - p̄(i→i)) and ``log_loss`` (summed,
        nats) belong to class i.
    """
    import pandas as pd

    n, n_classes = rows.class_count.shape
    pairs = n_classes**2

    columns: dict[str, Any] = {"cell": [cell] * (n * pairs)}
    columns |= {key: np.repeat(getattr(rows, key), pairs) for key in columns_of(rows)}
    names = np.array(labels or range(n_classes))
    columns["true_class"] = np.tile(np.repeat(names, n_classes), n)
    columns["predicted_class"] = np.tile(names, n * n_classes)
    for name, values in ((f.name, getattr(rows, f.name)) for f in fields(Measured)):
        if values.ndim <= 3:  # of true classes, or of pairs
            columns[name] = np.repeat(values, n_classes ** (3 - values.ndim))
    frame = pd.DataFrame(columns)
    square = np.einsum("rijj->rij", rows.second_moment).reshape(-1)
    frame.insert(frame.columns.get_loc("mean_proba") + 1, "mean_square_proba", square)
    return frame


def fits_frame(cell: str, rows: Fits, n_classes: int) -> pd.DataFrame:
    """Lay fits out, one row each, with status, reason, traceback and a bias of each class.

    Parameters
    ----------
    cell : str
    rows : Fits
    n_classes : int
        Of the cell that has most; biases of classes that this one lacks are missing.

    Returns
    -------
    DataFrame
    """
    import pandas as pd

    columns: dict[str, Any] = {"cell": [cell] * len(rows)}
    for name, values in vars(rows).items():
        if values.ndim == 1:
            columns[name] = values
        else:
            padded = np.full((len(rows), n_classes), np.nan)
            padded[:, : values.shape[1]] = values
            columns |= {f"{name}_{k}": column for k, column in enumerate(padded.T)}
    return pd.DataFrame(columns)


@contextmanager
def _csv(file: BinaryIO) -> Iterator[Callable[[pd.DataFrame], None]]:
    first = True

    def write(frame: pd.DataFrame) -> None:
        nonlocal first
        file.write(frame.to_csv(index=False, header=first, lineterminator="\n").encode())
        first = False

    yield write


@contextmanager
def _json(file: BinaryIO) -> Iterator[Callable[[pd.DataFrame], None]]:
    separator = "[\n"

    def write(frame: pd.DataFrame) -> None:
        nonlocal separator
        values = frame.astype(object).where(frame.notna(), None)
        for infinite in (np.inf, -np.inf):  # JSON has no such number
            values = values.mask(frame == infinite, json.dumps(infinite))
        for record in values.to_dict("records"):
            # json writes the shortest digits that read back as the same number
            text = json.dumps(record, ensure_ascii=False, allow_nan=False)
            file.write(f"{separator}{text}".encode())
            separator = ",\n"

    yield write
    file.write(b"\n]\n")


@contextmanager
def _parquet(file: BinaryIO) -> Iterator[Callable[[pd.DataFrame], None]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writers: list[Any] = []

    def write(frame: pd.DataFrame) -> None:
        rows = pa.Table.from_pandas(frame, preserve_index=False)
        if not writers:
            writers.append(pq.ParquetWriter(file, rows.schema))
        writers[0].write_table(rows.cast(writers[0].schema))

    try:
        yield write
    finally:
        for writer in writers:
            writer.close()
