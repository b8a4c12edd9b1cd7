"""Epochs of stacked networks: replays of captured steps on a GPU, the same steps elsewhere."""

from __future__ import annotations

from functools import partial

import torch

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import Replicas
from learnprop.simulations.networks.stacked.capture import captured
from learnprop.simulations.networks.stacked.layers import most_at_once, operations, stackable
from learnprop.simulations.networks.stacked.state import load, make_stack, store
from learnprop.simulations.networks.stacked.step import step
from learnprop.simulations.networks.steps import Epoch, MinibatchLoss, TrainingData, Trajectory


def stacked_epoch(
    networks: Replicas, data: TrainingData, loss: MinibatchLoss, recipe: Recipe, path: Trajectory
) -> Epoch:
    """Make an epoch of networks that are trained as one computation.

    Parameters
    ----------
    networks : Replicas
        Of a `stackable` template, not compiled; one or up to `most_at_once`.
    data : TrainingData
        On the device of the networks.
    loss : callable
        What a step minimises, of each network; static, on CUDA, as a captured step is.
    recipe : Recipe
        In float32 or tf32, whose products follow PyTorch's settings when this is called.
    path : Trajectory

    Returns
    -------
    callable
        See `learnprop.simulations.networks.steps.Epoch`.

    Raises
    ------
    ValueError
        If networks or recipe are not such.
    """
    _check(networks, data, recipe)
    n_samples, device = data.rows.shape[1], data.rows.device
    full, rest = divmod(n_samples, recipe.batch_size)
    sizes = [recipe.batch_size] * full + [rest] * (rest > 0)
    different = list(dict.fromkeys(sizes))
    stack = make_stack(networks, data, recipe, path)
    begin = partial(load, stack, networks, path)
    one = partial(step, stack, operations(networks.template), data, loss, recipe)
    steps = captured([partial(one, size) for size in different], begin, device)
    step_of = dict(zip(different, steps, strict=True))

    def epoch(order: torch.Tensor, moves: torch.Tensor | None, lr: float) -> torch.Tensor:
        begin()
        # As they come and then widened, there: the other way round would wait.
        there = order.to(device, non_blocking=True).long()
        torch.gather(data.rows, 1, there, out=stack.numbers)
        if stack.moves is not None and moves is not None:
            stack.moves.copy_(moves.to(device, non_blocking=True))
        stack.rate.fill_(lr)
        for size in sizes:
            step_of[size]()
        store(stack, networks, path)
        networks.template.eval()
        return stack.loss_sum / len(sizes)

    return epoch


def _check(networks: Replicas, data: TrainingData, recipe: Recipe) -> None:
    if not stackable(networks.template):
        raise BadArgument("networks", "have layers that are not trained as one computation")
    if networks.compiled or recipe.compiled:
        raise BadArgument("compiled", "is of networks that are trained the other way")
    if recipe.precision == "bf16":
        raise BadArgument("precision", "must be float32 or tf32 of stacked networks, got 'bf16'")
    _, height, width, channels = data.images.pixels.shape
    size = min(recipe.batch_size, data.rows.shape[1])
    most = most_at_once(networks.template, size, (channels, height, width))
    if len(networks) > most:
        raise BadArgument(
            "networks", f"must be at most {most} at once at a batch of {size}, got {len(networks)}"
        )
