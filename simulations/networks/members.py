"""Networks that are trained, and the data set that their samples are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch

from learnprop.equations.mean_proba import FloatArray, IntArray
from learnprop.simulations.datasets import Images
from learnprop.simulations.networks.architectures import build_network
from learnprop.simulations.networks.criteria import Criterion
from learnprop.simulations.networks.image_batches import ResidentImages, moments_of, resident
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import Replicas, make_replicas
from learnprop.simulations.refinement.stages import Stage


class NetworkCell(Protocol):
    """A data cell of networks: a frozen dataclass."""

    @property
    def name(self) -> str:
        """Key of the cell in its store."""

    @property
    def stream(self) -> str:
        """Key of the cell's randomness: cells of one key share samples, starts and orders."""

    @property
    def dataset(self) -> str:
        """Name of the images."""

    @property
    def model(self) -> str:
        """Name of the network."""

    @property
    def train_size(self) -> tuple[int, ...]:
        """Images of each class that networks are trained on."""

    @property
    def heldout_size(self) -> tuple[int, ...]:
        """Images of each class that are held out of training; empty without."""

    @property
    def class_weight(self) -> tuple[tuple[str, tuple[float, ...]], ...]:
        """λ of each setting."""

    @property
    def recipe(self) -> Recipe:
        """How it is trained."""

    @property
    def measure_at(self) -> tuple[int, ...]:
        """Epochs after which it is measured, counted from 1."""

    @property
    def device(self) -> str:
        """Where."""

    @property
    def data_dir(self) -> str:
        """Where the data are looked for first."""

    @property
    def states(self) -> str:
        """Folder of trained networks, or empty."""

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages after the last epoch."""

    def class_mass(self, setting: str) -> FloatArray:
        """Class mass w = λN of training, shape (n_classes,), under a setting."""


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
    rows : mapping of str to ndarray of int
        Numbers of its images by split: "train"; "validation", where some are held out; "test",
        unless the data set has test images of its own.
    start : int
        Seed of the initial parameters.
    order : numpy.random.SeedSequence
        For the order of its samples and for augmentation.
    """

    run: int
    setting: str
    class_weight: FloatArray
    rows: dict[str, IntArray]
    start: int
    order: np.random.SeedSequence


@dataclass(frozen=True)
class Group:
    """Networks that are trained to minimise the same.

    Attributes
    ----------
    members : sequence of Member
    criterion : Criterion
    before : sequence of (Stage or None)
        Of each, before its first step; empty where that is not measured.
    """

    members: Sequence[Member]
    criterion: Criterion
    before: Sequence[Stage | None] = field(default=())


@dataclass(frozen=True)
class Pool:
    """A data set on a device."""

    images: ResidentImages
    labels: torch.Tensor
    test_images: ResidentImages
    test_labels: torch.Tensor

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.labels.device


@lru_cache(maxsize=1)
def make_pool(data: Images, standardise: str, device: torch.device) -> Pool:
    """Bring a data set to a device, once per process.

    Parameters
    ----------
    data : Images
    standardise : {"own", "mnist"}
        See `Recipe.standardise`.
    device : torch.device

    Returns
    -------
    Pool
    """
    moments = moments_of(data.images, standardise)
    return Pool(
        images=resident(data.images, moments, device),
        labels=torch.as_tensor(data.labels, device=device),
        test_images=resident(data.test_images, moments, device),
        test_labels=torch.as_tensor(data.test_labels, device=device),
    )


def starting_networks(
    model: str, pool: Pool, members: Sequence[Member], recipe: Recipe
) -> Replicas:
    """Networks before their first step.

    Parameters
    ----------
    model : str
        Name of the network.
    pool : Pool
    members : sequence of Member
    recipe : Recipe

    Returns
    -------
    Replicas
    """
    _, height, width, channels = pool.images.pixels.shape
    shape, n_classes = (channels, height, width), len(members[0].class_weight)
    return make_replicas(
        [build_network(model, shape, n_classes, member.start) for member in members],
        pool.device,
        dtype=pool.images.mean.dtype,
        compiled=recipe.compiled,
    )
