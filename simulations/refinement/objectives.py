"""What output layers are trained to minimise: the weighted softmax loss, or one of `LOSSES`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from learnprop.equations.losses.loss import ChosenLoss
from learnprop.equations.mean_proba import Activation, FloatArray
from learnprop.simulations.records.measure import measure
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

    def refined_bias(self, seen: Seen, layers: OutputLayers) -> tuple[torch.Tensor, Sequence[int]]:
        """Bias at which that gradient is zero, and evaluations of it; of each network."""

    def of(self, networks: Sequence[int]) -> LayerObjective:
        """Objective of some of the networks."""


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
        values, gradients = [], []
        for z0, y, share, weight, b in zip(
            seen.logits, seen.labels, self._class_share(seen), layers.weight, layers.bias,
            strict=True,
        ):  # fmt: skip
            z = z0 + b
            left, right, _ = sides_of_sample(z, y, share)
            nll = torch.logsumexp(z, dim=1) - z.gather(1, y[:, None])[:, 0]
            squares = self.penalty * (weight**2).sum() + self.bias_penalty * (b**2).sum()
            values.append(float(share[y] @ nll + squares / 2))
            gradients.append((right - left + self.bias_penalty * b).cpu().numpy())
        return np.array(values), np.stack(gradients)

    def refined_bias(self, seen: Seen, layers: OutputLayers) -> tuple[torch.Tensor, Sequence[int]]:
        """Bias at the minimum of the loss, on this sample: Eq. (8) is exact without a penalty."""
        found = [
            refine_bias(z0, y, share, b, penalty=self.bias_penalty)
            for z0, y, share, b in zip(
                seen.logits, seen.labels, self._class_share(seen), layers.bias, strict=True
            )
        ]
        return torch.stack([bias for bias, _ in found]), [n for _, n in found]

    def refined_head(self, seen: Seen, layers: OutputLayers) -> Refined:
        """Output layer at the minimum of the loss, of a single network."""
        (share,), (labels,) = self._class_share(seen), seen.labels
        return refine_head(
            seen.features(0).double(), labels, share, layers.weight[0], layers.bias[0],
            penalty=self.penalty, bias_penalty=self.bias_penalty,
        )  # fmt: skip

    def of(self, networks: Sequence[int]) -> WeightedSoftmax:
        """Objective of some of the networks."""
        return WeightedSoftmax(self.mass_share[list(networks)], self.penalty, self.bias_penalty)

    def _class_share(self, seen: Seen) -> torch.Tensor:
        """λ over the total mass, (n_networks, n_classes), as if the classes had these shares."""
        n_classes = self.mass_share.shape[1]
        count = [torch.bincount(labels, minlength=n_classes) for labels in seen.labels]
        return self.mass_share / torch.stack(count)


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
        values, gradients = [], []
        for z0, y, b in zip(seen.logits, seen.labels, layers.bias, strict=True):
            z = z0 + b
            values.append(float(self.loss.minibatch_loss(len(z))(z, y)))
            gradients.append(self._gradient(z, y))
        return np.array(values), np.stack(gradients)

    def _gradient(self, z: torch.Tensor, labels: torch.Tensor) -> FloatArray:
        if self.loss.kind.balance:
            found = measure(labels.cpu().numpy(), z.cpu().numpy(), self.activation)
            count = found.class_count.astype(float)
            return -self.loss.residual(found.mean_proba, found.miss_proba, count)
        moved = torch.zeros_like(z[0], requires_grad=True)
        with torch.enable_grad():
            # Of tensors made in inference mode autograd takes clones only.
            value = self.loss.minibatch_loss(len(z))(z.clone() + moved, labels.clone())
        return torch.autograd.grad(value, moved)[0].cpu().numpy()

    def refined_bias(self, seen: Seen, layers: OutputLayers) -> tuple[torch.Tensor, Sequence[int]]:
        """Bias at which the balance of the loss, Eq. (8) or E10, is exact on this sample."""
        found = [
            self._refined(z0, y, b)
            for z0, y, b in zip(seen.logits, seen.labels, layers.bias, strict=True)
        ]
        return torch.stack([bias for bias, _ in found]), [n for _, n in found]

    def _refined(
        self, logits: torch.Tensor, labels: torch.Tensor, bias: torch.Tensor
    ) -> tuple[torch.Tensor, int]:
        if self.activation == "softmax":
            share = torch.full_like(bias, 1 / len(logits))
            return refine_bias(logits, labels, share, bias)
        count = np.bincount(labels.cpu().numpy(), minlength=len(bias)).astype(float)
        return refine_sigmoid_bias(logits, labels, *self.loss.bias_equation(count), bias)

    def of(self, _networks: Sequence[int]) -> OfLoss:
        """Objective of some of the networks."""
        return self
