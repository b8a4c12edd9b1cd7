"""A design in words: what is asked, what came of it, which road is better."""

from __future__ import annotations

import numpy as np

from learnprop.audit.design.record import DesignReport
from learnprop.audit.design.roads import Road
from learnprop.equations.inference.estimates import Estimate
from learnprop.reports.layout.numbers import decimals

WHAT = {"mean_proba": "mean probability", "recall": "recall", "cost": "expected cost"}


def asked_of(report: DesignReport) -> str:
    """What was asked, e.g. "a recall of 0.9 of 1".

    Parameters
    ----------
    report : DesignReport

    Returns
    -------
    str
    """
    target = report.target
    what = WHAT[target.kind]
    if target.kind == "cost":
        return "the least expected cost"
    if target.values is None:
        return "equal " + {"recall": "recalls", "mean_proba": "mean probabilities"}[target.kind]
    each = [
        f"{value:g} of {report.labels[k]}"
        for k, value in zip(target.classes, target.values, strict=True)
    ]
    return f"a {what} of {' and '.join(each)}"


def with_interval(found: Estimate, *, signed: bool = False) -> str:
    """Write an estimate with its interval.

    Examples
    --------
    >>> with_interval(Estimate(0.9012, 0.893, 0.909, 0.9))
    '0.9012 [0.8930, 0.9090]'
    """
    if np.isnan(found.value):
        return "-"
    sign = "+" if signed else ""
    n = max(3, decimals((found.high - found.low) / 2)) if np.isfinite(found.low) else 3
    n = min(n, 5)
    value, low, high = (
        f"{round(x, n) + 0.0:{sign}.{n}f}" for x in (found.value, found.low, found.high)
    )
    return f"{value} [{low}, {high}]"


def sentences_of(report: DesignReport) -> list[str]:
    """What a design found, a sentence or two for each thing.

    Parameters
    ----------
    report : DesignReport

    Returns
    -------
    list of str
    """
    weights = ", ".join(
        f"{label}: {weight:.4g}"
        for label, weight in zip(report.labels, report.class_weight, strict=True)
    )
    said = [f"Weights for {asked_of(report)}: {weights}."]
    said += [_achieved(report, road) for road in (report.weights, report.alone)]
    if len(report.labels) == 2:
        said.append(
            f"With equal weights the same answers are those of a threshold: {report.labels[1]} "
            f"where its probability is above {report.threshold:.4g}."
        )
    return [*said, _compared(report), *_samples(report), *report.warnings]


def _achieved(report: DesignReport, road: Road) -> str:
    name = road.name.capitalize()
    if report.target.kind == "cost":
        return f"{name}: expected cost {with_interval(road.cost)}."
    of_one = report.target.values is not None and len(report.target.values) == 1
    each = [
        ("" if of_one else f"{report.labels[k]} ") + with_interval(e, signed=report.target.is_equal)
        for k, e in zip(report.target.classes, road.achieved, strict=True)
    ]
    what = WHAT[report.target.kind]
    what += " minus the mean of all classes" if report.target.is_equal else ""
    return f"{name}: {what} {'; '.join(each)}: {'reached' if road.reached else 'not reached'}."


def _compared(report: DesignReport) -> str:
    what, found = report.criterion, with_interval(report.difference, signed=True)
    line = f"{what[0].upper()}{what[1:]}, weights minus {report.alone.name}: {found}: "
    alone = "the decision" if report.target.kind == "cost" else "the bias"
    if report.better == "neither":
        return f"{line}neither road reaches what is asked."
    reached = {road.name: road.reached for road in (report.weights, report.alone)}
    if report.better in reached and not all(reached.values()) and reached[report.better]:
        return f"{line}but only the {report.better} reach{'es' * (alone in report.better)} it."
    if report.better == "unknown":
        return f"{line}a probability is zero, which says nothing of the better road."
    if report.better == "equal":
        return f"{line}equal within the interval; {alone} alone needs no retraining."
    if report.better == "weights":
        return f"{line}the weights are better."
    return f"{line}{alone} alone is better, and needs no retraining."


def _samples(report: DesignReport) -> list[str]:
    counts = " + ".join(map(str, report.train_count))
    if not report.ratio:
        return [
            f"{report.runs} runs, each of a training sample ({counts}) and fresh samples of its "
            "own; weights and bias were found on as many others."
        ]
    return [
        f"{report.runs} random splits of one data set, which they share: intervals are Nadeau and "
        f"Bengio's, for new data. Each fit saw four fifths of it ({counts}): weights and bias were "
        "found on as many other splits."
    ]
