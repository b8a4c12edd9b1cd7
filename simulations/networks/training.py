"""Networks of one kind trained on samples of one data set, alone or many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.engine.devices import is_out_of_memory, release_memory
from learnprop.simulations.engine.within import part
from learnprop.simulations.networks.checkpoints import Checkpoint
from learnprop.simulations.networks.criteria import joined
from learnprop.simulations.networks.measuring import measure_networks, measure_on_the_way
from learnprop.simulations.networks.members import Group, Member, Pool, starting_networks
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.stacked.ways import epochs_on
from learnprop.simulations.networks.steps import TrainingData
from learnprop.simulations.networks.trainer import path_gradients, train
from learnprop.simulations.refinement.stages import Stage, as_tensors, from_tensors

M = TypeVar("M")
T = TypeVar("T")


@dataclass(frozen=True)
class Trained:
    """A network after its training, on the processor.

    Attributes
    ----------
    state : dict of str to tensor
        Parameters and buffers, by their names in the network.
    visits : dict of int to dict
        What was measured after epochs before the last, as tensors.
    epoch : int
        Finished.
    diverged : int
        Epoch in which the loss stopped being finite, or 0.
    path_gradient, path_identity : tensor of float64, shape (n_classes,)
        Mean minibatch gradient in the output bias along the path, and what E9 says that it is.
    """

    state: dict[str, torch.Tensor]
    visits: dict[int, dict[str, Any]]
    epoch: int
    diverged: int
    path_gradient: torch.Tensor
    path_identity: torch.Tensor


@dataclass(frozen=True)
class Result:
    """What is known of a trained network.

    Attributes
    ----------
    epochs : dict of int to Stage
        As trained, after epochs before the last.
    stages : list of Stage
        After the last epoch; empty where the training diverged.
    diverged : int
        Epoch in which the loss, a parameter or a feature stopped being finite, or 0.
    path_gradient, path_identity : ndarray, shape (n_classes,)
        Mean minibatch gradient in the output bias along the path, and what E9 says that it is, in
        units of the criterion.
    """

    epochs: dict[int, Stage]
    stages: list[Stage]
    diverged: int
    path_gradient: FloatArray
    path_identity: FloatArray


def by_chunks(
    members: Sequence[M], size: int, work: Callable[[Sequence[M]], list[T]], so_far: str = "done"
) -> tuple[list[T], str]:
    """Do work a chunk at a time; a chunk that runs out of memory is halved and tried again.

    Parameters
    ----------
    members : sequence
    size : int
        Of a chunk, as long as memory suffices.
    work : callable ``(chunk) -> list``
    so_far : str
        What has become of those that are done, e.g. "trained".

    Returns
    -------
    results : list
        One per member.
    note : str
        What became of the chunks; empty where none ran out of memory.

    Raises
    ------
    torch.OutOfMemoryError, RuntimeError
        If one member alone does not fit.
    """
    done: list[T] = []
    note = ""
    while len(done) < len(members):
        chunk = members[len(done) : len(done) + size]
        try:
            with part(f"{len(done)} of {len(members)} networks {so_far}"):
                done += work(chunk)
            continue
        except Exception as error:
            if len(chunk) == 1 or not is_out_of_memory(error):
                raise
        # Not above: the traceback holds the tensors, and captured steps.
        release_memory()
        size = -(-len(chunk) // 2)
        note = f"out of memory: {size} networks were computed at once, not {len(members)}"
    return done, note


def train_networks(
    model: str,
    pool: Pool,
    groups: Sequence[Group],
    recipe: Recipe,
    *,
    measure_at: Sequence[int] = (),
    checkpoint: Checkpoint | None = None,
) -> list[Trained]:
    """Train networks, as one computation if they are several.

    Parameters
    ----------
    model : str
        Name of the network.
    pool : Pool
    groups : sequence of Group
        Their training samples are of one size.
    recipe : Recipe
    measure_at : sequence of int
        Epochs before the last after which they are measured, counted from 1.
    checkpoint : Checkpoint, optional

    Returns
    -------
    list of Trained
    """
    members = members_of(groups)
    networks = starting_networks(model, pool, members, recipe)
    rows = torch.as_tensor(np.stack([m.rows["train"] for m in members]), device=pool.device)

    def visit(_epoch: int) -> dict[int, dict[str, Any]]:
        stages = measure_on_the_way(networks, pool, groups)
        return {i: as_tensors(stage) for i, stage in enumerate(stages) if stage is not None}

    path = train(
        networks,
        TrainingData(pool.images, pool.labels, rows),
        joined([(group.criterion, len(group.members)) for group in groups]),
        recipe,
        [np.random.default_rng(member.order) for member in members],
        make_epoch=epochs_on(pool.device, networks.template, recipe),
        visit=visit,
        visit_at=[epoch for epoch in measure_at if epoch < recipe.epochs],
        checkpoint=checkpoint,
    )
    state = {name: tensor.detach().cpu() for name, tensor in networks.state.items()}
    mean, identity = (g.cpu() for g in path_gradients(networks, path, recipe))
    return [
        Trained(
            state={name: tensor[i].clone() for name, tensor in state.items()},
            visits={epoch: seen[i] for epoch, seen in path.visits.items() if i in seen},
            epoch=path.epoch,
            diverged=diverged,
            path_gradient=mean[i].clone(),
            path_identity=identity[i].clone(),
        )
        for i, diverged in enumerate(path.diverged.tolist())
    ]


def measure_trained(
    model: str,
    pool: Pool,
    groups: Sequence[Group],
    trained: Sequence[Trained],
    recipe: Recipe,
) -> list[Result]:
    """Measure networks after their training.

    Parameters
    ----------
    model : str
    pool : Pool
    groups : sequence of Group
    trained : sequence of Trained
        In the order of the groups.
    recipe : Recipe

    Returns
    -------
    list of Result
    """
    members = members_of(groups)
    networks = starting_networks(model, pool, members, recipe)
    networks.template.eval()
    with torch.no_grad():
        for name, tensor in networks.state.items():
            tensor.copy_(torch.stack([one.state[name] for one in trained]))
    stages = measure_networks(networks, pool, groups)
    unit = torch.cat([group.criterion.unit for group in groups]).cpu()
    before: list[Stage | None] = []
    for group in groups:
        before += group.before or [None] * len(group.members)
    return [
        Result(
            epochs=({0: start} if start is not None else {})
            | {epoch: from_tensors(seen) for epoch, seen in one.visits.items()},
            stages=[] if one.diverged or found is None else found,
            diverged=one.diverged or (one.epoch if found is None else 0),
            path_gradient=(one.path_gradient * u).numpy(),
            path_identity=(one.path_identity * u).numpy(),
        )
        for one, found, u, start in zip(trained, stages, unit, before, strict=True)
    ]


def members_of(groups: Sequence[Group]) -> list[Member]:
    """Members of groups, in their order."""
    return [member for group in groups for member in group.members]
