"""What becomes of one block: one thread, a time limit, and failures that are recorded."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from learnprop.simulations.engine.limits import BlockTimeout, one_thread, timeout_after
from learnprop.simulations.engine.seeds import replication_key
from learnprop.simulations.engine.study import BLOCK_SIZE, StudyError, block_runs
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.records.design_changes import changes, summary_of
from learnprop.simulations.records.rows import (
    FAILED_STATUSES,
    Block,
    Fits,
    concatenate,
    fit_without_model,
    stack_fits,
)


@dataclass(frozen=True)
class Task:
    """A block to compute, as it travels to a worker.

    Attributes
    ----------
    compute_block : callable ``(cell, seed, runs) -> Block``
    cell : Cell
    seed : int
    index : int
    timeout : float or None
        Seconds; None is no limit.
    code : dict or None
        `code_version` of the driver, which the worker's must equal.
    size : int
        Replications of a block of the study.
    unfinished : Path or None
        Folder where `compute_block` may keep what it has not finished, as a fourth argument.
    """

    compute_block: Callable[..., Block]
    cell: Any
    seed: int
    index: int
    timeout: float | None = None
    code: dict[str, Any] | None = None
    size: int = BLOCK_SIZE
    unfinished: Path | None = None


def compute_one(task: Task) -> Block | StudyError:
    """Compute a block on one thread; what raises is recorded as failed, with reason and traceback.

    A block that raises is computed again replication by replication, so that one that raises does
    not take 24 others with it. That depends on nothing but the key either.

    Parameters
    ----------
    task : Task

    Returns
    -------
    Block or StudyError
        The latter where this worker's sources or libraries are not the driver's, or the block says
        that nothing can be computed here. Returned, not raised: joblib's dask backend never hands
        an exception over.
    """
    if task.code is not None and task.code != code_version():
        differences = changes(task.code, code_version(), ".code")
        return StudyError(f"a worker runs other code: {summary_of(differences)}")
    started = time.monotonic()
    runs = block_runs(task.index, task.size)
    try:
        with one_thread(), timeout_after(task.timeout):
            try:
                block = _computed(task, runs)
            except StudyError as error:
                return error
            except Exception as error:
                block = _one_by_one(task, runs, error)
    except BlockTimeout as error:
        reason = f"timed out: the block took longer than {task.timeout:g} s"
        block = replace(_failed(task, runs, reason, error), timed_out=task.timeout)
    return replace(
        block,
        index=task.index,
        fits=_with_keys(task, block.fits),
        seconds=time.monotonic() - started,
    )


def _computed(task: Task, runs: range) -> Block:
    if task.unfinished is None:
        return task.compute_block(task.cell, task.seed, runs)
    return task.compute_block(task.cell, task.seed, runs, task.unfinished)


def _one_by_one(task: Task, runs: range, error: Exception) -> Block:
    if len(runs) == 1:
        return _failed(task, runs, _one_line(error), error)
    blocks = []
    for run in runs:
        alone = range(run, run + 1)
        try:
            blocks.append(_computed(task, alone))
        except Exception as own:
            blocks.append(_failed(task, alone, _one_line(own), own))
    note = f"computed replication by replication: the block raised {_one_line(error)}"
    return replace(concatenate(blocks), note=note)


def _one_line(error: BaseException) -> str:
    return " ".join("".join(traceback.format_exception_only(error)).split())


def _failed(task: Task, runs: range, reason: str, error: BaseException) -> Block:
    """Record replications without a model, where one was expected: reason, key and traceback."""
    trace = "".join(traceback.format_exception(error))
    epoch, stage = task.cell.headline
    n_classes = {setting: len(task.cell.class_mass(setting)) for setting in task.cell.settings}
    rows = [
        fit_without_model(
            setting, run, epoch, stage, status="failed", reason=reason, traceback=trace,
            n_classes=n_classes[setting],
        )
        for run, setting in product(runs, task.cell.settings)
    ]  # fmt: skip
    return Block(task.cell.name, task.index, stack_fits(rows), None)


def _with_keys(task: Task, fits: Fits) -> Fits:
    """Put the key of its replication before the traceback of every fit that has no model."""
    failed = np.isin(fits.status, FAILED_STATUSES)
    if not failed.any():
        return fits
    traces = [
        f"{_key(task, run)}\n{trace}" if broken else trace
        for run, trace, broken in zip(
            fits.run.tolist(), fits.traceback.tolist(), failed, strict=True
        )
    ]
    return replace(fits, traceback=np.array(traces))


def stream_of(cell: Any) -> str:
    """Key of a cell's randomness: its name, unless several cells share their samples."""
    return str(getattr(cell, "stream", cell.name))


def _key(task: Task, run: int) -> str:
    *key, _ = replication_key(stream_of(task.cell), run, "train")
    words = ", ".join(map(str, key))
    return (
        f"cell {task.cell.name}, run {run}: SeedSequence({task.seed}, spawn_key=({words}, stream))"
    )
