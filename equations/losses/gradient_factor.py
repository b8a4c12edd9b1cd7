"""The size of a loss's gradient against the softmax loss's: what a learning rate depends on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import reduce

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from learnprop.equations.arguments import BadArgument
from learnprop.equations.losses import chosen_loss
from learnprop.equations.losses.inputs.arguments import checked_n_classes
from learnprop.equations.losses.loss import ChosenLoss


def gradient_factor(
    loss: str | ChosenLoss | Callable[[Tensor, Tensor], Tensor],
    n_classes: int | None = None,
    *,
    logits: Tensor | None = None,
    targets: Tensor | None = None,
    parameters: Iterable[Tensor] | None = None,
) -> float:
    r"""Norm of a loss's gradient over that of the softmax loss's, at the start or where it is.

    .. math:: \|\partial L\| / \|\partial L_{SML}\|

    L_SML is the mean over samples, unweighted. A rate that suits it, over this factor, makes steps
    of the same size. Of a balanced minibatch at zero logits, in the logits, it is
    :math:`K / (2 \sqrt{K-1})` for one-vs-all and :math:`K^2 / (2 (K-1))` for LGL-INR.

    Parameters
    ----------
    loss : str, ChosenLoss or callable
        Name in `learnprop.equations.losses.LOSSES`, or any ``(logits, targets) -> scalar``. A
        module is copied first: its averages stay as they are.
    n_classes : int, optional
        K, for zero logits of a sample of each class.
    logits, targets : tensor, shape (n_samples, n_classes) and (n_samples,), optional
        In place of these.
    parameters : iterable of tensor, optional
        What the gradient is taken in, such as ``net.parameters()``, where the logits come from
        them; by default it is the logits.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument does not fit.

    Examples
    --------
    >>> round(gradient_factor("lgl-inr", 10), 1), round(gradient_factor("lgl", 10), 1)
    (5.6, 1.7)
    >>> from learnprop import LGLINRLoss
    >>> round(gradient_factor(LGLINRLoss(10, reduction="mean"), 10), 2)
    0.56
    """
    if (logits is None) != (targets is None):
        raise BadArgument("targets", "must be given with `logits`, and only with them")
    if logits is None or targets is None:
        n_classes = checked_n_classes(n_classes)
        if parameters is not None:
            raise BadArgument("parameters", "need the `logits` that come from them")
        logits = torch.zeros(n_classes, n_classes, dtype=torch.float64)
        targets = torch.arange(n_classes)
    if parameters is None:
        logits = logits.detach().clone().requires_grad_()
    inputs = [logits] if parameters is None else list(parameters)
    ours = _function(loss, len(targets))(logits, targets)
    square, reference = (
        squared_norms([g[None] for g in torch.autograd.grad(value, inputs, retain_graph=True)])
        for value in (ours, cross_entropy(logits, targets))
    )
    return float((square / reference).sqrt())


def squared_norms(gradients: Sequence[Tensor]) -> Tensor:
    """Squared norms of gradients of several networks, whose axis comes first: over all tensors."""
    return reduce(torch.add, (g.double().square().flatten(1).sum(dim=1) for g in gradients))


def _function(
    loss: str | ChosenLoss | Callable[[Tensor, Tensor], Tensor], n_samples: int
) -> Callable[[Tensor, Tensor], Tensor]:
    if isinstance(loss, str):
        loss = chosen_loss(loss)
    if isinstance(loss, ChosenLoss):
        return loss.minibatch_loss(n_samples)
    return copy.deepcopy(loss) if isinstance(loss, torch.nn.Module) else loss
