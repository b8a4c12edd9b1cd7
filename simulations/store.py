"""The SQLite store of a study: one file, one writer, one transaction per block.

Arrays are little-endian blobs (float64 and int64, C order), so that what comes out is what went
in, bit for bit. The journal is write-ahead: a process killed at any moment leaves every finished
block readable.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from simulations.records import Block, Fits, Measurements

FILE_NAME = "records.sqlite"
SCHEMA_VERSION = 1
_MAGIC = b"SQLite format 3\x00"

_KEYS = ("setting", "run", "epoch", "stage")
_ARRAYS: dict[str, tuple[str, int]] = {  # name -> (dtype, number of class axes)
    "class_count": ("<i8", 1),
    "mean_proba": ("<f8", 2),
    "confusion": ("<i8", 2),
    "log_loss": ("<f8", 1),
    "second_moment": ("<f8", 3),
}
_SCHEMA = f"""
CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE block (
    cell TEXT, block INTEGER, n_runs INTEGER NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (cell, block)) WITHOUT ROWID;
CREATE TABLE fit (
    cell TEXT, setting TEXT, run INTEGER, epoch INTEGER, stage TEXT, status TEXT NOT NULL,
    reason TEXT NOT NULL, n_iter INTEGER NOT NULL, loss REAL, gradient_norm REAL,
    bias_gradient REAL, PRIMARY KEY (cell, run, setting, epoch, stage)) WITHOUT ROWID;
CREATE TABLE measurement (
    cell TEXT, setting TEXT, run INTEGER, epoch INTEGER, stage TEXT, split TEXT,
    n_classes INTEGER NOT NULL, {", ".join(f"{name} BLOB NOT NULL" for name in _ARRAYS)},
    PRIMARY KEY (cell, run, setting, epoch, stage, split)) WITHOUT ROWID;
"""


class StoreError(ValueError):
    """A store that cannot be used as asked; the message is one line for the user."""


@dataclass(frozen=True)
class Store:
    """An open store."""

    path: Path
    connection: sqlite3.Connection


@contextmanager
def open_store(
    out: Path, study: str, design: Mapping[str, Any], *, fresh: bool = False
) -> Iterator[Store]:
    """Open the store in the folder `out`, or create it, as its only writer.

    Parameters
    ----------
    out : Path
        Existing folder.
    study : str
        Name of the study, e.g. "table1".
    design : mapping
        All that determines the numbers, JSON-able. A store of another design is refused.
    fresh : bool
        Put a store that is there aside, as ``records.1.sqlite`` and so on, and start over.

    Yields
    ------
    Store

    Raises
    ------
    StoreError
        If another process writes there, or the file is damaged, or holds another study, another
        schema or another design. Nothing is changed then.
    """
    path = out / FILE_NAME
    lock = FileLock(out / f"{FILE_NAME}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(f"--out {out} is in use: another process writes {path.name}") from None
    try:
        if path.exists() and not fresh:
            check_store(path, study, design)
            connection = _connect(path)
        else:
            if path.exists():
                _put_aside(path)
            connection = _create(path, study, design)
        try:
            yield Store(path, connection)
        finally:
            connection.close()
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _create(path: Path, study: str, design: Mapping[str, Any]) -> sqlite3.Connection:
    connection = _connect(path)
    about = {"schema": SCHEMA_VERSION, "study": study, "design": design}
    with _transaction(connection):
        for statement in filter(str.strip, _SCHEMA.split(";")):
            connection.execute(statement)
        connection.executemany(
            "INSERT INTO study VALUES (?, ?)",
            [(key, json.dumps(value, sort_keys=True)) for key, value in about.items()],
        )
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _put_aside(path: Path) -> None:
    n = 1
    while (aside := path.with_name(f"records.{n}.sqlite")).exists():
        n += 1
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))


def check_store(path: Path, study: str, design: Mapping[str, Any]) -> None:
    """Raise `StoreError` unless `path` is an intact store of this study and design.

    Parameters
    ----------
    path : Path
        Existing file.
    study : str
    design : mapping

    Raises
    ------
    StoreError
        Naming the file and what is wrong, and saying what to do.
    """
    advice = "use another --out, or --fresh to put it aside and start over"
    with path.open("rb") as file:
        magic = file.read(len(_MAGIC))
    if magic != _MAGIC:
        raise StoreError(f"--out: {path} is not an SQLite file, or was cut short; {advice}")
    try:
        connection = sqlite3.connect(path)
        try:
            damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            about = {
                key: json.loads(value) for key, value in connection.execute("SELECT * FROM study")
            }
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        if "no such table" in str(error):
            raise StoreError(f"--out: {path} is not a store of learnprop; {advice}") from None
        raise StoreError(f"--out: {path} is damaged ({error}); {advice}") from None
    if damage != "ok":
        raise StoreError(f"--out: {path} is damaged ({damage.splitlines()[-1]}); {advice}")
    if about.get("schema") != SCHEMA_VERSION:
        raise StoreError(
            f"--out: {path} has schema {about.get('schema')}, not {SCHEMA_VERSION}; {advice}"
        )
    if about["study"] != study:
        raise StoreError(
            f"--out: {path} holds the study {about['study']!r}, not {study!r}; {advice}"
        )
    changes = _changes(about["design"], json.loads(json.dumps(design)))
    if changes:
        raise StoreError(f"--out: {path} has another design: {'; '.join(changes)}; {advice}")


def _changes(old: Any, new: Any, name: str = "") -> list[str]:
    """What differs between two JSON values, as ``name old -> new``."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            change
            for key in sorted(old.keys() | new.keys())
            for change in _changes(old.get(key), new.get(key), f"{name}.{key}".lstrip("."))
        ]
    return [] if old == new else [f"{name} {json.dumps(old)} -> {json.dumps(new)}"]


