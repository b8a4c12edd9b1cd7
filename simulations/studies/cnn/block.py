"""Replications of Eq. (9) put to trained networks.

The λ settings of a replication share its sample, initial point and order of the samples. P is
measured on train and test after chosen epochs, and at the end at several stages
(`learnprop.simulations.refinement.stages`).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.networks.block import cell_trains_at_once, trained_blocks
from learnprop.simulations.networks.criteria import class_weighted
from learnprop.simulations.networks.members import Group, Member, Pool
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.records.rows import Block
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
    stages : tuple of str
        After the last epoch.
    heldout_size : tuple of int
        Images of each class that are drawn with the training sample and held out of it; empty
        without.
    data_dir, states : str
        Where the data are looked for first, and where trained networks are kept; determine no
        number.
    """

    imbalance: float
    dataset: str
    model: str
    recipe: Recipe
    measure_at: tuple[int, ...]
    stages: tuple[str, ...]
    heldout_size: tuple[int, ...] = ()
    data_dir: str = field(default="", compare=False)
    states: str = field(default="", compare=False)

    @property
    def stream(self) -> str:
        """Key of the cell's randomness."""
        return self.name

    @property
    def headline(self) -> tuple[int, str]:
        """Epoch and stage of the measurements that the tables are about."""
        return self.recipe.epochs, "bias" if "bias" in self.stages else "raw"

    @property
    def splits(self) -> tuple[str, ...]:
        """Samples on which it is measured after the last epoch."""
        return ("train", "validation", "test") if self.heldout_size else ("train", "test")

    @property
    def shares_test_set(self) -> bool:
        """Whether every replication is tested on the same images."""
        return bool(dataset_named(self.dataset).files)


def compute_block(cell: CnnCell, seed: int, runs: range, unfinished: Path | None = None) -> Block:
    """Train and measure the replications `runs` of a cell, as `trained_blocks` does."""
    (block,) = compute_blocks([(cell, runs)], seed, unfinished)
    return block


def compute_blocks(
    parts: Sequence[tuple[CnnCell, range]], seed: int, unfinished: Path | None = None
) -> list[Block]:
    """Train and measure replications of cells that `trained_alike`."""
    return trained_blocks(parts, seed, _group, unfinished)


def trained_alike(cell: CnnCell) -> Hashable:
    """Cells of one value are trained as one computation; of None each by itself."""
    return sum(cell.train_size) if cell_trains_at_once(cell) else None


def _group(cell: CnnCell, pool: Pool, members: Sequence[Member]) -> Group:
    weight = torch.as_tensor(np.stack([m.class_weight for m in members]), device=pool.device)
    criterion = class_weighted(
        weight.double(), cell.train_size, cell.recipe, cell.stages, dtype=pool.images.mean.dtype
    )
    return Group(members, criterion)
