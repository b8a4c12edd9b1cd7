r"""LGL-INR, Eq. (11), and what it leaves in balance (E10), from mean probabilities.

With λ detached and from the same P, the gradient of Eq. (11) in the output bias of class k is

.. math:: \frac{\partial L}{\partial b_k} = -(1 - \bar p_{k \to k})
          + \sum_{j \ne k} \lambda_j^{(k)} \bar p_{j \to k} ,

so that where it is zero a class is missed as much as the others, each weighed by its hardness, are
taken for it. Class sizes do not come into it. K equations, one for each sigmoid.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from learnprop.equations.balance import off_diagonal
from learnprop.equations.losses.arguments import (
    check_beta,
    check_logits,
    check_one_minibatch,
    check_reduction,
)
from learnprop.equations.losses.class_weighted import Reduction
from learnprop.equations.losses.one_vs_all import LogWeights, is_own, log_proba, without_own
from learnprop.equations.mean_proba import FloatArray


def lgl_inr_loss(
    logits: Tensor,
    targets: Tensor,
    beta: float = 1.0,
    *,
    detach_weights: bool = True,
    reduction: Reduction = "sum",
    validate: bool = True,
) -> Tensor:
    r"""LGL-INR, the in-negative-class reweighted logistic loss of Eq. (11), over all classes k.

    .. math:: L = \sum_k \Big( \frac{1}{N_k} \sum_{x \in S_k} -\log \sigma(z_k(x))
              + \sum_{j \ne k} \frac{\lambda_j^{(k)}}{N_j} \sum_{x \in S_j}
              -\log \sigma(-z_k(x)) \Big)

    N are counts of the minibatch, λ of `in_negative_weights` from its mean probabilities. An
    absent class has no positive term and is no negative sub-class; the negative term of its own
    output stays (errata 9).

    Parameters
    ----------
    logits : tensor, shape (..., n_samples, n_classes)
    targets : tensor of int, shape (..., n_samples)
    beta : float
        Inverse temperature, 0 <= beta <= 1e30.
    detach_weights : bool
        Whether λ are constants to the gradient, as weights are, or a part of the loss.
    reduction : {"sum", "mean"}
        Over the classes k; Eq. (11) averages over samples in either case.
    validate : bool
        As in `weighted_softmax_loss`.

    Returns
    -------
    tensor, shape (...)
        In nats.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> import math
    >>> z, y = torch.zeros(6, 3), torch.tensor([0, 0, 0, 1, 1, 2])
    >>> lgl_inr_loss(z, y) / math.log(2)  # each output: one positive, weights that sum to one
    tensor(6.)
    >>> lgl_inr_loss(z[:3], y[:3]) / math.log(2)  # of classes 1 and 2 the negative terms remain
    tensor(3.)
    """
    z, y = check_logits(logits, targets, validate)
    n_classes = z.shape[-1]
    own = is_own(y, z)
    with _full_precision(z):  # autocast would take the sums in half precision
        count = own.sum(dim=-2, keepdim=True)
        share = own / count.clamp(min=1.0)  # class means are share.mT @ ...
        proba = torch.sigmoid(z.detach() if detach_weights else z)
        weight = in_negative_weights(share.mT @ proba, beta, count[..., 0, :] > 0)
        factor = share + share @ weight  # of each sample in each binary loss
        total = -(factor * log_proba(z, own)).sum(dim=(-2, -1))
    check_reduction(reduction)
    return total / n_classes if reduction == "mean" else total


def minibatch_loss(logits: Tensor, targets: Tensor, batch_size: int, beta: float) -> Tensor:  # noqa: ARG001
    """Eq. (11) of a minibatch, of whatever size (see `learnprop.equations.losses.loss`)."""
    return lgl_inr_loss(logits, targets, beta, validate=False)


def in_negative_weights(mean_proba: Tensor, beta: float, present: Tensor | None = None) -> Tensor:
    r"""λ of Eq. (11): within the negative class of each target class, a softmax of hardness.

    .. math:: \lambda_j^{(k)} = \frac{e^{\beta \bar p_{j \to k}}}
              {\sum_{i \ne k} e^{\beta \bar p_{i \to k}}}, \quad j \ne k ,

    over the sub-classes j and i that are present (errata 9). β = 0 gives 1/(K-1), a large one
    picks the hardest.

    Parameters
    ----------
    mean_proba : tensor, shape (..., n_classes, n_classes)
        Row j, column k: mean probability of class k over the samples of class j.
    beta : float
        Inverse temperature, 0 <= beta <= 1e30.
    present : tensor of bool, shape (..., n_classes), optional
        By default all classes are.

    Returns
    -------
    tensor, shape (..., n_classes, n_classes)
        Row j, column k; zero on the diagonal and where j is absent. A column sums to one, or to
        zero where no other class is present.

    Raises
    ------
    ValueError
        If beta is not such a number.

    Examples
    --------
    >>> P = torch.tensor([[0.9, 0.1, 0.1], [0.3, 0.8, 0.1], [0.1, 0.1, 0.9]])
    >>> in_negative_weights(P, 0.0)[:, 0], in_negative_weights(P, 1000.0)[:, 0]
    (tensor([0.0000, 0.5000, 0.5000]), tensor([0., 1., 0.]))
    """
    check_beta(beta)
    negative = ~torch.eye(mean_proba.shape[-1], dtype=torch.bool, device=mean_proba.device)
    if present is not None:
        negative = negative & present[..., :, None]
    least = torch.finfo(mean_proba.dtype).min  # not -inf: a column may have no negative class
    score = torch.where(negative, beta * mean_proba, least)
    return torch.softmax(score, dim=-2) * negative


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


def in_negative_sides(
    mean_proba: ArrayLike, miss_proba: ArrayLike, beta: float
) -> tuple[FloatArray, FloatArray]:
    r"""Both sides of E10: :math:`1 - \bar p_{kk}` and :math:`\sum_{j \ne k} \lambda_j \bar p_{jk}`.

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)
        P of K sigmoids, every class present.
    miss_proba : array_like, shape (..., n_classes)
        Mean of ``sigmoid(-z_k)`` over class k (`learnprop.simulations.records.measure.measure`).
    beta : float
        Inverse temperature of LGL-INR, 0 <= beta <= 1e30.

    Returns
    -------
    left, right : ndarray of float64, shape (..., n_classes)

    Raises
    ------
    ValueError
        If an argument does not fit.

    Examples
    --------
    >>> P = [[0.75, 0.25, 0.25], [0.25, 0.5, 0.5], [0.25, 0.5, 0.5]]
    >>> left, right = in_negative_sides(P, [0.25, 0.5, 0.5], beta=0.0)
    >>> left.tolist(), right.tolist()
    ([0.25, 0.5, 0.5], [0.25, 0.375, 0.375])
    """
    others = off_diagonal(mean_proba)
    miss = np.asarray(miss_proba, dtype=np.float64)
    if miss.shape != others.shape[:-1]:
        raise ValueError(f"miss_proba must have shape {others.shape[:-1]}, got {miss.shape}")
    weight = in_negative_weights(torch.as_tensor(others), beta).numpy()
    return miss, (weight * others).sum(axis=-2)


def in_negative_residual(mean_proba: ArrayLike, miss_proba: ArrayLike, beta: float) -> FloatArray:
    """Left minus right side of E10: minus the gradient of LGL-INR in the output bias.

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)
    miss_proba : array_like, shape (..., n_classes)
    beta : float

    Returns
    -------
    ndarray of float64, shape (..., n_classes)

    Raises
    ------
    ValueError
        If an argument does not fit.

    Examples
    --------
    >>> in_negative_residual([[0.75, 0.5], [0.25, 0.5]], [0.25, 0.5], beta=1.0).tolist()
    [0.0, 0.0]
    """
    left, right = in_negative_sides(mean_proba, miss_proba, beta)
    return left - right


def sides(
    mean_proba: ArrayLike,
    miss_proba: ArrayLike,
    class_count: ArrayLike,  # noqa: ARG001 (classes count alike)
    beta: float,
) -> tuple[FloatArray, FloatArray]:
    """Both sides of E10 (see `learnprop.equations.losses.loss`)."""
    return in_negative_sides(mean_proba, miss_proba, beta)


def residual(
    mean_proba: ArrayLike,
    miss_proba: ArrayLike,
    class_count: ArrayLike,  # noqa: ARG001 (classes count alike)
    beta: float,
) -> FloatArray:
    """Residual of E10 (see `learnprop.equations.losses.loss`)."""
    return in_negative_residual(mean_proba, miss_proba, beta)


def bias_equation(class_count: FloatArray, beta: float) -> tuple[FloatArray, LogWeights]:
    """E10 for the output bias (see `learnprop.equations.losses.loss`)."""
    return np.zeros(len(class_count)), hardness_log_weights(beta)


def hardness_log_weights(beta: float) -> LogWeights:
    """Weights of LGL-INR: λ of Eq. (11), from the same mean probabilities.

    Parameters
    ----------
    beta : float

    Returns
    -------
    callable
        See `learnprop.equations.losses.one_vs_all.LogWeights`.
    """

    def weights(log_p: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(without_own(beta * log_p.exp(), k), dim=0)

    return weights


def _full_precision(logits: Tensor) -> AbstractContextManager[object]:
    kind = logits.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return nullcontext()  # autocast's own takes a tenth of the loss's time at 64 samples
