"""Tables of an open store: blocks, fits and measurements in, out, and as a canonical dump.

The arrays of a row are one little-endian blob (float64 and int64, C order, as `row_type` lays them
out), so that what comes out is what went in, bit for bit. A blob per array took a third longer to
write: a value costs SQLite more than its bytes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from learnprop.equations.arguments import instance_of
from learnprop.simulations.records.rows import (
    FAILED_STATUSES,
    Block,
    Fits,
    Measurements,
    Rows,
    columns_of,
    key_of,
    rows_where,
)


def _created(table: str, record: Any) -> str:
    columns = ", ".join(f"{name} {sql}" for name, sql in columns_of(record).items())
    return (
        f"CREATE TABLE {table} (cell TEXT, {columns}, n_classes INTEGER NOT NULL, "
        f"arrays BLOB NOT NULL, PRIMARY KEY (cell, {', '.join(key_of(record))})) WITHOUT ROWID;"
    )


SCHEMA = f"""
CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE block (
    cell TEXT, block INTEGER, n_runs INTEGER NOT NULL, seconds REAL NOT NULL,
    timed_out REAL, note TEXT NOT NULL, PRIMARY KEY (cell, block)) WITHOUT ROWID;
{_created("fit", Fits)}
{_created("measurement", Measurements)}
"""
_FAILED = f"status IN ({', '.join(repr(status) for status in FAILED_STATUSES)})"
_ALL_RUNS = range(2**62)
_ROWS_AT_ONCE = 25
"""Of a statement: row by row SQLite takes 1.6 times as long, most of it before it writes."""


@dataclass(frozen=True)
class Store:
    """An open store.

    Attributes
    ----------
    path : Path
    connection : sqlite3.Connection
    study : str
    design : dict
        All that determines the numbers.
    """

    path: Path
    connection: sqlite3.Connection
    study: str
    design: dict[str, Any]


def check_store_is_open(store: Store) -> Store:
    """Return what `open_store` yields; raise BadArgument where it is anything else."""
    found: Store = instance_of(store, "store", Store, "what `open_store` yields")
    return found


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the body in one transaction: all of it is written, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def write_session(store: Store, session: Mapping[str, Any]) -> None:
    """Note who computes the study, and how much of it: what ``learnprop status`` shows.

    Parameters
    ----------
    store : Store
    session : mapping
        JSON-able; no part of the results.
    """
    store.connection.execute(
        "INSERT OR REPLACE INTO study VALUES ('session', ?)", (json.dumps(dict(session)),)
    )


def read_session(store: Store) -> dict[str, Any]:
    """Read what `write_session` noted last; empty where it did not."""
    row = store.connection.execute("SELECT value FROM study WHERE key = 'session'").fetchone()
    return json.loads(row[0]) if row else {}


def read_inputs(store: Store) -> dict[str, str]:
    """Where the files are that a study reads: as noted last, or moved along with the store."""
    noted: dict[str, str] = read_session(store).get("inputs", {})
    moved = {name: store.path.parent / Path(path).name for name, path in noted.items()}
    return {
        name: str(moved[name]) if moved[name].exists() and not Path(path).exists() else path
        for name, path in noted.items()
    }


def finished_runs(store: Store, timeout: float | None = None) -> dict[tuple[str, int], int]:
    """Number of runs kept of each finished block, by (cell, block).

    A block that timed out under a shorter limit than `timeout` seconds (None is no limit) is not
    finished: it deserves another try.
    """
    rows = store.connection.execute(
        "SELECT cell, block, n_runs FROM block WHERE timed_out IS NULL OR timed_out >= ?",
        (float("inf") if timeout is None else timeout,),
    )
    return {(cell, block): n_runs for cell, block, n_runs in rows}


def read_blocks(store: Store) -> list[tuple[str, int, int, float, float | None, str]]:
    """Rows (cell, block, n_runs, seconds, timed_out, note) of the blocks that are there."""
    return store.connection.execute("SELECT * FROM block ORDER BY cell, block").fetchall()


def seconds_of_blocks(store: Store) -> dict[str, tuple[int, float]]:
    """Blocks that are there, by cell: how many, and their seconds together."""
    rows = store.connection.execute("SELECT cell, COUNT(*), SUM(seconds) FROM block GROUP BY cell")
    return {cell: (n, seconds) for cell, n, seconds in rows}


def failed_runs(store: Store) -> dict[str, set[int]]:
    """Replications of which any fit has no model, by cell."""
    failed: dict[str, set[int]] = {}
    for cell, run in store.connection.execute(f"SELECT cell, run FROM fit WHERE {_FAILED}"):
        failed.setdefault(cell, set()).add(run)
    return failed


def max_classes(store: Store) -> int:
    """Number of classes of the cell that has most; 0 without fits."""
    (most,) = store.connection.execute("SELECT MAX(n_classes) FROM fit").fetchone()
    return most or 0


def save_block(store: Store, block: Block, runs: range) -> None:
    """Write a block in one transaction, rows of runs outside `runs` left out.

    Parameters
    ----------
    store : Store
    block : Block
    runs : range
        Runs to keep; a block that is already there is replaced by the same numbers and more.
    """
    connection = store.connection
    with transaction(connection):
        for table in ("fit", "measurement"):
            connection.execute(
                f"DELETE FROM {table} WHERE cell = ? AND run BETWEEN ? AND ?",
                (block.cell, runs.start, runs.stop - 1),
            )
        tables = {"fit": _columns(block.cell, _within(block.fits, runs))}
        if block.measurements is not None:
            tables["measurement"] = _columns(block.cell, _within(block.measurements, runs))
        for table, columns in tables.items():
            _insert(connection, table, columns)
        connection.execute(
            "INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?, ?, ?)",
            (block.cell, block.index, len(runs), block.seconds, block.timed_out, block.note),
        )


def _insert(connection: sqlite3.Connection, table: str, columns: Sequence[list[Any]]) -> None:
    rows, marks = list(zip(*columns, strict=True)), f"({', '.join('?' * len(columns))})"
    for i in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[i : i + _ROWS_AT_ONCE]
        values = list(chain.from_iterable(some))
        connection.execute(f"INSERT INTO {table} VALUES {', '.join([marks] * len(some))}", values)


def _within(rows: Rows, runs: range) -> Rows:
    keep = (rows.run >= runs.start) & (rows.run < runs.stop)
    return rows if keep.all() else rows_where(rows, keep)


def _columns(cell: str, rows: Fits | Measurements) -> list[list[Any]]:
    """Columns in the order of their table."""
    n, n_classes = len(rows), getattr(rows, fields(rows)[-1].name).shape[1]
    packed = np.empty(n, row_type(rows, n_classes))
    for name in packed.dtype.names or ():
        packed[name] = np.reshape(getattr(rows, name), packed[name].shape)
    whole, size = packed.tobytes(), packed.itemsize
    blobs = [whole[i : i + size] for i in range(0, len(whole), size)]
    columns = [getattr(rows, name).tolist() for name in columns_of(rows)]
    return [[cell] * n, *columns, [n_classes] * n, blobs]


def row_type(record: Any, n_classes: int) -> np.dtype:
    """Layout of the arrays of one row.

    Parameters
    ----------
    record : Fits or Measurements
        Or the class.
    n_classes : int

    Returns
    -------
    dtype

    Examples
    --------
    >>> row_type(Fits, 3).itemsize  # four float64 of each class
    96
    """
    return np.dtype(
        [
            (f.name, f.metadata["dtype"], (n_classes,) * f.metadata["class_axes"])
            for f in fields(record)
            if "dtype" in f.metadata
        ]
    )


def read_fits(store: Store, cell: str, runs: range = _ALL_RUNS) -> Fits:
    """Read fits of a data cell, in the order of run, setting, epoch and stage.

    Parameters
    ----------
    store : Store
    cell : str
    runs : range
        All by default.

    Returns
    -------
    Fits
    """
    return _read(check_store_is_open(store), "fit", Fits, cell, runs)


def read_measurements(store: Store, cell: str, runs: range = _ALL_RUNS) -> Measurements | None:
    """Read measurements of a data cell in the order of their key; None where there are none.

    Parameters
    ----------
    store : Store
    cell : str
    runs : range
        All by default.

    Returns
    -------
    Measurements or None
    """
    return _read(check_store_is_open(store), "measurement", Measurements, cell, runs) or None


def _read(store: Store, table: str, record: type[Rows], cell: str, runs: range) -> Rows:
    columns = columns_of(record)
    rows = store.connection.execute(
        f"SELECT {', '.join(columns)}, n_classes, arrays FROM {table} "
        f"WHERE cell = ? AND run BETWEEN ? AND ? ORDER BY {', '.join(key_of(record))}",
        (cell, runs.start, runs.stop - 1),
    ).fetchall()
    *values, n_classes, blobs = zip(*rows, strict=True) if rows else [()] * (len(columns) + 2)
    packed = np.frombuffer(b"".join(blobs), row_type(record, n_classes[0] if rows else 1))
    return record(
        **{
            # NULL was NaN
            name: np.array(column, dtype=np.float64 if sql == "REAL" else None)
            for (name, sql), column in zip(columns.items(), values, strict=True)
        },
        **{name: np.ascontiguousarray(packed[name]) for name in packed.dtype.names or ()},
    )


def canonical_dump(store: Store) -> Iterator[str]:
    """Write everything in the store that is a result as lines of text, in the order of the keys.

    Two stores with the same dump hold the same bits. Times, sessions and tracebacks (they name
    paths) are left out; blobs and floats are in hexadecimal.

    Yields
    ------
    str
        One line per row, without its end.
    """
    yield json.dumps({"study": store.study, "design": store.design}, sort_keys=True)
    fit = [name for name in (*columns_of(Fits), "n_classes", "arrays") if name != "traceback"]
    for query in (
        "SELECT 'block', cell, block, n_runs, timed_out, note FROM block ORDER BY cell, block",
        f"SELECT 'fit', cell, {', '.join(fit)} FROM fit ORDER BY cell, run, setting, epoch, stage",
        "SELECT 'measurement', * FROM measurement ORDER BY cell, run, setting, epoch, stage, split",
    ):
        for row in store.connection.execute(query):
            yield json.dumps([_text(value) for value in row], ensure_ascii=False)


def _text(value: Any) -> Any:
    if isinstance(value, float):
        return value.hex()
    return value.hex() if isinstance(value, bytes) else value
