"""The SQLite store of a study: one file, one writer, one transaction per block.

The journal is write-ahead: a process killed at any moment leaves every finished block readable.
What the tables hold is in `learnprop.simulations.records.store`.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from learnprop.equations.arguments import BadArgument, Worded, marked, shown
from learnprop.simulations.records.design_changes import summary_of
from learnprop.simulations.records.store import SCHEMA, Store, transaction

FILE_NAME = "records.sqlite"
LOCK_NAME = f"{FILE_NAME}.lock"
SCHEMA_VERSION = 5
_MAGIC = b"SQLite format 3\x00"
_JOURNALS = ("-wal", "-shm")


class StoreError(Worded, ValueError):
    """A store that cannot be used as asked; the message is one line for the user."""


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
    out = _folder(out, "out")
    path = out / FILE_NAME
    lock = FileLock(out / LOCK_NAME)
    try:
        lock.acquire(timeout=0.1, poll_interval=0.02)  # `is_written` may hold it for an instant
    except Timeout:
        raise StoreError(f"`out` {out} is in use: another process writes {path.name}") from None
    try:
        if fresh:
            _put_aside(path)
        if path.exists():
            try:
                check_store(path, study, design)
            except StoreError as error:
                advice = "use another `out`, or `fresh` to put it aside and start over"
                raise StoreError(f"`out`: {marked(error)}; {advice}") from None
        else:
            _create(path, study, design)
        connection = _connect(path)
        try:
            yield Store(path, connection, study, json.loads(json.dumps(dict(design))))
        finally:
            connection.close()
    finally:
        # Unlinked while it is held: whoever waits for this file sees that it is gone, and retries.
        with suppress(OSError):
            Path(lock.lock_file).unlink()
        lock.release()


@contextmanager
def read_store(folder: Path) -> Iterator[Store]:
    """Open the store in a folder for reading, also while another process writes it.

    Parameters
    ----------
    folder : Path

    Yields
    ------
    Store

    Raises
    ------
    StoreError
        If there is none, or it is damaged or has another schema.
    """
    folder = _folder(folder, "folder")
    path = folder / FILE_NAME
    if not path.is_file():
        raise StoreError(f"{folder} holds no {FILE_NAME}: not a folder written by `out`")
    about = _about(path)
    connection = _connect_to_read(path)
    try:
        yield Store(path, connection, about["study"], about["design"])
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} is damaged ({error})") from None
    finally:
        connection.close()


def _folder(folder: str | Path, name: str) -> Path:
    try:
        return Path(folder)
    except TypeError:
        raise BadArgument(name, f"must be a folder, got {shown(folder)}") from None


def is_written(folder: Path) -> bool:
    """Whether a process on this machine writes the store in `folder` now."""
    if not (folder / LOCK_NAME).exists():
        return False
    lock = FileLock(folder / LOCK_NAME)
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a folder that cannot be written has no writer
        return False


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    uri = path.absolute().as_uri()
    if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        connection = sqlite3.connect(f"{uri}?mode=rw", uri=True, isolation_level=None)
        connection.execute("PRAGMA query_only = 1")
        return connection
    # A read-only folder has no room for the index of a journal; without a journal none is needed.
    journal = path.with_name(path.name + "-wal").exists()
    mode = "mode=ro" if journal else "mode=ro&immutable=1"
    return sqlite3.connect(f"{uri}?{mode}", uri=True, isolation_level=None)


def _create(path: Path, study: str, design: Mapping[str, Any]) -> None:
    """Make an empty store beside `path` and move it there: a kill leaves all of it or nothing."""
    beside = path.with_name("records.new.sqlite")
    for stale in (beside, *(p.with_name(p.name + j) for p in (path, beside) for j in _JOURNALS)):
        stale.unlink(missing_ok=True)
    connection = sqlite3.connect(beside, isolation_level=None)
    try:
        with transaction(connection):
            for statement in filter(str.strip, SCHEMA.split(";")):
                connection.execute(statement)
            about = {"schema": SCHEMA_VERSION, "study": study, "design": design}
            connection.executemany(
                "INSERT INTO study VALUES (?, ?)",
                [(key, json.dumps(value, sort_keys=True)) for key, value in about.items()],
            )
    finally:
        connection.close()
    beside.replace(path)


def _put_aside(path: Path) -> None:
    """Rename a store to ``records.N.sqlite``, its journal written back into it first."""
    if not path.exists():
        return
    n = 1
    while (aside := path.with_name(f"records.{n}.sqlite")).exists():
        n += 1
    with suppress(sqlite3.DatabaseError):  # a damaged file keeps its journal, below
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
    for suffix in ("", *_JOURNALS):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))


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
        Naming the file and what is wrong.
    """
    about = _about(path, thorough=True)
    if about["study"] != study:
        raise StoreError(f"{path} holds the study {about['study']!r}, not {study!r}")
    held, wanted = (_kind(d) for d in (about["design"], design))
    if held != wanted:
        raise StoreError(f"{path} holds {held}, and this is {wanted}")
    old, new = about["design"], json.loads(json.dumps(dict(design)))
    if different := summary_of(old, new):
        of_code = old.get("code") != new.get("code") and old | {"code": 0} == new | {"code": 0}
        what = "is of another code version" if of_code else "has another design"
        reads = "learnprop report, status and export still read it"
        raise StoreError(f"{path} {what}: {different}; {reads}")


def _kind(design: Mapping[str, Any]) -> str:
    return "a quick look" if design.get("quick") else "the study in full"


def _about(path: Path, *, thorough: bool = False) -> dict[str, Any]:
    """What the store says of itself, once it is seen to be one; `thorough` looks at every page."""
    with path.open("rb") as file:
        magic = file.read(len(_MAGIC))
    if magic != _MAGIC:
        raise StoreError(f"{path} is not an SQLite file, or was cut short")
    try:
        connection = _connect_to_read(path)
        try:
            damage = "ok"
            if thorough:
                damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            rows = connection.execute("SELECT key, value FROM study").fetchall()
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        if "no such" in str(error):
            raise StoreError(f"{path} is not a store of learnprop") from None
        raise StoreError(f"{path} is damaged ({error})") from None
    if damage != "ok":
        raise StoreError(f"{path} is damaged ({damage.splitlines()[-1]})")
    about = {key: json.loads(value) for key, value in rows}
    if about.get("schema") != SCHEMA_VERSION:
        raise StoreError(f"{path} has schema {about.get('schema')}, not {SCHEMA_VERSION}")
    return about
