"""Replications of Eq. (9) put to trained networks.

The λ settings of a replication share its sample, initial point and order of the samples. P is
measured on train and test after chosen epochs, and at the end at three stages
(`learnprop.simulations.refinement.stages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.networks.block import train_with, trained_block
from learnprop.simulations.networks.checkpoints import Checkpoint
from learnprop.simulations.networks.criteria import class_weighted
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.training import Member, Pool, Trained
from learnprop.simulations.records.rows import Block
from learnprop.simulations.refinement.stages import STAGES
from learnprop.simulations.studies.cells import WeightedCell


@dataclass(frozen=True)
class CnnCell(WeightedCell):
    """One data set with its class sizes, λ settings, network and training.

    Attributes
    ----------
    imbalance : float
        Largest over smallest training class, before rounding.
    dataset, model : str
    recipe : Recipe
    measure_at : tuple of int
        Epochs, counted from 1, the last among them.
    data_dir : str
        Where the data are looked for first; determines no number.
    """

    imbalance: float
    dataset: str
    model: str
    recipe: Recipe
    measure_at: tuple[int, ...]
    data_dir: str = field(default="", compare=False)

    @property
    def stream(self) -> str:
        """Key of the cell's randomness."""
        return self.name

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages after the last epoch."""
        return STAGES

    @property
    def headline(self) -> tuple[int, str]:
        """Epoch and stage of the measurements that the tables are about."""
        return self.recipe.epochs, "bias"

    @property
    def shares_test_set(self) -> bool:
        """Whether every replication is tested on the same images."""
        return bool(dataset_named(self.dataset).files)


def compute_block(cell: CnnCell, seed: int, runs: range, unfinished: Path | None = None) -> Block:
    """Train and measure the replications `runs` of a cell, as `trained_block` does."""

    def train_chunk(
        pool: Pool, members: Sequence[Member], checkpoint: Checkpoint | None
    ) -> list[Trained]:
        criterion = class_weighted(pool, members, cell.recipe)
        return train_with(cell, pool, members, criterion, checkpoint)

    return trained_block(cell, seed, runs, dict(cell.class_weight), train_chunk, unfinished)
