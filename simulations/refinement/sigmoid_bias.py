r"""Refinement of the output biases of K sigmoids: a root for each class, whatever the features.

The K outputs share no probability, so that the equation of class k is one of its own bias alone:
Eq. (8) under one-vs-all, E10 under LGL-INR. In logarithms of its two sides, which keep their digits
however close to zero they are, it has one sign at :math:`-\infty` and the other at
:math:`\infty`. The roots of all classes of all networks are looked for at once; the means are taken
on the device of the logits.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from scipy.optimize import elementwise
from torch.nn.functional import logsigmoid

from learnprop.equations.losses.one_vs_all import LogWeights, without_own
from learnprop.equations.mean_proba import FloatArray, IntArray
from learnprop.simulations.records.by_class import (
    ByClass,
    by_class,
    groups,
    laid_out,
    pieces,
)

Difference = Callable[[FloatArray, FloatArray], FloatArray]


def refine_sigmoid_bias(
    logits: torch.Tensor,
    labels: torch.Tensor,
    log_ratio: FloatArray,
    log_weights: LogWeights,
    start: torch.Tensor,
) -> tuple[torch.Tensor, IntArray]:
    r"""Solve :math:`a_k (1 - \bar p_{kk}) = \sum_{j \ne k} v_j^{(k)} \bar p_{jk}` for every bias.

    Memory is that of a copy of the logits, of as many networks at a time as make 1 GiB, and some
    temporaries, of half a MiB each on a processor and 128 MiB on a GPU. An evaluation copies the
    biases that are tried to the device, and n_classes means of each back.

    Parameters
    ----------
    logits : tensor of float64, shape (n_networks, n_samples, n_classes)
        Without the bias.
    labels : tensor of int, shape (n_samples,) or (n_networks, n_samples)
        Every class is present, in each network's sample as often.
    log_ratio : ndarray, shape (n_classes,)
        log a, of every network.
    log_weights : callable
        log v (see `learnprop.equations.losses.one_vs_all.LogWeights`).
    start : tensor of float64, shape (n_networks, n_classes)

    Returns
    -------
    bias : tensor of float64, shape (n_networks, n_classes)
    n_iter : ndarray of int, shape (n_networks,)
        Evaluations of a class's equation, of the class that took most.

    Raises
    ------
    ValueError
        If the labels do not fit (see `learnprop.simulations.records.by_class.by_class`).

    Examples
    --------
    >>> from learnprop.equations.losses.one_vs_all import equal_log_weights
    >>> z, y = torch.zeros(1, 4, 2, dtype=torch.float64), torch.tensor([0, 0, 0, 1])
    >>> ratio = np.log([3.0, 1.0])  # one-vs-all: class sizes are weights
    >>> b, _ = refine_sigmoid_bias(z, y, ratio, equal_log_weights(np.log([3.0, 1.0])), z[:, 0])
    >>> torch.sigmoid(b).round(decimals=12).tolist()
    [[0.75, 0.25]]
    """
    samples = by_class(labels, logits.shape)
    at = start.cpu().numpy()
    refined, n_iter = np.empty_like(at), np.empty(len(at), dtype=np.int64)
    for group in groups(logits):
        outputs = _signed(laid_out(logits, samples, group), samples.ends)
        difference = _difference(outputs, samples, log_ratio, log_weights)
        refined[group], n_iter[group] = _roots(difference, at[group])
    return torch.as_tensor(refined, device=start.device), n_iter


def _roots(difference: Difference, start: FloatArray) -> tuple[FloatArray, IntArray]:
    """Roots near (n_networks, n_classes), and how many evaluations each network took."""
    at, outputs = start.ravel(), np.arange(start.size)
    bracket = elementwise.bracket_root(
        difference, at - 0.5, at + 0.5, args=(outputs,), maxiter=1000
    )
    found = elementwise.find_root(difference, bracket.bracket, args=(outputs,), maxiter=200)
    failed = ~(bracket.success & found.success)
    if failed.any():
        network, k = divmod(int(failed.argmax()), start.shape[1])
        raise RuntimeError(f"no root of the bias of class {k} of network {network}")
    calls = (bracket.nfev + found.nfev).reshape(start.shape)
    return found.x.reshape(start.shape), calls.max(axis=1)


def _signed(logits: torch.Tensor, ends: tuple[int, ...]) -> torch.Tensor:
    """Logits of outputs, a row for each class of each network, negative in its own class.

    A sigmoid is then the probability of what is wrong.
    """
    for k, (start, end) in enumerate(pairwise(ends)):
        logits[:, k, start:end].neg_()
    return logits.flatten(0, 1)


def _difference(
    outputs: torch.Tensor, samples: ByClass, log_ratio: FloatArray, log_weights: LogWeights
) -> Difference:
    """Log left minus log right side, as a function of biases and of the rows that they are of."""
    log_count, log_a = np.log(samples.class_count), np.asarray(log_ratio)

    def difference(bias: FloatArray, rows: FloatArray) -> FloatArray:
        row = np.broadcast_to(rows, np.shape(bias)).ravel()
        log_p = _log_sums(outputs, samples.ends, np.stack([row, np.ravel(bias)]))
        log_p -= log_count[:, None]
        k = row.astype(np.int64) % len(log_p)
        own = k, np.arange(len(k))
        missed = log_p[own]
        log_p[own] = np.nan
        of, p = torch.as_tensor(k), torch.as_tensor(log_p)
        right = torch.logsumexp(without_own(log_weights(p, of) + p, of), dim=0).numpy()
        return np.asarray((missed - right + log_a[k]).reshape(np.shape(bias)))

    return difference


def _log_sums(outputs: torch.Tensor, ends: tuple[int, ...], trial: FloatArray) -> FloatArray:
    """Log of the sum, over each class, of the probability of what is wrong: (n_classes, n_rows).

    ``trial`` (2, n_rows) has rows and biases. One copy to the device, one back.
    """
    sent = torch.as_tensor(trial, device=outputs.device)
    n_classes = len(ends) - 1
    row, bias = sent[0].long(), sent[1]
    own = row % n_classes
    found = bias.new_full((n_classes, len(bias)), -torch.inf)
    for piece in pieces(ends, len(bias), 1, bias.device):
        of, k = piece.networks, piece.class_
        z = outputs[:, piece.samples].index_select(0, row[of])
        z += torch.where(own[of] == k, -bias[of], bias[of])[:, None]
        found[k, of] = torch.logaddexp(found[k, of], torch.logsumexp(logsigmoid(z), dim=1))
    return found.cpu().numpy()
