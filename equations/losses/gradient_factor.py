"""The size of a loss's gradient against the softmax loss's: what a learning rate depends on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import reduce

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from learnprop.equations.arguments import BadArgument, instance_of, renamed, shown
from learnprop.equations.arrays import as_whole
from learnprop.equations.losses import chosen_loss
from learnprop.equations.losses.inputs.samples import IGNORED, samples_of
from learnprop.equations.losses.loss import ChosenLoss


def gradient_factor(
    loss: str | ChosenLoss | Callable[[Tensor, Tensor], Tensor],
    n_classes: int | None = None,
    *,
    logits: Tensor | None = None,
    targets: Tensor | None = None,
    parameters: torch.nn.Module | Tensor | Iterable[Tensor] | None = None,
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
    logits, targets : tensor, shape (n_samples, n_classes, ...) and (n_samples, ...), optional
        In place of these. Ignored samples are left out, and every position is a sample: the loss
        gets (n_samples, n_classes) and (n_samples,).
    parameters : module or iterable of tensor, optional
        What the gradient is taken in, such as ``net``, where the logits come from it, but for
        those that are frozen or have no part in them; by default it is the logits.

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
    function = _function(loss)
    if (logits is None) != (targets is None):
        raise BadArgument("targets", "must be given with `logits`, and only with them")
    if logits is None or targets is None:
        if parameters is not None:
            raise BadArgument("parameters", "need the `logits` that come from them")
        if n_classes is None:
            raise BadArgument("n_classes", "is needed, or `logits` and `targets`")
        n_classes = as_whole(n_classes, "n_classes", 2)
        logits = torch.zeros(n_classes, n_classes, dtype=torch.float64)
        targets = torch.arange(n_classes)
    elif n_classes is not None:
        raise BadArgument("n_classes", "is of zero logits: leave it out where `logits` are given")
    if parameters is None:
        logits = logits.detach().clone().requires_grad_()
    inputs = [logits] if parameters is None else _trained(parameters)
    if not logits.requires_grad:
        raise BadArgument("logits", "must come from `parameters`, and neither detached nor no_grad")
    with torch.enable_grad():
        z, y = _counting(logits, targets, getattr(loss, "ignore_index", IGNORED))
        ours, reference = function(z, y), cross_entropy(z, y)
    if not isinstance(ours, Tensor):
        raise BadArgument("loss", f"must return a tensor, got {shown(ours)}")
    if ours.ndim or not ours.requires_grad:
        got = f"one of shape {tuple(ours.shape)}" if ours.ndim else "none"
        raise BadArgument("loss", f"must give one number with a gradient (`reduction`), got {got}")
    square, of_softmax = (_squared_norm(value, inputs) for value in (ours, reference))
    return float((square / of_softmax).sqrt())


def _counting(logits: Tensor, targets: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Logits (n_samples, n_classes) and targets of the samples that are not ignored."""
    samples = samples_of(logits, targets, ignore_index, validate=True)
    if samples.proba is not None:
        return samples.logits, samples.proba
    kept = samples.kept_labels >= 0
    if not kept.any():
        raise BadArgument("targets", "must have a sample that is not ignored")
    return samples.logits[kept], samples.labels[kept]


def _trained(parameters: torch.nn.Module | Tensor | Iterable[Tensor]) -> list[Tensor]:
    """Those that have a gradient."""
    if isinstance(parameters, torch.nn.Module):
        parameters = parameters.parameters()
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for one in given:
        instance_of(one, "parameters", Tensor)
    trained = [one for one in given if one.requires_grad]
    if not trained:
        raise BadArgument("parameters", "must hold one that requires a gradient")
    return trained


def _squared_norm(value: Tensor, inputs: list[Tensor]) -> Tensor:
    gradients = torch.autograd.grad(value, inputs, retain_graph=True, allow_unused=True)
    used = [g[None] for g in gradients if g is not None]
    if not used:
        raise BadArgument("parameters", "have no part in the `logits`")
    return squared_norms(used)


def squared_norms(gradients: Sequence[Tensor]) -> Tensor:
    """Squared norms of gradients of several networks, whose axis comes first: over all tensors."""
    return reduce(torch.add, (g.double().square().flatten(1).sum(dim=1) for g in gradients))


def _function(
    loss: str | ChosenLoss | Callable[[Tensor, Tensor], Tensor],
) -> Callable[[Tensor, Tensor], Tensor]:
    if isinstance(loss, str):
        with renamed(name="loss"):
            loss = chosen_loss(loss)
    if isinstance(loss, ChosenLoss):
        named = loss
        return lambda logits, labels: named.minibatch_loss(len(labels))(logits, labels)
    if not callable(loss):
        raise BadArgument("loss", f"must be a name or a function, got {shown(loss)}")
    return copy.deepcopy(loss) if isinstance(loss, torch.nn.Module) else loss
