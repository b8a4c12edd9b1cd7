r"""Balance within a group of samples, or a bin of a class's probability.

A posterior under class masses w satisfies, with :math:`1_g` the membership of a group that depends
on the features alone,

.. math:: \sum_k w_k E_k\big[ 1_g (1_{k = j} - f_j) \big] = 0,

so that each class's samples in the group represent the mass :math:`w_k n_{gk} / n_k`. How many of
a class fall into the group is known from the sample, too: the variance is that of :math:`1_g f_j`
over all of the class, not that of :math:`f_j` over those in the group.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.predictions.groups import Bin
from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, IntArray, as_finite, by_class, check_level
from learnprop.equations.inference.estimates import Estimate, Verdict, equivalence_verdict
from learnprop.equations.inference.model import gaps_within
from learnprop.equations.inference.within_class import WithinClass

SINGLE = 0.9
"""Level of one gap's interval: two one-sided tests at 5 %."""


@dataclass(frozen=True)
class GroupBalance:
    """Balance within one group of samples, or one bin of a class's probability.

    Attributes
    ----------
    name : str
    count : ndarray of int64, shape (n_classes,)
        Its samples of each class.
    gaps : tuple of Estimate, one per class
        Against the stated weights; NaN within ±inf of a class that it does not hold.
    verdicts : tuple of str, one per class
    verdict : str
    """

    name: str
    count: IntArray
    gaps: tuple[Estimate, ...]
    verdicts: tuple[Verdict, ...]
    verdict: Verdict


def group_balance(
    predictions: Predictions,
    class_mass: ArrayLike,
    *,
    margin: float = 0.05,
    level: float = 0.95,
    name: str = "",
    column: int | None = None,
) -> GroupBalance:
    r"""Put the predictions of a group to its own balance.

    Parameters
    ----------
    predictions : Predictions
        Of the group, as `learnprop.audit.predictions.groups.measure_groups` has them.
    class_mass : array_like, shape (n_classes,)
        Of the group, :math:`w_k n_{gk} / n_k`, zero of a class that it does not hold
        (`mass_of_group`).
    margin : float
    level : float
        Of all gaps together, by Bonferroni: what `fails` rests on. One by one they have 0.9.
    name : str
    column : int, optional
        The one class whose equation is meant: of a bin of its probability.

    Returns
    -------
    GroupBalance
        NaN within ±inf for a class that the group does not hold, or does not mean. It holds where
        every gap that there is lies within the margin.

    Examples
    --------
    >>> from learnprop.audit.predictions.groups import measure_groups
    >>> rng = np.random.default_rng(0)
    >>> f, by = rng.beta(2, 2, size=40_000), rng.integers(2, size=40_000)
    >>> y = rng.random(40_000) < f
    >>> found = [
    ...     group_balance(p, mass_of_group(p, [0.5, 0.5]), name=name).verdict
    ...     for name, p in measure_groups(y, np.where(by, f**2, f), by=by)
    ... ]
    >>> found
    ['holds', 'fails']
    """
    mass = as_finite(by_class(class_mass, "class_mass"), "class_mass")
    K = len(predictions.count)
    if mass.shape != (K,) or (mass < 0).any() or ((mass > 0) != (predictions.count > 0)).any():
        said = f"must be positive of the {K} classes that the group holds, got {shown(mass)}"
        raise BadArgument("class_mass", said)
    level = check_level(level)
    present = np.flatnonzero(mass > 0)
    gaps = [Estimate(float("nan"), -np.inf, np.inf, SINGLE)] * K
    wide = list(gaps)
    meant = [k for k in present if column in (None, k)]
    if len(present) > 1 and meant:
        spread = _within_group(predictions, present)
        w = mass[present] / mass.max()
        both = (SINGLE, 1 - (1 - level) / len(meant))
        found = [gaps_within(spread, w, level=one) for one in both]
        for i, k in enumerate(present):
            if k in meant:
                gaps[k], wide[k] = found[0][i], found[1][i]
    verdicts = [equivalence_verdict(g.low, g.high, margin) for g in gaps]
    verdict: Verdict = "inconclusive"
    if meant and all(verdicts[k] == "holds" for k in meant):
        verdict = "holds"
    elif any(equivalence_verdict(wide[k].low, wide[k].high, margin) == "fails" for k in meant):
        verdict = "fails"
    return GroupBalance(name, predictions.count, tuple(gaps), tuple(verdicts), verdict)


def bin_balance(
    found: Bin, class_mass: ArrayLike, *, margin: float = 0.05, level: float = 0.95
) -> GroupBalance:
    """Put a bin of a class's probability to that class's balance, given the masses of all samples.

    Examples
    --------
    >>> from learnprop.audit.predictions.groups import measure_bins
    >>> rng = np.random.default_rng(0)
    >>> f = rng.beta(2, 2, size=90_000)
    >>> bins = measure_bins(rng.random(90_000) < f, f, bins=3)
    >>> [bin_balance(one, [0.5, 0.5], margin=0.1).verdict for one in bins]
    ['holds', 'holds', 'holds']
    """
    mass = mass_of_group(found.predictions, class_mass)
    return group_balance(
        found.predictions, mass, margin=margin, level=level, name=found.name, column=found.column
    )


def mass_of_group(predictions: Predictions, class_mass: ArrayLike) -> FloatArray:
    r"""Class masses :math:`w_k n_{gk} / n_k` of a group, (n_classes,): zero of absent classes.

    Of weighted samples the n are sums of weights.

    Examples
    --------
    >>> from learnprop.audit.predictions.groups import measure_groups
    >>> a, b = measure_groups([0, 1, 0, 1], [0.2, 0.6, 0.4, 0.8], by=["b", "a", "a", "a"])
    >>> mass_of_group(a[1], [3.0, 1.0]).tolist(), mass_of_group(b[1], [3.0, 1.0]).tolist()
    ([1.5, 1.0], [1.5, 0.0])
    """
    mass = as_finite(by_class(class_mass, "class_mass"), "class_mass")
    if predictions.all_counts is None:
        raise BadArgument("predictions", "are of no group")
    whole = predictions.all_counts[2]
    share = np.divide(predictions.weight_sum, whole, out=np.zeros(len(whole)), where=whole > 0)
    return mass * share


def _within_group(predictions: Predictions, present: IntArray) -> WithinClass:
    r"""Spread of :math:`1_g f` in units of the group's mean, for the classes that there are.

    With q the class's share in the group, :math:`\mathrm{Var}(1_g f) / (q^2 n)` is
    :math:`(S + \bar p^2) / (q n) - \bar p^2 / n`. Of one sample :math:`S + \bar p^2` is its square.
    """
    p, spread = predictions, predictions.spread
    assert spread is not None  # of every group that was measured
    n, P, miss = p.effective_count[present], p.mean_proba[present], p.miss_proba[present]
    mean = P.copy()
    mean[np.arange(len(present)), present] = miss
    share = np.zeros_like(n) if p.all_counts is None else n / p.all_counts[1][present]
    variance = spread.variance[present] + mean**2 * np.maximum(1 - share, 0.0)[:, None]
    # A class of one sample has no n / (n - 1): as if it were two that weigh as one.
    count = np.maximum(n, 2.0)
    variance = variance * (count / n)[:, None] * np.where(n < 2, 0.5, 1.0)[:, None]
    some = np.ix_(present, present)
    return replace(
        spread,
        mean_proba=p.mean_proba[some],
        miss_proba=miss,
        variance=variance[:, present],
        count=count,
        unit_count=spread.unit_count[present],
        constant=False,
        names=tuple(spread.names[k] for k in present),
    )
