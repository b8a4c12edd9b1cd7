r"""Whether a test sample shows enough misses for its intervals to be trusted.

A confident model misses rarely: most of what it gives to wrong classes is given by a few samples,
and a sample without them underestimates mean and spread together. What decides is the number of
misses that are expected, :math:`n_k (1 - \bar p_{kk})`. Where they are few, large-sample intervals
do not keep their level (small-samples.md), and bounds that are true of every sample size take
their place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, as_number
from learnprop.equations.balance import left_side, right_side
from learnprop.equations.inference.within_class import (
    ROUNDING,
    WithinClass,
    within_class_of_moments,
)
from learnprop.equations.matrix import off_diagonal

MIN_MISSES = 10.0
"""Expected misses below which a large-sample interval is not trusted."""

SMALL = 25.0
"""Of misses counted by their own size, (Σf)² / Σf² = m of n samples, m³ must be at least this times
n², and m fifteen: a thousand samples that each give about 1e-8 to a wrong class have a mean that is
normal, though not one whole miss is expected. It is Cochran's n > 25 skewness², of misses that are
log-normal, whose squared skewness is about (n / m)³ where they scatter widely."""


def too_few_misses(
    mean_proba: ArrayLike,
    second_moment: ArrayLike,
    test_count: ArrayLike,
    class_mass: ArrayLike,
    miss_proba: ArrayLike | None = None,
    *,
    min_misses: float = MIN_MISSES,
) -> list[str]:
    r"""Why large-sample intervals of each equation cannot be trusted; empty where they can.

    A side of Eq. (9) is a sum of independent terms, of which those of class k are at most the unit
    :math:`w_k / n_k`. It is close to normal, and its spread is known, where it is worth many of
    the largest such terms: ten units, or fifteen of the terms' own size
    :math:`(w_k / n_k) E f^2 / E f`, where class k has shown enough of them to know that size
    (`SMALL`). So is what is missing of it: few hits are as bad as few misses. What no sample shows,
    a cluster of misses rarer than one in n, this cannot know.

    Parameters
    ----------
    mean_proba : array_like, shape (n_classes, n_classes)
    second_moment : array_like, shape (n_classes, n_classes, n_classes)
    test_count : array_like, shape (n_classes,)
    class_mass : array_like, shape (n_classes,)
    miss_proba : array_like, shape (n_classes,), optional
        As in `learnprop.equations.balance.left_side`.
    min_misses : float
        0 trusts every sample.

    Returns
    -------
    list of str, one per equation

    Examples
    --------
    >>> P = np.array([[0.9, 0.1], [0.1, 0.9]])
    >>> M = np.array([np.diag(row) for row in P])  # one miss in ten, certain of itself
    >>> too_few_misses(P, M, [40, 400], [1.0, 1.0])[0]
    'class 0 has 4 expected misses in 40 samples, fewer than 10'
    >>> too_few_misses(P, M, [100, 400], [1.0, 1.0])
    ['', '']
    """
    P, M = np.asarray(mean_proba, dtype=np.float64), np.asarray(second_moment, dtype=np.float64)
    n, mass = np.asarray(test_count, np.float64), np.asarray(class_mass, np.float64)
    within = within_class_of_moments(P, M, n, miss_proba)
    return too_few_misses_within(within, mass, min_misses=min_misses)


def too_few_misses_within(
    within: WithinClass, class_mass: FloatArray, *, min_misses: float = MIN_MISSES
) -> list[str]:
    """`too_few_misses` of a sample whose spread is known, weighted or not.

    Examples
    --------
    >>> P = np.array([[0.9, 0.1], [0.1, 0.9]])
    >>> M = np.array([np.diag(row) for row in P])
    >>> within = within_class_of_moments(P, M, np.array([40.0, 400.0]))
    >>> too_few_misses_within(within, np.ones(2))[0]
    'class 0 has 4 expected misses in 40 samples, fewer than 10'
    """
    P, mass, n, miss = within.mean_proba, class_mass, within.unit_count, within.miss_proba
    min_misses = as_number(min_misses, "min_misses")
    if not min_misses >= 0:
        raise BadArgument("min_misses", f"must not be negative, got {min_misses:g}")
    if min_misses == 0 or within.constant:
        return [""] * len(P)
    left, right = left_side(P, mass, miss), right_side(P, mass)
    own = np.eye(len(P), dtype=bool)
    given = np.where(own, (left / mass)[:, None], off_diagonal(P))  # to wrong classes; own: missed
    variance = within.variance
    if not within.own_is_exact:  # a sigmoid's misses below the rounding of its moments
        variance = np.where(own & (given**2 < 1e4 * ROUNDING), given * (1 - given), variance)
    unit = np.broadcast_to((mass / n)[:, None], P.shape)
    enough = np.ones((2, len(P)), dtype=bool)
    for f in (given, 1 - given):  # few hits are as bad as few misses
        enough &= _is_enough(f, variance, unit, within, min_misses)
    left_enough, right_enough = enough
    fewest = np.where(own, 0.0, unit).argmax(axis=0)  # the class whose samples weigh most
    weighted = (n != within.count).any()
    samples = "samples of the largest weight" if weighted else "samples"
    reasons = []
    for j, name in enumerate(within.names):
        reason = ""
        if not left_enough[j]:
            reason = (
                f"class {name} has {n[j] * min(given[j, j], 1 - given[j, j]):.2g} expected "
                f"{'misses' if given[j, j] <= 0.5 else 'hits'} in {n[j]:.0f} {samples}, fewer than "
                f"{min_misses:g}"
            )
        elif not right_enough[j]:
            k = fewest[j]
            reason = (
                f"what other classes give to class {name} is worth "
                f"{right[j] / unit[k, j]:.2g} misses of class {within.names[k]} "
                f"({n[k]:.0f} {samples}), fewer than {min_misses:g}"
            )
        reasons.append(reason)
    return reasons


def _is_enough(
    f: FloatArray, variance: FloatArray, unit: FloatArray, within: WithinClass, min_misses: float
) -> NDArray[np.bool_]:
    """Whether both sides, (2, n_classes), are worth enough of their largest terms f (k, j)."""
    own = np.eye(len(f), dtype=bool)
    n, terms = within.count, within.unit_count
    square = variance + f**2
    alike = np.divide(n[:, None] * f**2, square, out=np.zeros_like(f), where=square > 0)
    least = np.maximum(1.5, np.cbrt(SMALL * n[:, None] ** 2) / MIN_MISSES) * min_misses
    size = np.divide(square, f, out=np.ones_like(f), where=(f > 0) & (alike >= least))
    found = []
    for where in (own, ~own):
        side = np.where(where, unit * terms[:, None] * f, 0.0).sum(axis=0)
        whole = side >= min_misses * np.where(where, unit, 0.0).max(axis=0)
        by_size = side >= 1.5 * min_misses * np.where(where, unit * size, 0.0).max(axis=0)
        found.append(whole | by_size)
    return np.array(found)
