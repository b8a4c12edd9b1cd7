"""Each road to a target, measured on fresh samples run by run: weights, or the bias alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.stats import rankdata

from learnprop.audit.design.bias import mean_cost, of_target, own_log_loss, recalls
from learnprop.audit.design.fits import Fresh
from learnprop.audit.design.target import Target
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.inference.estimates import Estimate, equivalence_verdict
from learnprop.equations.inference.resampling import mean_over_splits
from learnprop.equations.mean_proba import mean_proba, proba_from_logits

Side = Literal["reached", "below", "above", "inconclusive"]
Verdict = Literal["reached", "not reached", "inconclusive"]


@dataclass(frozen=True)
class Runs:
    """What one road gave in every run; leading axis n_runs.

    Attributes
    ----------
    mean_proba, recall : ndarray, shape (n_runs, n_classes)
        p̄_kk and the share of class k that is said to be k.
    accuracy, log_loss, cost, auc : ndarray, shape (n_runs,)
        Where classes have the shares of the prior; the loss in nats. The area under the curve is of
        two classes, the cost of a target that is one; else NaN.
    """

    mean_proba: FloatArray
    recall: FloatArray
    accuracy: FloatArray
    log_loss: FloatArray
    cost: FloatArray
    auc: FloatArray


@dataclass(frozen=True)
class Road:
    """What a road gives on fresh data, with intervals over the runs.

    Attributes
    ----------
    name : {"equal weights", "weights", "bias alone"}
        Of a cost the last is "decision alone": the answer of the least expected cost.
    mean_proba, recall : tuple of Estimate, one per class
    accuracy, log_loss, cost, auc : Estimate
        As in `Runs`.
    achieved : tuple of Estimate
        Of each class that something is asked of; of classes that shall be equal, its difference to
        their mean.
    off : tuple of Estimate
        Of each of these classes, how far it is from what is asked; simultaneous intervals, with the
        error of the search in them.
    sides : tuple of {"reached", "below", "above", "inconclusive"}
        Where each of these intervals is: inside the margin, wholly outside on either side, or
        neither.
    """

    name: str
    mean_proba: tuple[Estimate, ...]
    recall: tuple[Estimate, ...]
    accuracy: Estimate
    log_loss: Estimate
    cost: Estimate
    auc: Estimate
    achieved: tuple[Estimate, ...]
    off: tuple[Estimate, ...]
    sides: tuple[Side, ...]

    @property
    def verdict(self) -> Verdict:
        """What all classes together say; "reached" of a cost, which is minimised."""
        if any(side in ("below", "above") for side in self.sides):
            return "not reached"
        return "inconclusive" if "inconclusive" in self.sides else "reached"

    @property
    def reached(self) -> bool:
        """Whether what is asked is shown to be reached, within the margin."""
        return self.verdict == "reached"


def measure_runs(fresh: Fresh, setting: int, target: Target, prior: FloatArray) -> Runs:
    """Measure a road whose answer is the class of the largest logit.

    Parameters
    ----------
    fresh : Fresh
    setting : int
    target : Target
    prior : ndarray, shape (n_classes,)

    Returns
    -------
    Runs
    """
    found = [_measure(logits, fresh.y, target, prior) for logits in fresh.logits[setting]]
    return Runs(*(np.array(column) for column in zip(*found, strict=True)))


def with_bias(fresh: Fresh, setting: int, bias: FloatArray) -> Fresh:
    """The same models with a bias added to their logits."""
    return Fresh(fresh.logits[setting][None] + bias, fresh.y, fresh.n_fits, fresh.n_converged)


def _measure(
    logits: FloatArray, y: IntArray, target: Target, prior: FloatArray
) -> tuple[FloatArray, FloatArray, float, float, float, float]:
    P = mean_proba(y, proba_from_logits(logits)).diagonal()
    said, loss = logits.argmax(axis=1), own_log_loss(logits, y)
    recall = recalls(y, said, len(prior))
    count = np.bincount(y, minlength=len(prior))
    cost = np.nan if target.cost is None else mean_cost(target, said, y, prior)
    log_loss = float((np.bincount(y, weights=loss) / count) @ prior)
    return P, recall, float(recall @ prior), log_loss, cost, area_under_curve(logits, y)


def area_under_curve(logits: FloatArray, y: IntArray) -> float:
    """Share of pairs of samples in which that of class 1 has the larger log odds, ties half.

    From the sum of the ranks of class 1, as Mann and Whitney's U; NaN of more than two classes.

    Examples
    --------
    >>> area_under_curve(np.array([[0.0, 0.0], [0.0, 2.0], [0.0, 1.0]]), np.array([0, 0, 1]))
    0.5
    """
    if logits.shape[1] > 2:
        return float("nan")
    n0, n1 = np.bincount(y)
    rank = rankdata(logits[:, 1] - logits[:, 0])
    return float((rank[y == 1].sum() - n1 * (n1 + 1) / 2) / (n0 * n1))


def decide_by_cost(
    fresh: Fresh, setting: int, target: Target, prior: FloatArray, class_count: IntArray
) -> Runs:
    r"""Measure equal weights with the answer of the least expected cost, :math:`\sum_i f_i C_{ij}`.

    The probabilities are those of the class sizes of training; those of the prior are
    :math:`f_i \propto f_i \pi_i / N_i`. Only answers change, no probability that is reported.

    Parameters
    ----------
    fresh : Fresh
    setting : int
    target : Target
        Of a cost.
    prior : ndarray, shape (n_classes,)
    class_count : ndarray of int, shape (n_classes,)

    Returns
    -------
    Runs
    """
    assert target.cost is not None
    plain = measure_runs(fresh, setting, target, prior)
    recall, cost = np.empty_like(plain.recall), np.empty_like(plain.cost)
    for run, logits in enumerate(fresh.logits[setting]):
        posterior = proba_from_logits(logits + np.log(prior / class_count))
        said = (posterior @ target.cost).argmin(axis=1)
        recall[run] = recalls(fresh.y, said, len(prior))
        cost[run] = mean_cost(target, said, fresh.y, prior)
    return Runs(plain.mean_proba, recall, recall @ prior, plain.log_loss, cost, plain.auc)


def road(name: str, runs: Runs, target: Target, ratio: float, level: float, margin: float) -> Road:
    """Put intervals to what a road gave.

    Parameters
    ----------
    name : str
    runs : Runs
    target : Target
    ratio : float
        `resplit_ratio` of runs that share a data set, else zero.
    level : float
    margin : float
        How far from what is asked still counts as reached.

    Returns
    -------
    Road
    """
    asked = asked_values(runs, target)
    off = _off_target(asked, target, ratio, level)
    return Road(
        name=name,
        mean_proba=tuple(share(v, ratio, level) for v in runs.mean_proba.T),
        recall=tuple(share(v, ratio, level) for v in runs.recall.T),
        accuracy=share(runs.accuracy, ratio, level),
        log_loss=estimate(runs.log_loss, ratio, level),
        cost=estimate(runs.cost, ratio, level),
        auc=share(runs.auc, ratio, level),
        achieved=tuple((estimate if target.is_equal else share)(v, ratio, level) for v in asked.T),
        off=off,
        sides=tuple(_side(one, margin) for one in off),
    )


def estimate(values: FloatArray, ratio: float, level: float) -> Estimate:
    """Mean over runs with its interval; NaN, and unbounded, where a run has no number.

    Examples
    --------
    >>> estimate(np.array([0.5, np.inf]), 0.0, 0.9).low
    -inf
    """
    if not np.isfinite(values).all():
        value = float(values.mean()) if not np.isnan(values).any() else np.nan
        return Estimate(value, -np.inf, np.inf, level, "a run has no finite number")
    return mean_over_splits(values, ratio, level=level)


def asked_values(runs: Runs, target: Target) -> FloatArray:
    """What is asked of, in every run, (n_runs, n_asked): see `of_target`."""
    return of_target(target, runs.mean_proba if target.kind == "mean_proba" else runs.recall)


def share(values: FloatArray, ratio: float, level: float) -> Estimate:
    """As `estimate`, of numbers that are between zero and one; so are the ends of the interval.

    Examples
    --------
    >>> share(np.array([0.9, 1.0]), 0.0, 0.9).high
    1.0
    """
    found = estimate(values, ratio, level)
    return replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))


def level_of_each(level: float, n_asked: int, target: Target) -> float:
    """Bonferroni's level; two classes that shall be equal are one difference.

    Examples
    --------
    >>> level_of_each(0.9, 2, Target("recall", np.array([0, 1]), np.array([0.5, 0.6])))
    0.95
    """
    n_tests = 1 if target.is_equal and n_asked == 2 else max(n_asked, 1)
    return 1 - (1 - level) / n_tests


def _off_target(
    asked: FloatArray, target: Target, ratio: float, level: float
) -> tuple[Estimate, ...]:
    """How far each class is from where it shall be: Bonferroni's intervals.

    Weights and bias were found on as many other runs, so that the variance of a mean of runs counts
    twice.
    """
    each = level_of_each(level, asked.shape[1], target)
    wanted = 0.0 if target.values is None else target.values
    return tuple(
        mean_over_splits(values, ratio + 1 / len(values), level=each)
        for values in (asked - wanted).T
    )


def _side(off: Estimate, margin: float) -> Side:
    verdict = equivalence_verdict(off.low, off.high, margin)
    if verdict == "fails":
        return "above" if off.value > 0 else "below"
    return "reached" if verdict == "holds" else "inconclusive"
