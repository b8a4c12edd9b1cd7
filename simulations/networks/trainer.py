"""Training of networks by stochastic gradient descent: epochs, for one network or for many.

What a step minimises is a function of the minibatch's logits and labels
(`learnprop.simulations.networks.criteria`). Along the way the gradient in the output bias is added
up, which E9 knows from the two ends of the path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import torch

from learnprop.simulations.engine.devices import copies_from_pinned
from learnprop.simulations.engine.within import tell
from learnprop.simulations.networks.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from learnprop.simulations.networks.image_batches import draw_ahead
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import HEAD, Replicas
from learnprop.simulations.networks.steps import (
    Epoch,
    MinibatchLoss,
    TrainingData,
    Trajectory,
    eager_epoch,
)

Visit = Callable[[int], dict[Any, Any]]
"""``(epoch) -> measurements``, tensors in nested dicts, kept with the path."""

MakeEpoch = Callable[[Replicas, TrainingData, MinibatchLoss, Recipe, Trajectory], Epoch]
"""How epochs are computed, as `learnprop.simulations.networks.steps.eager_epoch`."""


def train(
    networks: Replicas,
    data: TrainingData,
    loss: MinibatchLoss,
    recipe: Recipe,
    rngs: Sequence[np.random.Generator],
    *,
    make_epoch: MakeEpoch = eager_epoch,
    visit: Visit | None = None,
    visit_at: Sequence[int] = (),
    checkpoint: Checkpoint | None = None,
) -> Trajectory:
    """Train networks in place, each on its own sample.

    Parameters
    ----------
    networks : Replicas
    data : TrainingData
        On the device of the networks.
    loss : callable
        What a step minimises, of each network.
    recipe : Recipe
    rngs : sequence of numpy.random.Generator
        One per network, for the order of its samples and for augmentation.
    make_epoch : callable
    visit : callable ``(epoch) -> nested dict of tensors``, optional
        Measures the networks; called after each epoch of `visit_at`, counted from 1.
    visit_at : sequence of int
    checkpoint : Checkpoint, optional
        Where an unfinished training is kept; one that is there is resumed.

    Returns
    -------
    Trajectory
        The networks are left in evaluation mode.
    """
    networks.template.eval()
    n_samples = data.rows.shape[1]
    path = _start(networks)
    if checkpoint is not None:
        load_checkpoint(checkpoint, networks.state, path)
    done = path.epoch
    if done >= recipe.epochs or bool((path.diverged > 0).all()):
        return path
    run_epoch = make_epoch(networks, data, loss, recipe, path)
    # After it: nothing else is asked of a GPU while steps are captured.
    pinned = copies_from_pinned(data.rows.device)
    drawn = draw_ahead(rngs, n_samples, recipe.epochs, augment=recipe.augment, pinned=pinned)
    with closing(drawn):  # ends the thread
        for epoch, (order, moves) in enumerate(drawn):
            if epoch < done:  # resumed: what was drawn then is passed over
                continue
            tell(f"epoch {epoch} of {recipe.epochs} done")
            path.loss = run_epoch(order, moves, recipe.rate(epoch))
            path.n_steps += math.ceil(n_samples / recipe.batch_size)
            path.epoch = epoch + 1
            path.diverged[(path.diverged == 0) & ~torch.isfinite(path.loss)] = path.epoch
            if visit is not None and path.epoch in visit_at:
                path.visits[path.epoch] = visit(path.epoch)
            if bool((path.diverged > 0).all()):
                break
            if checkpoint is not None:
                save_checkpoint(checkpoint, networks.state, path, path.epoch == recipe.epochs)
    return path


def _start(networks: Replicas) -> Trajectory:
    bias = networks.head_bias.detach().double().clone()
    zero = torch.zeros(len(networks), dtype=torch.float64, device=bias.device)
    momenta = {name: torch.zeros_like(p).detach() for name, p in networks.parameters.items()}
    return Trajectory(bias, torch.zeros_like(bias), zero, zero.long(), momenta)


def path_gradients(
    networks: Replicas, path: Trajectory, recipe: Recipe
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Mean minibatch gradient in the output bias along the path, and what E9 says that it is.

    .. math:: \frac{1}{T} \sum_t g_t
              = \frac{1}{T} \Big( (1 - \mu) \frac{b_0 - b_T}{\eta} + \mu v_T \Big)

    for a constant rate η and momentum μ, v_T the last momentum: exact up to rounding, converged or
    not.

    Parameters
    ----------
    networks : Replicas
        After `train`.
    path : Trajectory
    recipe : Recipe

    Returns
    -------
    mean, identity : tensor of float64, shape (n_networks, n_classes)
        NaN identity where the rate is not constant or the bias is decayed.
    """
    mean = path.gradient_sum / path.n_steps
    decays = recipe.decay_bias and recipe.weight_decay > 0
    if recipe.schedule != "constant" or decays:
        return mean, torch.full_like(mean, float("nan"))
    moved = (path.first_bias - networks.head_bias.detach().double()) / recipe.lr
    mu, last = recipe.momentum, path.momenta[HEAD[1]].double()
    return mean, ((1 - mu) * moved + mu * last) / path.n_steps
