"""Steps of gradient descent on the device: what each asks for, and that none waits or copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from learnprop.equations.losses import LOSSES, chosen_loss
from learnprop.simulations.datasets import load_dataset
from learnprop.simulations.fitters.fit import check_problem
from learnprop.simulations.fitters.mlp.minibatches import train_adam
from learnprop.simulations.fitters.mlp.network import initial_params
from learnprop.simulations.fitters.mlp.training import make_minibatch_loss
from learnprop.simulations.networks.criteria import class_weighted, of_loss
from learnprop.simulations.networks.members import Member, Pool, make_pool, starting_networks
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.stacked.epoch import stacked_epoch
from learnprop.simulations.networks.steps import MinibatchLoss, TrainingData, eager_epoch
from learnprop.simulations.networks.trainer import MakeEpoch, train
from learnprop.simulations.studies.losses.step_matching import gradient_norms_at_start
from tests.pretended.counts import COPY, HIDDEN, WAIT, Counts, counted, listed
from tests.pretended.report import Part

BATCH, LAST = 3, 2
"""Sizes of a minibatch and of an epoch's last one."""

FEW, MORE = 2, 3
"""Minibatches of two epochs whose difference is what a step takes."""


@dataclass(frozen=True)
class Way:
    """A way to train: network, number of networks, and how epochs are made."""

    name: str
    model: str
    n_networks: int
    make_epoch: MakeEpoch = eager_epoch


EAGER, STACKED = Way("one", "cnn2c", 1), Way("stacked", "cnn2c", 3, stacked_epoch)
WAYS = (EAGER, Way("many", "cnn2c", 3), STACKED, Way("stacked", "cnn5c", 2, stacked_epoch))

RECIPE = Recipe(epochs=1, batch_size=BATCH, momentum=0.5, weight_decay=1e-4)

PLANTS: dict[str, Callable[[Any, Any], object]] = {
    "copy": lambda z, _y: z.cpu(),
    "number": lambda z, _y: float(z.sum()),
    "number without gradient": torch.inference_mode()(lambda z, _y: float(z.sum())),
    "mask": lambda z, _y: z[z > 0],
    "constant": lambda z, _y: torch.tensor([1.0, 2.0], device=z.device),
    "index": lambda _z, y: y[torch.arange(len(y))],
    "operand": lambda z, _y: z + torch.zeros(z.shape),
    "array": lambda z, _y: np.exp(z.detach()),
}
"""What a step must not do, of logits and labels: controls."""


def rehearse_steps(device: str) -> Iterator[Part]:
    """Take some steps in every way with every loss, and those of the small networks.

    Parameters
    ----------
    device : str

    Yields
    ------
    Part
        Counts are of one step; what it waits for or copies is a fault.
    """
    pool = make_pool(load_dataset("digits"), "own", torch.device(device))
    for way in WAYS:
        for loss in ("weighted", *LOSSES):
            yield _step(f"{way.name} {way.model}, {loss}", _trained(pool, way, loss))
    yield _step("matching of step sizes", _matched(pool))
    yield _step("small networks, Adam", _adam(device))


def rehearse_planted(device: str) -> Iterator[Part]:
    """Take steps with each of `PLANTS`: controls, of which every one must be a fault.

    Parameters
    ----------
    device : str

    Yields
    ------
    Part
    """
    pool = make_pool(load_dataset("digits"), "own", torch.device(device))
    for way in (EAGER, STACKED):
        for name, plant in PLANTS.items():
            yield _step(f"{way.name}, planted {name}", _trained(pool, way, "sml", plant))


def _step(name: str, run: Callable[[int], object]) -> Part:
    """What a step asks for: what a longer epoch does, less what a shorter one does."""
    few, more = Counts(), Counts()
    counted()
    try:
        run(FEW)
        few = counted()
        run(MORE)
        more = counted()
    except (RuntimeError, TypeError) as error:  # what the device refuses
        return Part(f"step, {name}", counted(), [f"step, {name}: {error}"])
    more.subtract(few)
    of_a_step = Counts({key: n // (MORE - FEW) for key, n in more.items() if n})
    faults = [f"step, {name}: {line}" for line in listed(of_a_step, WAIT, COPY, HIDDEN)]
    return Part(f"step, {name}", of_a_step, faults)


def _trained(
    pool: Pool, way: Way, loss: str, plant: Callable[[Any, Any], object] = lambda _z, _y: None
) -> Callable[[int], object]:
    """Train for an epoch of so many minibatches and a short one."""

    def run(n_steps: int) -> None:
        members = _members(way.n_networks, n_steps)
        values = _loss(loss, pool, members)

        def planted(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            plant(z, y)
            return values(z, y)

        train(
            starting_networks(way.model, pool, members, RECIPE),
            TrainingData(pool.images, pool.labels, _rows(pool, members)),
            planted,
            RECIPE,
            [np.random.default_rng(m.order) for m in members],
            make_epoch=way.make_epoch,
        )

    return run


def _matched(pool: Pool) -> Callable[[int], object]:
    return lambda n_steps: gradient_norms_at_start(
        "cnn2c",
        pool,
        members := _members(2, n_steps),
        RECIPE,
        [_loss(name, pool, members) for name in LOSSES],
    )


def _adam(device: str) -> Callable[[int], object]:
    def run(n_steps: int) -> None:
        rng = np.random.default_rng(0)
        n_samples = n_steps * BATCH + LAST
        X, y = rng.normal(size=(2, n_samples, 3)), np.arange(n_samples) % 2
        problem = check_problem(X, y, [[1.0, 1.0], [1.0, 2.0]], device)
        start = [initial_params(3, 4, rng) for _ in range(4)]
        train_adam(
            make_minibatch_loss(problem),
            torch.as_tensor(np.stack(start), device=device),
            n_samples=n_samples,
            epochs=1,
            rngs=[rng, rng],
            batch_size=BATCH,
        )

    return run


def _members(n: int, n_steps: int) -> list[Member]:
    """Networks with samples for so many minibatches and a short one."""
    return [
        Member(
            run=i,
            setting="rising",
            class_weight=np.linspace(1, 2, 10),
            rows={"train": np.arange(i, i + n_steps * BATCH + LAST)},
            start=i,
            order=np.random.SeedSequence(i),
        )
        for i in range(n)
    ]


def _rows(pool: Pool, members: Sequence[Member]) -> torch.Tensor:
    return torch.as_tensor(np.stack([m.rows["train"] for m in members]), device=pool.device)


def _loss(name: str, pool: Pool, members: Sequence[Member]) -> MinibatchLoss:
    count = np.bincount(pool.labels.cpu().numpy()[members[0].rows["train"]], minlength=10)
    if name == "weighted":
        weight = torch.as_tensor(np.stack([m.class_weight for m in members]), device=pool.device)
        return class_weighted(weight, count.tolist(), RECIPE, ("raw",)).loss
    factor = torch.ones(len(members), device=pool.device)
    return of_loss(chosen_loss(name), int(count.sum()), RECIPE, factor, ("raw",)).loss
