"""Replay: a block computed once more from its key, and compared with the store bit by bit."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from learnprop.equations.arguments import marked
from learnprop.simulations.engine.blocks import compute_one
from learnprop.simulations.engine.study import Study, StudyError
from learnprop.simulations.engine.tasks import Task
from learnprop.simulations.records.rows import KEY, Fits, Rows, key_of, rows_where
from learnprop.simulations.records.store import (
    Store,
    finished_runs,
    read_blocks,
    read_fits,
    read_measurements,
)
from learnprop.simulations.records.store_file import StoreError

_NOT_COMPARED = (*KEY, "traceback")  # a traceback names paths


@dataclass(frozen=True)
class Difference:
    """The values of one field that differ; ``largest`` is absolute, NaN where it has no meaning."""

    field: str
    count: int
    largest: float
    where: str


@dataclass(frozen=True)
class Replay:
    """A block computed again, beside what the store holds of it.

    Attributes
    ----------
    runs : range
        Replications that the store keeps of the block.
    n_fits, n_measurements : int
        Rows compared.
    differences : tuple of Difference
        Empty where every bit agrees.
    stored, again : Fits
        Fits of the replication asked for.
    seconds : float
    timed_out : float or None
        Limit that the stored block ran past: it holds nothing to compare with.
    """

    runs: range
    n_fits: int
    n_measurements: int
    differences: tuple[Difference, ...]
    stored: Fits
    again: Fits
    seconds: float
    timed_out: float | None = None


def replay(study: Study, store: Store, cell: str, run: int) -> Replay:
    """Compute the block of a replication again and compare it with the store.

    Parameters
    ----------
    study : Study
        Of the store, laid out again.
    store : Store
    cell : str
    run : int

    Returns
    -------
    Replay

    Raises
    ------
    StoreError
        If there is no such cell, the store does not hold the replication, or nothing can be
        computed here, e.g. because the study's own data are gone.
    """
    cells = {c.name: c for c in study.cells}
    if cell not in cells:
        raise StoreError(f"`cell` must be one of {', '.join(cells)}, got {cell!r}")
    size = study.block_size
    index = run // size
    kept = finished_runs(store, timeout=0.0).get((cell, index), 0)
    runs = range(index * size, index * size + kept)
    if run not in runs:
        raise StoreError(f"`run` {run} of cell {cell} is not in {store.path}")
    block = compute_one(Task(study.compute_block, cells[cell], study.seed, index, size=size))
    if isinstance(block, StudyError):
        raise StoreError(f"{store.path.parent} cannot be replayed: {marked(block)}")
    fits, measured = read_fits(store, cell, runs), read_measurements(store, cell, runs)
    again = _ordered(_kept(block.fits, runs))
    timed_out = {row[:2]: row[4] for row in read_blocks(store)}[cell, index]
    differences = [] if timed_out is not None else _compare(fits, again)
    if timed_out is None and (measured is not None or block.measurements is not None):
        empty = measured if measured is not None else block.measurements
        assert empty is not None
        none = rows_where(empty, np.zeros(len(empty), dtype=bool))
        new = none if block.measurements is None else _ordered(_kept(block.measurements, runs))
        differences += _compare(none if measured is None else measured, new)
    return Replay(
        runs=runs,
        n_fits=len(fits),
        n_measurements=0 if measured is None else len(measured),
        differences=tuple(differences),
        stored=rows_where(fits, fits.run == run),
        again=rows_where(again, again.run == run),
        seconds=block.seconds,
        timed_out=timed_out,
    )


def _kept(rows: Rows, runs: range) -> Rows:
    return rows_where(rows, (rows.run >= runs.start) & (rows.run < runs.stop))


def _ordered(rows: Rows) -> Rows:
    """In the order in which the store gives rows back."""
    order = np.lexsort([getattr(rows, key) for key in reversed(key_of(rows))])
    return type(rows)(**{f.name: getattr(rows, f.name)[order] for f in fields(rows)})


def _compare(stored: Rows, again: Rows) -> list[Difference]:
    """Differences field by field, or one that says that the rows are not the same ones."""
    same_rows = len(stored) == len(again) and all(
        (getattr(stored, key) == getattr(again, key)).all() for key in key_of(stored)
    )
    if not same_rows:
        where = f"{len(stored)} rows in the store, {len(again)} computed"
        count = abs(len(stored) - len(again))
        return [Difference(type(stored).__name__.lower(), count, float("nan"), where)]
    found = []
    for f in fields(stored):
        if f.name in _NOT_COMPARED:
            continue
        differs, size = _differences(getattr(stored, f.name), getattr(again, f.name))
        if differs.any():
            worst = int(np.where(differs, np.nan_to_num(size, nan=-1.0), -2.0).argmax())
            where = ", ".join(f"{key} {getattr(stored, key)[worst]}" for key in key_of(stored))
            found.append(Difference(f.name, int(differs.sum()), float(size[worst]), where))
    return found


def _differences(old: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per row: whether any bit differs, and the largest absolute difference, NaN of words."""
    if old.dtype.kind == "U":
        return old != new, np.full(len(old), np.nan)
    if new.ndim == 1:
        new = new + 0  # SQLite keeps -0.0 in a column of numbers as 0.0
    old, new = (np.ascontiguousarray(a).reshape(len(a), -1) for a in (old, new))
    differs = old.view(np.int64) != new.view(np.int64)
    if old.dtype.kind == "f":
        differs &= ~(np.isnan(old) & np.isnan(new))
    return differs.any(axis=1), np.abs(old - new).max(axis=1).astype(float)
