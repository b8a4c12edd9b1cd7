"""Runs that split one data set: what their intervals contain, and the corrected ones beside them.

Runs share the samples of the set, so that intervals over runs are of seeds and splits; corrected
ones (`learnprop.equations.inference.resampling`) are for new data too. Verdicts are of the interval
over runs.
"""

from __future__ import annotations

from typing import Any

from learnprop.reports.layout.cells import percent_with_mcse
from learnprop.reports.layout.numbers import Markup, decimals, percent_interval
from learnprop.reports.statistics.columns import Columns
from learnprop.reports.statistics.sides import SidesOverRuns

CORRECTED = "corrected"
"""Head of a column of corrected intervals."""

VERDICT = "if corrected"
"""Head of the column of the verdicts that they would give."""

CORRECTED_FOR_MEANS = "corrected (Nadeau and Bengio): for new data too"
CORRECTED_FOR_GAPS = f"{CORRECTED_FOR_MEANS}; more than is needed for gaps"
IN_PARENTHESES = f"in parentheses, {CORRECTED_FOR_MEANS}"
"""What notes below a table say of those columns."""


def columns_of_corrected(sides: SidesOverRuns) -> Columns:
    """Corrected intervals of the gaps, one by one and together, and the verdicts under them.

    Parameters
    ----------
    sides : SidesOverRuns
        Of `sides_over_runs` with a resplit ratio.

    Returns
    -------
    dict
    """
    return {
        "gap_corrected_low": [g.low for g in sides.gaps],
        "gap_corrected_high": [g.high for g in sides.gaps],
        "gap_corrected_low_simultaneous": [g.low for g in sides.together],
        "gap_corrected_high_simultaneous": [g.high for g in sides.together],
        "corrected_verdict": sides.verdicts,
    }


def corrected_interval(row: dict[str, Any], markup: Markup) -> str:
    """Write the corrected interval of a gap, in per cent; a dash where there is none.

    Examples
    --------
    >>> from learnprop.reports.layout.numbers import TEXT
    >>> ends = {"gap_corrected_low": -0.04, "gap_corrected_high": 0.08}
    >>> corrected_interval({"gap": 0.02} | ends, TEXT), corrected_interval({"gap": 0.02}, TEXT)
    ('[-4.0, +8.0]', '-')
    """
    low, high = (row.get(f"gap_corrected_{end}", float("nan")) for end in ("low", "high"))
    if low != low or row["gap"] != row["gap"]:
        return "-"
    text = percent_interval(row["gap"], low, high, markup)
    return markup.math.format(text[text.index("[") :].rstrip("$"))


def corrected_verdict(row: dict[str, Any]) -> str:
    """Write the verdict under the corrected interval; a dash where there is none.

    Examples
    --------
    >>> corrected_verdict({"corrected_verdict": "holds"}), corrected_verdict({})
    ('holds', '-')
    """
    found = row.get("corrected_verdict", "-")
    return found if isinstance(found, str) else "-"


def percent_with_errors(row: dict[str, Any], name: str, markup: Markup) -> str:
    """Write a mean in per cent with its MCSE and, if there is one, its corrected error.

    Examples
    --------
    >>> from learnprop.reports.layout.numbers import TEXT
    >>> row = {"accuracy": 0.7497, "accuracy_mcse": 0.0037}
    >>> percent_with_errors(row | {"accuracy_corrected_error": 0.0088}, "accuracy", TEXT)
    '74.97±0.37 (0.88)'
    >>> percent_with_errors(row, "accuracy", TEXT)
    '74.97±0.37'
    """
    text, error = percent_with_mcse(row, name, markup), row.get(f"{name}_corrected_error")
    if text == "-" or error is None or error != error:
        return text
    n = decimals(100 * row[f"{name}_mcse"], least=0)
    return f"{text} {markup.math.format(f'({100 * error:.{n}f})')}"


def resplit_note(n_samples: int, what: str) -> str:
    """Say below a table what its intervals contain.

    Parameters
    ----------
    n_samples : int
        Of the data set.
    what : str
        Its samples, in the plural.

    Returns
    -------
    str

    Examples
    --------
    >>> resplit_note(1797, "images")
    'intervals and MCSE over runs: of seeds and splits of these 1,797 images, not of new data'
    """
    return (
        f"intervals and MCSE over runs: of seeds and splits of these {n_samples:,} {what}, not of "
        "new data"
    )


def resplit_protocol(what: str, of: str) -> str:
    """Say in a protocol what intervals contain where runs split one data set.

    Parameters
    ----------
    what : str
        What all runs split.
    of : str
        What has corrected intervals or errors beside.

    Returns
    -------
    str
    """
    return (
        f"All runs split {what} anew: intervals, standard errors and tests over runs contain the "
        f"error of seeds and splits, not that of new data. On test, those of {of} stand also "
        "corrected for new data, by Nadeau and Bengio (2003): the variance of a mean over J runs "
        "is s² (1/J + n_test/n_rest), n_rest the samples that are not of the test sample, of the "
        "class where that ratio is largest. For gaps this is more than is needed: to first order a "
        "sample counts on test against what it counts on train, and cancels over splits. Verdicts "
        "are those of the interval over runs; those that corrected ones would give stand beside."
    )
