"""Logits and labels of a network as samples with an output for each class."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from learnprop.equations.arguments import BadArgument
from learnprop.equations.losses.inputs.arguments import check_tensors
from learnprop.equations.losses.inputs.samples import Samples, samples_of


def samples_in(logits: Tensor, targets: Tensor, n_classes: int, ignore_index: int) -> Samples:
    """Samples of so many classes, without waiting for a device; of one logit, z, those of (0, z).

    Parameters
    ----------
    logits : tensor, shape (n_samples, n_classes, ...); of two classes also (n_samples,) or
        (n_samples, 1), the logit of class 1
    targets : tensor, shape (n_samples, ...)
        Of one logit also floating point, as ``BCEWithLogitsLoss`` takes them.
    n_classes : int
    ignore_index : int

    Returns
    -------
    Samples
        Labels out of range, and fractions, are NaN in `sound`.

    Raises
    ------
    ValueError
        If shapes or types do not fit.

    Examples
    --------
    >>> found = samples_in(torch.tensor([[2.0], [3.0]]), torch.tensor([[1.0], [0.0]]), 2, -100)
    >>> found.logits.tolist(), found.kept_labels.tolist()
    ([[0.0, 2.0], [0.0, 3.0]], [1, 0])
    """
    check_tensors(logits, targets)
    if n_classes == 2 and (logits.ndim == 1 or logits.shape[1:] == (1,)):
        if targets.numel() != len(logits):
            got = f"{tuple(logits.shape)} and {tuple(targets.shape)}"
            raise BadArgument("logits", f"must be as many as `targets`, got {got}")
        z, targets = logits.reshape(-1), targets.reshape(-1)
        logits = torch.stack([torch.zeros_like(z), z], dim=1)
        if targets.is_floating_point():
            whole = targets == targets.round()
            targets = torch.where(whole, targets, torch.full_like(targets, n_classes)).long()
    if logits.ndim >= 2 and logits.shape[1] != n_classes:
        got = f"got shape {tuple(logits.shape)}"
        raise BadArgument("logits", f"must have {n_classes} classes second, {got}")
    samples = samples_of(logits, targets, ignore_index, validate=False)
    if samples.proba is not None:
        raise BadArgument("targets", "must be labels, got probabilities of the classes")
    return samples


@contextmanager
def of_loader() -> Iterator[None]:
    """Let a `BadArgument` of `samples_in` say that the labels are a loader's, logits a module's.

    Examples
    --------
    >>> with of_loader():
    ...     samples_in(torch.zeros(2, 3), torch.zeros(2), 3, -100)
    Traceback (most recent call last):
    ValueError: loader: its labels must be integers, got torch.float32
    """
    try:
        yield
    except BadArgument as error:
        name, its = ("loader", "labels") if error.argument == "targets" else ("module", "logits")
        problem = error.problem.replace("`targets`", "labels").replace("`logits`", "logits")
        raise BadArgument(name, f": its {its} {problem}") from None
