"""Samples as trained networks see them, and the output layers of those networks.

Networks of one kind are measured together: tensors have an axis of networks in front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Seen:
    """A sample as networks see it.

    Attributes
    ----------
    logits : tensor of float64, shape (n_networks, n_samples, n_classes)
        In evaluation mode, without the output bias.
    labels : tensor of int, shape (n_networks, n_samples)
    features : callable ``(i) -> tensor (n_samples, n_features)``
        Of network i, in its precision.
    """

    logits: torch.Tensor
    labels: torch.Tensor
    features: Callable[[int], torch.Tensor]

    def of(self, networks: Sequence[int]) -> Seen:
        """Sample as some of the networks see it."""
        chosen = list(networks)
        return Seen(self.logits[chosen], self.labels[chosen], lambda i: self.features(chosen[i]))


Samples = Mapping[str, Seen]
"""By split: "train" is the sample of training, "validation" what was held out of it."""


@dataclass(frozen=True)
class OutputLayers:
    """Output layers of networks, in float64.

    Attributes
    ----------
    weight : tensor, shape (n_networks, n_classes, n_features)
    bias : tensor, shape (n_networks, n_classes)
    """

    weight: torch.Tensor
    bias: torch.Tensor

    def of(self, networks: Sequence[int]) -> OutputLayers:
        """Those of some of the networks."""
        return OutputLayers(self.weight[list(networks)], self.bias[list(networks)])
