"""Audit a classifier that somebody already has: `check`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.causes.doubts import NOT_LOOKED, doubts, no_probabilities, same_sizes
from learnprop.audit.causes.facts import TrainingFacts, check_facts
from learnprop.audit.causes.find import Found, find_causes
from learnprop.audit.causes.output_layer import OutputLayer
from learnprop.audit.causes.training_sample import measure_training
from learnprop.audit.causes.unknown_sizes import words_of_chance
from learnprop.audit.inference.groups import bin_balance, group_balance, mass_of_group
from learnprop.audit.inference.statistics import effective_weights, gaps, joint_test
from learnprop.audit.predictions.arrays import measure_predictions
from learnprop.audit.predictions.groups import measure_bins, measure_groups
from learnprop.audit.predictions.record import Predictions
from learnprop.audit.report.record import BalanceReport, GroupBalance
from learnprop.audit.stated_weights import stated_count, stated_weights
from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, as_number, check_level
from learnprop.equations.balance import left_side, right_side
from learnprop.equations.inference.estimates import Estimate, Verdict, equivalence_verdict
from learnprop.equations.inference.few_misses import MIN_MISSES
from learnprop.equations.inference.joint import JointTest

SHOWN = 5
"""Classes at most that are warned of one by one."""


def check(
    y_true: ArrayLike,
    y_proba: ArrayLike | None = None,
    *,
    class_weight: Any = None,
    train_count: Any = None,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    pos_label: Any = None,
    y_logits: ArrayLike | None = None,
    train: tuple[ArrayLike, ...] | Mapping[str, ArrayLike] | None = None,
    by: Any = None,
    bins: int | None = None,
    batch_size: int | None = None,
    micro_batch: int | None = None,
    replicas: int | None = None,
    sampler_weight: Any = None,
    label_smoothing: float | None = None,
    bias: ArrayLike | bool | None = None,
    margin: float = 0.05,
    level: float = 0.95,
) -> BalanceReport:
    r"""Find the class weights that a classifier acts upon, and why not those that were stated.

    At the minimum of a loss with class weights λ, Eq. (9) holds on the training sample,
    :math:`w P = w` with :math:`w_k = \lambda_k N_k`. So the predictions on *fresh* data, the
    stated weights and the class sizes of training say whether it acts upon these weights; P alone
    which ones it acts upon (E3). What a training sample of these sizes leaves anyway (E16) is no
    cause: `verdict` is about this model on fresh data, `causes` about its training.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
        Labels of fresh data. Class sizes there are free.
    y_proba : array_like, shape (n_samples, n_classes) or (n_samples,)
        Predicted probabilities; one-dimensional ones are of `pos_label`.
    class_weight : str, dict, Series or array_like, optional
        λ that the classifier was trained with: "equal" (the default), "inverse" or "balanced",
        "sqrt-inverse", "effective-number", numbers in the order of the classes, or by label, 1
        where a dict leaves a label out, as scikit-learn has it.
    train_count : dict, Series or array_like, shape (n_classes,), optional
        N, class sizes of training, as numbers of *distinct* samples: by them sampling error is
        known. Of a sample that was balanced by repeating rows (RandomOverSampler) give the sizes
        before, and the factors by which classes grew as `class_weight`: "balanced" where all became
        alike. By default those of `train`, or of `y_true`, with a warning: shares are then
        uncertain and the total is unknown, so that nothing is given a cause that a training of 250
        samples for each class leaves by chance, and no cause is more than possible.
    sample_weight : array_like, shape (n_samples,), optional
        Of fresh samples.
    labels : array_like, shape (n_classes,), optional
        The label of each column.
    pos_label : object, optional
        The label that one-dimensional probabilities are of.
    y_logits : array_like, optional
        Logits, in the place of `y_proba`.
    train : tuple or mapping, optional
        Predictions on the training sample: ``(y, proba)``, or ``(y, proba, X)`` with the features
        of a linear output layer; or a mapping with ``y_true``, ``y_proba`` or ``y_logits``,
        and ``X``. On that sample the residual has no sampling error: it tells causes apart that
        fresh data cannot.
    by : array_like, optional
        Groups of samples, in each of which balance is measured.
    bins : int, optional
        Bins of each class's probability, likewise.
    batch_size, micro_batch, replicas : int, optional
        Samples drawn together on all replicas; those that one weighted mean is over, if fewer;
        processes that share a batch.
    sampler_weight : str, dict, Series or array_like, optional
        Class weights that samples were drawn with, as `class_weight`.
    label_smoothing : float, optional
        ε, where it is known; else it is fitted.
    bias : array_like, shape (n_classes,), or False, optional
        The output bias; False where the output layer has none.
    margin : float
        Gap below which an equation holds.
    level : float
        Of intervals; without a cause a classifier is given one at a rate of 1 - level.

    Returns
    -------
    BalanceReport

    Raises
    ------
    ValueError
        Naming the argument that does not fit.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(2, 6, size=40_000)  # a classifier that is calibrated
    >>> y = rng.random(40_000) < p
    >>> check(y, p).verdict
    'holds'

    Its weights are equal. Had it been trained with inverse ones, it would not be:

    >>> report = check(y, p, class_weight="balanced", train_count=np.bincount(y))
    >>> report.verdict, report.causes[0].name
    ('fails', 'acts upon other weights than stated (1.01:1)')
    """
    check_level(level)
    found = measure_predictions(
        y_true, y_proba, y_logits=y_logits, sample_weight=sample_weight, labels=labels,
        pos_label=pos_label,
    )  # fmt: skip
    _check_present(found)
    of_training = measure_training(train, found.labels, pos_label)
    count, warnings = _class_sizes(train_count, found, of_training and of_training[0])
    weight = stated_weights(class_weight, found.labels, count)
    if sampler_weight is not None:
        sampler_weight = stated_weights(sampler_weight, found.labels, count, "sampler_weight")
    facts = check_facts(
        len(count), batch_size=batch_size, micro_batch=micro_batch, replicas=replicas,
        sampler_weight=sampler_weight, label_smoothing=label_smoothing, bias=bias,
    )  # fmt: skip
    facts = replace(facts, sizes_known=train_count is not None or train is not None)
    predictions_on_train, layer = of_training or (None, None)
    arrays = {
        "y_true": y_true, "y_proba": y_proba, "y_logits": y_logits,
        "sample_weight": sample_weight, "labels": labels, "pos_label": pos_label,
    }  # fmt: skip
    groups = _balance_within(arrays, by, bins, weight * count, margin, level)
    return report_of(
        found, weight, count, margin=margin, level=level, train=predictions_on_train, facts=facts,
        groups=groups, layer=layer, warnings=warnings, stated=class_weight is not None,
    )  # fmt: skip


def report_of(
    predictions: Predictions,
    weight: FloatArray,
    count: FloatArray,
    *,
    margin: float,
    level: float,
    train: Predictions | None = None,
    facts: TrainingFacts = TrainingFacts(),  # noqa: B008 - frozen
    groups: tuple[GroupBalance, ...] = (),
    layer: OutputLayer | None = None,
    warnings: tuple[str, ...] = (),
    stated: bool = True,
) -> BalanceReport:
    """Put measured predictions to Eq. (9), and find why they do not fit it.

    Parameters
    ----------
    predictions : Predictions
        On fresh data; every class is present.
    weight, count : ndarray, shape (n_classes,)
        λ as stated, and N.
    margin, level : float
    train : Predictions, optional
        On the training sample.
    facts : TrainingFacts
    groups : tuple of GroupBalance
    layer : OutputLayer, optional
        Features and logits of the training sample.
    warnings : tuple of str
        What was found before.
    stated : bool
        Whether anybody stated λ.

    Returns
    -------
    BalanceReport
    """
    margin, level = _check_margin(margin), check_level(level)
    mass = weight * count / (weight * count).sum()
    P, miss = predictions.mean_proba, predictions.miss_proba
    one_by_one = gaps(predictions, mass)
    verdicts = tuple(equivalence_verdict(g.low, g.high, margin) for g in one_by_one)
    together = gaps(predictions, mass, level=level, simultaneous=True)
    verdict = _together(verdicts, together, margin)
    left, right = left_side(P, mass, miss), right_side(P, mass)
    tested = joint_test(predictions, mass)
    wrong = no_probabilities(predictions)
    found = Found() if wrong else find_causes(
        predictions, weight, count, facts,
        tested=tested, level=level, train=train, layer=layer,
    )  # fmt: skip
    said = found.warnings
    if not found.other_columns:
        doubted = (
            (f"{wrong}; {NOT_LOOKED}",) if wrong else doubts(predictions, count, train, verdict)
        )
        few = _too_few(predictions, one_by_one, tested)
        said = (*doubted, *warnings, *few, *found.warnings)
    if np.isfinite(found.chance_below) and (verdict != "holds" or found.causes):
        said += (words_of_chance(found.chance_below),)
    elif verdict == "fails" and not found.causes and found.p_value >= 1 - level:
        said += (
            "it fails by no more than a training sample of these sizes leaves "
            f"(p = {found.p_value:.2g}): that is no evidence of other weights",
        )
    return BalanceReport(
        labels=predictions.labels,
        class_weight=weight / weight.sum(),
        train_count=count,
        count=predictions.count,
        mean_proba=P,
        effective=tuple(effective_weights(predictions, count, level=level)),
        left=left,
        right=right,
        residual=left - right,
        gaps=tuple(one_by_one),
        verdicts=verdicts,
        verdict=verdict,
        joint=tested,
        expected_misses=predictions.effective_count * miss,
        warnings=said,
        causes=found.causes,
        considered=found.considered,
        groups=groups,
        margin=margin,
        level=level,
        stated=stated,
    )


def _together(verdicts: tuple[Verdict, ...], together: list[Estimate], margin: float) -> Verdict:
    """Holds if each holds; fails if any of the simultaneous intervals is outside the margin."""
    if all(verdict == "holds" for verdict in verdicts):
        return "holds"
    outside = any(equivalence_verdict(g.low, g.high, margin) == "fails" for g in together)
    return "fails" if outside else "inconclusive"


def _balance_within(
    arrays: dict[str, Any],
    by: Any,
    bins: int | None,
    mass: FloatArray,
    margin: float,
    level: float,
) -> tuple[GroupBalance, ...]:
    """Balance within groups, and within bins of each class's probability."""
    found: list[GroupBalance] = []
    if by is not None:
        for name, p in measure_groups(**arrays, by=by):
            of_group = mass_of_group(p, mass)
            found.append(group_balance(p, of_group, margin=margin, level=level, name=name))
    if bins is not None:
        measured = measure_bins(**arrays, bins=bins)
        found += [bin_balance(one, mass, margin=margin, level=level) for one in measured]
    return tuple(found)


