"""What a study is: cells, blocks of their replications, a design."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from learnprop.equations.arguments import Worded
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.records.rows import Block


class Cell(Protocol):
    """A data cell: one distribution with its sizes and λ settings. Frozen and picklable."""

    @property
    def name(self) -> str:
        """Key of the cell's randomness, unique in its study."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the λ settings."""

    @property
    def headline(self) -> tuple[int, str]:
        """Epoch and stage of the fits that the study is about."""

    def class_mass(self, setting: str) -> FloatArray:
        """Class mass w = λN of training, shape (n_classes,), under a λ setting."""


ComputeTogether = Callable[[Sequence[tuple[Any, range]], int, Path | None], list[Block]]


@dataclass(frozen=True)
class Study:
    """What to compute.

    Attributes
    ----------
    name : str
    seed : int
    n_runs : int
        Replications of every cell.
    cells : tuple of Cell
        Their names are distinct, or their randomness would not be: ValueError.
    compute_block : callable ``(cell, seed, runs) -> Block``
        A module-level function; all randomness through `replication_rng`.
    design : mapping
        All that determines the numbers apart from the number of runs, JSON-able.
    cell_runs : mapping
        Replications of single cells by name, where they are not `n_runs`.
    inputs : mapping
        Where the files are that the study reads and how they are written, by option; what is in
        them is in the design.
    keeps_unfinished : bool
        Whether `compute_block` takes a folder beside the store as a fourth argument, where it keeps
        what would take long to compute again.
    compute_together : callable ``(blocks, seed, unfinished) -> list of Block``, optional
        Computes several blocks as one computation, a module-level function: `blocks` is a sequence
        of (cell, runs), `unfinished` the folder of `keeps_unfinished`, or None. Returns a block
        for each, in their order; where it raises they are computed by `compute_block`.
    group_of : callable ``(cell) -> hashable``, optional
        Cells of one value may be computed together, those of None by themselves; without it all
        cells of the study may.
    """

    name: str
    seed: int
    n_runs: int
    cells: tuple[Any, ...]
    compute_block: Callable[..., Block]
    design: Mapping[str, Any]
    cell_runs: Mapping[str, int] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    keeps_unfinished: bool = False
    compute_together: ComputeTogether | None = None
    group_of: Callable[[Any], Hashable] | None = None

    def __post_init__(self) -> None:
        names = [cell.name for cell in self.cells]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"cells must have distinct names, got {name!r} twice")

    def runs_of(self, cell: str) -> int:
        """Replications asked for of a cell."""
        return self.cell_runs.get(cell, self.n_runs)

    @property
    def block_size(self) -> int:
        """Replications of a block."""
        return block_size_of(self.design)


BLOCK_SIZE = 25
"""Replications of a block, unless a study's design says otherwise (`block_size_of`)."""


class StudyError(Worded, RuntimeError):
    """The study cannot go on; the message is one line for the user, finished blocks are kept."""


def block_size_of(design: Mapping[str, Any]) -> int:
    """Replications of a block of a study.

    Examples
    --------
    >>> block_size_of({}), block_size_of({"block_size": 1})
    (25, 1)
    """
    return int(design.get("block_size", BLOCK_SIZE))


def block_runs(index: int, size: int = BLOCK_SIZE) -> range:
    """Replications of a block.

    Examples
    --------
    >>> block_runs(1)
    range(25, 50)
    """
    return range(index * size, (index + 1) * size)
