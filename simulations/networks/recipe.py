"""How networks are trained: the recipe. Loads nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass

SCHEDULES = ("constant", "step", "cosine")
PRECISIONS = ("float32", "tf32", "bf16")
STANDARDS = ("own", "mnist")


@dataclass(frozen=True)
class Recipe:
    """How networks are trained.

    Attributes
    ----------
    epochs, batch_size : int
    lr, momentum : float
    schedule : {"constant", "step", "cosine"}
        Of the learning rate, by epoch: divided by 10 at a half and at three quarters; or falling
        to zero.
    weight_decay : float
        As PyTorch's: added to the gradient, times the parameter.
    decay_bias : bool
        Whether the output bias is decayed too, which breaks Eq. (8) by E8.
    augment : bool
        Random crop and horizontal flip.
    precision : {"float32", "tf32", "bf16"}
        tf32 is products of float32 in TF32 on a GPU, and float32 on a processor; bf16 is autocast.
        Parameters and their updates stay float32. Under tf32 what is measured between epochs is
        in it too; after the last epoch everything is float32.
    compiled : bool
        Whether the network goes through `torch.compile`.
    standardise : {"own", "mnist"}
        Images by mean and standard deviation of each channel; or by MNIST's, as PyTorch's example
        of the paper's time would have other images of that format.
    """

    epochs: int = 20
    batch_size: int = 64
    lr: float = 0.01
    momentum: float = 0.5
    schedule: str = "constant"
    weight_decay: float = 0.0
    decay_bias: bool = False
    augment: bool = False
    precision: str = "float32"
    compiled: bool = False
    standardise: str = "own"

    def rate(self, epoch: int) -> float:
        """Learning rate of an epoch, counted from 0.

        Examples
        --------
        >>> step = Recipe(epochs=100, lr=0.1, schedule="step")
        >>> [round(step.rate(epoch), 6) for epoch in (0, 49, 50, 74, 75)]
        [0.1, 0.1, 0.01, 0.01, 0.001]
        """
        share = epoch / self.epochs
        if self.schedule == "cosine":
            return self.lr * (1 + math.cos(math.pi * share)) / 2
        if self.schedule == "step":
            return self.lr * 0.1 ** ((share >= 0.5) + (share >= 0.75))
        return self.lr
