"""Design class weights for a target: `design`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.design.bias import OutOfReach, bias_for
from learnprop.audit.design.draws import Draws, draws_of_arrays, draws_of_generator
from learnprop.audit.design.fits import Fresh, check_fitter, predictor, weights_from_log
from learnprop.audit.design.record import Better, DesignReport
from learnprop.audit.design.roads import (
    Runs,
    asked_values,
    decide_by_cost,
    estimate,
    level_of_each,
    measure_runs,
    road,
    with_bias,
)
from learnprop.audit.design.search import Found, find, pooled
from learnprop.audit.design.target import Target, check_margin, check_target
from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, as_whole, check_level
from learnprop.equations.class_weights import check_class_weight
from learnprop.simulations.engine.limits import one_thread
from learnprop.simulations.generators.generator import Generator
from learnprop.simulations.registry import Chosen
from learnprop.simulations.studies.explore.source import TEST_SIZE

LEAST_RUNS = 25
MOST_SEED = 2**63


def design(
    X: Any = None,
    y: Any = None,
    *,
    target: Any,
    generator: Generator | None = None,
    train_count: ArrayLike | None = None,
    test_size: int | None = None,
    prior: ArrayLike | None = None,
    fitter: str = "auto",
    estimator: Any = None,
    l2: float = 0.0,
    drop_labels: Collection[str] = (),
    runs: int = LEAST_RUNS,
    seed: int = 0,
    level: float = 0.9,
    margin: float = 0.05,
) -> DesignReport:
    r"""Find class weights for a target, verify them, and compare the bias that would do instead.

    The samples are those of a user, split again and again, or fresh ones of a generator. A model
    with equal weights is fitted to `runs` training samples; the bias that meets the target on their
    left-out samples is the one road. The weights are multiplied by its exponential, and the model
    is fitted again until no bias is left over: the other. Both are then tried on `runs` samples
    that the search has not used. By a cost matrix C, answers of the least
    :math:`\sum_i f_i C_{ij}` need no weights (Elkan 2001); as weights of two classes,
    :math:`\lambda_k N_k \propto \pi_k (C_{kj} - C_{kk})`; of more they are searched for from the
    sum of these over j.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features), optional
    y : array_like, shape (n_samples,), optional
        Labels of any kind.
    target : dict or str
        One of: ``{"mean_proba": {label: 0.8}}``, the mean predicted probability of a class over its
        own samples; ``{"recall": {label: 0.9}}``; ``"equal-recalls"``; ``"equal-mean-probas"``;
        ``{"cost": C}`` with C[i, j] that of saying j where i is true, classes in the order of their
        labels. Something may be asked of several classes, but not of all: of the others the weights
        keep their ratios.
    generator : Generator, optional
        In place of X and y.
    train_count : array_like of int, shape (n_classes,), optional
        With a generator: training samples of each class.
    test_size : int, optional
        With a generator: fresh samples of each class in every run, 1000 by default.
    prior : array_like, shape (n_classes,), optional
        Shares of the classes that accuracy, log-loss and cost are of; by default those of training.
    fitter : {"auto", "logistic", "softmax"}
        Logistic regression is of two classes.
    estimator : object, optional
        A classifier of scikit-learn's kind, in place of a fitter.
    l2 : float
        α of (α/2) Σ coef², added to the weighted sum of losses: scikit-learn's 1 / C.
    drop_labels : collection of str
        Labels of y whose rows are left out.
    runs : int
        Of the verification, at least 25; the search uses as many others.
    seed : int
    level : float
        Of intervals over runs: of splits of one data set they are corrected for what these share
        (Nadeau and Bengio 2003).
    margin : float
        What is asked counts as reached where an interval shows that it is missed by less, and as
        not reached where it shows that it is missed by more.

    Returns
    -------
    DesignReport

    Raises
    ------
    ValueError
        If an argument does not fit, no bias reaches the target, or classes are separated and there
        is no penalty.

    References
    ----------
    Elkan (2001), The foundations of cost-sensitive learning, IJCAI, 973-978.

    Examples
    --------
    By Eq. (10) the mean probabilities of two classes are equal under inverse weights:

    >>> from learnprop.simulations.generators.paper import sim1
    >>> report = design(
    ...     generator=sim1(), train_count=[50, 500], target="equal-mean-probas", test_size=200
    ... )
    >>> round(float(report.class_weight[0] / report.class_weight[1]))
    10
    >>> report.weights.reached, report.better
    (True, 'equal')
    """
    draws = _check_draws(
        X, y, generator, train_count, test_size, drop_labels, as_given=estimator is not None
    )
    wanted = check_target(target, draws.names)
    shares = _check_prior(prior, draws)
    chosen = _check_fitter(fitter, estimator, l2, draws)
    runs, level = as_whole(runs, "runs", LEAST_RUNS), check_level(level)
    margin = check_margin(margin)
    if as_whole(seed, "seed", 0) >= MOST_SEED:
        raise BadArgument("seed", f"must be below 2**63, got {seed}")
    predict = predictor(draws, chosen, runs=runs, seed=int(seed))
    with one_thread():
        try:
            found = find(predict, wanted, shares, draws.train_count)
            fresh = predict("verify", np.stack([np.zeros(len(shares)), found.log_weight]))
            return _report(draws, wanted, shares, chosen, found, fresh, level, margin, int(seed))
        except OutOfReach as error:
            raise BadArgument("target", _out_of_reach(wanted, draws, error)) from None


def _check_draws(
    X: Any,
    y: Any,
    generator: Generator | None,
    train_count: ArrayLike | None,
    test_size: int | None,
    drop_labels: Collection[str],
    *,
    as_given: bool,
) -> Draws:
    if generator is None:
        for name, value in {"train_count": train_count, "test_size": test_size}.items():
            if value is not None:
                raise BadArgument(name, f"is of a `generator`, got {shown(value)} with `X` and `y`")
        return draws_of_arrays(X, y, drop_labels, as_given=as_given)
    for name, value in {"X": X, "y": y}.items():
        if value is not None:
            raise BadArgument(name, "takes the place of `generator`: leave one of them out")
    if drop_labels != ():
        raise BadArgument("drop_labels", "is of `X` and `y`, not of a `generator`")
    assert generator is not None
    size = TEST_SIZE if test_size is None else test_size
    return draws_of_generator(generator, train_count, size)  # type: ignore[arg-type]


def _check_prior(prior: ArrayLike | None, draws: Draws) -> FloatArray:
    shares = draws.train_count if prior is None else check_class_weight(prior, "prior")
    if shares.shape != draws.train_count.shape:
        raise BadArgument("prior", f"must hold {len(draws.labels)} shares, got {shares.shape}")
    return np.asarray(shares / shares.sum())


def _check_fitter(fitter: str, estimator: Any, l2: float, draws: Draws) -> Chosen:
    chosen = check_fitter(fitter, len(draws.labels), l2)
    if estimator is None:
        return chosen
    if fitter != "auto" or l2:
        raise BadArgument("estimator", "takes the place of `fitter` and `l2`")
    from learnprop.simulations.fitters.estimator import choose_estimator

    return choose_estimator(estimator)


def _out_of_reach(target: Target, draws: Draws, error: OutOfReach) -> str:
    several = len(target.classes) > 1 and not target.is_equal
    said = f"no bias gives {'all of it at once' if several else 'it on fresh samples'}"
    k = int(np.argmax(error.certain))
    if error.certain[k]:
        said += (
            f"; of class {shown(draws.labels[k])} {error.certain[k]:.0%} of the samples have a "
            "predicted probability of exactly 0 or 1, which no bias moves: "
            "CalibratedClassifierCV(estimator) predicts none"
        )
    return f"is out of reach: {said}"


def _report(
    draws: Draws,
    target: Target,
    prior: FloatArray,
    chosen: Chosen,
    found: Found,
    fresh: Fresh,
    level: float,
    margin: float,
    seed: int,
) -> DesignReport:
    plain, weighted = (measure_runs(fresh, s, target, prior) for s in (0, 1))
    if target.kind == "cost":
        name, alone = "decision alone", decide_by_cost(fresh, 0, target, prior, draws.train_count)
    else:
        name = "bias alone"
        alone = measure_runs(with_bias(fresh, 0, found.bias), 0, target, prior)
    roads = [
        road(called, runs, target, draws.ratio, level, margin)
        for called, runs in (("equal weights", plain), ("weights", weighted), (name, alone))
    ]
    criterion, sign = CRITERIA[target.kind, target.is_equal]
    one, other = _criterion(weighted, target), _criterion(alone, target)
    if target.kind != "cost":
        one, other = (_on_target(fresh, setting, target, prior) for setting in (1, 0))
    with np.errstate(invalid="ignore"):
        each = one - other
    difference = estimate(each, draws.ratio, level)
    described = chosen.options.get("described")
    return DesignReport(
        target=target,
        labels=draws.labels,
        fitter=described["called"] if described else chosen.name,
        train_count=draws.train_count,
        test_count=draws.test_count,
        prior=prior,
        class_weight=weights_from_log(found.log_weight, draws.train_count),
        bias=found.bias,
        equal=roads[0],
        weights=roads[1],
        alone=roads[2],
        criterion=criterion,
        difference=difference,
        better=_better(
            roads[1].verdict != "not reached",
            roads[2].verdict != "not reached",
            _both_or_none(weighted, alone, target, draws.ratio, level),
            sign * np.array([difference.low, difference.high]),
            name,
        ),
        runs=len(weighted.accuracy),
        n_fits=found.n_fits,
        ratio=draws.ratio,
        level=level,
        margin=margin,
        seed=seed,
        warnings=_warnings(found, fresh),
    )  # fmt: skip


def _on_target(fresh: Fresh, setting: int, target: Target, prior: FloatArray) -> FloatArray:
    """Criterion of every run, once a last bias meets the target on these samples, (n_runs,).

    The runs share that bias and so its error: a run that is above the target takes its part of what
    the bias gives back from its criterion, to first order.
    """
    bias = bias_for(target, *pooled(fresh, setting), prior)

    def at(shift: FloatArray) -> tuple[FloatArray, FloatArray]:
        runs = measure_runs(with_bias(fresh, setting, bias + shift), 0, target, prior)
        return _criterion(runs, target), asked_values(runs, target)

    criterion, asked = at(np.zeros(len(prior)))
    if not np.isfinite(criterion).all():
        return criterion
    free = target.classes[1:] if target.is_equal else target.classes
    moved = [at(STEP * np.eye(len(prior))[k]) for k in free]
    slope = np.stack([one.mean(axis=0) - asked.mean(axis=0) for _, one in moved])
    rise = np.array([one.mean() - criterion.mean() for one, _ in moved])
    price = np.linalg.lstsq(slope, rise, rcond=None)[0]
    return np.asarray(criterion - (asked - asked.mean(axis=0)) @ price)


STEP = 0.1
"""Of a bias, to see what it does to the target and to the criterion."""

CRITERIA = {
    ("mean_proba", False): ("mean log-loss", -1),
    ("mean_proba", True): ("mean log-loss", -1),
    ("recall", False): ("mean recall of the other classes", 1),
    ("recall", True): ("mean recall of all classes", 1),
    ("cost", False): ("expected cost", -1),
}
"""What the roads are compared by, and whether more of it is better."""


def _criterion(runs: Runs, target: Target) -> FloatArray:
    if target.kind == "recall":
        asked = target.classes[:0] if target.is_equal else target.classes
        return np.asarray(np.delete(runs.recall, asked, axis=1).mean(axis=1))
    return runs.cost if target.kind == "cost" else runs.log_loss


def _both_or_none(weighted: Runs, alone: Runs, target: Target, ratio: float, level: float) -> bool:
    """Whether the roads come out at the same, so that chance alone lets one of them reach it."""
    one, other = (asked_values(runs, target) for runs in (weighted, alone))
    each = level_of_each(level, one.shape[1], target)
    found = [estimate(values, ratio, each) for values in (one - other).T]
    return all(e.low <= 0 <= e.high for e in found)


def _better(weights_may: bool, alone_may: bool, same: bool, ends: FloatArray, alone: str) -> Better:
    """Which road is better, by the ends of an interval of what the weights have more of good."""
    one, other = ends
    if weights_may != alone_may and not same:
        return "weights" if weights_may else alone  # type: ignore[return-value]
    if not (weights_may or alone_may):
        return "neither"
    if not np.isfinite([one, other]).all():
        return "unknown"
    if min(one, other) > 0:
        return "weights"
    return alone if max(one, other) < 0 else "equal"  # type: ignore[return-value]


def _warnings(found: Found, fresh: Fresh) -> tuple[str, ...]:
    said = []
    if not found.met:
        said.append(
            f"No weights were found that meet the target: after {found.n_fits} fits of all samples "
            f"they are off by {found.left_over:.2g}."
        )
    if fresh.n_converged < fresh.n_fits:
        n = fresh.n_fits - fresh.n_converged
        said.append(f"{n} of {fresh.n_fits} fits of the verification did not converge.")
    return tuple(said)
