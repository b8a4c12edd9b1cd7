"""Columns of a summary with one row per class: what one λ setting showed on one split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from equations.accuracy_bounds import accuracy_bounds
from equations.balance import left_side, residual, split_residual
from equations.inference import mcse_of_mean
from equations.mean_proba import FloatArray
from equations.minimisers import NoMinimiser
from equations.stationary import effective_class_weight_over_runs
from reports.class_statistics import SidesOverRuns
from reports.statistics import CONFIDENCE, jackknifed_gap
from simulations.generators.large_sample_limit import Limit, LimitProba
from simulations.records import Measurements

NEGLIGIBLE = 1e-6
"""Of the class mass: a term of the residual that is smaller is due to rounding."""

NOTICEABLE = 2.58
"""MCSEs that a term of the residual must be from zero to be named."""

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


def columns_of_gaps_together(sides: SidesOverRuns) -> Columns:
    """Intervals of the gaps that hold for all classes together.

    Parameters
    ----------
    sides : SidesOverRuns

    Returns
    -------
    dict
    """
    return {
        "gap_low_simultaneous": [g.low for g in sides.together],
        "gap_high_simultaneous": [g.high for g in sides.together],
    }


def columns_of_predictions(part: Measurements, mass: FloatArray) -> Columns:
    """Residual r_j / w_j, mean probability of the own class, and accuracy.

    Parameters
    ----------
    part : Measurements
        Of one split.
    mass : ndarray, shape (n_classes,)

    Returns
    -------
    dict
    """
    return {
        **mean_and_mcse("residual", residual(part.mean_proba, mass, part.miss_proba) / mass),
        **mean_and_mcse("mean_proba", np.diagonal(part.mean_proba, axis1=1, axis2=2)),
        **mean_and_mcse("accuracy", accuracy_of_classes(part)),
    }


def accuracy_of_classes(part: Measurements) -> FloatArray:
    """Share of each class that is predicted as itself, shape (n_runs, n_classes)."""
    hits = np.diagonal(part.confusion, axis1=1, axis2=2)
    return np.asarray(hits / part.class_count, dtype=np.float64)


def accuracy_of_runs(part: Measurements) -> FloatArray:
    """Share of all samples that is predicted as its class, shape (n_runs,)."""
    hits = np.trace(part.confusion, axis1=1, axis2=2)
    return np.asarray(hits / part.class_count.sum(axis=1), dtype=np.float64)


def columns_of_bounds(part: Measurements) -> Columns:
    """Bounds of the accuracy (E11), where the rows of P sum to one.

    Parameters
    ----------
    part : Measurements

    Returns
    -------
    dict
    """
    low, high = accuracy_bounds(part.mean_proba.mean(axis=0))
    return {"accuracy_low": low.tolist(), "accuracy_high": high.tolist()}


def columns_of_effective_weight(
    part: Measurements, train_size: Sequence[int], *, intervals: bool = True
) -> Columns:
    """Class weights that P acts upon (E3), with intervals over runs; up to a factor.

    Parameters
    ----------
    part : Measurements
        Three runs or more, of a model whose rows of P sum to one.
    train_size : sequence of int
    intervals : bool
        False where all runs share a test sample, whose error intervals over runs would leave out.

    Returns
    -------
    dict
        Empty where a class is never predicted: P then leads nowhere.
    """
    try:
        found = effective_class_weight_over_runs(part.mean_proba, train_size, level=CONFIDENCE)
    except ValueError:
        return {}
    if not intervals:
        return {"effective_weight": [e.value for e in found]}
    return {
        "effective_weight": [e.value for e in found],
        "effective_weight_low": [e.low for e in found],
        "effective_weight_high": [e.high for e in found],
    }


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


def columns_of_residual_split(parts: Mapping[str, Measurements], mass: FloatArray) -> Columns:
    """Residual r_j / w_j on test by its terms (E5), and the largest that is not noise.

    Without a population, overfitting and sampling are one term.

    Parameters
    ----------
    parts : mapping of split to Measurements
    mass : ndarray, shape (n_classes,)

    Returns
    -------
    dict
    """
    relative = {
        split: residual(p.mean_proba, mass, p.miss_proba) / mass for split, p in parts.items()
    }
    terms = split_residual(relative["train"], relative["test"], relative.get("population"))
    named = {"optimisation": terms.optimisation}
    if terms.overfitting is None:
        named["overfitting and sampling"] = terms.sampling
    else:
        named |= {"overfitting": terms.overfitting, "sampling": terms.sampling}
    columns: Columns = {}
    sizes = []
    for name, term in named.items():
        column = name.replace(" ", "_")
        found = mean_and_mcse(column, term)
        columns |= found
        size, mcse = np.abs(found[column]), np.array(found[f"{column}_mcse"])
        sizes.append(np.where((size > NEGLIGIBLE) & (size > NOTICEABLE * mcse), size, 0.0))
    names, largest = list(named), np.argmax(sizes, axis=0)
    columns["due_to"] = [
        names[i] if sizes[i][k] > 0 else "" for k, i in enumerate(largest.tolist())
    ]
    return columns
