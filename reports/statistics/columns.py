"""Columns of a summary with one row per class: what one λ setting showed on one split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from learnprop.equations.accuracy_bounds import accuracy_bounds
from learnprop.equations.balance import left_side, residual, right_side, split_residual
from learnprop.equations.inference.estimates import mcse_of_mean
from learnprop.equations.inference.resampling import corrected_error
from learnprop.equations.inference.simultaneous import gaps_over_runs
from learnprop.equations.limits.minimisers import NoMinimiser
from learnprop.equations.mean_proba import FloatArray
from learnprop.equations.stationary import effective_class_weight_over_runs
from learnprop.reports.statistics.evidence import Part
from learnprop.reports.statistics.left_out import are_enough
from learnprop.reports.statistics.runs import CONFIDENCE, jackknifed_gap
from learnprop.reports.statistics.sides import SidesOverRuns
from learnprop.simulations.generators.large_sample_limit import Limit, LimitProba
from learnprop.simulations.records.rows import LEFT_OUT, Measurements

NEGLIGIBLE = 1e-6
"""Of the class mass: a term of the residual that is smaller is due to rounding."""

NOTICEABLE = 0.99
"""Level of the t interval over runs that leaves out zero where a term of the residual is named."""

Columns = dict[str, Sequence[Any]]
"""Column name to one value per class."""


def mean_and_mcse(name: str, values: FloatArray) -> Columns:
    """Mean over runs and its MCSE, of values (n_runs, n_classes).

    Examples
    --------
    >>> mean_and_mcse("p", np.array([[1.0, 2.0], [3.0, 2.0]]))
    {'p': [2.0, 2.0], 'p_mcse': [1.0, 0.0]}
    """
    return {
        name: values.mean(axis=0).tolist(),
        f"{name}_mcse": [mcse_of_mean(column) for column in values.T],
    }


def columns_of_sides(sides: SidesOverRuns) -> Columns:
    """Both sides of Eq. (9), the gap with Fieller's interval and the jackknife's, and the verdict.

    Parameters
    ----------
    sides : SidesOverRuns

    Returns
    -------
    dict
    """
    larger = np.maximum(np.maximum(sides.left, sides.right), 1e-300)
    reasons = [g.reason for g in sides.gaps]
    pairs = zip(sides.left.T, sides.right.T, strict=True)
    jackknifed = [jackknifed_gap(left, right) for left, right in pairs]
    return {
        **mean_and_mcse("left", sides.left),
        **mean_and_mcse("right", sides.right),
        "gap": [g.value for g in sides.gaps],
        "gap_low": [g.low for g in sides.gaps],
        "gap_high": [g.high for g in sides.gaps],
        "gap_mcse": [mcse for _, mcse in jackknifed],
        "gap_jackknife": [g.value for g, _ in jackknifed],
        "gap_jackknife_low": [g.low for g, _ in jackknifed],
        "gap_jackknife_high": [g.high for g, _ in jackknifed],
        "verdict": sides.verdicts,
        "max_relative_difference": (np.abs(sides.left - sides.right) / larger).max(axis=0).tolist(),
        **({"reason": reasons} if any(reasons) else {}),
    }


def columns_of_balance(part: Part) -> Columns:
    """`columns_of_sides` of a split."""
    return columns_of_sides(part.sides)


def columns_of_gaps_together(part: Part) -> Columns:
    """Intervals of the gaps that hold for all classes together."""
    return {
        "gap_low_simultaneous": [g.low for g in part.sides.together],
        "gap_high_simultaneous": [g.high for g in part.sides.together],
    }


def columns_of_predictions(part: Part) -> Columns:
    """Residual r_j / w_j, mean probability of the own class, and accuracy."""
    return {
        **mean_and_mcse("residual", relative_residual(part.rows, part.mass)),
        **mean_and_mcse("mean_proba", np.diagonal(part.rows.mean_proba, axis1=1, axis2=2)),
        **mean_and_mcse("accuracy", accuracy_of_classes(part.rows)),
    }


def relative_residual(rows: Measurements, mass: FloatArray) -> FloatArray:
    """Residual r_j / w_j of each run, shape (n_runs, n_classes)."""
    return residual(rows.mean_proba, mass, rows.miss_proba) / mass


def accuracy_of_classes(part: Measurements) -> FloatArray:
    """Share of each class that is predicted as itself, shape (n_runs, n_classes)."""
    hits = np.diagonal(part.confusion, axis1=1, axis2=2)
    return np.asarray(hits / part.class_count, dtype=np.float64)


def accuracy_of_runs(part: Measurements) -> FloatArray:
    """Share of all samples that is predicted as its class, shape (n_runs,)."""
    hits = np.trace(part.confusion, axis1=1, axis2=2)
    return np.asarray(hits / part.class_count.sum(axis=1), dtype=np.float64)


def columns_of_accuracies(part: Part, *, bounds: bool = False) -> dict[str, float]:
    """Accuracy over all classes: with equal priors, and with those of training.

    Parameters
    ----------
    part : Part
    bounds : bool
        Whether with what mean probabilities imply (E11), where the rows of P sum to one.

    Returns
    -------
    dict of str to float
        Where runs split one data set, on test, with the standard errors for new data.
    """
    of_class, implied = accuracy_of_classes(part.rows), columns_of_bounds(part) if bounds else {}
    share = np.array(part.terms.train_size) / sum(part.terms.train_size)
    found: dict[str, float] = {}
    priors = {"balanced_accuracy": np.full_like(share, 1 / len(share)), "overall_accuracy": share}
    for name, prior in priors.items():
        accuracy = of_class @ prior
        found |= {name: float(accuracy.mean()), f"{name}_mcse": mcse_of_mean(accuracy)}
        if part.corrected:
            found[f"{name}_corrected_error"] = corrected_error(accuracy, part.terms.resplit)
        for bound, values in implied.items():
            found[bound.replace("accuracy", name)] = float(np.array(values) @ prior)
    return found


def columns_of_bounds(part: Part) -> Columns:
    """Bounds of the accuracy (E11).

    Parameters
    ----------
    part : Part

    Returns
    -------
    dict
        Empty where the rows of P need not sum to one.
    """
    if part.terms.one_vs_all:
        return {}
    low, high = accuracy_bounds(part.rows.mean_proba.mean(axis=0))
    return {"accuracy_low": low.tolist(), "accuracy_high": high.tolist()}


def columns_of_effective_weight(part: Part) -> Columns:
    """Class weights that P acts upon (E3), with intervals over runs; up to a factor.

    Parameters
    ----------
    part : Part

    Returns
    -------
    dict
        Empty with fewer than three runs, where the rows of P need not sum to one, or where a class
        is never predicted: P then leads nowhere. No intervals where all runs share a test sample,
        whose error intervals over runs would leave out.
    """
    P, name = part.rows.mean_proba, "effective_weight"
    if part.terms.one_vs_all or len(P) < 3:
        return {}
    try:
        found = effective_class_weight_over_runs(P, part.terms.train_size, level=CONFIDENCE)
    except ValueError:
        return {}
    columns: Columns = {name: [e.value for e in found]}
    if not part.on_shared_sample:
        columns |= {f"{name}_low": [e.low for e in found], f"{name}_high": [e.high for e in found]}
    return columns


def columns_of_limit(limit: Limit | None, mass: FloatArray) -> Columns:
    """Left side and mean probability of the own class in the limit of large samples.

    Parameters
    ----------
    limit : Limit or None
    mass : ndarray, shape (n_classes,)

    Returns
    -------
    dict
        Empty without a limit.
    """
    found = proba_in_limit(limit, mass)
    if limit is None or found is None:
        return {}
    share, mcse = mass / mass.sum(), np.diagonal(found.mcse)
    return {
        "limit_left": left_side(found.mean_proba, share, found.miss_proba).tolist(),
        "limit_left_mcse": (share * mcse).tolist(),
        "limit_mean_proba": np.diagonal(found.mean_proba).tolist(),
        "limit_mean_proba_mcse": mcse.tolist(),
        "limit_basis": [limit.basis] * len(mass),
    }


def proba_in_limit(limit: Limit | None, mass: FloatArray) -> LimitProba | None:
    """P in the limit; None without one, or where it is out of reach of float64.

    Parameters
    ----------
    limit : Limit or None
    mass : ndarray, shape (n_classes,)

    Returns
    -------
    LimitProba or None
    """
    try:
        return None if limit is None else limit.at(mass)
    except NoMinimiser:
        return None


def columns_of_residual_split(part: Part) -> Columns:
    """Residual r_j / w_j on test by its terms (E5), and the largest that is not noise.

    Without a population, overfitting and sampling are one term. Beside the overfitting that was
    observed stands what the training samples alone predict (`columns_of_left_out`).

    Parameters
    ----------
    part : Part

    Returns
    -------
    dict
        Empty on other splits. ``due_to`` names no term of repaired fits.
    """
    if part.split != "test":
        return {}
    relative = {
        split: relative_residual(part.evidence.split(split), part.mass)
        for split in part.terms.splits
    }
    terms = split_residual(relative["train"], relative["test"], relative.get("population"))
    named = {"optimisation": terms.optimisation}
    if terms.overfitting is None:
        named["overfitting and sampling"] = terms.sampling
    else:
        named |= {"overfitting": terms.overfitting, "sampling": terms.sampling}
    columns: Columns = {}
    critical = stats.t.ppf((1 + NOTICEABLE) / 2, len(part.rows) - 1)
    sizes = []
    for name, term in named.items():
        column = name.replace(" ", "_")
        found = mean_and_mcse(column, term)
        columns |= found
        size, mcse = np.abs(found[column]), np.array(found[f"{column}_mcse"])
        sizes.append(np.where((size > NEGLIGIBLE) & (size > critical * mcse), size, 0.0))
    columns |= columns_of_left_out(part)
    names, largest = list(named), np.argmax(sizes, axis=0)
    told = not part.evidence.repaired  # else optimisation and overfitting cancel, on purpose
    columns["due_to"] = [
        names[i] if told and sizes[i][k] > 0 else "" for k, i in enumerate(largest.tolist())
    ]
    return columns


def columns_of_left_out(part: Part) -> Columns:
    """What the training samples alone predict of fresh ones: they, each left out (E13).

    A fresh sample, that is, of fits to one sample fewer in each class.

    Parameters
    ----------
    part : Part

    Returns
    -------
    dict
        On test ``overfitting_predicted``, in the unit of the terms of the residual, and
        ``unpredicted``: what of the observed term it leaves, run by run; ``gap_predicted`` with
        Fieller's interval and the jackknife's standard error. Empty on other splits, and where more
        than 5 % of the models have no left-out predictions, all of them in stores of before.
    """
    if part.split != "test":
        return {}
    rows, on_train = part.evidence.split(LEFT_OUT), part.evidence.split("train")
    if not are_enough(len(rows), len(on_train)):
        return {}
    has = np.isin(on_train.run, rows.run)
    fresh = part.evidence.split("population" if "population" in part.terms.splits else "test")
    predicted = relative_residual(rows, part.mass)
    share = part.mass / part.mass.sum()
    left = left_side(rows.mean_proba, share, rows.miss_proba)
    right = right_side(rows.mean_proba, share)
    gaps = gaps_over_runs(left, right, level=CONFIDENCE)
    return {
        **mean_and_mcse(
            "overfitting_predicted", predicted - relative_residual(on_train, part.mass)[has]
        ),
        **mean_and_mcse("unpredicted", relative_residual(fresh, part.mass)[has] - predicted),
        "gap_predicted": [g.value for g in gaps],
        "gap_predicted_low": [g.low for g in gaps],
        "gap_predicted_high": [g.high for g in gaps],
        "gap_predicted_mcse": [
            jackknifed_gap(*sides)[1] for sides in zip(left.T, right.T, strict=True)
        ],
    }


def columns_of_runs_predicted(part: Part) -> Columns:
    """How many runs have left-out predictions, on test, where there are any.

    Parameters
    ----------
    part : Part

    Returns
    -------
    dict
    """
    n = len(part.evidence.split(LEFT_OUT)) if part.split == "test" else 0
    return {"runs_predicted": [n] * len(part.mass)} if n else {}
