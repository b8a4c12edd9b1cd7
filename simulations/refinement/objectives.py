"""What output layers are trained to minimise: the weighted softmax loss, or one of `LOSSES`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch.nn.functional import one_hot

from learnprop.equations.losses.loss import ChosenLoss
from learnprop.equations.mean_proba import Activation, FloatArray, IntArray
from learnprop.simulations.records.measure import Measured
from learnprop.simulations.records.measure_stack import measure_stack
from learnprop.simulations.refinement.left_out import left_out_of_head
from learnprop.simulations.refinement.output_layer import Refined, refine_head
from learnprop.simulations.refinement.seen import OutputLayers, Seen
from learnprop.simulations.refinement.sigmoid_bias import refine_sigmoid_bias
from learnprop.simulations.refinement.softmax_bias import refine_bias, sides_of_sample


class LayerObjective(Protocol):
    """What the output layers of networks are trained to minimise, on a sample: a frozen record."""

    @property
    def activation(self) -> Activation:
        """Of the outputs."""

    def value_and_gradient(self, seen: Seen, layers: OutputLayers) -> tuple[FloatArray, FloatArray]:
        """Loss, (n_networks,), and its gradient in the output bias, (n_networks, n_classes)."""

    def refined_bias(self, seen: Seen, layers: OutputLayers) -> tuple[torch.Tensor, IntArray]:
        """Bias at which that gradient is zero, and evaluations of it; of each network."""

    def of(self, networks: Sequence[int]) -> LayerObjective:
        """Objective of some of the networks."""


def measured(seen: Seen, layers: OutputLayers, activation: Activation) -> list[Measured]:
    """Measure the predictions of each network on a sample."""
    return measure_stack(seen.labels, seen.logits + layers.bias[:, None], activation)


@dataclass(frozen=True)
class WeightedSoftmax:
    """Softmax loss of Eq. (1) over the total mass, with an L2 penalty.

    Attributes
    ----------
    mass_share : tensor of float64, shape (n_networks, n_classes)
        λN over the total mass: of the training sample, on whatever sample it is evaluated.
    penalty, bias_penalty : float
        Of the squares of the output weights and of the output bias, halved.
    """

    mass_share: torch.Tensor
    penalty: float = 0.0
    bias_penalty: float = 0.0

    @property
    def activation(self) -> Activation:
        """Of the outputs."""
        return "softmax"

    def value_and_gradient(self, seen: Seen, layers: OutputLayers) -> tuple[FloatArray, FloatArray]:
        """Loss and its gradient in the output bias, of each network."""
        share, z = self._class_share(seen), seen.logits + layers.bias[:, None]
        left, right, _ = sides_of_sample(z, seen.labels, share)
        own = z.gather(2, seen.labels[..., None])[..., 0]
        nll = torch.logsumexp(z, dim=2) - own
        value = (share.gather(1, seen.labels) * nll).sum(dim=1)
        value += self.penalty / 2 * (layers.weight**2).sum(dim=(1, 2))
        value += self.bias_penalty / 2 * (layers.bias**2).sum(dim=1)
        gradient = right - left + self.bias_penalty * layers.bias
        return value.cpu().numpy(), gradient.cpu().numpy()

    def refined_bias(self, seen: Seen, layers: OutputLayers) -> tuple[torch.Tensor, IntArray]:
        """Bias at the minimum of the loss, on this sample: Eq. (8) is exact without a penalty."""
        return refine_bias(
            seen.logits, seen.labels, self._class_share(seen), layers.bias,
            penalty=self.bias_penalty,
        )  # fmt: skip

    def refined_head(self, seen: Seen, layers: OutputLayers) -> Refined:
        """Output layer at the minimum of the loss, of a single network."""
        (share,), (labels,) = self._class_share(seen), seen.labels
        return refine_head(
            seen.features(0).double(), labels, share, layers.weight[0], layers.bias[0],
            penalty=self.penalty, bias_penalty=self.bias_penalty,
        )  # fmt: skip

    def left_out(self, seen: Seen, layers: OutputLayers) -> Seen | str:
        """Left-out predictions of a single network, at the minimum, or why there are none."""
        return left_out_of_head(
            seen, layers, self._class_share(seen),
            penalty=self.penalty, bias_penalty=self.bias_penalty,
        )  # fmt: skip

    def of(self, networks: Sequence[int]) -> WeightedSoftmax:
        """Objective of some of the networks."""
        return WeightedSoftmax(self.mass_share[list(networks)], self.penalty, self.bias_penalty)

    def _class_share(self, seen: Seen) -> torch.Tensor:
        """λ over the total mass, (n_networks, n_classes), as if the classes had these shares."""
        count = one_hot(seen.labels, self.mass_share.shape[1]).sum(dim=1)
        return self.mass_share / count


@dataclass(frozen=True)
class OfLoss:
    """One of `learnprop.equations.losses.LOSSES`, the same for every network.

    Gradients are those of a loss per sample over the number of samples.
    """

    loss: ChosenLoss

    @property
    def activation(self) -> Activation:
        """Of the outputs."""
        return self.loss.kind.activation

    def value_and_gradient(self, seen: Seen, layers: OutputLayers) -> tuple[FloatArray, FloatArray]:
        """Loss and its gradient in the output bias, of each network."""
        z = seen.logits + layers.bias[:, None]
        value = self.loss.minibatch_loss(z.shape[1])(z, seen.labels)
        return value.cpu().numpy(), self._gradient(seen, layers)

    def _gradient(self, seen: Seen, layers: OutputLayers) -> FloatArray:
        if self.loss.kind.balance:
            found = measured(seen, layers, self.activation)
            return np.stack(
                [
                    -self.loss.residual(m.mean_proba, m.miss_proba, m.class_count.astype(float))
                    for m in found
                ]
            )
        with torch.enable_grad():
            # Of tensors made in inference mode autograd takes clones only.
            bias = layers.bias.clone().requires_grad_()
            z, labels = seen.logits.clone() + bias[:, None], seen.labels.clone()
            value = self.loss.minibatch_loss(z.shape[1])(z, labels).sum()
        return torch.autograd.grad(value, bias)[0].cpu().numpy()

    def refined_bias(self, seen: Seen, layers: OutputLayers) -> tuple[torch.Tensor, IntArray]:
        """Bias at which the balance of the loss, Eq. (8) or E10, is exact on this sample."""
        if self.activation == "softmax":
            share = torch.full_like(layers.bias, 1 / seen.labels.shape[1])
            return refine_bias(seen.logits, seen.labels, share, layers.bias)
        count = np.bincount(seen.labels[0].cpu().numpy(), minlength=layers.bias.shape[1])
        equation = self.loss.bias_equation(count.astype(float))
        return refine_sigmoid_bias(seen.logits, seen.labels, *equation, layers.bias)

    def of(self, _networks: Sequence[int]) -> OfLoss:
        """Objective of some of the networks."""
        return self
