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


def in_one_line(report: DesignReport) -> str:
    """Name a design in one line.

    Parameters
    ----------
    report : DesignReport

    Returns
    -------
    str
    """
    weights = ", ".join(f"{k!r}: {w:.4g}" for k, w in report.class_weight_by_label.items())
    verdicts = ", ".join(f"{road.name} {road.verdict}" for road in (report.weights, report.alone))
    return f"<DesignReport: {asked_of(report)}: class_weight {{{weights}}}; {verdicts}>"


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
    return f"{name}: {what} {'; '.join(each)}: {_verdict(report, road)}."


def _verdict(report: DesignReport, road: Road) -> str:
    """Whether a road reaches what is asked; if not, on which side it is, and if unknown, why."""
    asked = [
        (report.labels[k], off, side)
        for k, off, side in zip(report.target.classes, road.off, road.sides, strict=True)
    ]
    if road.verdict == "reached":
        return f"reached, within {report.margin:g}"
    if road.verdict == "not reached":
        missed = [(label, side) for label, _, side in asked if side in ("below", "above")]
        if len(asked) == 1:
            return f"not reached, it is {missed[0][1]}"
        return "not reached, " + ", ".join(f"{label} is {side}" for label, side in missed)
    of, off = max(
        ((label, off) for label, off, side in asked if side == "inconclusive"),
        key=lambda one: one[1].high - one[1].low,
    )
    whose = "" if len(asked) == 1 else f"{of} "
    low, high = with_interval(off, signed=True).partition("[")[2].rstrip("]").split(", ")
    more = "more samples" if report.ratio else "more runs"
    return (
        f"inconclusive, {whose}may be off by {low} to {high} where {report.margin:g} is the margin "
        f"({more} would say, or a wider margin)"
    )


def _compared(report: DesignReport) -> str:
    what, found = report.criterion, with_interval(report.difference, signed=True)
    line = f"{what[0].upper()}{what[1:]}, weights minus {report.alone.name}: {found}: "
    alone = "the decision" if report.target.kind == "cost" else "the bias"
    if report.better == "neither":
        return f"{line}neither road reaches what is asked."
    verdicts = {road.name: road.verdict for road in (report.weights, report.alone)}
    if report.better in verdicts and sorted(verdicts.values())[-1] == "not reached":
        may = verdicts[report.better] == "inconclusive"
        reach = "may reach" if may else "reach" + "es" * (report.better != "weights")
        return f"{line}but only the {report.better} {reach} it."
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
