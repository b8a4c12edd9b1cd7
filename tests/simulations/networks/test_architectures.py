"""Networks: parameters and maps as published, initial parameters as PyTorch's and by seed alone."""

import numpy as np
import pytest
import torch
from torch import nn

from learnprop.simulations.networks.architectures import NETWORKS, build_network, check_network

MNIST, CIFAR = (1, 28, 28), (3, 32, 32)


def n_params(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        # 20 (25 + 1) + 50 (20 25 + 1) + 10 (800 + 1)
        ("cnn2c", MNIST, 520 + 25_050 + 8_010),
        # convolutions 3 x 3 with bias, two numbers per channel of each batch normalisation, head
        (
            "cnn5c",
            MNIST,
            32 * 10 + 64 * 289 + 128 * 577 + 256 * 1153 + 512 * 2305
            + 2 * (32 + 64 + 256)
            + 10 * 513,
        ),
        ("resnet18", CIFAR, 11_173_962),
        ("mobilenetv2", CIFAR, 2_296_922),
    ],
)  # fmt: skip
def test_number_of_parameters(name, shape, expected):
    network = build_network(name, shape, 10)
    assert n_params(network) == expected
    assert network.head.bias is not None


@pytest.mark.parametrize("name", NETWORKS)
def test_every_size_of_image_that_a_network_takes(name):
    for size in NETWORKS[name][2]:
        for channels in (1, 3):
            network = build_network(name, (channels, *size), 7).eval()
            images = torch.zeros(2, channels, *size)
            assert network.features(images).shape == (2, network.head.in_features)
            assert network(images).shape == (2, 7)


def test_initial_parameters_are_distributed_as_pytorchs():
    """Uniform on ±1/sqrt(fan in), weights and biases: bounds and variance of each layer."""
    ours, theirs = build_network("cnn2c", MNIST, 10, seed=3), nn.Conv2d(20, 50, 5)
    weight = ours.features[3].weight.detach()
    bound = 1 / np.sqrt(20 * 25)
    assert float(weight.abs().max()) <= bound
    # a uniform variable has variance bound²/3; of its estimate from n draws SE = sqrt(0.8/n) of it
    for drawn in (weight, theirs.weight.detach()):
        relative = float(drawn.var()) / (bound**2 / 3) - 1
        assert abs(relative) < 4 * np.sqrt(0.8 / drawn.numel())


def test_initial_parameters_depend_on_the_seed_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one = build_network("cnn5c", MNIST, 10, seed=5)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    again, other = (build_network("cnn5c", MNIST, 10, seed=seed) for seed in (5, 6))
    for a, b in zip(one.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one.head.weight, other.head.weight)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("lenet", MNIST, "model must be one of cnn2c, .*, got 'lenet'"),
        ("cnn5c", CIFAR, "model cnn5c takes images of 28 x 28, not of 32 x 32"),
        ("resnet18", (3, 64, 64), "takes images of 28 x 28 or 32 x 32, not of 64 x 64"),
    ],
)
def test_networks_that_cannot_be(name, shape, message):
    with pytest.raises(ValueError, match=message):
        check_network(name, shape)
