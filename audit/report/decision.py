"""What would decide where a sample does not: more of it, or a wider margin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from learnprop.audit.report.words import label_text, percent
from learnprop.equations.inference.estimates import Estimate

if TYPE_CHECKING:
    from learnprop.audit.report.record import BalanceReport

TOO_MANY = 1e7
"""Samples that nobody is told to collect."""


def decision_line(report: BalanceReport) -> str:
    """Say how much data would decide what this sample does not, and what margin it does support.

    Where all gaps that are not decided are within the margin, their intervals must shrink until
    they are too: with the square root of the sample. Where a gap is beyond it, an interval as long
    as the margin is the least that could hold.

    Parameters
    ----------
    report : BalanceReport

    Returns
    -------
    str
        Empty where the verdict is another, or where intervals are bounds, which shrink otherwise.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(2, 6, 4000)
    >>> from learnprop import check
    >>> decision_line(check((rng.random(4000) < p).astype(int), p)).split(", ")[0]
    'About 62000 samples (15000 of class 1) would decide'
    """
    undecided = [g for g, v in zip(report.gaps, report.verdicts, strict=True) if v != "holds"]
    unknown = any(g.reason or not math.isfinite(g.low + g.high) for g in report.gaps)
    if report.verdict != "inconclusive" or unknown:
        return ""
    margin, largest = report.margin, max(abs(g.value) for g in undecided)
    is_within = largest < margin
    times = max(_times_as_many(g, margin, is_within) for g in undecided)
    samples = _samples(report, times)
    if not samples:
        said = ""
    elif is_within:
        said = f"About {samples} would decide, if the gaps stay as they are."
    elif times == 1:
        said = (
            f"The sample is large enough to show balance within {percent(margin)}: what it takes "
            f"is a gap that is smaller than the {100 * largest:.2g} % measured here."
        )
    else:
        said = (
            f"To show balance within {percent(margin)} takes at least {samples}, and a gap that is "
            f"smaller than the {100 * largest:.2g} % measured here."
        )
    widest = max(max(abs(g.low), abs(g.high)) for g in report.gaps)
    shown = math.ceil(100 * widest * (1 + 1e-9)) / 100
    if shown < 1:
        said += f" This sample shows balance within {percent(shown)} (`margin` {shown:.6g})."
    return said.strip()


def _times_as_many(gap: Estimate, margin: float, is_within: bool) -> float:
    """How many times the sample an interval needs to lie within the margin, around its value."""
    value = gap.value if is_within else 0.0
    above = (gap.high - gap.value) / (margin - value)
    below = (gap.value - gap.low) / (margin + value)
    return max(1.0, above, below) ** 2


def _samples(report: BalanceReport, times: float) -> str:
    """So many times the samples, and those of the smallest class; empty of too many."""
    n, fewest = int(report.count.sum()), int(np.argmin(report.count))
    if not n * times < TOO_MANY:
        return ""
    of_fewest = _rounded_up(times * int(report.count[fewest]))
    label = label_text(report.labels[fewest])
    return f"{_rounded_up(times * n)} samples ({of_fewest} of class {label})"


def _rounded_up(n: float) -> int:
    """Two digits of a number of samples."""
    unit = 10 ** max(math.floor(math.log10(n)) - 1, 0)
    return math.ceil(n / unit) * unit
