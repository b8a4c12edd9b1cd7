"""Networks measured and their output layers refined, on the device and on the processor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from learnprop.equations.losses import LOSSES, chosen_loss
from learnprop.simulations.refinement.objectives import LayerObjective, OfLoss, WeightedSoftmax
from learnprop.simulations.refinement.seen import OutputLayers, Seen
from learnprop.simulations.refinement.stages import measure_stages
from tests.pretended.report import Part, rehearsed

BOUND = 1e-9
"""Of minima in float64, to a gradient of 1e-13."""

NETWORKS, CLASSES, FEATURES, SAMPLES = 3, 4, 6, 80


def rehearse_refinement(device: str) -> Iterator[Part]:
    """Measure networks at every stage of their output layers.

    Parameters
    ----------
    device : str

    Yields
    ------
    Part
    """
    for name, (objective_on, stages) in OBJECTIVES.items():

        def found(where: str) -> Any:
            samples, layers = _drawn(where)
            return measure_stages(stages, samples, layers, objective_on(where))  # noqa: B023

        yield rehearsed(f"stages, {name}", found, found("cpu"), device, bound=BOUND)


def _drawn(device: str) -> tuple[dict[str, Seen], OutputLayers]:
    """Samples as networks with output layers see them."""
    rng = np.random.default_rng(0)
    labels = np.arange(SAMPLES) % CLASSES
    features = rng.normal(size=(NETWORKS, SAMPLES, FEATURES)) + np.eye(CLASSES, FEATURES)[labels]
    weight, bias = rng.normal(size=(NETWORKS, CLASSES, FEATURES)), rng.normal(size=(3, CLASSES))
    h, v, b = (torch.as_tensor(array, device=device) for array in (features, weight, bias))
    y = torch.as_tensor(labels, device=device).expand(NETWORKS, -1)
    half = SAMPLES // 2
    samples = {
        split: Seen(h[:, of] @ v.mT, y[:, of], lambda i, of=of: h[i, of])
        for split, of in (
            ("train", slice(SAMPLES)), ("validation", slice(half)), ("test", slice(half, None))
        )
    }  # fmt: skip
    return samples, OutputLayers(v, b)


def _weighted(penalty: float) -> Callable[[str], LayerObjective]:
    share = np.array([np.ones(CLASSES), np.linspace(1, 2, CLASSES), np.linspace(3, 1, CLASSES)])
    share /= share.sum(axis=1, keepdims=True)
    return lambda device: WeightedSoftmax(torch.as_tensor(share, device=device), penalty, penalty)


def _of_loss(name: str) -> Callable[[str], LayerObjective]:
    return lambda _: OfLoss(chosen_loss(name))


BIASES = ("raw", "bias", "heldout")
OBJECTIVES: dict[str, tuple[Callable[[str], LayerObjective], tuple[str, ...]]] = {
    "weighted": (_weighted(0.0), (*BIASES, "head", "loo")),
    "weighted, penalised": (_weighted(0.01), (*BIASES, "head", "loo")),
    **{name: (_of_loss(name), BIASES) for name in LOSSES},
}
"""What is minimised, on a device, and stages."""
