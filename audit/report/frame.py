"""What an audit found as tidy tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from learnprop.audit.report.weights import relative_weights
from learnprop.equations.arguments import BadArgument, shown

if TYPE_CHECKING:
    import pandas as pd

    from learnprop.audit.causes.cause import Cause
    from learnprop.audit.report.record import BalanceReport

Rows = list[dict[str, Any]]


def frame_of(report: BalanceReport, table: str = "classes") -> pd.DataFrame:
    """Return one of the tables of a report (`BalanceReport.to_frame`)."""
    import pandas as pd

    rows = writer_of(table, _ROWS)(report)
    return pd.DataFrame(rows, columns=None if rows else _EMPTY[table])


def writer_of(table: Any, writers: dict[str, Any]) -> Any:
    """Return what writes a table, or name those that there are.

    Raises
    ------
    BadArgument
        If there is no such table.

    Examples
    --------
    >>> writer_of("cause", {"classes": 1, "causes": 2})
    Traceback (most recent call last):
    ValueError: table must be one of classes, causes, got 'cause'
    """
    if not isinstance(table, str) or table not in writers:
        raise BadArgument("table", f"must be one of {', '.join(writers)}, got {shown(table)}")
    return writers[table]


def class_rows(report: BalanceReport) -> Rows:
    """One row for each class."""
    relative = relative_weights(report)
    return [
        {
            "label": label,
            "class_weight": float(report.class_weight[k]),
            "train_count": report.train_count[k].item(),
            "count": int(report.count[k]),
            "effective_weight": report.effective[k].value,
            "effective_low": report.effective[k].low,
            "effective_high": report.effective[k].high,
            "relative_weight": relative[k].value,
            "relative_low": relative[k].low,
            "relative_high": relative[k].high,
            "effective_level": report.effective[k].level,
            "effective_reason": report.effective[k].reason,
            "mean_proba": float(report.mean_proba[k, k]),
            "left": float(report.left[k]),
            "right": float(report.right[k]),
            "residual": float(report.residual[k]),
            "gap": report.gaps[k].value,
            "gap_low": report.gaps[k].low,
            "gap_high": report.gaps[k].high,
            "gap_level": report.gaps[k].level,
            "gap_reason": report.gaps[k].reason,
            "verdict": report.verdicts[k],
            "expected_misses": float(report.expected_misses[k]),
        }
        for k, label in enumerate(report.labels)
    ]


def _cause_rows(causes: Iterable[Cause], labels: tuple[Any, ...]) -> Rows:
    return [
        {
            "rank": rank,
            "cause": cause.name,
            "split": cause.split,
            "label": label,
            "predicted": float(cause.predicted[k]),
            "observed": float(cause.observed[k]),
            "error": float(cause.error[k]),
            "p_value": float(cause.p_value),
            "consistency": cause.consistency,
            "why": cause.why,
            "remedy": cause.remedy,
        }
        for rank, cause in enumerate(causes, start=1)
        for k, label in enumerate(labels)
    ]


def _group_rows(report: BalanceReport) -> Rows:
    return [
        {
            "group": group.name,
            "label": label,
            "count": int(group.count[k]),
            "gap": group.gaps[k].value,
            "gap_low": group.gaps[k].low,
            "gap_high": group.gaps[k].high,
            "gap_level": group.gaps[k].level,
            "gap_reason": group.gaps[k].reason,
            "verdict": group.verdicts[k],
            "verdict_together": group.verdict,
        }
        for group in report.groups
        for k, label in enumerate(report.labels)
    ]


_ROWS: dict[str, Callable[[BalanceReport], Rows]] = {
    "classes": class_rows,
    "causes": lambda report: _cause_rows(report.causes, report.labels),
    "considered": lambda report: _cause_rows(report.considered, report.labels),
    "groups": _group_rows,
}

_CAUSE_COLUMNS = [
    "rank", "cause", "split", "label", "predicted", "observed", "error", "p_value", "consistency",
    "why", "remedy",
]  # fmt: skip
_EMPTY = {
    "causes": _CAUSE_COLUMNS,
    "considered": _CAUSE_COLUMNS,
    "groups": [
        "group", "label", "count", "gap", "gap_low", "gap_high", "gap_level", "gap_reason",
        "verdict", "verdict_together",
    ],
}  # fmt: skip
