"""The paper's networks: CNN2C and CNN5C of Table 2, ResNet-18 and MobileNetV2 for small images.

CNN2C-500 is CNN2C with the hidden layer that PyTorch's MNIST example of the paper's time had, and
that Table 2's "800-10" leaves out (docs/explanation/errata.md, 14).

Every network is ``head(features(x))``: its output layer is one linear map with bias of a feature
vector, as Eq. (2) has it. Images have shape (n, channels, height, width).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import torch
from torch import nn

from learnprop.equations.arguments import BadArgument

Layers = Callable[[int], list[nn.Module]]
"""Layers of the features, given the number of channels of an image."""


class Network(nn.Module):
    """Features and an output layer on them."""

    def __init__(self, features: nn.Module, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.features = features
        self.head = nn.Linear(n_features, n_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, shape (n, n_classes)."""
        logits: torch.Tensor = self.head(self.features(images))
        return logits


def _cnn2c(channels: int) -> list[nn.Module]:
    # A rectifier after the pooling: the maximum commutes with it, and has a quarter of the values.
    return [
        nn.Conv2d(channels, 20, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(),
    ]  # fmt: skip


def _cnn2c_500(channels: int) -> list[nn.Module]:
    return [*_cnn2c(channels), nn.Linear(800, 500), nn.ReLU()]


def _cnn5c(channels: int) -> list[nn.Module]:
    # Unpadded: 28, 26, 24, 22, pooled 11, 9, 7; the last pooling is 7 wide (errata.md, 10).
    return [
        nn.Conv2d(channels, 32, 3), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3), nn.BatchNorm2d(64), nn.ReLU(),
        nn.Conv2d(64, 128, 3), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(128, 256, 3), nn.BatchNorm2d(256), nn.ReLU(),
        nn.Conv2d(256, 512, 3), nn.MaxPool2d(7, stride=1), nn.ReLU(),
        nn.Flatten(),
    ]  # fmt: skip


