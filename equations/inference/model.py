r"""What a test sample says of one fixed classifier: gaps with intervals, and a joint test.

Its uncertainty is that of fresh test data alone, known from the covariance within each class. It
says nothing of the theory: a *fitted* model violates the null, by an amount of order
:math:`N^{-1/2}` in a single run, the noise of its training sample, of which the mean over training
samples is of order 1/N, the overfitting (E16). With enough test data it is rejected, and that is no
evidence of overfitting.

Where too few misses are expected (`learnprop.equations.inference.few_misses`) Chernoff's bounds
take the place of the large-sample interval, and the result says so in its ``reason``: such an
interval covers at least as often as it says, at every sample size, but it is wide. That it contains
zero says nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from learnprop.equations.arrays import FloatArray, as_flag
from learnprop.equations.balance import is_interpolated, left_side, residual, right_side
from learnprop.equations.inference.chernoff import bounds_of_sum, level_of_equality
from learnprop.equations.inference.estimates import Estimate
from learnprop.equations.inference.few_misses import MIN_MISSES, too_few_misses_within
from learnprop.equations.inference.joint import JointTest, f_test, quadratic_form
from learnprop.equations.inference.simultaneous import (
    correlation_of,
    fieller_gaps,
    max_t_critical,
    variance_of_right,
)
from learnprop.equations.inference.within_class import (
    WithinClass,
    check_model,
    side_factor,
    within_class_of_moments,
)


@np.errstate(under="ignore")
def joint_test_of_model(
    mean_proba: ArrayLike,
    second_moment: ArrayLike,
    test_count: ArrayLike,
    class_mass: ArrayLike,
    *,
    miss_proba: ArrayLike | None = None,
    independent: bool = False,
    min_misses: float = MIN_MISSES,
) -> JointTest:
    r"""Test that one fixed model satisfies Eq. (9), from its predictions on fresh test data.

    .. math:: \mathrm{Cov}(r) = V = \sum_k V_k, \qquad V_k = w_k^2 S_k / n_k,

    S_k the within-class covariance of the predictions; :math:`T^2 = r^T V^{-1} r` is referred to F
    with the degrees of freedom of Krishnamoorthy and Yu, which allow each class a covariance of
    its own,

    .. math:: \nu = \frac{m + m^2}{\sum_k \frac{1}{n_k - 1}
              \big( \mathrm{tr}\,(V_k V^{-1})^2 + (\mathrm{tr}\, V_k V^{-1})^2 \big)} .

    Parameters
    ----------
    mean_proba : array_like, shape (n_classes, n_classes)
        On the test sample.
    second_moment : array_like, shape (n_classes, n_classes, n_classes)
    test_count : array_like, shape (n_classes,)
        Test class sizes, at least 2.
    class_mass : array_like, shape (n_classes,)
        w = λN of training.
    miss_proba : array_like, shape (n_classes,), optional
        As in `learnprop.equations.balance.left_side`.
    independent : bool
        Whether the outputs are one-vs-all sigmoids.
    min_misses : float
        Expected misses below which the F test is not trusted; 0 always trusts it.

    Returns
    -------
    JointTest
        With a ``reason`` where the F test cannot be trusted: `p_value` is then Bonferroni's of
        Chernoff's bounds, and there is no statistic. A small one still rejects; a large one says
        nothing.

    Raises
    ------
    ValueError
        If a test class has fewer than two samples, the predictions have no spread, or an argument
        does not fit the others, naming it.

    References
    ----------
    Krishnamoorthy and Yu (2004), Statistics and Probability Letters 66, 161-169.

    Examples
    --------
    >>> P, M = np.array([[0.9, 0.1], [0.2, 0.8]]), np.zeros((2, 2, 2))
    >>> for i, variance in enumerate((0.04, 0.16)):
    ...     M[i] = np.outer(P[i], P[i]) + variance * np.array([[1, -1], [-1, 1]])
    >>> round(joint_test_of_model(P, M, [400, 400], [2.0, 1.0]).p_value, 9)
    1.0
    >>> joint_test_of_model(P, M, [40, 400], [2.0, 1.0]).reason
    'class 0 has 4 expected misses in 40 samples, fewer than 10'
    """
    P, M, n, mass = check_model(mean_proba, second_moment, test_count, class_mass, miss_proba)
    within = within_class_of_moments(P, M, n, miss_proba)
    return joint_test_within(within, mass, independent=independent, min_misses=min_misses)


@np.errstate(under="ignore")
def joint_test_within(
    within: WithinClass,
    class_mass: FloatArray,
    *,
    independent: bool = False,
    min_misses: float = MIN_MISSES,
) -> JointTest:
    """`joint_test_of_model` of a sample whose spread is known, weighted or not.

    Examples
    --------
    >>> P = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> M = np.array([np.diag(row) for row in P])
    >>> within = within_class_of_moments(P, M, np.array([400.0, 400.0]))
    >>> round(joint_test_within(within, np.array([2.0, 1.0])).p_value, 9)
    1.0
    """
    P, mass, miss_proba = within.mean_proba, class_mass, within.miss_proba
    m = len(mass) - (not as_flag(independent, "independent"))
    reasons = too_few_misses_within(within, mass, min_misses=min_misses)
    reason = next(filter(None, reasons), "")
    if reason:
        left, right = left_side(P, mass, miss_proba), right_side(P, mass)
        unit = mass / within.unit_count
        each = [
            level_of_equality(left[j], unit[j], right[j], np.delete(unit, j).max())
            for j in range(len(mass))
        ]
        p_value = min(1.0, len(mass) * min(each))
        return JointTest(float("nan"), m, float("nan"), p_value, reason)
    r = residual(P, mass, miss_proba)[:m]
    coefficient = mass**2 / within.count
    total = within.total(coefficient)[:m, :m]
    statistic = quadratic_form(r, total, "mean_proba")
    traces, squares = within.traces(coefficient, total)
    df = float((m + m**2) / ((squares + traces**2) / (within.count - 1)).sum())
    return f_test(statistic, m, df)


@np.errstate(under="ignore")
def gaps_of_model(
    mean_proba: ArrayLike,
    second_moment: ArrayLike,
    test_count: ArrayLike,
    class_mass: ArrayLike,
    *,
    miss_proba: ArrayLike | None = None,
    level: float = 0.95,
    simultaneous: bool = False,
    min_misses: float = MIN_MISSES,
) -> list[Estimate]:
    r"""Gaps of one fixed model, with intervals for their value on the population.

    Left and right side come from different classes and are independent:
    :math:`\mathrm{Var}(L_j) = w_j^2 \mathrm{Var}_j(f_j) / n_j`,
    :math:`\mathrm{Var}(R_j) = \sum_{k \ne j} w_k^2 \mathrm{Var}_k(f_j) / n_k`. Fieller's interval
    with the degrees of freedom of Welch and Satterthwaite; simultaneous ones with the smallest of
    them. Of a classifier that predicts the same for every sample the interval has no width.

    Parameters
    ----------
    mean_proba : array_like, shape (n_classes, n_classes)
    second_moment : array_like, shape (n_classes, n_classes, n_classes)
    test_count : array_like, shape (n_classes,)
        At least 2.
    class_mass : array_like, shape (n_classes,)
    miss_proba : array_like, shape (n_classes,), optional
        As in `learnprop.equations.balance.left_side`.
    level : float
    simultaneous : bool
    min_misses : float
        Expected misses below which Fieller's interval is not trusted; 0 always trusts it.

    Returns
    -------
    list of Estimate, one per class
        NaN within ±inf where a right side vanishes. With a ``reason`` where an equation has too
        few misses for Fieller's interval: the ends are then those of Chernoff's bounds of its two
        sides.

    Raises
    ------
    ValueError
        If a test class has fewer than two samples, or an argument does not fit the others.

    Examples
    --------
    >>> P, M = np.array([[0.9, 0.1], [0.2, 0.8]]), np.zeros((2, 2, 2))
    >>> for i, variance in enumerate((0.04, 0.16)):
    ...     M[i] = np.outer(P[i], P[i]) + variance * np.array([[1, -1], [-1, 1]])
    >>> gap, _ = gaps_of_model(P, M, [400, 400], [2.0, 1.0])
    >>> round(gap.value, 9), round(gap.low, 3), round(gap.high, 3)
    (0.0, -0.246, 0.326)
    >>> gap, _ = gaps_of_model(P, M, [40, 400], [2.0, 1.0])
    >>> round(gap.low, 2), round(gap.high, 2), gap.reason
    (-0.9, 3.66, 'class 0 has 4 expected misses in 40 samples, fewer than 10')
    """
    P, M, n, mass = check_model(
        mean_proba, second_moment, test_count, class_mass, miss_proba, level
    )
    within = within_class_of_moments(P, M, n, miss_proba)
    return gaps_within(within, mass, level=level, simultaneous=simultaneous, min_misses=min_misses)


@np.errstate(under="ignore")
def gaps_within(
    within: WithinClass,
    class_mass: FloatArray,
    *,
    level: float = 0.95,
    simultaneous: bool = False,
    min_misses: float = MIN_MISSES,
) -> list[Estimate]:
    """`gaps_of_model` of a sample whose spread is known, weighted or not.

    Examples
    --------
    >>> P = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> M = np.array([np.diag(row) for row in P])
    >>> within = within_class_of_moments(P, M, np.array([400.0, 400.0]))
    >>> round(gaps_within(within, np.array([2.0, 1.0]))[0].value, 9)
    0.0
    """
    P, mass, miss_proba, n = within.mean_proba, class_mass, within.miss_proba, within.count
    left, right = left_side(P, mass, miss_proba), right_side(P, mass)
    usable = ~is_interpolated(right, mass)
    safe = np.where(usable, right, 1.0)
    ratio = left / safe
    reasons = too_few_misses_within(within, mass, min_misses=min_misses)
    trusted = np.array([reason == "" for reason in reasons])
    coefficient = mass**2 / n
    scaled = coefficient[:, None] * within.unbiased_variance  # of V_k, its diagonal
    right_variance = variance_of_right(scaled)
    parts = side_factor(ratio) ** 2 * scaled
    spread = parts.sum(axis=0)
    varies = spread > 0
    of_spread = (parts**2 / (n - 1)[:, None]).sum(axis=0)
    df = np.divide(spread**2, of_spread, out=np.full_like(spread, np.inf), where=varies)
    critical = stats.t.ppf((1 + level) / 2, df)
    error = 1 - level  # of one equation
    if as_flag(simultaneous, "simultaneous"):
        # Chernoff's bounds take their equal shares of the error, max-t what is left of it.
        error /= len(mass)
        large = usable & trusted & varies
        if large.any():
            between = within.between(ratio, coefficient)
            critical = max_t_critical(
                correlation_of(between[np.ix_(large, large)]),
                level=level + error * float((~trusted).sum()),
                df=float(df[large].min()),
            )
    scale = (critical / safe) ** 2
    g = [scale * right_variance, -scale * ratio * right_variance, scale * spread]
    gaps = fieller_gaps(ratio, usable, g, level)
    for j in np.flatnonzero(~trusted):
        low, high = gaps[j].low, gaps[j].high
        if usable[j]:
            low, high = _bounded_gap(left[j], right[j], mass, within.unit_count, int(j), error)
        gaps[j] = replace(gaps[j], low=low, high=high, reason=reasons[j])
    return gaps


def _bounded_gap(
    left: float, right: float, mass: FloatArray, n: FloatArray, j: int, error: float
) -> tuple[float, float]:
    """Interval of a gap by Chernoff's bounds of both sides, a quarter of the error for each."""
    others = np.arange(len(mass)) != j
    lost = bounds_of_sum(left, mass[j] / n[j], error / 4)
    gained = bounds_of_sum(right, (mass / n)[others].max(), error / 4)
    low = lost[0] / min(gained[1], mass[others].sum()) - 1
    high = min(lost[1], mass[j]) / gained[0] - 1 if gained[0] > 0 else np.inf
    return float(low), float(high)
