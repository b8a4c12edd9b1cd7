r"""Causes told from the training sample, where the residual has no sampling error.

It is minus the bias gradient of the stated loss: zero at that loss's minimum, and at another loss's
what its equation says, to the tolerance of an optimiser. Minibatches leave noise of the size of the
training sample's own, or less: what is smaller than that, and follows no equation, is no cause.
"""

from __future__ import annotations

import numpy as np

from learnprop.audit.causes.cause import Cause, Consistency
from learnprop.audit.causes.evidence import (
    LARGEST_SMOOTHING,
    Evidence,
    Fitted,
    held_against,
    misses,
)
from learnprop.audit.causes.explanations.explanation import Explanation
from learnprop.audit.causes.judge import Judged, Situation, cause_of, held, without_prediction
from learnprop.audit.causes.output_layer import share_of_scale, size_of_moments
from learnprop.equations.balance import right_side
from learnprop.equations.stationary import effective_class_weight

BALANCED = 1e-3
"""Of a right side: a residual below it is an optimiser's tolerance."""

MOMENTS_VANISH = 0.05
"""Root mean square of the features' moments, in standard errors: at a minimum they are rounding."""

MOMENTS_OF_NOISE = 1.5
"""The same of a sample that minibatches drew anew."""

MOST_EXPLAINED = 0.25
"""Of the residual's length, where no minibatches were stated, left by what is near it."""


def exact_to(df: int) -> float:
    """Share of the residual's length that an exact explanation may leave.

    A direction at random is within it once in a thousand, and at most a twentieth is left.

    Examples
    --------
    >>> exact_to(1), round(exact_to(2), 3), exact_to(4)
    (0.001, 0.032, 0.05)
    """
    return min(0.05, 10 ** (-3 / df))


def is_balanced(evidence: Evidence, residual: np.ndarray, mass: np.ndarray) -> bool:
    """Whether a residual is within the tolerance of an optimiser."""
    right = right_side(evidence.mean_proba, mass)
    return bool((np.abs(residual) <= BALANCED * np.maximum(right, 1e-12 * mass.sum())).all())


def causes_on_train(s: Situation) -> tuple[list[Judged], str]:
    """Causes of a residual on the training sample, and what to say where none is named.

    Parameters
    ----------
    s : Situation
        With predictions on the training sample.

    Returns
    -------
    judged : list of Judged
        Empty where the stated loss is at its minimum, within the noise that minibatches leave.
    note : str
    """
    evidence = s.trained
    assert evidence is not None
    stated = held_against(evidence, s.stated)
    if is_balanced(evidence, stated.imbalance, s.mass) or not stated.statistic > 0:
        return [], ""
    found = [_judged(s, evidence, fit, stated) for fit in held(s, evidence)]
    found += _by_features(s, evidence)
    within_noise = not stated.p_value < s.error
    named = [one for one in found if one.cause.consistency == "consistent"]
    if within_noise and not any(one.place[0] == 0 for one in named):
        largest = float(np.abs(stated.imbalance / s.mass).max())
        note = (
            f"on the training sample the residual is not zero, {largest:.2g} of a class's mass at "
            "most: no more than minibatches, or a training that was stopped near its minimum, leave"
        )
        return [], note
    if s.facts.bias is False and s.layer is None:
        found.append(Judged(_no_bias(s, evidence), (-1.0,)))
    return found + ([] if named else _without_equations(s, evidence)), ""


def is_usable(fit: Fitted) -> bool:
    """Whether a fitted number is one that a training has."""
    e = fit.explanation
    if not e.is_fitted:
        return True
    return fit.number > 0 and (e.bias is not None or fit.number < LARGEST_SMOOTHING)


