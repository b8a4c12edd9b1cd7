"""Blocks to compute, as they travel to a worker, and which of them go together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
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
) -> Iterator[Task]:
    """Blocks of a study as tasks, each made when it is wanted.

    Parameters
    ----------
    study : Study
    blocks : iterable of (cell, index)
    timeout : float or None
        Seconds that a block may take.
    unfinished : Path or None
    running : Path or None

    Yields
    ------
    Task
    """
    for cell, index in blocks:
        group = None if study.group_of is None else study.group_of(cell)
        alone = study.group_of is not None and group is None
        yield Task(
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


def grouped(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """Tasks that are computed together, each group at the place of its first; others alone.

    Those before the first that has company are not waited for: of a billion runs the first block
    begins at once.

    Parameters
    ----------
    tasks : iterable of Task

    Yields
    ------
    list of Task
    """
    waiting = iter(tasks)
    for task in waiting:
        if task.compute_together is None:
            yield [task]
            continue
        groups: dict[Hashable, list[Task]] = {}
        for other in (task, *waiting):
            alone = other.compute_together is None
            key = (other.cell.name, other.index) if alone else (None, other.group)
            groups.setdefault(key, []).append(other)
        yield from groups.values()


def count_groups(study: Study, n_blocks: Mapping[str, int]) -> tuple[int, int]:
    """How many groups blocks make, and how many blocks the largest has, 1 at least.

    Parameters
    ----------
    study : Study
    n_blocks : mapping of str to int
        How many blocks there are of each cell.

    Returns
    -------
    n_groups, largest : int
    """
    alone, together = 0, Counter[Hashable]()
    for cell in study.cells:
        group = study.group_of(cell) if study.group_of else ()
        if study.compute_together is None or group is None:
            alone += n_blocks[cell.name]
        elif n_blocks[cell.name]:
            together[group] += n_blocks[cell.name]
    return alone + len(together), max(together.values(), default=1)
