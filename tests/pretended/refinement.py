"""Refinement of output layers on the device and on the processor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from learnprop.equations.losses import chosen_loss
from learnprop.simulations.refinement.output_layer import refine_head
from learnprop.simulations.refinement.sigmoid_bias import refine_sigmoid_bias
from learnprop.simulations.refinement.softmax_bias import refine_bias
from learnprop.simulations.refinement.stages import (
    Evaluated,
    LayerObjective,
    OutputLayer,
    all_stages,
)
from tests.pretended.report import Part, rehearsed

BOUND = 1e-9
"""Of minima in float64, to a gradient of 1e-13."""

CLASSES, FEATURES, SAMPLES = 4, 6, 80


def rehearse_refinement(device: str) -> Iterator[Part]:
    """Refine biases and whole output layers.

    Parameters
    ----------
    device : str

    Yields
    ------
    Part
    """
    for name, compute in REFINEMENTS.items():
        yield rehearsed(
            f"refinement, {name}",
            lambda where, compute=compute: _at_home(compute(*_drawn(where))),  # type: ignore[misc]
            _at_home(compute(*_drawn("cpu"))),
            device,
            bound=BOUND,
        )


def _drawn(device: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, OutputLayer]:
    """Features, labels, shares of the total mass, and an output layer."""
    rng = np.random.default_rng(0)
    labels = np.arange(SAMPLES) % CLASSES
    features = rng.normal(size=(SAMPLES, FEATURES)) + np.eye(CLASSES, FEATURES)[labels]
    weight = np.linspace(1, 2, CLASSES)
    layer = rng.normal(size=(CLASSES, FEATURES)), rng.normal(size=CLASSES)
    h, y, share, v, b = (
        torch.as_tensor(array, device=device)
        for array in (features, labels, weight / weight[labels].sum(), *layer)
    )
    return h, y, share, OutputLayer(v, b)


Refinement = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, OutputLayer], Any]


def _bias(penalty: float) -> Refinement:
    def refine(h: Any, y: Any, share: Any, layer: OutputLayer) -> Any:
        return refine_bias(h @ layer.weight.mT, y, share, layer.bias, penalty=penalty)

    return refine


def _sigmoid_bias(loss: str) -> Refinement:
    def refine(h: Any, y: Any, _share: Any, layer: OutputLayer) -> Any:
        count = np.full(CLASSES, SAMPLES / CLASSES)
        equation = chosen_loss(loss).bias_equation(count)
        return refine_sigmoid_bias(h @ layer.weight.mT, y, *equation, layer.bias)

    return refine


def _head(penalty: float) -> Refinement:
    def refine(h: Any, y: Any, share: Any, layer: OutputLayer) -> Any:
        return refine_head(h, y, share, layer.weight, layer.bias, penalty=penalty)

    return refine


def _stages(h: Any, y: Any, share: Any, layer: OutputLayer) -> Any:
    samples = {split: Evaluated(h, y) for split in ("train", "test")}
    return all_stages(samples, layer, LayerObjective(share, penalty=0.01, bias_penalty=0.01))


REFINEMENTS: dict[str, Refinement] = {
    "bias": _bias(0.0),
    "bias, penalised": _bias(0.01),
    "bias of sigmoids, one-vs-all": _sigmoid_bias("lgl"),
    "bias of sigmoids, LGL-INR": _sigmoid_bias("lgl-inr"),
    "output layer": _head(0.0),
    "output layer, penalised": _head(0.01),
    "all stages": _stages,
}


def _at_home(found: Any) -> Any:
    """Results on the processor: a tensor, or what holds some."""
    if isinstance(found, torch.Tensor):
        return found.cpu().numpy()
    if isinstance(found, tuple):
        return [_at_home(part) for part in found]
    if hasattr(found, "weight"):
        return {name: _at_home(value) for name, value in vars(found).items()}
    return found