def _judged(s: Situation, evidence: Evidence, fit: Fitted, stated: Fitted) -> Judged:
    """One explanation: exact, within the noise of minibatches, untestable, or inconsistent."""
    e = fit.explanation
    left = np.sqrt(fit.statistic / stated.statistic)
    usable = is_usable(fit)
    near = s.facts.batch_size is not None or left <= MOST_EXPLAINED
    exact = left <= exact_to(len(fit.imbalance) - 1)
    fits = exact or (near and not misses(evidence, fit, s.error))
    moments = None if s.layer is None else size_of_moments(s.layer, e, fit.number, s.count)
    vanish = moments is not None and moments <= MOMENTS_VANISH
    consistency: Consistency = "inconsistent"
    tier = 2.0
    if usable and fit.df >= 1:
        if left <= exact_to(fit.df) and (moments is None or vanish or fit.df > 1):
            consistency, tier = "consistent", 0.0
        elif fit.p_value >= s.error and near:
            refuted = moments is not None and moments > MOMENTS_OF_NOISE
            drawn = s.facts.batch_size is not None and not refuted
            consistency, tier = ("consistent" if drawn else "possible"), 1.0
    elif usable and vanish:
        consistency, tier = "consistent", 0.0
    elif usable and moments is None and fits:
        # A size that was chosen to fit one ratio comes after all that was not.
        consistency, tier = "possible", 5.0 if e.is_chosen else 0.0
    return Judged(cause_of(s, evidence, fit, consistency), (tier, e.n_free, fit.statistic))


def _by_features(s: Situation, evidence: Evidence) -> list[Judged]:
    """What the features' moments alone tell: no bias, or weights of no scheme."""
    if s.layer is None:
        return []
    found = []
    if size_of_moments(s.layer, s.stated, 0.0, s.count) <= MOMENTS_VANISH:
        cause = _no_bias(s, evidence)
        why = cause.why + " The moments of all features vanish for the stated loss, the bias's not."
        # Where there is a bias, a penalty with its equation says more.
        place = (0.0, 0.0, 0.0) if s.facts.bias is False else (0.0, 1.0, np.inf)
        found.append(Judged(_consistent(cause, why), place))
    try:
        weight = effective_class_weight(evidence.mean_proba, s.count)
    except ValueError:  # a class that is never predicted
        return found
    mass = weight * s.count / (weight * s.count).sum()
    n_free = len(mass) - 1
    e = Explanation(
        "acts upon weights of no scheme",
        "All moments of the output layer vanish for the effective weights.",
        "State the effective weights, or train with those that are meant.", mass, n_free=n_free,
    )  # fmt: skip
    moments = size_of_moments(s.layer, e, 0.0, s.count)
    noise = MOMENTS_OF_NOISE if s.facts.batch_size is not None else MOMENTS_VANISH
    if moments <= noise:
        fit = held_against(evidence, e)
        tier = float(moments > MOMENTS_VANISH)
        found.append(Judged(cause_of(s, evidence, fit, "consistent"), (tier, n_free, moments)))
    return found


def _consistent(cause: Cause, why: str) -> Cause:
    return Cause(**{**vars(cause), "consistency": "consistent", "why": why})


def _no_bias(s: Situation, evidence: Evidence) -> Cause:
    without = s.facts.bias is False
    return without_prediction(
        s, evidence, "no bias" if without else "no bias, or one that was held or penalised",
        "Eq. (9) is the condition that the output bias has no gradient"
        + (": there is none." if without else "."),
        "Fit an output bias, without a penalty, or refine it.",
    )  # fmt: skip


def _without_equations(s: Situation, evidence: Evidence) -> list[Judged]:
    """What is left where no equation fits: only their direction is known."""
    early = without_prediction(
        s, evidence, "early stopping",
        "The stated loss has a bias gradient left on its own training sample, and no other loss "
        "that was tried explains it.",
        "Train on until the residual on the training sample vanishes, or refine the output bias.",
    )  # fmt: skip
    noise = without_prediction(
        s, evidence, "noise in training: dropout, mixup, batch statistics",
        "What is minimised under dropout or mixup, or with the statistics of batches, balances as "
        "it is in training, not as it is used.",
        "Refine the output bias with the predictions as they are used.",
    )  # fmt: skip
    second, third = early, noise
    # Noise leaves a layer underconfident in what it has learnt; a stopped one has more to learn.
    if s.layer is not None and share_of_scale(s.layer, s.stated, s.count) > 0.5:
        second, third = noise, early
    found = [Judged(second, (3.0, 0.0)), Judged(third, (3.0, 1.0))]
    if s.facts.bias is None and s.layer is None:
        found.append(Judged(_no_bias(s, evidence), (3.0, 2.0)))
    return found
