r"""The output bias at which given predictions meet a target: the probabilities stay as ranked.

Adding :math:`b_k` to the logits is :math:`f_k \propto f_k e^{b_k}`, other class masses. Nothing is
fitted here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, root
from scipy.special import logit, logsumexp

from learnprop.audit.design.target import Target
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.matrix import off_diagonal
from learnprop.equations.mean_proba import mean_proba, proba_from_logits

LARGEST_BIAS = 60.0
"""Beyond it a target is taken for one that no bias reaches."""

SWEEPS = 500
FIRST_STEP, LAST_STEP = 0.5, 0.05
"""Of a search in log weights for the least cost, which is flat at its minimum."""


class OutOfReach(ValueError):
    """No bias meets the target on these predictions.

    Attributes
    ----------
    certain : ndarray, shape (n_classes,)
        Share of each class, zero where nothing is asked of it, whose own probability is exactly
        zero or one: the same under every bias.
    """

    def __init__(self, certain: ArrayLike = 0.0) -> None:
        super().__init__()
        self.certain = np.atleast_1d(np.asarray(certain, dtype=np.float64))


def bias_for(target: Target, logits: FloatArray, y: IntArray, prior: FloatArray) -> FloatArray:
    """Find the bias that meets a target; of a cost, that which costs least nearby.

    Parameters
    ----------
    target : Target
    logits : ndarray, shape (n_samples, n_classes)
        Of fresh samples.
    y : ndarray of int, shape (n_samples,)
    prior : ndarray, shape (n_classes,)
        Shares of the classes where the costs arise.

    Returns
    -------
    ndarray, shape (n_classes,), its mean zero

    Raises
    ------
    OutOfReach

    Examples
    --------
    >>> logits, y = np.zeros((4, 2)), np.array([0, 0, 1, 1])
    >>> b = bias_for(Target("mean_proba", np.array([1]), np.array([0.8])), logits, y, np.ones(2))
    >>> np.exp(b[1] - b[0]).round(9).item()
    4.0
    """
    if target.kind == "cost":
        bias = _least_cost(target, logits, y, prior)
    else:
        solve = _for_mean_proba if target.kind == "mean_proba" else _for_recall
        try:
            bias = solve(target, logits, y)
        except OutOfReach:
            raise OutOfReach(_certain(target, logits, y)) from None
    return bias - bias.mean()


def _certain(target: Target, logits: FloatArray, y: IntArray) -> FloatArray:
    """See `OutOfReach`."""
    impossible = np.isneginf(logits)
    at = np.arange(len(y)), y
    certain = impossible[at] | (impossible.sum(axis=1) - impossible[at] == logits.shape[1] - 1)
    share = recalls(y, np.where(certain, y, -1), logits.shape[1])
    return np.where(np.isin(np.arange(len(share)), target.classes), share, 0.0)


def achieved(target: Target, logits: FloatArray, y: IntArray) -> FloatArray:
    """What is asked of, as it is: of classes that shall be equal, the differences to their mean.

    Parameters
    ----------
    target : Target
        Not of a cost.
    logits : ndarray, shape (n_samples, n_classes)
    y : ndarray of int, shape (n_samples,)

    Returns
    -------
    ndarray, shape (n_asked,)
    """
    if target.kind == "mean_proba":
        values = mean_proba(y, proba_from_logits(logits)).diagonal()
    else:
        values = recalls(y, logits.argmax(axis=1), logits.shape[1])
    return of_target(target, values)


def of_target(target: Target, values: FloatArray) -> FloatArray:
    """Values (..., n_classes) of the classes that a target is of; to their mean if it is equality.

    Examples
    --------
    >>> of_target(Target("recall", np.array([0, 1])), np.array([0.5, 1.0])).tolist()
    [-0.25, 0.25]
    """
    asked = values[..., target.classes]
    return asked - asked.mean(axis=-1, keepdims=True) if target.is_equal else asked


def recalls(y: IntArray, said: IntArray, n_classes: int) -> FloatArray:
    """Share of each class that is said to be it.

    Examples
    --------
    >>> recalls(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [0.5, 1.0]
    """
    count = np.bincount(y, minlength=n_classes)
    return np.asarray(np.bincount(y[y == said], minlength=n_classes) / count)


def mean_cost(target: Target, said: IntArray, y: IntArray, prior: FloatArray) -> float:
    """Expected cost of decisions where the classes have these shares.

    Examples
    --------
    >>> target = Target("cost", np.array([], dtype=int), cost=np.array([[0.0, 1.0], [5.0, 0.0]]))
    >>> mean_cost(target, np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]), np.array([0.8, 0.2]))
    0.9
    """
    assert target.cost is not None
    each = target.cost[y, said]
    count = np.bincount(y, minlength=len(prior))
    return float((np.bincount(y, weights=each, minlength=len(prior)) / count) @ prior)


def _for_mean_proba(target: Target, logits: FloatArray, y: IntArray) -> FloatArray:
    """Solve in log odds, which are nearly linear in a bias."""
    n_classes = logits.shape[1]
    free = target.classes[1:] if target.is_equal else target.classes
    asked = None if target.values is None else logit(target.values)

    def bias_of(x: FloatArray) -> FloatArray:
        bias = np.zeros(n_classes)
        bias[free] = x
        return bias

    def off(x: FloatArray) -> FloatArray:
        P = mean_proba(y, proba_from_logits(logits + bias_of(x)))
        with np.errstate(divide="ignore"):
            odds = np.log(P.diagonal()) - np.log(off_diagonal(P).sum(axis=1))
        return odds[free] - (odds[target.classes[0]] if asked is None else asked)

    if len(free) == 1:
        return bias_of(np.array([_root_of(lambda b: float(off(np.array([b]))[0]))]))
    with np.errstate(all="ignore"):
        found = root(off, np.zeros(len(free)), tol=1e-10)
    if not (found.success and np.abs(found.fun).max() < 1e-6):
        raise OutOfReach
    return bias_of(found.x)


def _root_of(off: Callable[[float], float]) -> float:
    """Root of a rising function of a bias, from a bracket that grows."""
    end = 2.0
    while not off(-end) < 0 < off(end):
        end *= 2
        if end > LARGEST_BIAS:
            raise OutOfReach
    return float(brentq(off, -end, end, xtol=1e-10))


def _for_recall(target: Target, logits: FloatArray, y: IntArray) -> FloatArray:
    """Set one bias after another to the order statistic that gives its class the recall."""
    bias = np.zeros(logits.shape[1])
    of_class = [logits[y == k] for k in range(len(bias))]
    moving = target.classes if not target.is_equal or len(bias) > 2 else target.classes[1:]
    resolution = 1 / min(map(len, of_class))
    best, least = bias, np.inf
    for _ in range(SWEEPS if len(moving) > 1 or target.is_equal else 1):
        for k in moving:
            if target.is_equal:
                now = recalls(y, (logits + bias).argmax(axis=1), len(bias))
                asked = float(now.mean())
            else:
                assert target.values is not None
                asked = float(target.values[target.classes == k][0])
            bias = bias.copy()
            bias[k] = _bias_for_recall(of_class[k], k, bias, asked)
        if np.ptp(bias) > LARGEST_BIAS:
            raise OutOfReach
        off = distance(target, logits + bias, y)
        if off < least:
            best, least = bias, off
        if least <= resolution:
            return best
    if least > 5e-3:
        raise OutOfReach
    return best


def distance(target: Target, logits: FloatArray, y: IntArray) -> float:
    """How far predictions are from a target that is not a cost.

    Examples
    --------
    >>> asked = Target("mean_proba", np.array([1]), np.array([0.8]))
    >>> round(distance(asked, np.zeros((2, 2)), np.array([0, 1])), 9)
    0.3
    """
    values = achieved(target, logits, y)
    return float(np.abs(values - (0.0 if target.values is None else target.values)).max())


def _bias_for_recall(logits: FloatArray, k: int, bias: FloatArray, recall: float) -> float:
    """Bias of class k, midway between those at which one sample more or less of it is found."""
    others = np.delete(logits + bias, k, axis=1).max(axis=1)
    needed = others - logits[:, k]
    n_found = round(recall * len(needed))
    at = np.partition(needed, [max(n_found - 1, 0), min(n_found, len(needed) - 1)])
    low, high = at[max(n_found - 1, 0)], at[min(n_found, len(needed) - 1)]
    if n_found == 0 or n_found == len(needed):
        low = high = low + (1.0 if n_found else -1.0)
    if not np.isfinite(low + high):
        raise OutOfReach
    return float((low + high) / 2)


def _least_cost(target: Target, logits: FloatArray, y: IntArray, prior: FloatArray) -> FloatArray:
    """Steps along one bias at a time, shorter and shorter."""
    bias, step = np.zeros(logits.shape[1]), FIRST_STEP
    least = mean_cost(target, logits.argmax(axis=1), y, prior)
    while step >= LAST_STEP:
        moves = [bias + s * e for e in np.eye(len(bias)) for s in (step, -step)]
        costs = [mean_cost(target, (logits + b).argmax(axis=1), y, prior) for b in moves]
        if min(costs) < least:
            bias, least = moves[int(np.argmin(costs))], min(costs)
        else:
            step /= 2
    return bias


def own_log_loss(logits: FloatArray, y: IntArray) -> FloatArray:
    """Log-loss of each sample, in nats, (n_samples,).

    Examples
    --------
    >>> own_log_loss(np.zeros((1, 2)), np.array([0])).round(4).tolist()
    [0.6931]
    """
    own = np.take_along_axis(logits, y[:, None], axis=1)[:, 0]
    return np.asarray(logsumexp(logits, axis=1) - own)
