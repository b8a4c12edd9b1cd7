"""Features of stacked networks in evaluation mode."""

from __future__ import annotations

import torch

from learnprop.simulations.networks.replicas import Replicas
from learnprop.simulations.networks.stacked.layers import operations
from learnprop.simulations.networks.stacked.state import packed


def stacked_features(networks: Replicas, images: torch.Tensor) -> torch.Tensor:
    """Features of every network on its own images, as `replicas.features` in evaluation mode.

    Parameters
    ----------
    networks : Replicas
        Of a `stackable` template.
    images : tensor, shape (n_networks, n, channels, height, width)

    Returns
    -------
    tensor, shape (n_networks, n, n_features)
    """
    state = {name: packed(tensor) for name, tensor in networks.state.items()}
    x = images.movedim(-3, -1)
    for operation in operations(networks.template, training=False)[:-1]:
        x = operation(state, x)
    return x
