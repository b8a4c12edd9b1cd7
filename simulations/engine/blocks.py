"""What becomes of blocks: one thread, a time limit, and failures that are recorded."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from threading import TIMEOUT_MAX
from typing import Any

import numpy as np

from learnprop.simulations.engine.devices import device_failure
from learnprop.simulations.engine.footprint import memory_shortage
from learnprop.simulations.engine.limits import BlockTimeout, one_thread, timeout_after
from learnprop.simulations.engine.seeds import replication_key
from learnprop.simulations.engine.study import ComputeTogether, StudyError, block_runs
from learnprop.simulations.engine.tasks import Task
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.engine.within import telling
from learnprop.simulations.records.design_changes import summary_of
from learnprop.simulations.records.rows import (
    FAILED_STATUSES,
    Block,
    Fits,
    concatenate,
    fit_without_model,
    stack_fits,
)


def compute_group(tasks: Sequence[Task]) -> list[Block | StudyError]:
    """Compute the blocks of a group as one computation; a block that is by itself as `compute_one`.

    The time limit is that of the blocks added up. Where the computation raises, every block is
    computed by itself, so that what fails is recorded as of any study.

    Parameters
    ----------
    tasks : sequence of Task
        One of `learnprop.simulations.engine.tasks.grouped`.

    Returns
    -------
    list of Block or StudyError
        A block for each task; what stops the study, as in `compute_one`, ends the list.
    """
    with telling(tasks):
        together = tasks[0].compute_together
        return [compute_one(tasks[0])] if together is None else _as_one(together, tasks)


def _as_one(together: ComputeTogether, tasks: Sequence[Task]) -> list[Block | StudyError]:
    n = len(tasks)
    if (other := _other_code(tasks[0])) is not None:
        return [other]
    started = time.monotonic()
    limit = tasks[0].timeout
    raised = ""
    try:
        with one_thread(), timeout_after(None if limit is None else min(n * limit, TIMEOUT_MAX)):
            blocks = _computed_together(together, tasks)
    except StudyError as error:
        return [error]
    except BlockTimeout as error:
        reason = f"timed out: {n} blocks together took longer than {n} x {limit:g} s"
        blocks = [_timed_out(task, reason, error) for task in tasks]
    except Exception as error:
        raised = _one_line(error)
    if raised:  # not above: a traceback holds what was computed, on a device its memory
        return _block_by_block(tasks, f"computed alone: {n} blocks together raised {raised}")
    seconds = (time.monotonic() - started) / n
    return [_finished(task, block, seconds) for task, block in zip(tasks, blocks, strict=True)]


def _computed_together(together: ComputeTogether, tasks: Sequence[Task]) -> list[Block]:
    of = [(task.cell, block_runs(task.index, task.size)) for task in tasks]
    with _device_failures_stop(tasks[0].cell):
        blocks = together(of, tasks[0].seed, tasks[0].unfinished)
    if [block.cell for block in blocks] != [task.cell.name for task in tasks]:
        raise ValueError("what was computed together is not a block of each, in their order")
    return blocks


def _block_by_block(tasks: Sequence[Task], note: str) -> list[Block | StudyError]:
    done: list[Block | StudyError] = []
    for task in tasks:
        block = compute_one(task)
        if isinstance(block, StudyError):
            return [*done, block]
        done.append(replace(block, note="; ".join(filter(None, (note, block.note)))))
    return done


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
        The latter where this worker's sources or libraries are not the driver's, the device fails,
        or the block says that nothing can be computed here. Returned, not raised: joblib's dask
        backend never hands an exception over.
    """
    if (other := _other_code(task)) is not None:
        return other
    started = time.monotonic()
    runs = block_runs(task.index, task.size)
    try:
        with one_thread(), timeout_after(task.timeout):
            try:
                block = _computed(task, runs)
            except StudyError:
                raise
            except Exception as error:
                block = _one_by_one(task, runs, error)
    except StudyError as error:
        return error
    except BlockTimeout as error:
        reason = f"timed out: the block took longer than {task.timeout:g} s"
        block = _timed_out(task, reason, error)
    return _finished(task, block, time.monotonic() - started)


def _other_code(task: Task) -> StudyError | None:
    """Say where this process has other sources or libraries than the driver."""
    if task.code is None or task.code == code_version():
        return None
    different = summary_of(task.code, code_version(), ".code")
    return StudyError(f"a worker runs other code: {different}")


def _finished(task: Task, block: Block, seconds: float) -> Block:
    return replace(block, index=task.index, fits=_with_keys(task, block.fits), seconds=seconds)


def _computed(task: Task, runs: range) -> Block:
    more = () if task.unfinished is None else (task.unfinished,)
    with _device_failures_stop(task.cell):
        return task.compute_block(task.cell, task.seed, runs, *more)


@contextmanager
def _device_failures_stop(cell: Any) -> Iterator[None]:
    """Let a device that fails stop the study: no replication is to blame, and none can follow."""
    try:
        yield
    except Exception as error:
        how = device_failure(error)
        if how is None:
            raise
        device = getattr(cell, "device", "that was used")
        raise StudyError(f"the device {device} failed: {how}; the same command resumes") from error


def _one_by_one(task: Task, runs: range, error: Exception) -> Block:
    if len(runs) == 1:
        return _alone(task, runs, error)
    blocks = []
    for run in runs:
        alone = range(run, run + 1)
        try:
            blocks.append(_computed(task, alone))
        except StudyError:
            raise
        except Exception as own:
            blocks.append(_alone(task, alone, own))
    note = f"computed replication by replication: the block raised {_one_line(error)}"
    return replace(concatenate(blocks), note=note)


def _alone(task: Task, runs: range, error: Exception) -> Block:
    """Record what a replication raised; a lack of memory is no fault of it, and stops the study."""
    shortage = memory_shortage(error)
    if shortage is not None:
        raise StudyError(
            f"out of memory: {shortage}; fewer `jobs` need less, and the same command resumes"
        ) from error
    return _failed(task, runs, _one_line(error), error)


def _one_line(error: BaseException) -> str:
    return " ".join("".join(traceback.format_exception_only(error)).split())


def _timed_out(task: Task, reason: str, error: BlockTimeout) -> Block:
    runs = block_runs(task.index, task.size)
    return replace(_failed(task, runs, reason, error), timed_out=task.timeout)


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
