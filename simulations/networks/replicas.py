"""Many networks of one kind as one computation: parameters stacked, forward passes batched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch.func import functional_call, stack_module_state, vmap

from learnprop.simulations.networks.architectures import Network

Call = Callable[[torch.nn.Module, dict[str, torch.Tensor], torch.Tensor], torch.Tensor]

HEAD = ("head.weight", "head.bias")


@dataclass(frozen=True)
class Replicas:
    """Networks that differ in the values of their parameters.

    Attributes
    ----------
    template : Network
        Says what is computed; its own parameters are not used.
    parameters, buffers : dict of str to tensor
        By the name in the network, one more axis before the others: (n_networks, ...).
    compiled : bool
        Whether the features, or a network alone, go through `torch.compile`.
    """

    template: Network
    parameters: dict[str, torch.Tensor]
    buffers: dict[str, torch.Tensor]
    compiled: bool = False

    def __len__(self) -> int:
        return len(self.head_bias)

    @property
    def head_weight(self) -> torch.Tensor:
        """Weight of the output layers, shape (n_networks, n_classes, n_features)."""
        return self.parameters[HEAD[0]]

    @property
    def head_bias(self) -> torch.Tensor:
        """Bias of the output layers, shape (n_networks, n_classes)."""
        return self.parameters[HEAD[1]]

    @property
    def state(self) -> dict[str, torch.Tensor]:
        """Every tensor that training changes, by name."""
        return self.parameters | self.buffers


def make_replicas(
    networks: Sequence[Network],
    device: torch.device,
    *,
    dtype: torch.dtype = torch.float32,
    compiled: bool = False,
) -> Replicas:
    """Stack networks of one kind on a device.

    Parameters
    ----------
    networks : sequence of Network
        At least one; their parameters are copied.
    device : torch.device
    dtype : torch.dtype
        Of parameters and features.
    compiled : bool
        Whether the features go through `torch.compile`.

    Returns
    -------
    Replicas
    """
    parameters, buffers = stack_module_state([network.to(dtype) for network in networks])
    return Replicas(
        template=networks[0],
        parameters={
            name: _laid_out(value.detach()).to(device).requires_grad_()
            for name, value in parameters.items()
        },
        buffers={k: v.detach().to(device) for k, v in buffers.items()},
        compiled=compiled,
    )


def _laid_out(stacked: torch.Tensor) -> torch.Tensor:
    """Lay the kernels of a single network out as images are: on a processor a third faster.

    Not those of several: in that layout torch 2.13's grouped convolution gives kernels a wrong
    gradient where the minibatch is a single image (tests/simulations/networks/test_trainer.py).
    """
    if stacked.ndim != 5 or len(stacked) > 1:
        return stacked
    return stacked.movedim(2, -1).contiguous().movedim(-1, 2)


def part(replicas: Replicas, which: slice) -> Replicas:
    """Some of the networks; their tensors are views."""
    return Replicas(
        template=replicas.template,
        parameters={name: value[which] for name, value in replicas.parameters.items()},
        buffers={name: value[which] for name, value in replicas.buffers.items()},
        compiled=replicas.compiled,
    )


def ordinary(replicas: Replicas) -> Network:
    """The network of a stack of one as an ordinary module, whose tensors are views of the stack's.

    A step of CNN2C spares 0.2 of 7.4 ms of a call by `torch.func.functional_call`.

    Parameters
    ----------
    replicas : Replicas
        Of length one. Its template becomes that module.

    Returns
    -------
    Network
    """
    network = replicas.template
    for name, value in replicas.parameters.items():
        layer, _, attribute = name.rpartition(".")
        setattr(network.get_submodule(layer), attribute, torch.nn.Parameter(value.detach()[0]))
    for name, value in replicas.buffers.items():
        layer, _, attribute = name.rpartition(".")
        setattr(network.get_submodule(layer), attribute, value[0])
    if replicas.compiled:
        network.compile()  # not its features: a module of torch's own it would pass by
    return network


def features(replicas: Replicas, images: torch.Tensor) -> torch.Tensor:
    """Features of every network on its own images.

    Batch normalisation does as `template.train()` or `template.eval()` said last.

    Parameters
    ----------
    replicas : Replicas
    images : tensor, shape (n_networks, n, channels, height, width)

    Returns
    -------
    tensor, shape (n_networks, n, n_features)
    """
    prefix = "features."
    state = {
        name.removeprefix(prefix): value
        for name, value in replicas.state.items()
        if name.startswith(prefix)
    }
    call: Call = _of_one if len(replicas) == 1 else _of_many
    if replicas.compiled:
        call = _compiled(call)
    return call(replicas.template.features, state, images)


def _of_one(
    module: torch.nn.Module, state: dict[str, torch.Tensor], images: torch.Tensor
) -> torch.Tensor:
    """An ordinary network: faster than a batch of one."""
    alone = {name: value.squeeze(0) for name, value in state.items()}
    found: torch.Tensor = functional_call(module, alone, (images.squeeze(0),))
    return found.unsqueeze(0)


def _of_many(
    module: torch.nn.Module, state: dict[str, torch.Tensor], images: torch.Tensor
) -> torch.Tensor:
    def one(state: dict[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = functional_call(module, state, (images,))
        return found

    return vmap(one, randomness="different")(state, images)


@lru_cache
def _compiled(call: Call) -> Call:
    """Compile functions of ours: one of torch's own, `functional_call` itself, it would pass by."""
    return torch.compile(call)


def logits(replicas: Replicas, images: torch.Tensor) -> torch.Tensor:
    """Logits of every network on its own images.

    Parameters
    ----------
    replicas : Replicas
    images : tensor, shape (n_networks, n, channels, height, width)

    Returns
    -------
    tensor, shape (n_networks, n, n_classes)
    """
    found = features(replicas, images)
    bias = replicas.head_bias[:, None].to(found.dtype)
    return torch.baddbmm(bias, found, replicas.head_weight.mT.to(found.dtype))
