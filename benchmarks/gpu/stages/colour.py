"""An epoch of ResNet-18 and of MobileNetV2 at CIFAR-10's size, and what Table 4 would take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from benchmarks.gpu.stages.at import At
from benchmarks.trainings import N_CLASSES, images_and_labels, seconds
from learnprop.equations.losses import LOSSES
from learnprop.simulations.engine.devices import arithmetic
from learnprop.simulations.networks.architectures import build_network
from learnprop.simulations.networks.criteria import weighted_cross_entropy
from learnprop.simulations.networks.image_batches import channel_moments, resident
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import make_replicas
from learnprop.simulations.networks.steps import TrainingData
from learnprop.simulations.networks.trainer import train
from learnprop.simulations.studies.losses.study import paper_recipe

MODELS = ("resnet18", "mobilenetv2")
PRECISIONS = ("float32", "bf16")
SHAPE, IMAGES = (3, 32, 32), 50_000


def run(at: At) -> None:
    """Noise in place of images: the time of a step does not depend on what is seen."""
    recipe = paper_recipe("cifar10")
    images, batch = (16, 8) if at.quick else (IMAGES, recipe.batch_size)
    for precision in PRECISIONS:
        how = replace(recipe, epochs=1, batch_size=batch, precision=precision)
        epochs = 0.0
        for model in MODELS:
            # Warms up with both sizes of minibatches: what is fastest for each is then known.
            _epoch(at, model, 10 * batch + images % batch, how)
            took = _epoch(at, model, images, how)
            at.say(f"{model}, {precision}: an epoch of {images} images", took, "s", 1)
            epochs += took * IMAGES / images
        at.say(
            f"Table 4, {precision}: {recipe.epochs} epochs, {len(LOSSES)} losses, both networks, "
            "computed from these epochs, no measuring",
            recipe.epochs * len(LOSSES) * epochs / 60,
            "min",
        )


def _epoch(at: At, model: str, n_images: int, recipe: Recipe) -> float:
    """Seconds of an epoch of one network, as the study of losses trains it."""
    pixels, labels = images_and_labels(n_images, SHAPE)
    data = TrainingData(
        resident(pixels, channel_moments(pixels), at.device),
        torch.as_tensor(labels, device=at.device),
        torch.arange(n_images, device=at.device)[None],
    )
    networks = make_replicas([build_network(model, SHAPE, N_CLASSES, 0)], at.device)
    loss = weighted_cross_entropy(torch.ones(1, N_CLASSES, device=at.device), recipe.batch_size)
    rngs = [np.random.default_rng(0)]
    with arithmetic(at.device, recipe.precision, tuned=True):
        return seconds(lambda: train(networks, data, loss, recipe, rngs), at.device)
