r"""Refinement of the output bias of K sigmoids: a root for each class, whatever the features.

The K outputs share no probability, so that the equation of class k is one of its own bias alone:
Eq. (8) under one-vs-all, E10 under LGL-INR. In logarithms of its two sides, which keep their digits
however close to zero they are, it has one sign at :math:`-\infty` and the other at
:math:`\infty`.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import elementwise

from learnprop.equations.losses.one_vs_all import LogWeights
from learnprop.equations.mean_proba import FloatArray


def refine_sigmoid_bias(
    logits: torch.Tensor,
    labels: torch.Tensor,
    log_ratio: FloatArray,
    log_weights: LogWeights,
    start: torch.Tensor,
) -> tuple[torch.Tensor, int]:
    r"""Solve :math:`a_k (1 - \bar p_{kk}) = \sum_{j \ne k} v_j^{(k)} \bar p_{jk}` for every bias.

    Parameters
    ----------
    logits : tensor of float64, shape (n_samples, n_classes)
        Without the bias; every class is present.
    labels : tensor of int, shape (n_samples,)
    log_ratio : ndarray, shape (n_classes,)
        log a.
    log_weights : callable
        log v (see `learnprop.equations.losses.one_vs_all.LogWeights`).
    start : tensor of float64, shape (n_classes,)

    Returns
    -------
    bias : tensor of float64, shape (n_classes,)
    n_iter : int
        Evaluations of a class's equation, of the class that took most.

    Examples
    --------
    >>> from learnprop.equations.losses.one_vs_all import equal_log_weights
    >>> z, y = torch.zeros(4, 2, dtype=torch.float64), torch.tensor([0, 0, 0, 1])
    >>> ratio = np.log([3.0, 1.0])  # one-vs-all: class sizes are weights
    >>> b, _ = refine_sigmoid_bias(z, y, ratio, equal_log_weights(np.log([3.0, 1.0])), z[0])
    >>> torch.sigmoid(b).round(decimals=12).tolist()
    [0.75, 0.25]
    """
    of_class = [logits[labels == j] for j in range(logits.shape[1])]
    log_a = np.asarray(log_ratio)

    def difference(bias: FloatArray, columns: FloatArray) -> FloatArray:
        """Log left minus log right side, for some classes."""
        k = torch.as_tensor(np.broadcast_to(columns, np.shape(bias)).astype(np.int64))
        b = torch.as_tensor(np.asarray(bias), dtype=torch.float64, device=logits.device)
        log_p = torch.stack([_log_mean_sigmoid(z[:, k] + b) for z in of_class])
        missed = torch.stack(
            [_log_mean_sigmoid(-(of_class[i][:, i] + b[n])) for n, i in enumerate(k.tolist())]
        )
        right = torch.logsumexp(log_weights(log_p, k.to(b.device)) + log_p, dim=0)
        return (missed - right).cpu().numpy() + log_a[k.numpy()]

    at = start.cpu().numpy()
    columns = np.arange(logits.shape[1])
    bracket = elementwise.bracket_root(
        difference, at - 0.5, at + 0.5, args=(columns,), maxiter=1000
    )
    found = elementwise.find_root(difference, bracket.bracket, args=(columns,), maxiter=200)
    if not (bracket.success & found.success).all():
        raise RuntimeError(f"no root of the bias of class {int((~found.success).argmax())}")
    calls = int((bracket.nfev + found.nfev).max())
    return torch.as_tensor(found.x, device=start.device), calls


def _log_mean_sigmoid(z: torch.Tensor) -> torch.Tensor:
    """Log of the mean of sigmoid(z) over the first axis."""
    return torch.logsumexp(torch.nn.functional.logsigmoid(z), dim=0) - np.log(len(z))
