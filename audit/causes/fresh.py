"""Causes told from fresh data: within sampling error, or against the training sample."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from learnprop.audit.causes.cause import Cause, Consistency
from learnprop.audit.causes.evidence import (
    Fitted,
    held_against,
    in_standard_errors,
    misses,
    p_value_of,
)
from learnprop.audit.causes.judge import (
    Judged,
    Situation,
    cause_of,
    held,
    observed_residual,
    without_prediction,
)
from learnprop.audit.causes.output_layer import left_out_mean_proba, size_of_moments
from learnprop.audit.causes.trained import (
    MOMENTS_VANISH,
    MOST_EXPLAINED,
    is_balanced,
    is_usable,
)
from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arrays import FloatArray
from learnprop.equations.balance import residual
from learnprop.equations.stationary import effective_class_weight

INCONSISTENT = 0.2
"""Of the error rate: p-values below it refute an explanation. Many are tried, and the true one
should seldom be refuted."""


def causes_on_fresh(s: Situation) -> list[Judged]:
    """Causes where there are fresh predictions alone; none within what the two samples leave.

    Parameters
    ----------
    s : Situation

    Returns
    -------
    list of Judged
    """
    if not held_against(s.fresh, s.stated).p_value < s.error:
        return []
    stated = held_against(s.fresh, s.stated)
    found = [
        _judged(s, fit, stated)
        for fit in held(s, s.fresh)
        if fit.df >= 2 or not fit.explanation.is_chosen  # a size among many fits a ratio or two
    ]
    if s.facts.bias is False:
        cause = without_prediction(
            s, s.fresh, "no bias",
            "Eq. (9) is the condition that the output bias has no gradient: there is none.",
            "Fit an output bias, without a penalty, or refine it.",
        )  # fmt: skip
        found.append(Judged(cause, (0.0, 0.0)))
    if not any(one.cause.consistency == "consistent" for one in found):
        found.append(Judged(_other_weights(s), (-1.0,)))
    return found


def _judged(s: Situation, fit: Fitted, stated: Fitted) -> Judged:
    """One explanation: refuted, fitting two equations or more besides what was fitted, or neither.

    One equation is fitted by one of many guesses: it proves only what was told of the training.
    """
    e, error = fit.explanation, INCONSISTENT * s.error
    consistency: Consistency = "possible"
    refuted = fit.p_value < error or misses(s.fresh, fit, error)
    if refuted or not is_usable(fit):
        consistency = "inconsistent"
    elif fit.df >= 2:
        consistency = "consistent"
    elif fit.df == 1 and e.is_told:
        explains = fit.statistic <= MOST_EXPLAINED**2 * stated.statistic
        consistency = "consistent" if explains else "possible"
    return Judged(cause_of(s, s.fresh, fit, consistency), (e.is_chosen, e.n_free, fit.statistic))


def _other_weights(s: Situation) -> Cause:
    """The plain fact, whatever its cause: the weights that it acts upon are not those stated."""
    name, why = "acts upon other weights than stated", "The table has them, and not why."
    if len(s.labels) == 2:
        try:
            acts = effective_class_weight(s.fresh.mean_proba, s.count)
        except ValueError:  # a class that is never predicted
            acts = None
        if acts is not None:
            by = s.weight if not np.isclose(s.weight[0], s.weight[1]) else acts
            unit = int(np.argmin(by))
            heavy, light = s.labels[1 - unit], s.labels[unit]
            name += f" ({acts[1 - unit] / acts[unit]:.3g}:1)"
            why = (
                f"It behaves as under these weights, class {heavy} to class {light}. Of two "
                "classes this ratio is all that fresh data tell, and not why."
            )
    remedy = "`reweight` undoes it, whatever the cause."
    known = without_prediction(s, s.fresh, name, why, remedy)
    return Cause(**{**vars(known), "predicted": known.observed})


def what_train_would_tell(s: Situation) -> str:
    """Say what fresh data alone do not tell apart, and what would.

    Parameters
    ----------
    s : Situation

    Returns
    -------
    str
        Arguments that it names are marked by backticks (`Worded`).
    """
    said = (
        "fresh data alone do not tell other weights from early stopping, overfitting, noise in "
        "training (dropout, mixup) or a shift of P(x|y): predictions on the training samples, "
        "`train`, tell them apart"
    )
    is_weighted = not np.allclose(s.weight, s.weight[0])
    if is_weighted and s.facts.normalised_together is None:
        said += "; of a network that was trained in minibatches give `batch_size` too"
    return said


def moved_since_training(s: Situation) -> tuple[list[Judged], float]:
    """Overfitting and shift: what is on fresh data and not on the training sample.

    Parameters
    ----------
    s : Situation
        With predictions on the training sample.

    Returns
    -------
    judged : list of Judged
        Empty where the difference is within what the two samples leave.
    statistic : float
        Of the difference, over its degrees of freedom.
    """
    assert s.trained is not None
    on_fresh, on_train = (observed_residual(one, s.mass) for one in (s.fresh, s.trained))
    statistic, p_value = _tested(s, on_fresh - on_train)
    if not p_value < s.error:
        return [], statistic
    fitted = without_prediction(
        s, s.fresh, "overfitting",
        "The training sample balances better than fresh data does, and its own class is predicted "
        "better there.",
        "Refine the bias on left-out predictions, regularise, or train on more.",
    )  # fmt: skip
    shift = without_prediction(
        s, s.fresh, "shift of P(x|y)",
        "Fresh samples of a class are predicted otherwise than those of training were, beyond what "
        "either sample leaves.",
        "Compare the features of each class between the two samples.",
    )  # fmt: skip
    first = (0.0, 1.0) if _own_class_suffers(s) else (1.0, 0.0)
    left_out = _left_out(s)
    if left_out is not None:
        predicted = residual(left_out[0], s.mass, left_out[1])
        _, p_value = _tested(s, on_fresh - predicted)
        explains: Consistency = "consistent" if p_value >= s.error else "inconsistent"
        fitted = Cause(**{
            **vars(fitted), "predicted": predicted / s.mass, "p_value": p_value,
            "consistency": explains,
            "why": "Each training sample predicted without itself says what overfitting leaves.",
        })  # fmt: skip
    return [Judged(fitted, (4.0, first[0])), Judged(shift, (4.0, first[1]))], statistic


def _tested(s: Situation, difference: FloatArray) -> tuple[float, float]:
    """A difference over its degrees of freedom, in squared standard errors, and its p-value."""
    scaled = in_standard_errors(s.fresh.covariance(s.mass), difference)
    if scaled is None:
        return float("nan"), float("nan")
    statistic = float(scaled[0] @ scaled[0])
    return statistic / len(scaled[0]), p_value_of(statistic, len(scaled[0]), s.fresh.df)


def _left_out(s: Situation) -> tuple[FloatArray, FloatArray] | None:
    """Left-out P of an output layer that is at the minimum of the stated loss; None of others."""
    if s.layer is None or s.trained is None:
        return None
    on_train = observed_residual(s.trained, s.mass)
    at_minimum = size_of_moments(s.layer, s.stated, 0.0, s.count) <= MOMENTS_VANISH
    if not (at_minimum and is_balanced(s.trained, on_train, s.mass)):
        return None
    return left_out_mean_proba(s.layer, s.mass / s.count)


def _own_class_suffers(s: Situation) -> bool:
    """Whether fresh samples miss more than those of training, by two standard errors.

    Overfitting does that; a shift may as well do the opposite.
    """
    assert s.train is not None
    p, w = s.predictions, s.mass
    more = float(w @ (p.miss_proba - s.train.miss_proba))
    spread = _variance_of_own(p) * (1 / p.effective_count + 1 / s.count)
    return more > 2 * float(np.sqrt(w**2 @ spread))


def _variance_of_own(predictions: Predictions) -> FloatArray:
    """Variance of f_k within each class k, (n_classes,)."""
    kept = predictions.kept
    own = softmax(kept.logits, axis=1)[np.arange(len(kept.classes)), kept.classes]
    n_classes = len(predictions.count)
    spread = []
    for k in range(n_classes):
        each, weight = own[kept.classes == k], kept.weight[kept.classes == k]
        spread.append(np.average((each - np.average(each, weights=weight)) ** 2, weights=weight))
    return np.array(spread)
