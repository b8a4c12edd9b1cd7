"""A trained network measured three times: as trained, output bias refined, output layer refined.

Under stochastic gradient descent the gradient in the output bias is nowhere near zero, and on the
training set the two sides of Eq. (9) differ by just that (E1). Refining the bias alone makes them
equal without touching the features (E6), unless it is penalised (E8); what then remains on test
data is generalisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.minimisation.newton import GRADIENT_TOLERANCE
from learnprop.simulations.records.measure import Measured, measure
from learnprop.simulations.records.rows import CONVERGED, NOT_CONVERGED
from learnprop.simulations.refinement.output_layer import refine_head
from learnprop.simulations.refinement.softmax_bias import refine_bias, sides_of_sample

STAGES = ("raw", "bias", "head")

NO_MINIMUM = "no minimum: the features part the classes, so the loss of the output layer has none"


@dataclass(frozen=True)
class Evaluated:
    """A sample as a network sees it.

    Attributes
    ----------
    features : tensor, shape (n_samples, n_features)
        In evaluation mode, in the precision of the network.
    labels : tensor of int, shape (n_samples,)
    """

    features: torch.Tensor
    labels: torch.Tensor


Samples = Mapping[str, Evaluated]
"""By split; "train" is the sample of training."""


@dataclass(frozen=True)
class OutputLayer:
    """An output layer in float64: weight (n_classes, n_features) and bias (n_classes,)."""

    weight: torch.Tensor
    bias: torch.Tensor


@dataclass(frozen=True)
class LayerObjective:
    """What training minimises, over the total mass.

    Attributes
    ----------
    class_share : tensor of float64, shape (n_classes,)
        λ over the total mass.
    penalty, bias_penalty : float
        Of the squares of the output weights and of the output bias, halved.
    """

    class_share: torch.Tensor
    penalty: float = 0.0
    bias_penalty: float = 0.0


@dataclass(frozen=True)
class Stage:
    """A network at one stage.

    Attributes
    ----------
    name : {"raw", "bias", "head"}
    status : str
        "converged" where the objective has no gradient in the output bias (and at stage "head" the
        whole output layer is at its minimum), else "not converged".
    loss : float
        Sum-form loss on train, with the penalty, over the total mass.
    bias, bias_gradient : ndarray, shape (n_classes,)
        The gradient is that of the objective, over the total mass.
    measured : mapping of split to Measured
    reason : str
        Why there is nothing to measure; else empty.
    n_iter : int
        Evaluations of the gradient in the refinement.
    gradient_norm : float
        Of the refined output layer (see `refine_head`); NaN at other stages.
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


def logits_of(sample: Evaluated, layer: OutputLayer) -> torch.Tensor:
    """Logits in float64, shape (n_samples, n_classes), a part of the samples at a time."""
    parts = [h.double() @ layer.weight.mT for h in sample.features.split(8192)]
    return torch.cat(parts) + layer.bias


def measure_sample(sample: Evaluated, layer: OutputLayer) -> Measured:
    """Measure a network's predictions per true class (`simulations.records.measure.measure`)."""
    return measure(sample.labels.cpu().numpy(), logits_of(sample, layer).cpu().numpy())


def as_trained(
    samples: Samples, layer: OutputLayer, objective: LayerObjective, name: str = "raw"
) -> Stage:
    """Measure a network as it is.

    Parameters
    ----------
    samples : mapping of split to Evaluated
    layer : OutputLayer
    objective : LayerObjective
    name : str
        Of the stage.

    Returns
    -------
    Stage
    """
    train = samples["train"]
    z = logits_of(train, layer)
    (left,), (right,), _ = sides_of_sample(z[None], train.labels, objective.class_share[None])
    gradient = (right - left + objective.bias_penalty * layer.bias).cpu().numpy()
    nll = torch.logsumexp(z, dim=1) - z.gather(1, train.labels[:, None])[:, 0]
    squares = objective.penalty * (layer.weight**2).sum()
    squares = squares + objective.bias_penalty * (layer.bias**2).sum()
    return Stage(
        name=name,
        status=status_of(gradient),
        loss=float(objective.class_share[train.labels] @ nll + squares / 2),
        bias=layer.bias.cpu().numpy(),
        bias_gradient=gradient,
        measured={split: measure_sample(sample, layer) for split, sample in samples.items()},
    )


def all_stages(samples: Samples, layer: OutputLayer, objective: LayerObjective) -> list[Stage]:
    """Measure a trained network as it is, and with its output bias and output layer refined.

    Parameters
    ----------
    samples : mapping of split to Evaluated
    layer : OutputLayer
    objective : LayerObjective

    Returns
    -------
    list of Stage, one per name in `STAGES`

    Examples
    --------
    >>> h = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    >>> samples = {"train": Evaluated(h, torch.tensor([0, 1, 0, 1]))}
    >>> layer = OutputLayer(torch.zeros(2, 1).double(), torch.tensor([0.5, 0.0]).double())
    >>> share = torch.full((2,), 0.25).double()
    >>> [stage.status for stage in all_stages(samples, layer, LayerObjective(share))]
    ['not converged', 'converged', 'converged']
    """
    train, share = samples["train"], objective.class_share
    raw = as_trained(samples, layer, objective)
    (bias,), (n_iter,) = refine_bias(
        logits_of(train, OutputLayer(layer.weight, torch.zeros_like(layer.bias)))[None],
        train.labels,
        share[None],
        layer.bias[None],
        penalty=objective.bias_penalty,
    )
    refined = OutputLayer(layer.weight, bias)
    by_bias = replace(as_trained(samples, refined, objective, "bias"), n_iter=int(n_iter))
    head = refine_head(
        train.features.double(),
        train.labels,
        share,
        layer.weight,
        bias,
        penalty=objective.penalty,
        bias_penalty=objective.bias_penalty,
    )
    if head.separated:
        none = np.full_like(by_bias.bias, np.nan)
        by_head = Stage(
            "head", NOT_CONVERGED, loss=float("nan"), bias=none, bias_gradient=none, measured={},
            reason=NO_MINIMUM, n_iter=head.n_iter, gradient_norm=head.gradient_norm,
        )  # fmt: skip
    else:
        by_head = as_trained(samples, OutputLayer(head.weight, head.bias), objective, "head")
        by_head = replace(
            by_head,
            status=by_head.status if head.settled else NOT_CONVERGED,
            n_iter=head.n_iter,
            gradient_norm=head.gradient_norm,
        )
    return [raw, by_bias, by_head]


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
