"""Which way networks are computed: each alone, or many as one computation."""

from __future__ import annotations

from collections.abc import Callable

import torch

from learnprop.simulations.engine.devices import runs_many_at_once
from learnprop.simulations.networks.architectures import Network, build_network
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import Replicas, features
from learnprop.simulations.networks.stacked.epoch import stacked_epoch
from learnprop.simulations.networks.stacked.evaluation import stacked_features
from learnprop.simulations.networks.stacked.layers import most_at_once, stackable
from learnprop.simulations.networks.steps import eager_epoch
from learnprop.simulations.networks.trainer import MakeEpoch

AT_ONCE = 200
"""Networks of one stack: beyond a hundred a GPU gains nothing more, and a chunk that does not fit
costs its training."""


def trains_at_once(model: str, shape: tuple[int, int, int], device: torch.device) -> bool:
    """Whether networks of a kind are trained many at once: small ones, and not on a processor.

    Parameters
    ----------
    model : str
    shape : tuple of int
        Channels, height and width of an image.
    device : torch.device

    Returns
    -------
    bool

    Examples
    --------
    >>> trains_at_once("cnn2c", (1, 28, 28), torch.device("cpu"))
    False
    """
    return runs_many_at_once(device) and stackable(build_network(model, shape, 2))


def networks_at_once(
    model: str, shape: tuple[int, int, int], recipe: Recipe, device: torch.device
) -> int:
    """Networks of one computation.

    Parameters
    ----------
    model : str
    shape : tuple of int
    recipe : Recipe
    device : torch.device

    Returns
    -------
    int
        One where they are trained one by one.
    """
    if not trains_at_once(model, shape, device):
        return 1
    return min(AT_ONCE, most_at_once(build_network(model, shape, 2), recipe.batch_size, shape))


def epochs_on(device: torch.device, template: Network, recipe: Recipe) -> MakeEpoch:
    """How epochs are computed on a device: stacked and captured where that can be.

    Parameters
    ----------
    device : torch.device
    template : Network
    recipe : Recipe

    Returns
    -------
    callable
    """
    eager = recipe.compiled or recipe.precision == "bf16"
    if eager or not (runs_many_at_once(device) and stackable(template)):
        return eager_epoch
    return stacked_epoch


def features_on(
    device: torch.device, template: Network
) -> Callable[[Replicas, torch.Tensor], torch.Tensor]:
    """How features are computed on a device, in evaluation mode.

    Parameters
    ----------
    device : torch.device
    template : Network

    Returns
    -------
    callable ``(networks, images) -> features``
    """
    if runs_many_at_once(device) and stackable(template):
        return stacked_features
    return features
