"""Which networks are stacked, how many at once, and each layer against PyTorch's own."""

import pytest
import torch
from torch import nn

from learnprop.simulations.networks.architectures import Network, build_network
from learnprop.simulations.networks.stacked import layers
from learnprop.simulations.networks.stacked.layers import most_at_once, operations, stackable
from learnprop.simulations.networks.stacked.state import packed

SHAPE = (1, 28, 28)


def of(*features, n_features=4):
    return Network(nn.Sequential(*features), n_features, 3)


def stack_of(network):
    """State of a stack of this network alone."""
    return {name: packed(t[None].clone()) for name, t in network.state_dict().items()}


@pytest.mark.parametrize(
    "features",
    [
        [nn.Flatten()],
        [nn.Conv2d(1, 4, (3, 2)), nn.MaxPool2d(3, stride=2, padding=1), nn.Flatten()],
        [nn.BatchNorm2d(1), nn.ReLU(), nn.Flatten(), nn.ReLU(), nn.Linear(4, 4)],
    ],
)
def test_these_are_stacked(features):
    assert stackable(of(*features))


@pytest.mark.parametrize(
    "features",
    [
        [nn.Conv2d(1, 4, 3)],
        [nn.Conv2d(1, 4, 3, padding=1), nn.Flatten()],
        [nn.Conv2d(1, 4, 3, stride=2), nn.Flatten()],
        [nn.Conv2d(1, 4, 3, dilation=2), nn.Flatten()],
        [nn.Conv2d(2, 4, 3, groups=2), nn.Flatten()],
        [nn.Conv2d(1, 4, 3, bias=False), nn.Flatten()],
        [nn.Linear(4, 4), nn.Flatten()],
        [nn.Flatten(), nn.Linear(4, 4, bias=False)],
        [nn.Flatten(), nn.MaxPool2d(2)],
        [nn.Flatten(), nn.Flatten()],
        [nn.Flatten(2)],
        [nn.BatchNorm2d(4, momentum=None), nn.Flatten()],
        [nn.BatchNorm2d(4, affine=False), nn.Flatten()],
        [nn.Dropout(), nn.Flatten()],
        [nn.MaxPool2d(2, return_indices=True), nn.Flatten()],
    ],
)
def test_these_are_not(features):
    assert not stackable(of(*features))


def test_features_that_are_no_sequence_are_not():
    assert not stackable(Network(nn.Flatten(), 4, 3))


def test_layers_compute_what_pytorchs_do():
    """Odd sizes, windows that overlap and are padded, kernels that are not square."""
    template = of(
        nn.Conv2d(2, 4, (3, 2)), nn.BatchNorm2d(4, eps=0.01, momentum=0.3), nn.ReLU(),
        nn.Conv2d(4, 5, 2), nn.MaxPool2d(3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(45, 7), nn.ReLU(), n_features=7,
    ).double()  # fmt: skip
    assert stackable(template)
    x = torch.randn(6, 2, 9, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    state = stack_of(template)
    y = x[None].movedim(2, -1)
    for operation in operations(template):
        y = operation(state, y)
    template.train()
    assert torch.allclose(y[0], template(x), rtol=0, atol=1e-13)
    for name, buffer in template.named_buffers():
        assert torch.allclose(state[name][0], buffer, rtol=0, atol=1e-14), name


def test_a_bias_is_added_after_the_pooling():
    names = [o.func.__name__ for o in operations(build_network("cnn5c", SHAPE, 10))]
    assert names[:4] == ["convolve", "add_bias", "normalise", "rectify"]
    assert names[8:12] == ["convolve", "pool", "add_bias", "rectify"]


def test_the_most_at_once_is_what_its_largest_tensor_allows(monkeypatch):
    """CNN2C, second convolution: 8 x 8 places and 20 x 5 x 5 values in the columns of an image."""
    network = build_network("cnn2c", SHAPE, 10)
    assert most_at_once(network, 64, SHAPE) == (2**31 - 1) // (64 * 8 * 8 * 500)
    monkeypatch.setattr(layers, "LARGEST_TENSOR", 3 * 8 * 8 * 500)
    assert [most_at_once(network, n, SHAPE) for n in (1, 2, 4)] == [3, 1, 0]


def test_the_largest_tensor_is_the_one_that_is_met(monkeypatch):
    """Of what is computed in fact, none has more elements, and the columns have as many."""
    network = build_network("cnn5c", SHAPE, 10).double()
    met = []
    plain = layers.Convolution.apply

    def seen(x, weight):
        y = plain(x, weight)
        met.append(y[..., 0].numel() * weight[0, 0].numel())
        return y

    monkeypatch.setattr(layers.Convolution, "apply", seen)
    state = stack_of(network)
    x = torch.zeros(1, 1, *SHAPE[1:], SHAPE[0], dtype=torch.float64)
    for operation in operations(network):
        x = operation(state, x)
        met.append(x.numel())
    assert most_at_once(network, 1, SHAPE) == (2**31 - 1) // max(met)
