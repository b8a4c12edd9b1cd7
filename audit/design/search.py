"""Weights that meet a target: fitted, corrected by the bias that is left over, fitted again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learnprop.audit.design.bias import bias_for, distance, mean_cost
from learnprop.audit.design.fits import Fresh, Predict
from learnprop.audit.design.target import Target
from learnprop.equations.arrays import FloatArray, IntArray

MOST_FITS = 10
CLOSE = 1e-3
"""Of a mean probability or a recall; of a cost, relatively."""

LARGEST_LOG_WEIGHT = np.log(1e6)
"""Between two classes."""


@dataclass(frozen=True)
class Found:
    """Weights and biases that meet a target on the samples of the design.

    Attributes
    ----------
    log_weight : ndarray, shape (n_classes,)
    bias : ndarray, shape (n_classes,)
        To be added to the logits of a model with equal weights.
    n_fits : int
        Times that all training samples were fitted.
    left_over : float
        How far the weights are from the target on these samples.
    met : bool
        Whether that is next to nothing.
    """

    log_weight: FloatArray
    bias: FloatArray
    n_fits: int
    left_over: float
    met: bool


def find(predict: Predict, target: Target, prior: FloatArray, train_count: IntArray) -> Found:
    """Find weights for a target, and the bias that would do instead.

    Parameters
    ----------
    predict : callable
        As from `predictor`.
    target : Target
    prior : ndarray, shape (n_classes,)
    train_count : ndarray of int, shape (n_classes,)

    Returns
    -------
    Found

    Raises
    ------
    OutOfReach
    """
    if target.kind == "cost":
        return _for_cost(predict, target, prior, train_count)
    log_weight = best = first = np.zeros(len(prior))
    least, inverse = np.inf, -np.eye(len(prior))
    step = before = first
    for n_fits in range(1, MOST_FITS + 1):
        logits, y = pooled(predict("design", log_weight[None]))
        off, close = distance(target, logits, y), max(CLOSE, _steps(target, y))
        if off < least:
            best, least = log_weight, off
        bias = bias_for(target, logits, y, prior)
        if n_fits == 1:
            first = bias
        else:
            inverse = _broyden(inverse, step, bias - before)
        if least <= close:
            break
        moved = np.clip(log_weight - inverse @ bias, -LARGEST_LOG_WEIGHT, LARGEST_LOG_WEIGHT)
        step, before, log_weight = moved - log_weight, bias, moved
    return Found(best, first, n_fits, least, least <= close)


def _steps(target: Target, y: IntArray) -> float:
    """Two steps of a recall, which is one of a finite number."""
    return 2 / float(np.bincount(y).min()) if target.kind == "recall" else 0.0


def pooled(fresh: Fresh, setting: int = 0) -> tuple[FloatArray, IntArray]:
    """Logits of the fresh samples of all runs under one setting, and their labels."""
    logits = fresh.logits[setting]
    return logits.reshape(-1, logits.shape[-1]), np.tile(fresh.y, len(logits))


def _broyden(inverse: FloatArray, step: FloatArray, change: FloatArray) -> FloatArray:
    """Inverse Jacobian of the left-over bias in the log weights, after a step and its effect."""
    effect = inverse @ change
    of_step = float(step @ effect)
    if abs(of_step) <= 1e-3 * float(step @ step):  # the weights had next to no effect
        return inverse
    return inverse + np.outer(step - effect, step @ inverse) / of_step


def cost_of_missing(target: Target) -> FloatArray:
    """What it costs more to say the others than the truth, in all, of each class.

    Examples
    --------
    >>> matrix = np.array([[0.0, 1.0], [5.0, 0.0]])
    >>> cost_of_missing(Target("cost", np.array([], dtype=int), cost=matrix)).tolist()
    [1.0, 5.0]
    """
    assert target.cost is not None
    return np.asarray((target.cost - target.cost.diagonal()[:, None]).sum(axis=1))


def _for_cost(predict: Predict, target: Target, prior: FloatArray, count: IntArray) -> Found:
    r"""Weights for costs: λ_k N_k ∝ π_k times the cost of missing k.

    Exact for two classes under a model that is true, the start of a search for more.
    """
    start = np.log(cost_of_missing(target) * prior / count)
    log_weight = best = start - start.mean()
    if len(prior) == 2:
        return Found(best, np.zeros(2), 0, 0.0, True)
    least = np.inf
    n_fits, is_better = 0, True
    while is_better and n_fits < MOST_FITS:
        n_fits += 1
        logits, y = pooled(predict("design", log_weight[None]))
        cost = mean_cost(target, logits.argmax(axis=1), y, prior)
        is_better = cost < (1 - CLOSE) * least
        if cost < least:
            best, least = log_weight, cost
        step = bias_for(target, logits, y, prior)
        is_better &= bool(step.any())
        log_weight = log_weight + step
    return Found(best, np.zeros(len(prior)), n_fits, 0.0, True)
