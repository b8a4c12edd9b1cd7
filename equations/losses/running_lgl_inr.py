r"""LGL-INR whose class means are running averages, and whose class counts are constants."""

from __future__ import annotations

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from learnprop.equations.arguments import one_of
from learnprop.equations.losses.class_sums import ClassSums, check_sums, class_sums
from learnprop.equations.losses.class_weighted import WideBuffers
from learnprop.equations.losses.inputs.arguments import (
    check_beta,
    check_ignore_index,
    check_share,
    check_tensors,
)
from learnprop.equations.losses.inputs.samples import IGNORED, Reduction
from learnprop.equations.losses.inputs.weights import sizes
from learnprop.equations.losses.lgl_inr import check_outputs, lgl_inr_loss


class RunningLGLINRLoss(WideBuffers):
    r"""LGL-INR, Eq. (11), as a mean over samples: λ from the past, N from the training sample.

    .. math:: L = \frac{1}{n} \sum_{i=1}^n \Big( \frac{-\log \sigma(z_{y_i}(x_i))}{\pi_{y_i}}
              + \sum_{k \ne y_i} \frac{\lambda_{y_i}^{(k)}}{\pi_{y_i}}
              (-\log \sigma(-z_k(x_i))) \Big), \qquad \pi_j = N_j / N ,

    which is Eq. (11) of a batch whose classes have the training sample's shares. λ are those of
    the mean probabilities of earlier batches, an exponential average over them, without a gradient;
    a class that was never seen has 1/2, as at zero logits.

    While it is evaluated (``eval()``) λ stay as they are: gradients of micro-batches, and of
    replicas, then add up to those of the batch, each times its share of the samples. While it is
    trained every call takes its samples into the average, after the loss; what the micro-batches
    of one step differ by is what the average moves meanwhile. To have it exactly, call it in
    ``eval()`` and hand the batch's `class_sums` to `update` once a step; replicas sum theirs first.
    A batch that has logits of NaN leaves the average as it is. Under `torch.vmap` the average has
    nobody to follow: map it in ``eval()``.

    Parameters
    ----------
    class_count : array_like, shape (n_classes,)
        Class sizes of the training sample, all positive.
    beta : float
        Inverse temperature, 0 <= beta <= 1e30.
    decay : float
        What is left of the past at every call, 0 <= decay <= 1.
    reduction : {"sum", "mean"}
        Over the K outputs, as in `LGLINRLoss`; over samples it is a mean.
    ignore_index : int
        Samples with this label count nowhere.
    validate : bool
        As in `weighted_softmax_loss`.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> import math
    >>> loss = RunningLGLINRLoss([20, 10, 10])
    >>> loss(torch.zeros(4, 3), torch.tensor([0, 0, 1, 2])) / math.log(2)
    tensor(6.)
    """

    class_share: Tensor
    proba: Tensor
    count: Tensor

    def __init__(
        self,
        class_count: ArrayLike,
        beta: float = 1.0,
        *,
        decay: float = 0.9,
        reduction: Reduction = "sum",
        ignore_index: int = IGNORED,
        validate: bool = True,
    ) -> None:
        super().__init__()
        check_beta(beta)
        one_of(reduction, "reduction", ("sum", "mean"))
        check_ignore_index(ignore_index)
        check_share("decay", decay)
        count = sizes(class_count)
        self.beta, self.decay, self.reduction = beta, decay, reduction
        self.ignore_index, self.validate = ignore_index, validate
        self.register_buffer("class_share", torch.as_tensor(count / count.sum()))
        self.register_buffer("proba", torch.zeros(len(count), len(count), dtype=torch.float64))
        self.register_buffer("count", torch.zeros(len(count), dtype=torch.float64))

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of logits (n_samples, n_classes, ...) at targets (n_samples, ...)."""
        check_tensors(logits, targets)
        check_outputs(logits, targets, len(self.class_share))
        loss = lgl_inr_loss(
            logits,
            targets,
            self.beta,
            sums=self._expected((targets != self.ignore_index).sum()),
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            validate=self.validate,
        )
        if self.training:
            self.update(class_sums(logits, targets, ignore_index=self.ignore_index, validate=False))
        return loss

    def update(self, sums: ClassSums) -> None:
        """Take the sums of a batch, of all its parts, into the average, if they are finite."""
        check_sums(sums, len(self.count))
        with torch.no_grad():
            proba, count = sums.proba.to(self.proba), sums.count.to(self.count)
            finite = proba.isfinite().all() & count.isfinite().all()
            self.proba.copy_(torch.where(finite, self.decay * self.proba + proba, self.proba))
            self.count.copy_(torch.where(finite, self.decay * self.count + count, self.count))

    def _expected(self, n_samples: Tensor) -> ClassSums:
        """Sums that so many samples would have: shares of training, means of the past."""
        proba, seen, share = (
            t.to(n_samples.device) for t in (self.proba, self.count, self.class_share)
        )
        mean = torch.where(seen[:, None] > 0, ClassSums(proba, seen).mean_proba, 0.5)
        count = n_samples * share
        return ClassSums(mean * count[:, None], count)

    def extra_repr(self) -> str:
        """Arguments, as `repr` shows them."""
        return (
            f"n_classes={len(self.class_share)}, beta={self.beta:g}, decay={self.decay:g}, "
            f"reduction={self.reduction!r}"
        )
