"""Trainings of networks with the paper's losses, as Tables 3 to 5 compare them.

A cell is a data set, a network and one loss. Cells of one data set and network share the sample,
initial point and order of the samples of a replication, so that losses are compared in pairs. Test
accuracy is measured before the first step (epoch 0) and after every epoch; at epoch 0
`Fits.gradient_norm` is the loss's gradient norm there, relative to the softmax loss's.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from learnprop.equations.losses import REFERENCE
from learnprop.equations.losses.loss import ChosenLoss
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.networks.block import cell_trains_at_once, trained_blocks
from learnprop.simulations.networks.criteria import of_loss
from learnprop.simulations.networks.measuring import measure_on_the_way
from learnprop.simulations.networks.members import Group, Member, Pool, starting_networks
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.records.rows import Block
from learnprop.simulations.studies.losses.step_matching import gradient_norms_at_start


@dataclass(frozen=True)
class LossCell:
    """One data set, network and loss.

    Attributes
    ----------
    dataset, model : str
    loss : ChosenLoss
    matched : bool
        Whether the loss is scaled to the softmax loss's gradient norm at the start.
    train_size : tuple of int
        All training images of each class.
    recipe : Recipe
    device : str
    data_dir, states : str
        Where the data are looked for first, and where trained networks are kept; determine no
        number.
    """

    dataset: str
    model: str
    loss: ChosenLoss
    matched: bool
    train_size: tuple[int, ...]
    recipe: Recipe
    device: str
    data_dir: str = field(default="", compare=False)
    states: str = field(default="", compare=False)

    @property
    def stream(self) -> str:
        """Key of the cell's randomness, the same for every loss."""
        return f"{self.dataset} {self.model}"

    @property
    def name(self) -> str:
        """Key of the cell in its store."""
        return f"{self.stream} {self.setting}"

    @property
    def setting(self) -> str:
        """Name of the loss, e.g. ``lgl-inr beta=2 matched``."""
        return f"{self.loss.setting}{' matched' if self.matched else ''}"

    @property
    def settings(self) -> tuple[str, ...]:
        """The one."""
        return (self.setting,)

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages after the last epoch."""
        return ("raw", "bias") if self.loss.kind.balance else ("raw",)

    @property
    def class_weight(self) -> tuple[tuple[str, tuple[float, ...]], ...]:
        """Equal weights; the loss is the setting."""
        return ((self.setting, (1.0,) * len(self.train_size)),)

    @property
    def heldout_size(self) -> tuple[int, ...]:
        """Nothing is held out."""
        return ()

    @property
    def measure_at(self) -> tuple[int, ...]:
        """Every epoch."""
        return tuple(range(1, self.recipe.epochs + 1))

    @property
    def headline(self) -> tuple[int, str]:
        """Epoch and stage of the measurements that the tables are about."""
        return self.recipe.epochs, "raw"

    def class_mass(self, _setting: str) -> FloatArray:
        """Class mass of training, as the loss has it."""
        return self.loss.kind.class_mass(self.train_size)

    @property
    def estimand(self) -> str:
        """What a target of precision is for."""
        return "accuracy"

    @property
    def shares_test_set(self) -> bool:
        """Whether every replication is tested on the same images."""
        return bool(dataset_named(self.dataset).files)


def compute_block(cell: LossCell, seed: int, runs: range, unfinished: Path | None = None) -> Block:
    """Train and measure the replications `runs` of a cell, as `trained_blocks` does."""
    (block,) = compute_blocks([(cell, runs)], seed, unfinished)
    return block


def compute_blocks(
    parts: Sequence[tuple[LossCell, range]], seed: int, unfinished: Path | None = None
) -> list[Block]:
    """Train and measure replications of cells that `trained_alike`."""
    return trained_blocks(parts, seed, _group, unfinished)


def trained_alike(cell: LossCell) -> Hashable:
    """Cells of one value, every loss of a network and a data set, are trained as one computation.

    Of None each is trained by itself.
    """
    return cell.stream if cell_trains_at_once(cell) else None


def _group(cell: LossCell, pool: Pool, members: Sequence[Member]) -> Group:
    both = cell.loss, ChosenLoss(REFERENCE)
    losses = [loss.minibatch_loss(cell.recipe.batch_size) for loss in both]
    own, softmax = gradient_norms_at_start(cell.model, pool, members, cell.recipe, losses)
    ratio = own / softmax
    factor = 1 / ratio if cell.matched else torch.ones_like(ratio)
    criterion = of_loss(cell.loss, sum(cell.train_size), cell.recipe, factor, cell.stages)
    group = Group(members, criterion)
    networks = starting_networks(cell.model, pool, members, cell.recipe)
    networks.template.eval()
    stages = measure_on_the_way(networks, pool, [group])
    before = [
        None if stage is None else replace(stage, gradient_norm=norm)
        for stage, norm in zip(stages, ratio.tolist(), strict=True)
    ]
    return replace(group, before=before)