def _check_margin(margin: Any) -> float:
    number = as_number(margin, "margin")
    if not 0 < number < 1:
        raise BadArgument("margin", f"must be a share between 0 and 1, e.g. 0.05, got {margin}")
    return number


def _check_present(found: Predictions) -> None:
    """Refuse a class of which there are no two samples: nothing is known of its spread."""
    for label, n in zip(found.labels, found.count.tolist(), strict=True):
        if n < 2:
            holds = "one sample" if n else "no sample"
            said = (
                f"holds {holds} of {label!r}: each class needs two; take a larger sample, or leave "
                "that class out, its column too, and divide each row by its sum"
            )
            raise BadArgument("y_true", said)


def _class_sizes(
    train_count: Any, found: Predictions, train: Predictions | None
) -> tuple[FloatArray, tuple[str, ...]]:
    """N as stated, or of the training sample, or of the fresh one, which is said."""
    if train_count is not None:
        count = stated_count(train_count, found.labels)
        return count, () if train is not None else same_sizes(found, count)
    if train is not None:
        return train.class_sizes, ()
    return found.class_sizes, (
        "the class sizes of training were not given: those of y_true were taken for them",
    )


def _too_few(p: Predictions, found: list[Estimate], tested: JointTest) -> tuple[str, ...]:
    """A line on classes that leave intervals bounds, and one on tests that cannot be trusted."""
    bounds = [gap.reason for gap in found if gap.reason]
    said = []
    if bounds:
        expected = p.effective_count * np.minimum(p.miss_proba, 1 - p.miss_proba)
        few = [k for k in np.argsort(expected, kind="stable") if expected[k] < MIN_MISSES]
        each = [f"{p.labels[k]!r} ({expected[k]:.2g})" for k in few[:SHOWN]]
        more = f" and {len(few) - SHOWN} more" if len(few) > SHOWN else ""
        who = f"{'class' if len(few) == 1 else 'classes'} {', '.join(each)}{more}"
        has = "has" if len(few) == 1 else "have"
        short = f"{who} {has} too few expected misses, {MIN_MISSES:g} are needed"
        said.append(
            f"{short if few else bounds[0]}: intervals of {len(bounds)} of {len(found)} classes "
            "are bounds that are true of every sample size"
        )
    if tested.reason:
        because = "misses are too few for its tests" if tested.reason in bounds else tested.reason
        said.append(f"no cause was looked for on fresh data: {because}, they cannot be trusted")
    return tuple(said)
