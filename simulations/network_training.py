"""Networks of one kind on samples of one data set: trained alone or many at once, and measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import torch

from equations.mean_proba import FloatArray, IntArray
from simulations.checkpoints import Checkpoint
from simulations.datasets import Images
from simulations.image_batches import ResidentImages, channel_moments, image_batch, resident
from simulations.networks import STACKABLE, build_network
from simulations.replicas import Replicas, features, make_replicas, replica
from simulations.stages import (
    Evaluated,
    Objective,
    OutputLayer,
    Stage,
    all_stages,
    as_tensors,
    as_trained,
    from_tensors,
)
from simulations.trainer import Recipe, path_gradients, train, weighted_cross_entropy

EVALUATED_AT_ONCE = 1024
"""Images of one forward pass without gradient."""

M = TypeVar("M")
T = TypeVar("T")


@dataclass(frozen=True)
class Member:
    """One network to be trained.

    Attributes
    ----------
    run : int
    setting : str
        Its λ setting.
    class_weight : ndarray, shape (n_classes,)
        λ.
    rows, test_rows : ndarray of int
        Numbers of its training images, and of its test images among the same ones; without them
        the data set's own test images are used.
    start : int
        Seed of the initial parameters.
    order : numpy.random.SeedSequence
        For the order of its samples and for augmentation.
    """

    run: int
    setting: str
    class_weight: FloatArray
    rows: IntArray
    test_rows: IntArray
    start: int
    order: np.random.SeedSequence


@dataclass(frozen=True)
class Trained:
    """What is known of a trained network.

    Attributes
    ----------
    epochs : dict of int to Stage
        As trained, after epochs before the last.
    stages : list of Stage
        After the last epoch; empty where the training diverged.
    diverged : int
        Epoch in which the loss stopped being finite, or 0.
    path_gradient, path_identity : ndarray, shape (n_classes,)
        Mean minibatch gradient in the output bias along the path, and what E9 says that it is,
        over the total mass.
    """

    epochs: dict[int, Stage]
    stages: list[Stage]
    diverged: int
    path_gradient: FloatArray
    path_identity: FloatArray


@dataclass(frozen=True)
class Pool:
    """A data set on a device."""

    images: ResidentImages
    labels: torch.Tensor
    test_images: ResidentImages
    test_labels: torch.Tensor


@lru_cache(maxsize=1)
def make_pool(data: Images, device: torch.device) -> Pool:
    """Bring a data set to a device, once per process.

    Standardised by the images outside the published test set; without one, by all.
    """
    moments = channel_moments(data.images)
    return Pool(
        images=resident(data.images, moments, device),
        labels=torch.as_tensor(data.labels, device=device),
        test_images=resident(data.test_images, moments, device),
        test_labels=torch.as_tensor(data.test_labels, device=device),
    )


def trains_at_once(model: str, device: torch.device) -> bool:
    """Whether many networks of a kind are trained as one computation: small ones, on a GPU."""
    return device.type == "cuda" and model in STACKABLE


def by_chunks(
    members: Sequence[M], size: int, work: Callable[[Sequence[M]], list[T]]
) -> tuple[list[T], str]:
    """Do work a chunk at a time; a chunk that runs out of memory is halved and tried again.

    Parameters
    ----------
    members : sequence
    size : int
        Of a chunk, as long as memory suffices.
    work : callable ``(chunk) -> list``

    Returns
    -------
    results : list
        One per member.
    note : str
        What became of the chunks; empty where none ran out of memory.

    Raises
    ------
    torch.OutOfMemoryError
        If one member alone does not fit.
    """
    done: list[T] = []
    note = ""
    while len(done) < len(members):
        chunk = members[len(done) : len(done) + size]
        try:
            done += work(chunk)
            continue
        except torch.OutOfMemoryError:
            if len(chunk) == 1:
                raise
        # Not above: the traceback holds the tensors.
        size = math.ceil(len(chunk) / 2)
        note = f"out of memory: {size} networks were trained at once, not {len(members)}"
        torch.cuda.empty_cache()
    return done, note


def train_networks(
    model: str,
    pool: Pool,
    members: Sequence[Member],
    recipe: Recipe,
    *,
    measure_at: Sequence[int] = (),
    checkpoint: Checkpoint | None = None,
) -> list[Trained]:
    """Train networks, as one computation if they are several, and measure each.

    Parameters
    ----------
    model : str
        Name of the network.
    pool : Pool
    members : sequence of Member
        With training samples of one size.
    recipe : Recipe
    measure_at : sequence of int
        Epochs, counted from 1; after the last all stages are measured.
    checkpoint : Checkpoint, optional

    Returns
    -------
    list of Trained
    """
    device = pool.labels.device
    n_classes = len(members[0].class_weight)
    _, height, width, channels = pool.images.pixels.shape
    shape = (channels, height, width)
    networks = make_replicas(
        [build_network(model, shape, n_classes, member.start) for member in members],
        device,
        dtype=pool.images.mean.dtype,
        compiled=recipe.compiled,
    )
    rows = torch.as_tensor(np.stack([m.rows for m in members]), device=device)
    objectives = [_objective(pool, m, recipe) for m in members]
    share = torch.stack([o.class_share for o in objectives])
    loss = weighted_cross_entropy((share * rows.shape[1]).to(networks.head_bias.dtype))

    def seen(i: int) -> tuple[dict[str, Evaluated], OutputLayer] | None:
        samples, layer = _evaluated(networks, i, pool, members[i]), _output_layer(networks, i)
        return (samples, layer) if _is_finite(samples, layer) else None

    def visit(_epoch: int) -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = {}
        for i, objective in enumerate(objectives):
            network = seen(i)
            if network is not None:
                stage = as_tensors(as_trained(*network, objective))
                found |= {f"{i} {name}": value for name, value in stage.items()}
        return found

    path, optimiser = train(
        networks,
        pool.images,
        pool.labels,
        rows,
        loss,
        recipe,
        [np.random.default_rng(member.order) for member in members],
        visit=visit,
        visit_at=[epoch for epoch in measure_at if epoch < recipe.epochs],
        checkpoint=checkpoint,
    )
    # A minibatch loss is over its size, and the last one may be smaller: in units of Σw.
    units = path.n_steps * recipe.batch_size / (path.epoch * rows.shape[1])
    gradients = [g * units for g in path_gradients(networks, path, optimiser, recipe)]
    results = []
    for i, objective in enumerate(objectives):
        epochs = {
            epoch: from_tensors(_of_member(i, visited))
            for epoch, visited in path.visits.items()
            if f"{i} bias" in visited
        }
        diverged, stages = int(path.diverged[i]), list[Stage]()
        if not diverged:
            network = seen(i)
            if network is None:  # in the very last steps
                diverged = path.epoch
            else:
                stages = all_stages(*network, objective)
        mean, identity = (g[i].cpu().numpy() for g in gradients)
        results.append(Trained(epochs, stages, diverged, mean, identity))
    return results


def _objective(pool: Pool, member: Member, recipe: Recipe) -> Objective:
    """What a training minimises, over the total mass of its sample."""
    labels = pool.labels[torch.as_tensor(member.rows, device=pool.labels.device)]
    weight = torch.as_tensor(member.class_weight, dtype=torch.float64, device=labels.device)
    n_samples = len(labels)
    # Each step adds the decay once: over an epoch it counts as often as there are steps.
    steps = math.ceil(n_samples / recipe.batch_size)
    decay = recipe.weight_decay * steps * recipe.batch_size / n_samples
    return Objective(
        class_share=weight / weight[labels].sum(),
        penalty=decay,
        bias_penalty=decay if recipe.decay_bias else 0.0,
    )


def _evaluated(networks: Replicas, i: int, pool: Pool, member: Member) -> dict[str, Evaluated]:
    """Training and test sample as one network sees them."""
    device = pool.labels.device
    train_rows = torch.as_tensor(member.rows, device=device)
    found = {"train": _features(networks, i, pool.images, pool.labels, train_rows)}
    if len(member.test_rows):
        rows = torch.as_tensor(member.test_rows, device=device)
        return found | {"test": _features(networks, i, pool.images, pool.labels, rows)}
    every = torch.arange(len(pool.test_labels), device=device)
    return found | {"test": _features(networks, i, pool.test_images, pool.test_labels, every)}


@torch.inference_mode()
def _features(
    networks: Replicas, i: int, images: ResidentImages, labels: torch.Tensor, rows: torch.Tensor
) -> Evaluated:
    alone = replica(networks, i)
    parts = [
        features(alone, image_batch(images, part[None]))[0]
        for part in rows.split(EVALUATED_AT_ONCE)
    ]
    return Evaluated(torch.cat(parts), labels[rows])


def _output_layer(networks: Replicas, i: int) -> OutputLayer:
    weight, bias = networks.head_weight[i].detach(), networks.head_bias[i].detach()
    return OutputLayer(weight.double(), bias.double())


def _is_finite(samples: dict[str, Evaluated], layer: OutputLayer) -> bool:
    parts = [layer.weight, layer.bias, *(sample.features for sample in samples.values())]
    return all(bool(torch.isfinite(part).all()) for part in parts)


def _of_member(i: int, visited: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    prefix = f"{i} "
    return {k.removeprefix(prefix): v for k, v in visited.items() if k.startswith(prefix)}
