"""Blocks to compute, as they travel to a worker, and which of them go together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnprop.simulations.engine.study import BLOCK_SIZE, ComputeTogether, Study
from learnprop.simulations.records.rows import Block


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
    compute_together : callable, optional
        Computes this block with others as one computation, as `Study.compute_together`.
    group : hashable
        Blocks of one value are computed together.
    running : Path or None
        Folder into which blocks tell how far they are.
    """

    compute_block: Callable[..., Block]
    cell: Any
    seed: int
    index: int
    timeout: float | None = None
    code: dict[str, Any] | None = None
    size: int = BLOCK_SIZE
    unfinished: Path | None = None
    compute_together: ComputeTogether | None = None
    group: Hashable = None
    running: Path | None = None


def tasks_of(
    study: Study,
    blocks: Iterable[tuple[Any, int]],
    timeout: float | None = None,
    unfinished: Path | None = None,
    running: Path | None = None,
) -> list[Task]:
    """Blocks of a study as tasks.

    Parameters
    ----------
    study : Study
    blocks : iterable of (cell, index)
    timeout : float or None
        Seconds that a block may take.
    unfinished : Path or None
    running : Path or None

    Returns
    -------
    list of Task
    """
    found = []
    for cell, index in blocks:
        group = None if study.group_of is None else study.group_of(cell)
        alone = study.group_of is not None and group is None
        found.append(
            Task(
                compute_block=study.compute_block,
                cell=cell,
                seed=study.seed,
                index=index,
                timeout=timeout,
                code=study.design.get("code"),
                size=study.block_size,
                unfinished=unfinished,
                compute_together=None if alone else study.compute_together,
                group=group,
                running=running,
            )
        )
    return found


def grouped(tasks: Iterable[Task]) -> list[list[Task]]:
    """Tasks that are computed together, each group at the place of its first; others alone.

    Parameters
    ----------
    tasks : iterable of Task

    Returns
    -------
    list of list of Task
    """
    groups: dict[Hashable, list[Task]] = {}
    for task in tasks:
        alone = task.compute_together is None
        key = (task.cell.name, task.index) if alone else (None, task.group)
        groups.setdefault(key, []).append(task)
    return list(groups.values())
