"""Loops that train CNN2C: two that a user would write, and ours, for one network or many."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from learnprop.simulations.networks.architectures import build_network
from learnprop.simulations.networks.criteria import weighted_cross_entropy
from learnprop.simulations.networks.image_batches import ResidentImages
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import Replicas, make_replicas
from learnprop.simulations.networks.steps import TrainingData, eager_epoch
from learnprop.simulations.networks.trainer import MakeEpoch, train

SHAPE, N_CLASSES, BATCH = (1, 28, 28), 10, 64
CPU = torch.device("cpu")

MULTIPLICATIONS = 24 * 24 * 20 * 25 + 8 * 8 * 50 * 20 * 25 + 800 * 10
"""Of one image forward through CNN2C; backward takes them twice, but for the first layer once."""

FLOPS = 2 * (3 * MULTIPLICATIONS - 24 * 24 * 20 * 25)
"""Of one image of a training step."""


def images_and_labels(n: int, shape: tuple[int, int, int] = SHAPE) -> tuple[np.ndarray, np.ndarray]:
    """Noise in the shape of a data set: the time of a step does not depend on what is seen."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(n, *shape), dtype=np.uint8)
    return pixels, np.arange(n) % N_CLASSES


def wait(device: torch.device) -> None:
    """Wait until a device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that work takes, the device's included."""
    wait(device)
    started = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - started


def users_loop(pixels: np.ndarray, labels: np.ndarray, epochs: int, device: torch.device) -> float:
    """Seconds of the plain PyTorch loop: DataLoader over a TensorDataset, SGD, cross-entropy."""
    data = TensorDataset(_standardised(pixels), torch.as_tensor(labels))
    loader = DataLoader(data, batch_size=BATCH, shuffle=True)
    step = _users_step(device)

    def loop() -> None:
        for _ in range(epochs):
            for images, answers in loader:
                step(images.to(device), answers.to(device))

    return seconds(loop, device)


def lean_loop(
    pixels: np.ndarray,
    labels: np.ndarray,
    epochs: int,
    device: torch.device,
    *,
    channels_last: bool = False,
) -> float:
    """Seconds of the same without a DataLoader: all images on the device, minibatches by number.

    Of a single channel PyTorch takes any layout for channels last, `torch.channels_last` does
    nothing, and strides decide: with these they are those that convolutions take for it.
    """
    images, answers = _standardised(pixels).to(device), torch.as_tensor(labels, device=device)
    if channels_last:
        images = images[:, 0, ..., None].movedim(-1, 1)
    step = _users_step(device)

    def loop() -> None:
        for _ in range(epochs):
            for rows in torch.randperm(len(answers), device=device).split(BATCH):
                step(images[rows], answers[rows])

    return seconds(loop, device)


def _standardised(pixels: np.ndarray) -> torch.Tensor:
    return torch.as_tensor((pixels / 255 - pixels.mean() / 255) / (pixels.std() / 255)).float()


def _users_step(device: torch.device) -> Callable[[torch.Tensor, torch.Tensor], None]:
    network = build_network("cnn2c", SHAPE, N_CLASSES).to(device)
    loss = torch.nn.CrossEntropyLoss(weight=torch.ones(N_CLASSES, device=device))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.5)

    def step(images: torch.Tensor, answers: torch.Tensor) -> None:
        optimiser.zero_grad()
        loss(network(images), answers).backward()
        optimiser.step()

    return step


def ours(
    data: ResidentImages,
    labels: torch.Tensor,
    n_networks: int,
    recipe: Recipe,
    make_epoch: MakeEpoch = eager_epoch,
) -> tuple[float, Replicas]:
    """Seconds of our loop for so many networks at once, on all the images; and the networks."""
    device = labels.device
    seeds = range(n_networks)
    networks = make_replicas(
        [build_network("cnn2c", SHAPE, N_CLASSES, s) for s in seeds], device, dtype=data.mean.dtype
    )
    rows = torch.arange(len(labels), device=device).expand(n_networks, -1)
    weight = torch.ones(n_networks, N_CLASSES, device=device, dtype=data.mean.dtype)
    loss = weighted_cross_entropy(weight, recipe.batch_size)
    rngs = [np.random.default_rng(s) for s in seeds]
    samples = TrainingData(data, labels, rows)
    took = seconds(
        lambda: train(networks, samples, loss, recipe, rngs, make_epoch=make_epoch), device
    )
    return took, networks
