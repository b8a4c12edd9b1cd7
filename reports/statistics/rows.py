"""Tidy rows of a study: one per λ setting, split and class, and one of all classes together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from learnprop.equations.balance import residual
from learnprop.equations.inference.joint import joint_test_over_runs
from learnprop.reports.statistics.columns import Columns
from learnprop.reports.statistics.evidence import Part, SettingEvidence, Terms, parts_of

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

ColumnsOf = Callable[[Part], Columns]
"""What makes columns of one split, such as those of `learnprop.reports.statistics.columns`."""


def by_class(columns: Columns) -> list[Row]:
    """Rows from columns.

    Examples
    --------
    >>> by_class({"class": [0, 1], "left": [0.1, 0.2]})
    [{'class': 0, 'left': 0.1}, {'class': 1, 'left': 0.2}]
    """
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


NUMBERS = (
    *("left", "left_mcse", "right", "right_mcse", "gap", "gap_low", "gap_high", "gap_mcse"),
    *("gap_jackknife", "gap_jackknife_low", "gap_jackknife_high", "max_relative_difference"),
    *("residual", "residual_mcse", "mean_proba", "mean_proba_mcse", "accuracy", "accuracy_mcse"),
)
"""Columns of both sides and of predictions, which every summary by class has."""


def frame_of(rows: Sequence[Row], numbers: Sequence[str] = NUMBERS) -> pd.DataFrame:
    """Data frame of rows; of numbers that no run has, a last column of NaN.

    Parameters
    ----------
    rows : sequence of dict
    numbers : sequence of str
        Columns that there shall be.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> frame_of([{"verdict": "separated"}], ["gap"]).to_dict("records")
    [{'verdict': 'separated', 'gap': nan}]
    """
    import pandas as pd

    frame = pd.DataFrame(rows)
    return frame.assign(**{name: float("nan") for name in numbers if name not in frame})


def about_classes(cell: Any, setting: str, labels: Sequence[str] = ()) -> Columns:
    """What is known of the classes before anything is measured.

    Parameters
    ----------
    cell : Cell
        With ``train_size`` and ``class_weight``.
    setting : str
    labels : sequence of str
        Names of the classes, where they have any.

    Returns
    -------
    dict
    """
    mass = cell.class_mass(setting)
    return {
        "class": range(len(mass)),
        **({"label": labels} if labels else {}),
        "n_train": cell.train_size,
        "weight": dict(cell.class_weight)[setting],
        "mass_share": (mass / mass.sum()).tolist(),
    }


def class_rows(
    evidence: SettingEvidence,
    terms: Terms,
    about: Mapping[str, Sequence[Any]],
    columns: Sequence[ColumnsOf],
    *,
    verdicts: Mapping[str, Sequence[str]] | None = None,
) -> list[Row]:
    """One row per split and class of a λ setting: the rows of Table 1 and of every K-class study.

    Parameters
    ----------
    evidence : SettingEvidence
    terms : Terms
    about : dict
        Columns known beforehand, e.g. from `about_classes`.
    columns : sequence of callable ``(Part) -> dict``
        What to show, in this order, of each split.
    verdicts : mapping of split to names, optional
        Columns that say it where the terms refuse a setting; by default ``verdict``.

    Returns
    -------
    list of dict
        Behind the columns come the runs attempted, converged and failed, and the largest gradient
        in an output bias. Of a setting that is refused there is nothing else.
    """
    refused, parts = terms.refusal(evidence), parts_of(evidence, terms)
    n_classes = len(evidence.mass)
    rows = []
    for split in terms.splits:
        found: dict[str, Sequence[Any]] = {"split": [split] * n_classes, **about}
        if refused:
            names = verdicts[split] if verdicts else ("verdict",)
            found |= {name: [refused] * n_classes for name in names}
        for make in columns if not refused else ():
            found |= make(parts[split])
        rows += [row | about_runs(evidence) for row in by_class(found)]
    return rows


def about_runs(evidence: SettingEvidence) -> Row:
    """Runs attempted, converged and failed, and their largest gradient in an output bias."""
    return evidence.counts | {"max_bias_gradient": evidence.max_bias_gradient}


def joint_test(part: Part) -> dict[str, float]:
    """Hotelling's test over runs that all equations hold.

    Parameters
    ----------
    part : Part

    Returns
    -------
    dict
        Empty where runs share a sample, and with too few runs, or residuals without spread.
    """
    if part.on_shared_sample:
        return {}
    rows, mass = part.rows, part.mass
    r = residual(rows.mean_proba, mass / mass.sum(), rows.miss_proba)
    try:
        test = joint_test_over_runs(r, independent=part.terms.one_vs_all)
    except ValueError:
        return {}
    return {
        "t2": test.statistic,
        "df": test.df,
        "df_residual": test.df_residual,
        "p_value": test.p_value,
    }


def of_all_classes(make: Callable[[Part], Mapping[str, Any]]) -> ColumnsOf:
    """Columns that have one value of all classes.

    Parameters
    ----------
    make : callable ``(Part) -> mapping of name to value``

    Returns
    -------
    callable ``(Part) -> dict``
    """

    def columns(part: Part) -> Columns:
        return {name: [value] * len(part.mass) for name, value in make(part).items()}

    return columns
