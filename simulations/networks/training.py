"""Networks of one kind on samples of one data set: trained alone or many at once, and measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import torch

from learnprop.equations.mean_proba import FloatArray, IntArray
from learnprop.simulations.datasets import Images
from learnprop.simulations.networks.architectures import STACKABLE, build_network
from learnprop.simulations.networks.checkpoints import Checkpoint
from learnprop.simulations.networks.image_batches import (
    ResidentImages,
    channel_moments,
    image_batch,
    resident,
)
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import Replicas, features, make_replicas, replica
from learnprop.simulations.networks.steps import MinibatchLoss, TrainingData
from learnprop.simulations.networks.trainer import path_gradients, train
from learnprop.simulations.refinement.stages import (
    Evaluated,
    OutputLayer,
    Samples,
    Stage,
    as_tensors,
    from_tensors,
)

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
        Mean minibatch gradient in the output bias along the path, and what E9 says that it is, in
        units of the criterion.
    """

    epochs: dict[int, Stage]
    stages: list[Stage]
    diverged: int
    path_gradient: FloatArray
    path_identity: FloatArray


@dataclass(frozen=True)
class Criterion:
    """What networks are trained to minimise, and how one is measured.

    Attributes
    ----------
    loss : callable
        Of a minibatch, of each network (`learnprop.simulations.networks.trainer.MinibatchLoss`).
    unit : tensor, shape (n_networks, 1)
        By which a minibatch's gradient is multiplied where it is recorded.
    as_trained : callable ``(i, samples, layer) -> Stage``
        Measures network i after epochs before the last.
    all_stages : callable ``(i, samples, layer) -> list of Stage``
        Measures it after the last.
    splits : tuple of str
        What is measured before the last epoch.
    """

    loss: MinibatchLoss
    unit: torch.Tensor
    as_trained: Callable[[int, Samples, OutputLayer], Stage]
    all_stages: Callable[[int, Samples, OutputLayer], list[Stage]]
    splits: tuple[str, ...] = ("train", "test")


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
    criterion: Criterion,
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
    criterion : Criterion
        Of these networks.
    measure_at : sequence of int
        Epochs, counted from 1; after the last all stages are measured.
    checkpoint : Checkpoint, optional

    Returns
    -------
    list of Trained
    """
    device = pool.labels.device
    networks = starting_networks(model, pool, members, recipe)
    rows = torch.as_tensor(np.stack([m.rows for m in members]), device=device)

    def seen(i: int, splits: Sequence[str]) -> tuple[Samples, OutputLayer] | None:
        samples = {s: evaluate(networks, i, pool, members[i], s) for s in splits}
        layer = output_layer(networks, i)
        return (samples, layer) if _is_finite(samples, layer) else None

    def visit(_epoch: int) -> dict[int, dict[str, Any]]:
        return {
            i: as_tensors(criterion.as_trained(i, *network))
            for i in range(len(members))
            if (network := seen(i, criterion.splits)) is not None
        }

    path = train(
        networks,
        TrainingData(pool.images, pool.labels, rows),
        criterion.loss,
        recipe,
        [np.random.default_rng(member.order) for member in members],
        visit=visit,
        visit_at=[epoch for epoch in measure_at if epoch < recipe.epochs],
        checkpoint=checkpoint,
    )
    gradients = [g * criterion.unit for g in path_gradients(networks, path, recipe)]
    results = []
    for i in range(len(members)):
        epochs = {
            epoch: from_tensors(visited[i])
            for epoch, visited in path.visits.items()
            if i in visited
        }
        diverged, stages = int(path.diverged[i]), list[Stage]()
        if not diverged:
            network = seen(i, ("train", "test"))
            if network is None:  # in the very last steps
                diverged = path.epoch
            else:
                stages = criterion.all_stages(i, *network)
        mean, identity = (g[i].cpu().numpy() for g in gradients)
        results.append(Trained(epochs, stages, diverged, mean, identity))
    return results


def starting_networks(
    model: str, pool: Pool, members: Sequence[Member], recipe: Recipe
) -> Replicas:
    """Networks before their first step."""
    _, height, width, channels = pool.images.pixels.shape
    shape, n_classes = (channels, height, width), len(members[0].class_weight)
    return make_replicas(
        [build_network(model, shape, n_classes, member.start) for member in members],
        pool.labels.device,
        dtype=pool.images.mean.dtype,
        compiled=recipe.compiled,
    )


def evaluate(networks: Replicas, i: int, pool: Pool, member: Member, split: str) -> Evaluated:
    """Training or test sample of a member as network i sees it."""
    images, labels, rows = pool.images, pool.labels, member.rows
    if split == "test":
        rows = member.test_rows
        if not len(rows):
            images, labels = pool.test_images, pool.test_labels
            rows = np.arange(len(labels))
    return _features(networks, i, images, labels, torch.as_tensor(rows, device=labels.device))


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


def output_layer(networks: Replicas, i: int) -> OutputLayer:
    """Output layer of a network, in float64."""
    weight, bias = networks.head_weight[i].detach(), networks.head_bias[i].detach()
    return OutputLayer(weight.double(), bias.double())


def _is_finite(samples: Samples, layer: OutputLayer) -> bool:
    parts = [layer.weight, layer.bias, *(sample.features for sample in samples.values())]
    return all(bool(torch.isfinite(part).all()) for part in parts)
