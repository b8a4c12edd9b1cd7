"""Trained networks measured at stages: as trained, output bias refined, output layer refined.

Under stochastic gradient descent the gradient in the output bias is nowhere near zero, and on the
training set the two sides of Eq. (9) differ by just that (E1). Refining the bias alone makes them
equal without touching the features (E6), unless it is penalised (E8); what then remains on test
data is generalisation. Refined on held-out samples instead, the bias is at its optimum for fresh
data, up to the error of those samples, whatever the features have learnt by heart.

Of a refined output layer there are left-out predictions too (E13): what each training sample would
be predicted, had it been left out of the output layer, though not of the features. The bias at
which those balance (stage "loo") undoes the output layer's share of the overfitting.

Networks of one kind are measured together: tensors have an axis of networks in front.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.minimisation.newton import GRADIENT_TOLERANCE
from learnprop.simulations.records.measure import Measured
from learnprop.simulations.records.rows import CONVERGED, LEFT_OUT, NOT_CONVERGED
from learnprop.simulations.refinement.objectives import LayerObjective, WeightedSoftmax, measured
from learnprop.simulations.refinement.output_layer import Refined
from learnprop.simulations.refinement.seen import OutputLayers, Samples, Seen

REFINED_ON = {"bias": "train", "heldout": "validation", "loo": LEFT_OUT}
"""Stages of a refined output bias, and the split that it is refined on."""

OF_WHOLE_LAYERS = ("head", "loo")
"""Stages of a refined output layer: as it is, and with its bias refined once more."""

STAGES = ("raw", "bias", "heldout", *OF_WHOLE_LAYERS)

NO_MINIMUM = "no minimum: the features part the classes, so the loss of the output layer has none"

NO_PREDICTION = "not computed: the output layer is not at its minimum"
"""Why there are no left-out predictions; others are in `left_out`."""


@dataclass(frozen=True)
class Stage:
    """A network at one stage.

    Attributes
    ----------
    name : {"raw", "bias", "heldout", "head", "loo"}
    status : str
        "converged" where the objective has no gradient in the output bias (and at stage "head" the
        whole output layer is at its minimum), else "not converged".
    loss : float
        Sum-form loss, with the penalty, over the total mass, on the sample that the stage is of:
        at "heldout" the validation sample, at "loo" the left-out predictions, else the training
        sample.
    bias, bias_gradient : ndarray, shape (n_classes,)
        The gradient is that of the objective on the same sample, over the total mass.
    measured : mapping of split to Measured
    reason : str
        Why there is nothing to measure; else empty.
    n_iter : int
        Evaluations of the gradient in the refinement.
    gradient_norm : float
        Of the refined output layer (see `refine_head`), before its bias is refined once more; NaN
        at other stages.
    """

    name: str
    status: str
    loss: float
    bias: FloatArray
    bias_gradient: FloatArray
    measured: Mapping[str, Measured]
    reason: str = ""
    n_iter: int = 0
    gradient_norm: float = float("nan")


def as_they_are(
    samples: Samples,
    layers: OutputLayers,
    objective: LayerObjective,
    name: str = "raw",
    of: str = "train",
) -> list[Stage]:
    """Measure networks as they are.

    Parameters
    ----------
    samples : mapping of split to Seen
    layers : OutputLayers
    objective : LayerObjective
    name : str
        Of the stage.
    of : str
        Split of the loss and the gradient, which are NaN where it is none of the samples.

    Returns
    -------
    list of Stage, one per network
    """
    if not len(layers.bias):
        return []
    bias = layers.bias.cpu().numpy()
    found = {s: measured(seen, layers, objective.activation) for s, seen in samples.items()}
    loss, gradient = np.full(len(bias), np.nan), np.full_like(bias, np.nan)
    if of in samples:
        loss, gradient = objective.value_and_gradient(samples[of], layers)
    return [
        Stage(
            name=name,
            status=status_of(gradient[i]),
            loss=float(loss[i]),
            bias=bias[i],
            bias_gradient=gradient[i],
            measured={split: of_networks[i] for split, of_networks in found.items()},
        )
        for i in range(len(bias))
    ]


def measure_stages(
    stages: Sequence[str], samples: Samples, layers: OutputLayers, objective: LayerObjective
) -> list[list[Stage]]:
    """Measure trained networks at stages.

    Parameters
    ----------
    stages : sequence of str
        Some of `STAGES`, that the objective has.
    samples : mapping of split to Seen
        At the stages of whole layers `LEFT_OUT` comes to them, where it can be computed.
    layers : OutputLayers
    objective : LayerObjective

    Returns
    -------
    list of list of Stage
        Of each network, in the order of `STAGES`.

    Examples
    --------
    >>> h = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    >>> y = torch.tensor([[0, 1, 0, 1]])
    >>> layers = OutputLayers(torch.zeros(1, 2, 1).double(), torch.tensor([[0.5, 0.0]]).double())
    >>> samples = {"train": Seen(torch.zeros(1, 4, 2).double(), y, lambda _: h)}
    >>> objective = WeightedSoftmax(torch.tensor([[0.5, 0.5]]).double())
    >>> (found,) = measure_stages(("raw", "bias", "head"), samples, layers, objective)
    >>> [stage.status for stage in found]
    ['not converged', 'converged', 'converged']
    """
    found: list[list[Stage]] = [[] for _ in range(len(layers.bias))]
    chosen = [name for name in STAGES if name in stages]
    for name in chosen:
        if name in OF_WHOLE_LAYERS:
            continue
        if name == "raw":
            new = as_they_are(samples, layers, objective)
        else:
            new = _bias_refined(samples, layers, objective, name)
        for of_network, stage in zip(found, new, strict=True):
            of_network.append(stage)
    of_whole = [name for name in chosen if name in OF_WHOLE_LAYERS]
    if of_whole:
        assert isinstance(objective, WeightedSoftmax)
        for i, of_network in enumerate(found):
            of_network += _head_refined(i, of_whole, samples, layers, objective)
    return found


def _bias_refined(
    samples: Samples, layers: OutputLayers, objective: LayerObjective, name: str
) -> list[Stage]:
    on = REFINED_ON[name]
    bias, n_iter = objective.refined_bias(samples[on], layers)
    stages = as_they_are(samples, replace(layers, bias=bias), objective, name, on)
    return [replace(stage, n_iter=int(n)) for stage, n in zip(stages, n_iter, strict=True)]


def _head_refined(
    i: int,
    names: Sequence[str],
    samples: Samples,
    layers: OutputLayers,
    objective: WeightedSoftmax,
) -> list[Stage]:
    """Refine the whole output layer of network i: one at a time, each needs all its features."""
    objective, samples = objective.of([i]), {s: seen.of([i]) for s, seen in samples.items()}
    head = objective.refined_head(samples["train"], layers.of([i]))
    if head.separated:
        return [_without_model(name, NO_MINIMUM, head) for name in names]
    own = OutputLayers(head.weight[None], head.bias[None])
    moved = {split: replace(seen, logits=_logits(seen, own)) for split, seen in samples.items()}
    left_out: Seen | str = NO_PREDICTION
    if head.settled:
        left_out = objective.left_out(moved["train"], own)
    if isinstance(left_out, Seen):
        moved[LEFT_OUT] = left_out
    stages = []
    for name in names:
        if name == "head":
            (stage,) = as_they_are(moved, own, objective, name)
            status = stage.status if head.settled else NOT_CONVERGED
            stage = replace(stage, status=status, n_iter=head.n_iter)
        elif isinstance(left_out, str):
            stage = _without_model(name, left_out, head)
        else:
            (stage,) = _bias_refined(moved, own, objective, name)
        stages.append(replace(stage, gradient_norm=head.gradient_norm))
    return stages


def _without_model(name: str, reason: str, head: Refined) -> Stage:
    none = np.full(len(head.bias), np.nan)
    return Stage(
        name, NOT_CONVERGED, loss=float("nan"), bias=none, bias_gradient=none, measured={},
        reason=reason, n_iter=head.n_iter, gradient_norm=head.gradient_norm,
    )  # fmt: skip


def _logits(seen: Seen, layers: OutputLayers) -> torch.Tensor:
    """Logits of one network without its bias, a part of the samples at a time."""
    parts = [h.double() @ layers.weight[0].mT for h in seen.features(0).split(8192)]
    return torch.cat(parts)[None]


def as_tensors(stage: Stage) -> dict[str, Any]:
    """Stage "raw" as tensors that a checkpoint can hold; what was measured by split and name."""
    return {
        "measured": {
            split: {name: torch.as_tensor(values) for name, values in vars(measured).items()}
            for split, measured in stage.measured.items()
        },
        "bias": torch.as_tensor(stage.bias),
        "bias_gradient": torch.as_tensor(stage.bias_gradient),
        "loss": torch.tensor(stage.loss, dtype=torch.float64),
    }


def from_tensors(tensors: Mapping[str, Any]) -> Stage:
    """Stage that `as_tensors` took apart."""
    gradient = tensors["bias_gradient"].numpy()
    return Stage(
        name="raw",
        status=status_of(gradient),
        loss=float(tensors["loss"]),
        bias=tensors["bias"].numpy(),
        bias_gradient=gradient,
        measured={
            split: Measured(**{name: tensor.numpy() for name, tensor in of_split.items()})
            for split, of_split in tensors["measured"].items()
        },
    )


def status_of(bias_gradient: FloatArray) -> str:
    """Whether the objective has no gradient in the output bias."""
    met = np.abs(bias_gradient).max() <= GRADIENT_TOLERANCE
    return CONVERGED if met else NOT_CONVERGED
