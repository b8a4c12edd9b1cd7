"""Measurements of many networks at once, on the device where their logits are."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import logsigmoid

from learnprop.equations.arguments import BadArgument
from learnprop.equations.mean_proba import Activation, check_activation
from learnprop.simulations.records.by_class import by_class, pieces, taken
from learnprop.simulations.records.measure import Measured


def measure_stack(
    labels: torch.Tensor, logits: torch.Tensor, activation: Activation = "softmax"
) -> list[Measured]:
    """Measure the predictions of many networks per true class, as `measure` does of one.

    Nothing is copied to the host but class sizes, and the sums once at the end. Temporaries stay
    below half a MiB each on a processor, 128 MiB on a GPU.

    Parameters
    ----------
    labels : tensor of int, shape (n_samples,) or (n_networks, n_samples)
        Of one axis where all networks share them. Class sizes are those of every network.
    logits : tensor of float64, shape (n_networks, n_samples, n_classes)
    activation : {"softmax", "sigmoid"}

    Returns
    -------
    list of Measured
        One per network.

    Raises
    ------
    ValueError
        If a logit is NaN, a class is absent or the labels do not fit.

    Examples
    --------
    >>> z = torch.tensor([[[1000.0, 0.0], [0.0, 0.0], [0.0, 3.0]]] * 2, dtype=torch.float64)
    >>> found, _ = measure_stack(torch.tensor([0, 0, 1]), z)
    >>> found.mean_proba.round(3).tolist(), found.confusion.tolist()
    ([[0.75, 0.25], [0.047, 0.953]], [[2, 0], [0, 1]])
    """
    check_activation(activation)
    samples = by_class(labels, logits.shape)
    n_networks, _, n_classes = logits.shape
    by = (n_networks, n_classes)
    proba, hits = logits.new_zeros(*by, n_classes), logits.new_zeros(*by, n_classes)
    second = logits.new_zeros(*by, n_classes, n_classes)
    loss, missed = logits.new_zeros(by), logits.new_zeros(by)
    classes = torch.arange(n_classes, device=logits.device)[:, None]
    for piece in pieces(samples.ends, n_networks, n_classes, logits.device):
        z, of = taken(logits, samples, piece), (piece.networks, piece.class_)
        own = z[:, piece.class_]
        if activation == "softmax":
            f = torch.softmax(z, dim=1)
            loss[of] += (torch.logsumexp(z, dim=1) - own).sum(dim=1)
        else:
            f = torch.sigmoid(z)
            missed[of] += torch.sigmoid(-own).sum(dim=1)
            against = -logsigmoid(-z)
            against[:, piece.class_] = -logsigmoid(own)
            loss[of] += against.sum(dim=(1, 2))
        proba[of] += f.sum(dim=2)
        second[of] += torch.bmm(f, f.mT)
        first = z.max(dim=1, keepdim=True).indices  # of ties; argmax is 11 times slower here
        hits[of] += (first == classes).sum(dim=2)
    home = torch.cat([t.flatten(1) for t in (proba, hits, second, loss, missed)], dim=1)
    return _measured(home.cpu().numpy(), np.array(samples.class_count), activation)


def _measured(sums: np.ndarray, count: np.ndarray, activation: Activation) -> list[Measured]:
    """Means and counts of each network from sums over its classes, laid side by side."""
    n_classes = len(count)
    sizes = np.array([2, 2, 3, 1, 1])
    proba, hits, second, loss, missed = (
        part.reshape(-1, *[n_classes] * n_axes)
        for part, n_axes in zip(
            np.split(sums, (n_classes**sizes).cumsum()[:-1], axis=1), sizes, strict=True
        )
    )
    if np.isnan(proba).any():
        raise BadArgument("proba", "holds NaN")
    mean = proba / count[:, None]
    miss = mean.sum(axis=2, where=~np.eye(n_classes, dtype=bool))
    if activation == "sigmoid":
        miss = missed / count
    return [
        Measured(
            class_count=count,
            mean_proba=mean[i],
            miss_proba=miss[i],
            confusion=hits[i].astype(np.int64),
            log_loss=loss[i],
            second_moment=second[i] / count[:, None, None],
        )
        for i in range(len(sums))
    ]
