"""How to read a row: what the words of tables mean, for a report that goes to somebody else."""

from __future__ import annotations

import re
from collections.abc import Iterable

from learnprop.reports.layout.grid import Grid

HOW = (
    "A row, or a column where λ is across, is what all runs of one design say together. Where a "
    "table has two sides, left and right are those of Eq. (9) or (10), and gap is left / right "
    "- 1, of their means over runs. An interval is in brackets. A verdict asks whether the "
    "interval of what is compared is within the margin that was declared before the first run."
)
"""What is true of every table."""

_TERMS = {
    r"holds|fails|inconclusive": (
        "holds, fails, inconclusive",
        "the interval is inside the margin, outside, or neither; not significant is never holds",
    ),
    r"(?m)[\d\]][?!]$": ("a gap with ? or !", "inconclusive, fails; without a mark it holds"),
    r"not converged": ("not converged", "the premise is not met in some run: no verdict"),
    r"not minimised": ("not minimised", "on train, of fits whose bias was moved on purpose"),
    r"interpolated": ("interpolated", "the right side vanishes: there is nothing to compare"),
    r"±": (
        "±",
        "Monte Carlo standard error (MCSE), in a grid of gaps the interval's arm, unless the words "
        "beside it say what it is",
    ),
    r"LHS": ("LHS", "left side, mean (SD) over runs as the paper has it; biased upward as a ratio"),
    r"\(SD\)": ("(SD)", "standard deviation over runs"),
    r"MCSE": ("MCSE", "Monte Carlo standard error: of the number of runs alone"),
    r"z against": ("z", "difference over its standard error"),
    r"p̄": ("p̄(i→j)", "mean predicted probability of class j over samples of class i"),
    r"\blimit\b": ("limit", "where the fitter ends as samples grow"),
    r"predicted": ("predicted", "computed, not observed: what theory or the training samples say"),
    r"repaired": ("repaired", "the biases moved to where left-out predictions balance"),
    r"optimisation": (
        "optimisation, overfitting, sampling",
        "residual on train; population minus train; test minus population",
    ),
    r"due to": ("due to", "the largest of those terms that is surely not zero"),
    r"joint test": ("joint test", "of all residuals over runs"),
    r"rejected": ("rejected", "share of runs whose own joint test rejects at 5 %"),
    r"untested": ("untested", "too few misses are expected for that test to say anything"),
    r"power": ("power", "of a study of this size to end as expected; a lower bound"),
    r"bias gradient": ("bias gradient", "largest over runs, over Σw: zero is the premise"),
    r"corrected": ("corrected", "for new data, where runs re-split one data set"),
    r"attempted": ("attempted / converged / failed", "runs, zeros included; none is redrawn"),
}
"""Words of tables: how they are found, how they are called, what they mean."""


def terms_of(grids: Iterable[Grid]) -> dict[str, str]:
    """What the words mean that are in tables, names from outside left aside.

    Parameters
    ----------
    grids : iterable of Grid
        Made with `TEXT` markup.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> list(terms_of([Grid(("class", "gap", "power"), (("0", "+1±2!", "0.9"),))]))
    ['a gap with ? or !', '±', 'power']
    """
    words = "\n".join(
        cell
        for grid in grids
        for row in [grid.heads, *(row for row in grid.rows if row), (grid.note,)]
        for j, cell in enumerate(row)
        if j not in grid.verbatim or row is grid.heads
    )
    return dict(term for found, term in _TERMS.items() if re.search(found, words))