def finished_runs(store: Store) -> dict[tuple[str, int], int]:
    """Number of runs kept of each finished block, by (cell, block)."""
    rows = store.connection.execute("SELECT cell, block, n_runs FROM block")
    return {(cell, block): n_runs for cell, block, n_runs in rows}


def save_block(store: Store, block: Block, runs: range) -> None:
    """Write a block in one transaction, rows of runs outside `runs` left out.

    Parameters
    ----------
    store : Store
    block : Block
    runs : range
        Runs to keep; a block that is already there is replaced by the same numbers and more.
    """
    with _transaction(store.connection) as _:
        execute = store.connection.executemany
        for table in ("fit", "measurement"):
            store.connection.execute(
                f"DELETE FROM {table} WHERE cell = ? AND run BETWEEN ? AND ?",
                (block.cell, runs.start, runs.stop - 1),
            )
        columns = [getattr(block.fits, f.name).tolist() for f in fields(Fits)]
        execute(
            f"INSERT INTO fit VALUES (?, {', '.join('?' * len(columns))})",
            ((block.cell, *row) for row in zip(*columns, strict=True) if row[1] in runs),
        )
        if block.measurements is not None:
            execute(
                f"INSERT INTO measurement VALUES ({', '.join('?' * (7 + len(_ARRAYS)))})",
                _measurement_rows(block.cell, block.measurements, runs),
            )
        store.connection.execute(
            "INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?)",
            (block.cell, block.index, len(runs), block.seconds),
        )


def _measurement_rows(cell: str, rows: Measurements, runs: range) -> Iterator[tuple[Any, ...]]:
    n_classes = rows.class_count.shape[1]
    keys = [getattr(rows, name).tolist() for name in (*_KEYS, "split")]
    arrays = [
        np.ascontiguousarray(getattr(rows, name), dtype=dtype)
        for name, (dtype, _) in _ARRAYS.items()
    ]
    for i, key in enumerate(zip(*keys, strict=True)):
        if key[1] in runs:
            yield (cell, *key, n_classes, *(array[i].tobytes() for array in arrays))


def read_fits(store: Store, cell: str) -> Fits:
    """Read all fits of a data cell, in the order of run, setting, epoch and stage."""
    names = [f.name for f in fields(Fits)]
    rows = store.connection.execute(
        f"SELECT {', '.join(names)} FROM fit WHERE cell = ? ORDER BY run, setting, epoch, stage",
        (cell,),
    ).fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return Fits(*(np.array(column) for column in columns))


def read_measurements(store: Store, cell: str) -> Measurements | None:
    """Read all measurements of a data cell in the order of their key; None where there are none."""
    keys = (*_KEYS, "split")
    rows = store.connection.execute(
        f"SELECT {', '.join((*keys, 'n_classes', *_ARRAYS))} FROM measurement WHERE cell = ? "
        "ORDER BY run, setting, epoch, stage, split",
        (cell,),
    ).fetchall()
    if not rows:
        return None
    columns = list(zip(*rows, strict=True))
    n_classes = columns[len(keys)][0]
    arrays = {
        name: np.frombuffer(b"".join(column), dtype=dtype).reshape(-1, *(n_classes,) * n_axes)
        for (name, (dtype, n_axes)), column in zip(
            _ARRAYS.items(), columns[len(keys) + 1 :], strict=True
        )
    }
    labels = {key: np.array(column) for key, column in zip(keys, columns, strict=False)}
    return Measurements(**labels, **arrays)
