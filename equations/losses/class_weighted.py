"""What losses with class weights have in common: the weights, and the sum or mean of samples."""

from __future__ import annotations

from typing import Any, Literal

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from learnprop.equations.losses.arguments import as_weight, check_reduction, check_weight

Reduction = Literal["mean", "sum"]


class ClassWeighted(torch.nn.Module):
    """Base of modules with class weights.

    λ is a buffer, which moves with the module and is saved with it. It stays in
    float64, whatever the module is cast to: half precision has no room for 1/N. A device without
    float64 rounds it to float32, for good.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        class_weight: ArrayLike | Tensor | None = None,
        *,
        reduction: Reduction = "mean",
        validate: bool = True,
    ) -> None:
        super().__init__()
        check_reduction(reduction)
        self.reduction, self.validate = reduction, validate
        weight = None
        if class_weight is not None:
            weight = as_weight(class_weight)
            if weight.ndim != 1 or not self._takes(len(weight)):
                raise ValueError(f"class_weight must be (n_classes,), got {tuple(weight.shape)}")
            if validate:
                check_weight(weight)
        self.register_buffer("class_weight", weight)

    def _takes(self, n_classes: int) -> bool:
        return n_classes >= 2

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        weight = self.class_weight

        def moved(tensor: Tensor) -> Tensor:
            if tensor is not weight:
                return fn(tensor)
            try:
                there = fn(weight)
                widest = there.dtype in (weight.dtype, torch.float64)
                return there if widest else weight.to(there.device)
            except (TypeError, RuntimeError):  # no float64 on the device; or fn fails again
                single = weight.float()
                return single.to(fn(single).device)

        return super()._apply(moved, recurse)

    def extra_repr(self) -> str:
        """Arguments, as `repr` shows them."""
        weight: object = None
        if self.class_weight is not None:
            try:
                weight = self.class_weight.tolist()
            except RuntimeError:  # fake, or on "meta"
                weight = f"<{len(self.class_weight)} without values>"
        return f"class_weight={weight}, reduction={self.reduction!r}"


def weighted(
    nll: Tensor, labels: Tensor, class_weight: Tensor | None, n_classes: int, validate: bool
) -> Tensor:
    """Losses of samples times their class's weight."""
    if class_weight is None:
        return nll
    if not isinstance(class_weight, Tensor):
        raise ValueError(f"class_weight must be a tensor, got {type(class_weight).__name__}")
    leading = class_weight.shape[:-1]
    if class_weight.shape[-1:] != (n_classes,) or leading not in ((), labels.shape[:-1]):
        raise ValueError(
            f"class_weight must be of {n_classes} classes, got shape {tuple(class_weight.shape)}"
        )
    if validate:
        check_weight(class_weight)
    weight = class_weight.to(nll.device, nll.dtype)
    return nll * weight.expand(*labels.shape[:-1], -1).gather(-1, labels)


def reduced(values: Tensor, reduction: Reduction) -> Tensor:
    """Sum of the samples, or that over their number, whatever their weights are."""
    check_reduction(reduction)
    return values.mean(dim=-1) if reduction == "mean" else values.sum(dim=-1)