def _convolution(
    n_in: int, n_out: int, size: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """Convolution without bias that keeps the size at stride 1, and batch normalisation."""
    pad = size // 2
    return [
        nn.Conv2d(n_in, n_out, size, stride, padding=pad, groups=groups, bias=False),
        nn.BatchNorm2d(n_out),
    ]


class Residual(nn.Module):
    """``after(block(x) + shortcut(x))``."""

    def __init__(self, block: nn.Module, shortcut: nn.Module, after: nn.Module) -> None:
        super().__init__()
        self.block, self.shortcut, self.after = block, shortcut, after

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Output of the block."""
        y: torch.Tensor = self.after(self.block(x) + self.shortcut(x))
        return y


def _basic_block(n_in: int, n_out: int, stride: int) -> nn.Module:
    block = nn.Sequential(
        *_convolution(n_in, n_out, 3, stride), nn.ReLU(), *_convolution(n_out, n_out, 3)
    )
    same = stride == 1 and n_in == n_out
    shortcut = nn.Identity() if same else nn.Sequential(*_convolution(n_in, n_out, 1, stride))
    return Residual(block, shortcut, nn.ReLU())


def _resnet18(channels: int) -> list[nn.Module]:
    layers: list[nn.Module] = [*_convolution(channels, 64, 3), nn.ReLU()]
    for n_in, n_out in pairwise((64, 64, 128, 256, 512)):
        layers += [
            _basic_block(n_in, n_out, stride=1 if n_in == n_out else 2),
            _basic_block(n_out, n_out, stride=1),
        ]
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()]


_INVERTED_RESIDUALS = (
    (1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2),
    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
"""Expansion, channels, blocks, stride of the first: for 32 x 32 the first two strides are 1."""


def _inverted_residual(n_in: int, n_out: int, expansion: int, stride: int) -> nn.Module:
    wide = expansion * n_in
    block = nn.Sequential(
        *_convolution(n_in, wide, 1), nn.ReLU(),
        *_convolution(wide, wide, 3, stride, groups=wide), nn.ReLU(),
        *_convolution(wide, n_out, 1),
    )  # fmt: skip
    if stride != 1:
        return block
    # The CIFAR form carries a change of channels through a convolution of its own.
    shortcut = nn.Identity() if n_in == n_out else nn.Sequential(*_convolution(n_in, n_out, 1))
    return Residual(block, shortcut, nn.Identity())


def _mobilenetv2(channels: int) -> list[nn.Module]:
    layers: list[nn.Module] = [*_convolution(channels, 32, 3), nn.ReLU()]
    n_in = 32
    for expansion, n_out, n_blocks, stride in _INVERTED_RESIDUALS:
        for i in range(n_blocks):
            layers.append(_inverted_residual(n_in, n_out, expansion, stride if i == 0 else 1))
            n_in = n_out
    return [*layers, *_convolution(n_in, 1280, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]


NETWORKS: dict[str, tuple[Layers, int, tuple[tuple[int, int], ...]]] = {
    "cnn2c": (_cnn2c, 800, ((28, 28),)),
    "cnn2c-500": (_cnn2c_500, 500, ((28, 28),)),
    "cnn5c": (_cnn5c, 512, ((28, 28),)),
    "resnet18": (_resnet18, 512, ((28, 28), (32, 32))),
    "mobilenetv2": (_mobilenetv2, 1280, ((28, 28), (32, 32))),
}
"""By name: layers of the features, their number, and heights and widths that they take."""


def check_network(name: str, shape: tuple[int, int, int]) -> None:
    """Raise ValueError unless there is such a network and it takes images of this shape.

    Parameters
    ----------
    name : str
    shape : tuple of int
        Channels, height, width.

    Examples
    --------
    >>> check_network("cnn2c", (3, 32, 32))
    Traceback (most recent call last):
    ValueError: model cnn2c takes images of 28 x 28, not of 32 x 32
    """
    if name not in NETWORKS:
        raise BadArgument("model", f"must be one of {', '.join(NETWORKS)}, got {name!r}")
    sizes = NETWORKS[name][2]
    if shape[1:] not in sizes:
        takes = " or ".join(f"{h} x {w}" for h, w in sizes)
        raise BadArgument(
            "model", f"{name} takes images of {takes}, not of {shape[1]} x {shape[2]}"
        )


def build_network(name: str, shape: tuple[int, int, int], n_classes: int, seed: int = 0) -> Network:
    """Build a network with random initial parameters that depend on the seed alone.

    Convolutions and linear maps start as PyTorch's own, uniform on ±1/sqrt(fan in), biases too;
    batch normalisation starts at one and zero.

    Parameters
    ----------
    name : {"cnn2c", "cnn2c-500", "cnn5c", "resnet18", "mobilenetv2"}
    shape : tuple of int
        Channels, height and width of an image.
    n_classes : int
    seed : int
        Of the initial parameters.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        As `check_network`.

    References
    ----------
    Li et al. (2020), Table 2, with errata.md, 10; He et al. (2016), CVPR; Sandler et al.
    (2018), CVPR.

    Examples
    --------
    >>> for name in ("cnn2c", "cnn2c-500"):
    ...     network = build_network(name, (1, 28, 28), 10)
    ...     print(name, sum(p.numel() for p in network.parameters()))
    cnn2c 33580
    cnn2c-500 431080
    """
    check_network(name, shape)
    layers, n_features, _ = NETWORKS[name]
    with torch.device("meta"):  # parameters without values, which would draw on a global state
        network = Network(nn.Sequential(*layers(shape[0])), n_features, n_classes)
    network.to_empty(device="cpu")
    initialise(network, torch.Generator().manual_seed(seed))
    return network


@cache
def n_features_of(name: str) -> int:
    """Features that the output layer of a network sees.

    Examples
    --------
    >>> n_features_of("cnn2c")
    800
    """
    return NETWORKS[name][1]


def activation_bytes(name: str, shape: tuple[int, int, int]) -> float:
    """Bytes of what all layers of a network put out for one image, in float32.

    Parameters
    ----------
    name : str
    shape : tuple of int
        Channels, height and width.

    Returns
    -------
    float

    Examples
    --------
    >>> activation_bytes("cnn2c", (1, 28, 28)) / 1024  # of which 2 convolutions: 45, 12.5 KiB
    89.4140625
    """
    layers, n_features, _ = NETWORKS[name]
    put_out: list[int] = []
    with torch.device("meta"):
        network = Network(nn.Sequential(*layers(shape[0])), n_features, 10).eval()
        for layer in network.modules():
            if not list(layer.children()):
                layer.register_forward_hook(lambda *of: put_out.append(of[2].nbytes))
        network(torch.empty(1, *shape))
    return float(sum(put_out))


@torch.no_grad()
def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw initial parameters in place, layer by layer.

    Parameters
    ----------
    network : nn.Module
    generator : torch.Generator
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for parameter in (layer.weight, layer.bias):
                if parameter is not None:
                    parameter.uniform_(-bound, bound, generator=generator)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
