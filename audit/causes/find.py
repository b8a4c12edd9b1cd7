r"""Why a classifier does not balance for the weights that were stated: the causes, ranked.

Nothing is named where the residual on fresh data is within what a training sample of its sizes
leaves (E16) and that on the training sample, where it is given, is zero. Without predictions on the
training sample all is judged on fresh data, within sampling error. With them two questions part:
the residual on the *training* sample has no sampling error, and says whether another objective was
minimised, and which; what is on *fresh* data and not there is overfitting or a shift of P(x|y).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from learnprop.audit.causes.cause import Cause
from learnprop.audit.causes.columns import likely_columns
from learnprop.audit.causes.evidence import (
    Evidence,
    held_against,
    in_standard_errors,
    p_value_of,
    remembered,
)
from learnprop.audit.causes.facts import TrainingFacts
from learnprop.audit.causes.fresh import (
    INCONSISTENT,
    causes_on_fresh,
    moved_since_training,
    what_train_would_tell,
)
from learnprop.audit.causes.judge import Judged, Situation, consistent_first, observed_residual
from learnprop.audit.causes.output_layer import OutputLayer
from learnprop.audit.causes.trained import causes_on_train
from learnprop.audit.causes.unknown_sizes import (
    assumed_total,
    covariance_without_sizes,
    left_by_chance,
)
from learnprop.audit.inference.statistics import weighted_covariance
from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.inference.joint import JointTest


@dataclass(frozen=True)
class Found:
    """Causes that are consistent or possible, the most likely first; all that were tried; words.

    Attributes
    ----------
    causes, considered : tuple of Cause
        Both empty where nothing has to be explained.
    warnings : tuple of str
    p_value : float
        That the residual on fresh data is what a training sample of these sizes leaves; NaN where
        that cannot be tested.
    other_columns : bool
        Whether the columns look like other classes', so that nothing else can be said.
    chance_below : float
        Where the sizes were not given: size of a training sample that leaves as much by chance as
        there is; NaN where they were, or none is needed.
    """

    causes: tuple[Cause, ...] = ()
    considered: tuple[Cause, ...] = ()
    warnings: tuple[str, ...] = ()
    p_value: float = float("nan")
    other_columns: bool = False
    chance_below: float = float("nan")


def find_causes(
    predictions: Predictions,
    weight: FloatArray,
    count: FloatArray,
    facts: TrainingFacts,
    *,
    tested: JointTest,
    level: float,
    train: Predictions | None = None,
    layer: OutputLayer | None = None,
) -> Found:
    """Find the causes of a residual.

    Parameters
    ----------
    predictions : Predictions
        On fresh data.
    weight, count : ndarray, shape (n_classes,)
        λ as stated, and N.
    facts : TrainingFacts
    tested : JointTest
        Of the stated weights, on fresh data.
    level : float
        A classifier without a cause is given one at a rate of 1 - level.
    train : Predictions, optional
        On the training sample.
    layer : OutputLayer, optional
        Features and logits there, of a linear output layer.

    Returns
    -------
    Found
    """
    s = _situation(predictions, weight, count, facts, tested, level, train, layer)
    p_value = float("nan")
    judged: list[Judged] = []
    warnings: list[str] = []
    columns = likely_columns(predictions)
    if columns is not None:
        cause = _other_columns(s, columns)
        return Found((cause,), (cause,), (f"{cause.why} {cause.remedy}",), p_value, True)
    reason = tested.reason
    if not reason:
        p_value = held_against(s.fresh, s.stated).p_value
    if train is not None:
        of_training, note = causes_on_train(s)
        warnings += [note] if note else []
        moved, statistic = ([], 0.0) if reason else moved_since_training(s)
        judged += _larger_first(s, of_training, moved, statistic)
    elif not reason:
        judged += causes_on_fresh(s)
        warnings += [what_train_would_tell(s)] if judged else []
    considered = consistent_first(judged)
    chance = float("nan")
    if not facts.sizes_known:
        considered = tuple(map(_at_most_possible, considered))
        if not reason:
            share = count / count.sum()
            chance = left_by_chance(predictions, s.fresh, s.mass, share, s.error)
    causes = tuple(cause for cause in considered if cause.consistency != "inconsistent")
    return Found(causes, considered, tuple(warnings), p_value, chance_below=chance)


def _at_most_possible(cause: Cause) -> Cause:
    """A cause where the class sizes of training are not known."""
    return replace(cause, consistency="possible") if cause.consistency == "consistent" else cause


def _situation(
    predictions: Predictions,
    weight: FloatArray,
    count: FloatArray,
    facts: TrainingFacts,
    tested: JointTest,
    level: float,
    train: Predictions | None,
    layer: OutputLayer | None,
) -> Situation:
    mass = weight * count / (weight * count).sum()
    both = 1 / predictions.effective_count + 1 / count
    df = tested.df_residual + tested.df - 1 if not tested.reason else np.inf
    p = predictions
    without = covariance_without_sizes(p, count / count.sum(), assumed_total(count))
    fresh = Evidence(
        "test",
        p.mean_proba,
        p.miss_proba,
        remembered(
            (lambda a: weighted_covariance(p, a**2 * both)) if facts.sizes_known else without
        ),
        df,
    )
    trained = None
    if train is not None:
        trained = Evidence(
            "train", train.mean_proba, train.miss_proba,
            remembered(lambda a: weighted_covariance(p, a**2 / count)), df,
        )  # fmt: skip
    return Situation(
        p, train, layer, mass, weight, count, facts, p.labels, fresh, trained, 1 - level
    )


def _larger_first(
    s: Situation, of_training: list[Judged], moved: list[Judged], statistic: float
) -> list[Judged]:
    """Causes of two residuals: of the training sample, and of what came after; the larger first."""
    assert s.trained is not None
    if of_training and moved:
        stated = held_against(s.trained, s.stated)
        if statistic > stated.statistic / stated.df:
            moved = [replace(one, place=(-1.0, *one.place)) for one in moved]
    return of_training + moved


def _other_columns(s: Situation, columns: IntArray) -> Cause:
    """Columns that look like other classes': then (wP) of the column that is j's is w_j."""
    w, P = s.mass, s.predictions.mean_proba
    observed = observed_residual(s.fresh, w)
    predicted = np.empty_like(w)
    predicted[columns] = w[columns] - w
    covariance = s.fresh.covariance(w)
    scaled = in_standard_errors(covariance, observed - predicted)
    p_value = float("nan")
    if scaled is not None:
        p_value = p_value_of(float(scaled[0] @ scaled[0]), len(w) - 1, s.fresh.df)
    moved = [k for k in range(len(w)) if columns[k] != k]
    listed = ", ".join(f"{s.labels[columns[k]]!r} like {s.labels[k]!r}" for k in moved[:5])
    more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
    own = np.arange(len(w))
    return Cause(
        "columns in another order", "test", predicted / w, observed / w,
        np.sqrt(np.diagonal(covariance)) / w, p_value,
        "consistent" if p_value >= INCONSISTENT * s.error else "possible",
        f"The columns look as if they were in another order, {listed}{more}: in it a class's own "
        f"probability is {P[own, columns].mean():.2f} on average, and as they are it is "
        f"{np.diagonal(P).mean():.2f}.",
        "Give the order of the columns as `labels`.",
    )  # fmt: skip
