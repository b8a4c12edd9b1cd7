"""Trainings of networks with the paper's losses, as Tables 3 to 5 compare them.

A cell is a data set, a network and one loss. Cells of one data set and network share the sample,
initial point and order of the samples of a replication, so that losses are compared in pairs. Test
accuracy is measured before the first step (epoch 0) and after every epoch; at epoch 0
`Fits.gradient_norm` is the loss's gradient norm there, relative to the softmax loss's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from learnprop.equations.losses import REFERENCE
from learnprop.equations.losses.loss import ChosenLoss
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.networks.block import train_with, trained_block
from learnprop.simulations.networks.checkpoints import Checkpoint
from learnprop.simulations.networks.criteria import criterion_of, stage_of_loss
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.step_matching import gradient_norms_at_start
from learnprop.simulations.networks.training import (
    Member,
    Pool,
    Trained,
    evaluate,
    output_layer,
    starting_networks,
)
from learnprop.simulations.records.rows import Block
from learnprop.simulations.refinement.stages import Stage


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
    data_dir : str
        Where the data are looked for first; determines no number.
    """

    dataset: str
    model: str
    loss: ChosenLoss
    matched: bool
    train_size: tuple[int, ...]
    recipe: Recipe
    device: str
    data_dir: str = field(default="", compare=False)

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
    """Train and measure the replications `runs` of a cell, as `trained_block` does."""

    def train_chunk(
        pool: Pool, members: Sequence[Member], checkpoint: Checkpoint | None
    ) -> list[Trained]:
        starts, ratio = _before_training(cell, pool, members)
        factor = 1 / ratio if cell.matched else torch.ones_like(ratio)
        criterion = criterion_of(cell.loss, len(members[0].rows), cell.recipe, factor)
        trained = train_with(cell, pool, members, criterion, checkpoint)
        return [
            replace(one, epochs={0: start} | one.epochs)
            for one, start in zip(trained, starts, strict=True)
        ]

    equal = {cell.setting: [1.0] * len(cell.train_size)}
    return trained_block(cell, seed, runs, equal, train_chunk, unfinished)


def _before_training(
    cell: LossCell, pool: Pool, members: Sequence[Member]
) -> tuple[list[Stage], torch.Tensor]:
    """Networks on test before their first step, and gradient norms relative to softmax's."""
    both = cell.loss, ChosenLoss(REFERENCE)
    losses = [loss.minibatch_loss(cell.recipe.batch_size) for loss in both]
    own, softmax = gradient_norms_at_start(cell.model, pool, members, cell.recipe, losses)
    ratio = own / softmax
    networks = starting_networks(cell.model, pool, members, cell.recipe)
    networks.template.eval()
    starts = []
    for i, member in enumerate(members):
        samples = {"test": evaluate(networks, i, pool, member, "test")}
        stage = stage_of_loss(cell.loss, samples, output_layer(networks, i))
        starts.append(replace(stage, gradient_norm=float(ratio[i])))
    return starts, ratio
