"""Layers that are computed for many networks at once, and which networks consist of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from learnprop.simulations.networks.architectures import Network
from learnprop.simulations.networks.stacked.convolution import Convolution

State = Mapping[str, torch.Tensor]
"""Parameters as `learnprop.simulations.networks.stacked.state.packed` lays them out, and buffers,
by their names in the network."""

Operation = Callable[[State, torch.Tensor], torch.Tensor]

LARGEST_TENSOR = 2**31 - 1
"""Elements: what kernels with indices of 32 bits can reach, among them those of max pooling."""


def convolve(_: nn.Conv2d, name: str, state: State, x: torch.Tensor) -> torch.Tensor:
    """Convolution without its bias."""
    y: torch.Tensor = Convolution.apply(x, state[f"{name}.weight"])
    return y


def add_bias(_: nn.Conv2d, name: str, state: State, x: torch.Tensor) -> torch.Tensor:
    """Bias of a convolution."""
    return x + state[f"{name}.bias"][:, None, None, None]


def pool(layer: nn.MaxPool2d, _name: str, _state: State, x: torch.Tensor) -> torch.Tensor:
    """Maxima of windows."""
    y: torch.Tensor = layer(x.flatten(0, 1).movedim(-1, 1))
    return y.movedim(1, -1).unflatten(0, x.shape[:2])


def normalise(layer: nn.BatchNorm2d, name: str, state: State, x: torch.Tensor) -> torch.Tensor:
    """Batch normalisation in training: running statistics are moved as the layer itself does."""
    rows = x.flatten(1, 3)
    n = rows.shape[1]
    variance, mean = torch.var_mean(rows, dim=1, keepdim=True, correction=0)
    with torch.no_grad():
        momentum = layer.momentum or 0.0
        state[f"{name}.running_mean"].lerp_(mean[:, 0], momentum)
        state[f"{name}.running_var"].lerp_(variance[:, 0] * (n / (n - 1)), momentum)
        state[f"{name}.num_batches_tracked"].add_(1)
    scale = state[f"{name}.weight"][:, None] * torch.rsqrt(variance + layer.eps)
    return torch.addcmul(state[f"{name}.bias"][:, None], rows - mean, scale).view_as(x)


def normalise_as_seen(
    layer: nn.BatchNorm2d, name: str, state: State, x: torch.Tensor
) -> torch.Tensor:
    """Batch normalisation in evaluation: by the running statistics."""
    of = {part: state[f"{name}.{part}"][:, None] for part in ("weight", "bias")}
    mean, variance = (state[f"{name}.running_{part}"][:, None] for part in ("mean", "var"))
    scale = of["weight"] * torch.rsqrt(variance + layer.eps)
    return torch.addcmul(of["bias"], x.flatten(1, 3) - mean, scale).view_as(x)


def rectify(_: nn.ReLU, _name: str, _state: State, x: torch.Tensor) -> torch.Tensor:
    """Rectifier."""
    return torch.relu(x)


def flatten(_: nn.Flatten, _name: str, _state: State, x: torch.Tensor) -> torch.Tensor:
    """Maps as vectors, in the order of the network alone: channels first."""
    return x.movedim(-1, 2).flatten(2)


def multiply(_: nn.Linear, name: str, state: State, x: torch.Tensor) -> torch.Tensor:
    """Linear map."""
    return torch.baddbmm(state[f"{name}.bias"][:, None], x, state[f"{name}.weight"])


@dataclass(frozen=True)
class Kind:
    """A kind of layer.

    Attributes
    ----------
    takes : callable ``(layer) -> bool``
        Whether it is computed as the layer's settings say.
    operations : tuple of callable ``(layer, name, state, x) -> y``
    of_maps : bool or None
        Whether it takes maps or vectors; None is either.
    """

    takes: Callable[[Any], bool]
    operations: tuple[Callable[[Any, str, State, torch.Tensor], torch.Tensor], ...]
    of_maps: bool | None


def _plain_convolution(c: nn.Conv2d) -> bool:
    plain = (c.stride, c.padding, c.dilation, c.groups) == ((1, 1), (0, 0), (1, 1), 1)
    return plain and c.bias is not None


KINDS: dict[type[nn.Module], Kind] = {
    nn.Conv2d: Kind(_plain_convolution, (convolve, add_bias), of_maps=True),
    nn.MaxPool2d: Kind(lambda p: not p.return_indices, (pool,), of_maps=True),
    nn.BatchNorm2d: Kind(
        lambda b: b.affine and b.track_running_stats and b.momentum is not None,
        (normalise,),
        of_maps=True,
    ),
    nn.ReLU: Kind(lambda _: True, (rectify,), of_maps=None),
    nn.Flatten: Kind(lambda f: (f.start_dim, f.end_dim) == (1, -1), (flatten,), of_maps=True),
    nn.Linear: Kind(lambda m: m.bias is not None, (multiply,), of_maps=False),
}
"""By type."""


def stackable(template: Network) -> bool:
    """Whether a network consists of layers that are computed for many networks at once.

    Parameters
    ----------
    template : Network

    Returns
    -------
    bool
        That it can be trained so; in bf16 or compiled it is trained the other way
        (`learnprop.simulations.networks.steps.eager_epoch`).

    Examples
    --------
    >>> from learnprop.simulations.networks.architectures import NETWORKS, build_network
    >>> [name for name in NETWORKS if stackable(build_network(name, (1, 28, 28), 10))]
    ['cnn2c', 'cnn2c-500', 'cnn5c']
    """
    if not isinstance(template.features, nn.Sequential):
        return False
    maps = True
    for layer in template.features:
        kind = KINDS.get(type(layer))
        if kind is None or not kind.takes(layer) or kind.of_maps not in (None, maps):
            return False
        maps = maps and not isinstance(layer, nn.Flatten)
    return not maps


def operations(template: Network, *, training: bool = True) -> list[Operation]:
    """What is done to images, in its order, until they are logits; the output layer is the last.

    Parameters
    ----------
    template : Network
        That is `stackable`.
    training : bool
        Whether batch normalisation is by the minibatch, or by the running statistics.

    Returns
    -------
    list of callable ``(state, x) -> y``
    """
    layers = [(f"features.{name}", m) for name, m in template.features.named_children()]
    found = [
        (operation, layer, name)
        for name, layer in [*layers, ("head", template.head)]
        for operation in KINDS[type(layer)].operations
    ]
    if not training:
        found = [(normalise_as_seen if f is normalise else f, m, name) for f, m, name in found]
    for i, ((first, *_), (second, *_)) in enumerate(list(pairwise(found))):
        # The maximum commutes with adding a constant, rounded or not: a quarter of the additions.
        if first is add_bias and second is pool:
            found[i], found[i + 1] = found[i + 1], found[i]
    return [partial(operation, layer, name) for operation, layer, name in found]


def most_at_once(template: Network, batch_size: int, shape: tuple[int, int, int]) -> int:
    """Count the networks that one stack holds with no tensor beyond `LARGEST_TENSOR`.

    Parameters
    ----------
    template : Network
        That is `stackable`.
    batch_size : int
    shape : tuple of int
        Channels, height and width of an image.

    Returns
    -------
    int

    Examples
    --------
    >>> from learnprop.simulations.networks.architectures import build_network
    >>> shape = (1, 28, 28)
    >>> [most_at_once(build_network(m, shape, 10), 64, shape) for m in ("cnn2c", "cnn5c")]
    [1048, 120]
    """
    x = torch.empty(batch_size, *shape, device="meta")
    largest = x.numel()
    for layer in deepcopy(template.features).to(x.device, x.dtype).children():
        x = layer(x)
        largest = max(largest, x.numel())
        if isinstance(layer, nn.Conv2d):  # its columns
            largest = max(largest, x[:, 0].numel() * layer.weight[0].numel())
    return LARGEST_TENSOR // largest
