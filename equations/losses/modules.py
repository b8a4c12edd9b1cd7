r"""The paper's losses as PyTorch modules and functions: logits in, scalar out.

=========================== ======================================================================
`WeightedSoftmaxLoss`       Eq. (1), SML: :math:`\sum_i \lambda_{y_i} (-\log f_{y_i}(x_i))`
`WeightedLogisticLoss`      Eq. (1) with K = 2 and one logit, LGL
`OneVsAllLogisticLoss`      LGL for K classes: K binary losses, each class against all others
`LGLINRLoss`                Eq. (11): within the negative class, hard sub-classes weigh more
=========================== ======================================================================

**Shapes.** Logits are (n_samples, n_classes), of `WeightedLogisticLoss` (n_samples,); targets are
integers, (n_samples,); at least one sample, since an empty minibatch has no mean. The functions
take axes before these, and return one loss for each of these minibatches; the modules take none,
which PyTorch's own (N, C, L) could be mistaken for. **Arithmetic.** Every log of a probability is a
log-sigmoid or log-softmax of a logit, so that values are finite and gradients do not vanish at any
logit. It is done in the precision of the logits, in float32 at least, autocast or not; the matrix
products of LGL-INR follow `torch.set_float32_matmul_precision`. **Normalisation** is by numbers of
samples and classes, never by weights (E8).

**Step size.** At zero logits and equal class counts the gradient in the logits is, relative to that
of the softmax loss, K / (2 √(K-1)) for one-vs-all and K² / (2 (K-1)) for LGL-INR: 1.7 and 5.6 at
K = 10. A learning rate that suits one loss need not suit another.

Labels outside 0 .. n_classes-1 are an error; under `torch.compile`, `torch.vmap`, `FakeTensorMode`
and the capture of CUDA graphs and on the device "meta", where no value can be looked at, whoever
calls must know them to be right. With ``validate=False`` no value is looked at anywhere.
"""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from equations.loss_arguments import (
    as_weight,
    check_beta,
    check_one_minibatch,
    check_reduction,
    check_weight,
)
from equations.loss_functions import (
    Reduction,
    in_negative_weights,
    lgl_inr_loss,
    one_vs_all_logistic_loss,
    weighted_logistic_loss,
    weighted_softmax_loss,
)

__all__ = [
    "LGLINRLoss",
    "OneVsAllLogisticLoss",
    "WeightedLogisticLoss",
    "WeightedSoftmaxLoss",
    "in_negative_weights",
    "lgl_inr_loss",
    "one_vs_all_logistic_loss",
    "weighted_logistic_loss",
    "weighted_softmax_loss",
]


class _ClassWeighted(torch.nn.Module):
    """λ as a buffer, which moves with the module and is saved with it.

    It stays in float64, whatever the module is cast to: half precision has no room for 1/N. A
    device without float64 rounds it to float32, for good.
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


class WeightedSoftmaxLoss(_ClassWeighted):
    """Class-weighted softmax loss of Eq. (1) (see `weighted_softmax_loss`).

    The mean is over the number of samples; that of `torch.nn.CrossEntropyLoss` is over the sum of
    their weights, which trains with other weights (E8).

    Parameters
    ----------
    class_weight : array_like, shape (n_classes,), optional
    reduction : {"mean", "sum"}
    validate : bool
        As in `weighted_softmax_loss`.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> import math
    >>> loss = WeightedSoftmaxLoss([1.0, 2.0])
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1])) / math.log(2)
    tensor(1.5000)
    """

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of logits (n_samples, n_classes) at targets (n_samples,)."""
        check_one_minibatch(logits, targets, None)
        return weighted_softmax_loss(
            logits, targets, self.class_weight, reduction=self.reduction, validate=self.validate
        )


class WeightedLogisticLoss(_ClassWeighted):
    """Class-weighted logistic loss, K = 2 (see `weighted_logistic_loss`).

    Its gradient in the one logit is that of the softmax loss in each of two, opposite ones.

    Parameters
    ----------
    class_weight : array_like, shape (2,), optional
    reduction : {"mean", "sum"}
    validate : bool
        As in `weighted_softmax_loss`.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> import math
    >>> WeightedLogisticLoss([1.0, 3.0])(torch.zeros(2), torch.tensor([0, 1])) / math.log(2)
    tensor(2.)
    """

    def _takes(self, n_classes: int) -> bool:
        return n_classes == 2

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of logits (n_samples,) at targets (n_samples,)."""
        check_one_minibatch(logits, targets)
        return weighted_logistic_loss(
            logits, targets, self.class_weight, reduction=self.reduction, validate=self.validate
        )


class OneVsAllLogisticLoss(_ClassWeighted):
    """Logistic loss of K binary classifiers (see `one_vs_all_logistic_loss`).

    Its gradient at initialisation is K / (2 √(K-1)) times the softmax loss's, 1.7 at K = 10, in
    the logits; the part of it in the bias is the larger and soon gone.

    Parameters
    ----------
    class_weight : array_like, shape (n_classes,), optional
    reduction : {"mean", "sum"}
    validate : bool
        As in `weighted_softmax_loss`.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> import math
    >>> OneVsAllLogisticLoss()(torch.zeros(2, 5), torch.tensor([0, 4])) / math.log(2)
    tensor(5.)
    """

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of logits (n_samples, n_classes) at targets (n_samples,)."""
        check_one_minibatch(logits, targets, None)
        return one_vs_all_logistic_loss(
            logits, targets, self.class_weight, reduction=self.reduction, validate=self.validate
        )


class LGLINRLoss(torch.nn.Module):
    """LGL-INR of Eq. (11), for any classifier that returns logits (see `lgl_inr_loss`).

    Its gradient at initialisation is K² / (2 (K-1)) times the softmax loss's, 5.6 at K = 10;
    with ``reduction="mean"`` a K-th of that. Classes count alike, whatever their sizes are.

    Parameters
    ----------
    n_classes : int
        K, at least 2.
    beta : float
        Inverse temperature, 0 <= beta <= 1e30; 0 weighs all negative sub-classes alike.
    detach_weights : bool
        Whether λ are constants to the gradient.
    reduction : {"sum", "mean"}
        Over the K outputs.
    validate : bool
        As in `weighted_softmax_loss`.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> import math
    >>> loss = LGLINRLoss(n_classes=3)
    >>> loss(torch.zeros(4, 3), torch.tensor([0, 1, 2, 2])) / math.log(2)
    tensor(6.)
    """

    def __init__(
        self,
        n_classes: int,
        beta: float = 1.0,
        detach_weights: bool = True,
        reduction: Reduction = "sum",
        validate: bool = True,
    ) -> None:
        super().__init__()
        if n_classes < 2:
            raise ValueError(f"n_classes must be at least 2, got {n_classes}")
        check_beta(beta)
        check_reduction(reduction)
        self.n_classes, self.beta = n_classes, beta
        self.detach_weights, self.reduction = detach_weights, reduction
        self.validate = validate

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of logits (n_samples, n_classes) at targets (n_samples,)."""
        check_one_minibatch(logits, targets, self.n_classes)
        return lgl_inr_loss(
            logits,
            targets,
            self.beta,
            detach_weights=self.detach_weights,
            reduction=self.reduction,
            validate=self.validate,
        )

    def extra_repr(self) -> str:
        """Arguments, as `repr` shows them."""
        return (
            f"n_classes={self.n_classes}, beta={self.beta:g}, "
            f"detach_weights={self.detach_weights}, reduction={self.reduction!r}"
        )
