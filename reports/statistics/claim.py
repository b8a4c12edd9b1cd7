"""A statement of the paper, put to a mean over runs: what was observed, and the verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from learnprop.equations.inference.estimates import (
    Estimate,
    Verdict,
    equivalence_verdict,
    mcse_of_mean,
)
from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.statistics.runs import mean_with_interval


@dataclass(frozen=True)
class Claim:
    """A statement of the paper, what was measured of it, and the verdict.

    ``low`` and ``high`` are a 90 % interval over runs and ``mcse`` the Monte Carlo standard error;
    where a number is computed, not simulated, both equal ``observed`` and ``mcse`` is 0.
    ``claimed`` is a value or a bound in words; ``design`` names what it was measured on.
    """

    claim: str
    design: str
    quantity: str
    claimed: str
    observed: float
    low: float
    high: float
    mcse: float
    verdict: Verdict
    remark: str = ""


def over_runs(
    claim: str,
    design: str,
    quantity: str,
    claimed: str,
    values: FloatArray,
    verdict: Callable[[Estimate], Verdict],
    remark: str = "",
) -> Claim:
    """Put a statement to the mean over runs of `values`, shape (n_runs,).

    With one run the interval is infinite and the MCSE NaN.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([1.0, 2.0, 3.0])
    >>> found = over_runs("it rises", "a", "change", "> 0", values, lambda e: above(e, 0.0))
    >>> found.observed, round(found.mcse, 3), found.verdict
    (2.0, 0.577, 'holds')
    >>> over_runs("it rises", "a", "change", "> 0", values[:1], lambda e: above(e, 0.0)).verdict
    'inconclusive'
    """
    found = mean_with_interval(values)
    mcse = mcse_of_mean(values) if len(values) > 1 else float("nan")
    numbers = (found.value, found.low, found.high, mcse)
    return Claim(claim, design, quantity, claimed, *numbers, verdict(found), remark)


def above(estimate: Estimate, bound: float) -> Verdict:
    """Verdict on "greater than the bound"."""
    if estimate.low > bound:
        return "holds"
    return "fails" if estimate.high < bound else "inconclusive"


def below(estimate: Estimate, bound: float) -> Verdict:
    """Verdict on "less than the bound"."""
    if estimate.high < bound:
        return "holds"
    return "fails" if estimate.low > bound else "inconclusive"


def close(estimate: Estimate, claimed: float, margin: float) -> Verdict:
    """Verdict on "equal to", within a relative margin."""
    return equivalence_verdict(estimate.low / claimed - 1, estimate.high / claimed - 1, margin)
