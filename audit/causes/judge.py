"""Explanations judged against a sample, and laid out as causes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from learnprop.audit.causes.cause import Cause, Consistency
from learnprop.audit.causes.evidence import (
    LARGEST_SMOOTHING,
    Evidence,
    Fitted,
    held_against,
)
from learnprop.audit.causes.explanations.catalogue import explanations
from learnprop.audit.causes.explanations.explanation import Explanation
from learnprop.audit.causes.explanations.minibatches import fitted_minibatch_mean
from learnprop.audit.causes.facts import TrainingFacts
from learnprop.audit.causes.output_layer import OutputLayer
from learnprop.audit.causes.predicted import MANY, predicted_residual
from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arrays import FloatArray
from learnprop.equations.balance import residual


@dataclass(frozen=True)
class Situation:
    """All that causes are judged by.

    Attributes
    ----------
    predictions : Predictions
        On fresh data.
    train : Predictions, optional
        On the training sample.
    layer : OutputLayer, optional
        Its features there.
    mass : ndarray, shape (n_classes,)
        w of the stated weights, summing to one.
    weight, count : ndarray, shape (n_classes,)
        λ and N.
    facts : TrainingFacts
    labels : tuple
    fresh : Evidence
        On fresh data, with the error of both samples.
    trained : Evidence, optional
        On the training sample.
    error : float
        Rate at which a classifier without a cause is given one: 1 - level.
    """

    predictions: Predictions
    train: Predictions | None
    layer: OutputLayer | None
    mass: FloatArray
    weight: FloatArray
    count: FloatArray
    facts: TrainingFacts
    labels: tuple[Any, ...]
    fresh: Evidence
    trained: Evidence | None
    error: float

    @property
    def stated(self) -> Explanation:
        """The training as it was stated."""
        return Explanation("as stated", "", "", self.mass)


@dataclass(frozen=True)
class Judged:
    """A cause and its place among the others: the smaller the earlier."""

    cause: Cause
    place: tuple[float, ...]


def consistent_first(judged: list[Judged]) -> tuple[Cause, ...]:
    """Causes in their order; what is inconsistent comes last."""
    rank = {"consistent": 0, "possible": 1, "inconsistent": 2}
    ordered = sorted(judged, key=lambda one: (rank[one.cause.consistency], one.place))
    return tuple(one.cause for one in ordered)


def held(situation: Situation, evidence: Evidence) -> list[Fitted]:
    """Explanations held against evidence, a size of minibatches that was not stated fitted."""
    s = situation
    tried = explanations(s.weight, s.count, s.facts, s.labels)
    every = [held_against(evidence, e) for e in tried]
    known = tuple(e.mass for e in tried if e.spread is None and e.bias is None)
    size = fitted_minibatch_mean(
        s.weight, s.count, s.facts, evidence, error=s.error, known=(s.mass, *known)
    )
    return every if size is None else [*every, size]


def cause_of(
    situation: Situation, evidence: Evidence, fit: Fitted, consistency: Consistency
) -> Cause:
    """An explanation as a cause, in units of each class's own mass."""
    e, w = fit.explanation, situation.mass
    predictions = situation.train if evidence.split == "train" else situation.predictions
    assert predictions is not None
    observed = observed_residual(evidence, w)
    if len(w) > MANY and consistency == "inconsistent":  # each takes passes over the predictions
        predicted = np.full(len(w), np.nan)
        error = np.sqrt(np.diagonal(evidence.covariance(e.coefficient(fit.number))))
    else:
        predicted, error = predicted_residual(fit, evidence, predictions, w, observed)
    why = e.why
    if e.spread is not None and e.number is None and fit.number == 0:
        why += " No smoothing of a positive size goes in this direction."
    elif e.spread is not None and e.number is None and fit.number >= LARGEST_SMOOTHING:
        why += f" It would take more than {LARGEST_SMOOTHING:g}, which nobody uses."
    return Cause(
        e.name.format(fit.number), evidence.split, predicted / w, observed / w, error / w,
        fit.p_value, consistency, why, e.remedy,
    )  # fmt: skip


def observed_residual(evidence: Evidence, mass: FloatArray) -> FloatArray:
    """Residual r on a sample, for the stated masses."""
    return np.asarray(residual(evidence.mean_proba, mass, evidence.miss_proba))


def without_prediction(
    situation: Situation, evidence: Evidence, name: str, why: str, remedy: str
) -> Cause:
    """A cause of which nothing but a direction, or less, is known."""
    w = situation.mass
    nothing = np.full(len(w), np.nan)
    error = np.sqrt(np.diagonal(evidence.covariance(w)))
    return Cause(
        name, evidence.split, nothing, observed_residual(evidence, w) / w, error / w,
        float("nan"), "possible", why, remedy,
    )  # fmt: skip
