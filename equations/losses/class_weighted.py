"""What modules of losses have in common: numbers that half precision has no room for."""

from __future__ import annotations

from typing import Any, ClassVar, Never

import torch
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument
from learnprop.equations.losses.inputs.arguments import (
    check_ignore_index,
    check_reduction,
    check_share,
)
from learnprop.equations.losses.inputs.samples import IGNORED, Reduction
from learnprop.equations.losses.inputs.weights import (
    ClassWeight,
    as_weight,
    check_no_count,
    check_weight,
)

FROM_PYTORCH = {"weight": "class_weight", "pos_weight": "class_weight=[1, pos_weight]"}
"""Names of arguments that PyTorch's losses have, and what these losses have in their place."""


class WideBuffers(torch.nn.Module):
    """Base of modules whose buffers stay in float64, whatever the module is cast to.

    They move with the module and are saved with it. A device without float64 rounds them to
    float32, for good.
    """

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        own = {id(buffer) for buffer in self._buffers.values() if buffer is not None}

        def moved(tensor: torch.Tensor) -> torch.Tensor:
            if id(tensor) not in own:
                return fn(tensor)
            try:
                there = fn(tensor)
                widest = there.dtype in (tensor.dtype, torch.float64)
                return there if widest else tensor.to(there.device)
            except (TypeError, RuntimeError):  # no float64 on the device; or fn fails again
                single = tensor.float()
                return single.to(fn(single).device)

        return super()._apply(moved, recurse)


class ClassWeighted(WideBuffers):
    """Base of modules with class weights: λ is a buffer, in float64."""

    class_weight: torch.Tensor | None
    of_classes: ClassVar[int | None] = None
    """How many there are, where a loss says so."""

    def __init__(
        self,
        class_weight: ClassWeight | None = None,
        *,
        class_count: ArrayLike | None = None,
        ignore_index: int = IGNORED,
        reduction: Reduction = "mean",
        validate: bool = True,
        **unknown: Never,
    ) -> None:
        super().__init__()
        for name in unknown:
            instead = f": pass {FROM_PYTORCH[name]}" if name in FROM_PYTORCH else ""
            raise TypeError(f"{type(self).__name__} takes no argument {name!r}{instead}")
        check_reduction(reduction)
        check_ignore_index(ignore_index)
        self.ignore_index, self.reduction, self.validate = ignore_index, reduction, validate
        weight = None
        if class_weight is None:
            check_no_count(class_count)
        else:
            weight = as_weight(class_weight, class_count, self.of_classes)
            if weight.ndim != 1 or len(weight) < 2 or self.of_classes not in (None, len(weight)):
                raise BadArgument(
                    "class_weight", f"must be (n_classes,), got {tuple(weight.shape)}"
                )
            if validate:
                check_weight(weight)
        self.register_buffer("class_weight", weight)

    def extra_repr(self) -> str:
        """Arguments, as `repr` shows them."""
        weight: object = None
        if self.class_weight is not None:
            try:
                weight = self.class_weight.tolist()
            except RuntimeError:  # fake, or on "meta"
                weight = f"<{len(self.class_weight)} without values>"
        ignored = "" if self.ignore_index == IGNORED else f", ignore_index={self.ignore_index}"
        return f"class_weight={weight}, reduction={self.reduction!r}{ignored}"


class Smoothing(ClassWeighted):
    """Base of those with an output per class, whose labels can be smoothed."""

    def __init__(
        self,
        class_weight: ClassWeight | None = None,
        *,
        class_count: ArrayLike | None = None,
        ignore_index: int = IGNORED,
        label_smoothing: float = 0.0,
        reduction: Reduction = "mean",
        validate: bool = True,
        **unknown: Never,
    ) -> None:
        super().__init__(
            class_weight,
            class_count=class_count,
            ignore_index=ignore_index,
            reduction=reduction,
            validate=validate,
            **unknown,
        )
        check_share("label_smoothing", label_smoothing)
        self.label_smoothing = label_smoothing

    def extra_repr(self) -> str:
        """Arguments, as `repr` shows them."""
        smoothing = f", label_smoothing={self.label_smoothing:g}" if self.label_smoothing else ""
        return super().extra_repr() + smoothing
