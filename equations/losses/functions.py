"""The paper's losses as functions: logits in, one number per minibatch out.

Shapes, arithmetic and normalisation are those of `equations.losses`, where they are modules.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from equations.loss_arguments import (
    check_beta,
    check_logits,
    check_reduction,
    check_samples,
    check_tensors,
    check_weight,
)

Reduction = Literal["mean", "sum"]


def weighted_softmax_loss(
    logits: Tensor,
    targets: Tensor,
    class_weight: Tensor | None = None,
    *,
    reduction: Reduction = "mean",
    validate: bool = True,
) -> Tensor:
    """Class-weighted softmax loss of Eq. (1).

    Parameters
    ----------
    logits : tensor, shape (..., n_samples, n_classes)
    targets : tensor of int, shape (..., n_samples)
    class_weight : tensor, shape (n_classes,) or (..., n_classes), optional
        λ; by default all are one.
    reduction : {"mean", "sum"}
        The sum is Eq. (1); the mean is the sum over n_samples, whatever the weights are.
    validate : bool
        Whether to look at labels and weights; on a GPU that waits for it.

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
    >>> z, y = torch.zeros(3, 2), torch.tensor([0, 1, 1])
    >>> weighted_softmax_loss(z, y, torch.tensor([1.0, 2.0]), reduction="sum") / math.log(2)
    tensor(5.)
    """
    z, y = check_logits(logits, targets, validate)
    nll = -torch.log_softmax(z, dim=-1).gather(-1, y[..., None])[..., 0]
    return _reduced(_weighted(nll, y, class_weight, z.shape[-1], validate), reduction)


def weighted_logistic_loss(
    logits: Tensor,
    targets: Tensor,
    class_weight: Tensor | None = None,
    *,
    reduction: Reduction = "mean",
    validate: bool = True,
) -> Tensor:
    """Class-weighted logistic loss: Eq. (1) for two classes and one logit, of class 1.

    Parameters
    ----------
    logits : tensor, shape (..., n_samples)
    targets : tensor of int, shape (..., n_samples), 0 and 1
    class_weight : tensor, shape (2,) or (..., 2), optional
        λ; by default both are one.
    reduction : {"mean", "sum"}
        As in `weighted_softmax_loss`.
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
    >>> weighted_logistic_loss(torch.tensor([-100.0, 0.0]), torch.tensor([1, 0]))
    tensor(50.3466)
    """
    check_tensors(logits, targets)
    if logits.ndim < 1 or targets.shape != logits.shape:
        raise ValueError(
            "logits must be (n_samples,) and targets as many, got "
            f"{tuple(logits.shape)} and {tuple(targets.shape)}"
        )
    z, y = check_samples(logits, targets, 2, validate)
    nll = -logsigmoid(torch.where(y == 1, z, -z))
    return _reduced(_weighted(nll, y, class_weight, 2, validate), reduction)


def one_vs_all_logistic_loss(
    logits: Tensor,
    targets: Tensor,
    class_weight: Tensor | None = None,
    *,
    reduction: Reduction = "mean",
    validate: bool = True,
) -> Tensor:
    """Logistic loss of K binary classifiers, each class against all others, summed over them.

    A sample keeps its own class's weight in all of them, as in
    `simulations.fitters.one_vs_all.fit_one_vs_all`.

    Parameters
    ----------
    logits : tensor, shape (..., n_samples, n_classes)
    targets : tensor of int, shape (..., n_samples)
    class_weight : tensor, shape (n_classes,) or (..., n_classes), optional
        λ; by default all are one.
    reduction : {"mean", "sum"}
        As in `weighted_softmax_loss`; over classes it is a sum in either case.
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
    >>> z, y = torch.zeros(3, 4), torch.tensor([0, 1, 3])
    >>> one_vs_all_logistic_loss(z, y) / math.log(2)
    tensor(4.)
    """
    z, y = check_logits(logits, targets, validate)
    nll = -_log_proba(z, _is_own(y, z)).sum(dim=-1)
    return _reduced(_weighted(nll, y, class_weight, z.shape[-1], validate), reduction)


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
    own = _is_own(y, z)
    with _full_precision(z):  # autocast would take the sums in half precision
        count = own.sum(dim=-2, keepdim=True)
        share = own / count.clamp(min=1.0)  # class means are share.mT @ ...
        proba = torch.sigmoid(z.detach() if detach_weights else z)
        weight = in_negative_weights(share.mT @ proba, beta, count[..., 0, :] > 0)
        factor = share + share @ weight  # of each sample in each binary loss
        total = -(factor * _log_proba(z, own)).sum(dim=(-2, -1))
    check_reduction(reduction)
    return total / n_classes if reduction == "mean" else total


def _is_own(labels: Tensor, logits: Tensor) -> Tensor:
    """1 at the output of a sample's class, else 0; shape (..., n_samples, n_classes)."""
    classes = torch.arange(logits.shape[-1], device=logits.device)
    return (labels[..., None] == classes).to(logits.dtype)


def _log_proba(logits: Tensor, own: Tensor) -> Tensor:
    """Log of the probability that each output gives to what is true of a sample."""
    return logsigmoid((2 * own - 1) * logits)


def _weighted(
    nll: Tensor, labels: Tensor, class_weight: Tensor | None, n_classes: int, validate: bool
) -> Tensor:
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


def _reduced(values: Tensor, reduction: Reduction) -> Tensor:
    check_reduction(reduction)
    return values.mean(dim=-1) if reduction == "mean" else values.sum(dim=-1)


def _full_precision(logits: Tensor) -> AbstractContextManager[object]:
    kind = logits.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return nullcontext()  # autocast's own takes a tenth of the loss's time at 64 samples
