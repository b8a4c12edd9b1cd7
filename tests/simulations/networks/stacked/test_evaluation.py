"""Features of stacked networks in evaluation mode, and which way is taken where."""

from dataclasses import replace

import pytest
import torch

from learnprop.simulations.networks.architectures import build_network
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import features, make_replicas
from learnprop.simulations.networks.stacked import ways
from learnprop.simulations.networks.stacked.epoch import stacked_epoch
from learnprop.simulations.networks.stacked.evaluation import stacked_features
from learnprop.simulations.networks.steps import eager_epoch
from tests.trained import CPU

GRAY = (1, 28, 28)
CUDA = torch.device("cuda")


@pytest.mark.parametrize("model", ["cnn2c", "cnn2c-500", "cnn5c"])
def test_they_are_those_of_the_networks_one_by_one(model):
    networks = make_replicas(
        [build_network(model, GRAY, 10, seed) for seed in range(3)], CPU, dtype=torch.float64
    )
    generator = torch.Generator().manual_seed(0)
    for name, buffer in networks.buffers.items():  # running statistics that are not one and zero
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 2.0, generator=generator)
        assert name.startswith("features.")
    images = torch.randn(3, 4, *GRAY, generator=generator, dtype=torch.float64)
    networks.template.eval()
    expected = features(networks, images)
    assert torch.allclose(stacked_features(networks, images), expected, rtol=1e-12, atol=1e-12)
    if networks.buffers:  # the control: batch normalisation by the minibatch is another thing
        networks.template.train()
        assert not torch.allclose(features(networks, images), expected, rtol=1e-2)


def test_a_processor_trains_networks_alone_and_a_device_small_ones_at_once():
    recipe = Recipe()
    for model, at_once in (("cnn2c", 200), ("cnn5c", 120), ("resnet18", 1)):
        assert ways.networks_at_once(model, GRAY, recipe, CPU) == 1
        assert ways.networks_at_once(model, GRAY, recipe, CUDA) == at_once
    small, large = (build_network(model, GRAY, 10) for model in ("cnn2c", "resnet18"))
    assert ways.epochs_on(CPU, small, recipe) is eager_epoch
    assert ways.epochs_on(CUDA, small, recipe) is stacked_epoch
    assert ways.epochs_on(CUDA, small, replace(recipe, precision="tf32")) is stacked_epoch
    for other in (replace(recipe, precision="bf16"), replace(recipe, compiled=True)):
        assert ways.epochs_on(CUDA, small, other) is eager_epoch
    assert ways.epochs_on(CUDA, large, recipe) is eager_epoch
    assert ways.features_on(CUDA, small) is stacked_features
    assert ways.features_on(CPU, small) is ways.features_on(CUDA, large) is features
