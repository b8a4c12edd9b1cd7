"""Cells of tables with one row per class, from the columns of `reports.statistics.columns`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from learnprop.reports.layout.grid import Column, Row
from learnprop.reports.layout.numbers import Markup, decimals, percent_interval

if TYPE_CHECKING:
    import pandas as pd


def percent_with_mcse(row: dict[str, Any], name: str, markup: Markup) -> str:
    """Write a mean in per cent with its Monte Carlo standard error, two digits of it.

    Examples
    --------
    >>> from learnprop.reports.layout.numbers import TEXT
    >>> percent_with_mcse({"left": 0.07834, "left_mcse": 0.00036}, "left", TEXT)
    '7.834±0.036'
    >>> percent_with_mcse({}, "left", TEXT)
    '-'
    """
    value, mcse = row.get(name, float("nan")), row.get(f"{name}_mcse", float("nan"))
    if value != value:
        return "-"
    n = decimals(100 * mcse, least=0)
    return markup.math.format(f"{100 * value:.{n}f}{markup.plus_minus}{100 * mcse:.{n}f}")


def percent_of_limit(row: dict[str, Any], name: str, markup: Markup) -> str:
    """Write the limit of a mean: with as many digits as the mean, or with its own MCSE.

    Examples
    --------
    >>> from learnprop.reports.layout.numbers import TEXT
    >>> row = {"left": 0.07834, "left_mcse": 0.00036, "limit_left": 0.0783152}
    >>> percent_of_limit(row | {"limit_left_mcse": 0.0}, "left", TEXT)
    '7.832'
    >>> percent_of_limit(row | {"limit_left_mcse": 0.0002}, "left", TEXT)
    '7.832±0.020'
    """
    value, mcse = row.get(f"limit_{name}", float("nan")), row.get(f"limit_{name}_mcse", 0.0)
    if value != value:
        return "-"
    if mcse > 0:
        return percent_with_mcse(row, f"limit_{name}", markup)
    n = decimals(100 * row.get(f"{name}_mcse", float("nan")), least=0)
    return markup.math.format(f"{100 * value:.{n}f}")


def gap_with_interval(row: dict[str, Any], markup: Markup) -> str:
    """Write a gap with its interval, in per cent; a dash where there is none.

    Examples
    --------
    >>> from learnprop.reports.layout.numbers import TEXT
    >>> gap_with_interval({"gap": 0.02, "gap_low": -0.01, "gap_high": 0.05}, TEXT)
    '+2.0 % [-1.0, +5.0]'
    """
    gap = row.get("gap", float("nan"))
    return "-" if gap != gap else percent_interval(gap, row["gap_low"], row["gap_high"], markup)


ROUNDING = 1e-9
"""Of the class mass: means of sums in float64, and their errors, that are zero but for rounding."""


def signed_percent(row: Mapping[str, Any], name: str, markup: Markup, most: int = 9) -> str:
    """Write a mean with its sign in per cent, and its standard error with two digits.

    Parameters
    ----------
    row : mapping
    name : str
    markup : Markup
    most : int
        Decimals at most.

    Returns
    -------
    str

    Examples
    --------
    >>> from learnprop.reports.layout.numbers import TEXT
    >>> signed_percent({"sampling": -0.01234, "sampling_mcse": 0.00441}, "sampling", TEXT)
    '-1.23±0.44'
    >>> signed_percent({"sampling": -1e-17, "sampling_mcse": 1e-17}, "sampling", TEXT)
    '0'
    """
    value, mcse = (row.get(f"{name}{of}", float("nan")) for of in ("", "_mcse"))
    if value != value:
        return "-"
    if max(abs(value), mcse) < ROUNDING:
        return "0"
    n = min(most, decimals(100 * mcse, least=0))
    text = f"{round(100 * value, n) + 0.0:+.{n}f}{markup.plus_minus}{100 * mcse:.{n}f}"
    return markup.math.format(text.replace("inf", markup.infinity))


def predicted_gap(row: Mapping[str, Any], markup: Markup) -> str:
    """Write the gap that left-out predictions predict, in per cent with its standard error.

    Of repaired fits there is none by construction, and nothing to compare.

    Examples
    --------
    >>> from learnprop.reports.layout.numbers import TEXT
    >>> predicted_gap({"gap_predicted": 0.166, "gap_predicted_mcse": 0.0441}, TEXT)
    '+16.6±4.4'
    >>> predicted_gap({"gap_predicted": 1e-15, "stage": "loo"}, TEXT), predicted_gap({}, TEXT)
    ('-', '-')
    """
    return "-" if row.get("stage") == "loo" else signed_percent(row, "gap_predicted", markup, 2)


def observed_overfitting(frame: pd.DataFrame) -> str:
    """Column of the overfitting that was observed: of user files with the sampling in it."""
    return "overfitting" if "overfitting" in frame else "overfitting_and_sampling"


def term_columns(frame: pd.DataFrame, markup: Markup) -> list[Column]:
    """Columns of the residual on test by its terms (E5), the overfitting predicted beside observed.

    Parameters
    ----------
    frame : DataFrame
        With the columns of `learnprop.reports.statistics.columns.columns_of_residual_split`.
    markup : Markup

    Returns
    -------
    list of (head, write)
    """
    observed = observed_overfitting(frame)
    heads = {"optimisation": "optimisation", observed: observed.replace("_", " ")}
    if "overfitting_predicted" in frame:
        heads |= {"overfitting_predicted": "predicted", "unpredicted": "difference"}
    if "sampling" in frame:
        heads["sampling"] = "sampling"

    def cell(name: str) -> Callable[[Row], str]:
        return lambda row: signed_percent(row, name, markup)

    columns: list[Column] = [(head, cell(name)) for name, head in heads.items()]
    return [*columns, ("due to", _due_to)]


def _due_to(row: Row) -> str:
    name = row.get("due_to")
    return name if isinstance(name, str) and name else "-"


OF_HEAD = "of a network it is the output layer's share only: the hidden layer has seen the samples"


REPAIRED = "repaired: stage loo, the biases at which leave-one-out predictions balance"


def has_predicted(frame: pd.DataFrame) -> bool:
    """Whether any gap of a summary was predicted."""
    return "gap_predicted" in frame and bool(frame["gap_predicted"].notna().any())


def at_stage(name: str, stage: str) -> str:
    """Write the name of a λ setting with the stage of its fits, where that is not the headline's.

    Examples
    --------
    >>> at_stage("inverse", "raw"), at_stage("inverse", "loo")
    ('inverse', 'inverse, repaired')
    """
    return f"{name}, repaired" if stage == "loo" else name


def predicted_note(frame: pd.DataFrame) -> list[str]:
    """Say below a table what predicted gaps are, where there are any.

    Examples
    --------
    >>> import pandas as pd
    >>> predicted_note(pd.DataFrame({"gap": [0.1]}))
    []
    """
    if not has_predicted(frame):
        return []
    of_head = "stage" in frame and bool((frame["stage"] == "head").any())
    return [
        "predicted: for fresh data by the training samples alone, by leave-one-out (a sample of "
        "one\vfewer in each class); a shift of P(x|y) is not predicted",
        *([OF_HEAD] if of_head else []),
    ]


def repaired_note(frame: pd.DataFrame) -> list[str]:
    """Say below a table what repaired fits are, where there are any.

    Examples
    --------
    >>> import pandas as pd
    >>> repaired_note(pd.DataFrame({"stage": ["raw", "loo"]}))
    ['repaired: stage loo, the biases at which leave-one-out predictions balance']
    """
    return [REPAIRED] if (frame["stage"] == "loo").any() else []


def models_rejected(row: dict[str, Any], markup: Markup) -> str:
    """Write the share of the models that their own joint test rejects, and of those it leaves open.

    Examples
    --------
    >>> from learnprop.reports.layout.numbers import TEXT
    >>> models_rejected({"rejected": 0.12, "rejected_mcse": 0.03, "untested": 0.0}, TEXT)
    '12±3 %'
    >>> models_rejected({"rejected": 0.0, "rejected_mcse": 0.0, "untested": 0.8}, TEXT)
    '0±0 %, 80 % untested'
    >>> models_rejected({"rejected": 0.0, "rejected_mcse": 0.0, "untested": 1.0}, TEXT)
    'untested'
    """
    rejected, untested = row.get("rejected", float("nan")), row.get("untested", 0.0)
    if rejected != rejected:
        return "-"
    if untested == 1:
        return "untested"
    share = markup.math.format(
        f"{100 * rejected:.0f}{markup.plus_minus}{100 * row['rejected_mcse']:.0f}{markup.percent}"
    )
    left_open = f", {100 * untested:.0f}{markup.percent} untested"
    return share + (left_open if untested > 0 else "")


def untested_note(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say below a table what `untested` is, where there is any.

    Examples
    --------
    >>> untested_note([{"untested": 0.0}, {}]), len(untested_note([{"untested": 0.2}]))
    ([], 1)
    """
    if not any(row.get("untested", 0.0) > 0 for row in rows):
        return []
    return ["untested: fewer than ten misses are expected of some class of the test sample"]


def few_misses_note(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say below a table why intervals are unbounded, where there is any such reason.

    Examples
    --------
    >>> few_misses_note([{}]), len(few_misses_note([{"reason": ""}, {"reason": "class 0 has ..."}]))
    ([], 1)
    """
    if not any(isinstance(row.get("reason"), str) and row["reason"] for row in rows):
        return []
    return [
        "unbounded intervals: fewer than ten misses are expected in the test sample that all share"
    ]
