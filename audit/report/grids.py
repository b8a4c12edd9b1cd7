"""Tables of an audit as grids, for the console, LaTeX and HTML; long ones are folded."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.audit.report.frame import class_rows
from learnprop.audit.report.scale import log_ratio
from learnprop.audit.report.weights import relative_weights, shown_weights
from learnprop.audit.report.words import (
    SEVERITY,
    cause_sentences,
    factor_interval,
    furthest,
    label_text,
    number,
    percent,
    why_untold,
)
from learnprop.reports.layout.grid import Column, Grid, Row, lay_out
from learnprop.reports.layout.latex import escaped
from learnprop.reports.layout.numbers import LATEX, TEXT, Markup, decimals, percent_interval

if TYPE_CHECKING:
    from learnprop.audit.causes.cause import Cause
    from learnprop.audit.report.record import BalanceReport, GroupBalance

MOST = 20
"""Rows of classes or groups that are all shown; of more, so many that are `WORST`."""

WORST = 12

CLASSES_OF_A_CAUSE = 5
"""So many classes of a cause are shown, those with the largest residuals."""


MANIFOLD = 10.0
"""An imbalance of so many times the mass of a class is not written in per cent."""


def shown_classes(report: BalanceReport) -> list[int]:
    """Classes that a table shows: all in their order, or of many those that are furthest off."""
    n_classes = len(report.labels)
    return list(range(n_classes)) if n_classes <= MOST else furthest(report)[:WORST]


def class_grid(report: BalanceReport, markup: Markup = TEXT) -> Grid:
    """Lay the classes out: weights that it acts upon, both sides of Eq. (9), gap and verdict.

    Parameters
    ----------
    report : BalanceReport
    markup : Markup

    Returns
    -------
    Grid
    """
    two = len(report.labels) == 2
    stated, effective = shown_weights(report)
    weights = effective if two else relative_weights(report)
    levels = _level(report.effective[0].level, markup), _level(report.gaps[0].level, markup)
    percent_of = [f"{side},{markup.percent}" for side in ("left", "right")]
    columns: list[Column] = [
        ("class", lambda r: _name(label_text(r["label"]), markup)),
        ("N", lambda r: number(r["train_count"], markup)),
        ("n", lambda r: markup.math.format(r["count"])),
        ("stated", lambda r: number(float(stated[r["k"]]), markup)),
        (
            f"acts upon {levels[0]}" if two else f"acts upon / stated {levels[0]}",
            lambda r: factor_interval(weights[r["k"]], markup),
        ),
        (percent_of[0], lambda r: _side(r["left"], markup)),
        (percent_of[1], lambda r: _side(r["right"], markup)),
        (f"gap {levels[1]}", lambda r: _gap(report.gaps[r["k"]], markup)),
        ("verdict", lambda r: str(r["verdict"])),
        ("misses", lambda r: number(r["expected_misses"], markup)),
    ]
    shown, rows = shown_classes(report), class_rows(report)
    return lay_out(
        [rows[k] | {"k": k} for k in shown],
        columns,
        minor=("n", "N", *percent_of, "misses"),
        note="\n".join([*_folded(report.verdicts, shown, "classes"), *_class_notes(report)]),
    )


def _class_notes(report: BalanceReport) -> list[str]:
    """What the columns are."""
    meant = "acts upon: the weights under which its predictions are in balance, whatever was stated"
    if len(report.labels) == 2:
        weights = f"{meant}; weights are over that of the other class"
    else:
        weights = (
            f"{meant}: that of a class over all others together, over the same as stated\v"
            "(there the lightest is 1)"
        )
    reason = why_untold(report)
    told = not math.isnan(report.effective[0].value)
    bounds = "intervals of the weights are bounds only" if told else "they cannot be told"
    level = report.gaps[0].level
    return [
        weights,
        *([f"{bounds}: {reason}"] if reason else []),
        "left: what a class's samples give to other classes, right: what it takes from theirs,\v"
        "the sides of Eq. (9) over the total mass; gap: left / right - 1, above 0 it gets too\v"
        f"little; margin {percent(report.margin)}, and each end of the {percent(level)} interval "
        f"holds at {percent((1 + level) / 2)}",
        "N, n: samples of training, and measured; misses: probability that the n give to wrong\v"
        "classes, summed",
    ]


def cause_grid(causes: Sequence[Cause], labels: tuple[Any, ...], markup: Markup = TEXT) -> Grid:
    """Lay causes out: what each predicts of the residual r / w beside what is observed.

    In per cent, or in units of w where some are many times it.

    Parameters
    ----------
    causes : sequence of Cause
    labels : tuple
    markup : Markup

    Returns
    -------
    Grid
    """
    rows: list[Row] = []
    for cause in causes:
        largest = np.argsort(-np.abs(np.nan_to_num(cause.observed)), kind="stable")
        predicts = np.isfinite(cause.predicted).any()
        kept = sorted(largest[: CLASSES_OF_A_CAUSE if predicts else 1].tolist())
        rows += [{"cause": cause, "k": k, "first": k == kept[0]} for k in kept]
    unit = 1 if _is_manifold(causes) else 100
    sign = markup.math.format("w") if unit == 1 else markup.percent
    of_unit = f", {sign}" if unit == 1 else f",{sign}"
    columns: list[Column] = [
        ("cause", lambda r: _name(r["cause"].name, markup) if r["first"] else ""),
        ("class", lambda r: label_text(labels[r["k"]])),
        (f"predicted{of_unit}", lambda r: _predicted(r["cause"], r["k"], unit, markup)),
        (f"observed{of_unit}", lambda r: _observed(r["cause"], r["k"], unit, markup)),
        ("judged on", lambda r: r["cause"].split if r["first"] else ""),
        (markup.math.format("p"), lambda r: _p_value(r["cause"], markup) if r["first"] else ""),
        ("consistency", lambda r: r["cause"].consistency if r["first"] else ""),
    ]
    notes = [
        "predicted, observed: imbalance, left - right, over the mass w of the class itself, ±\v"
        "standard error; p: of their difference"
    ]
    if len(labels) > CLASSES_OF_A_CAUSE:
        notes.append(f"of each cause the {CLASSES_OF_A_CAUSE} classes with the largest residuals")
    notes += [cause_sentences(cause) for cause in causes] if markup is TEXT else []
    return lay_out(
        rows, columns, first="first", verbatim=(1,), minor=("judged on",), note="\n".join(notes)
    )


def group_grid(report: BalanceReport, markup: Markup = TEXT) -> Grid:
    """Lay groups out: size, the class that decides, its gap, and the verdict.

    Parameters
    ----------
    report : BalanceReport
    markup : Markup

    Returns
    -------
    Grid
    """
    groups, shown = report.groups, shown_groups(report)
    rows: list[Row] = [{"group": groups[i], "k": class_of_group(groups[i])} for i in shown]
    level = _level(groups[0].gaps[0].level, markup) if groups else ""
    columns: list[Column] = [
        ("group", lambda r: _name(label_text(r["group"].name), markup)),
        ("n", lambda r: markup.math.format(int(r["group"].count.sum()))),
        ("class", lambda r: label_text(report.labels[r["k"]])),
        (f"gap {level}", lambda r: _gap(r["group"].gaps[r["k"]], markup)),
        ("verdict", lambda r: r["group"].verdict),
    ]
    verdicts = [group.verdict for group in groups]
    about = (
        []
        if len(report.labels) == 2
        else ["class: of those with this verdict the one that is furthest off"]
    )
    return lay_out(
        rows,
        columns,
        verbatim=(2,),
        note="\n".join([*_folded(verdicts, shown, "groups"), *about]),
    )


def class_of_group(group: GroupBalance) -> int:
    """Class whose gap is shown of a group: of those that have its verdict the one furthest off.

    Where each class has the verdict of a group of two, it is the second.
    """
    off = np.abs(log_ratio([g.value for g in group.gaps]))
    off = np.where(np.isnan(off), -1.0, off)
    decides = np.array([v == group.verdict for v in group.verdicts]) & (off >= 0)
    if not decides.any():  # inconclusive together, though one by one each is not
        decides = off >= 0
    if len(off) == 2 and decides[1]:
        return 1
    return int(np.argmax(np.where(decides, off, -1.0)))


def shown_groups(report: BalanceReport) -> list[int]:
    """Groups that a table shows: all in their order, or of many those that are furthest off."""
    groups = report.groups
    if len(groups) <= MOST:
        return list(range(len(groups)))
    off = [abs(float(log_ratio(g.gaps[class_of_group(g)].value))) for g in groups]
    off = [-1.0 if math.isnan(x) else x for x in off]
    order = sorted(
        range(len(groups)), key=lambda i: (SEVERITY.get(groups[i].verdict, 2), -off[i], i)
    )
    return order[:WORST]


def _folded(verdicts: Sequence[str], shown: Sequence[int], name: str) -> list[str]:
    """Say what of a long table is not shown."""
    left = Counter(verdict for i, verdict in enumerate(verdicts) if i not in set(shown))
    if not left:
        return []
    counts = ", ".join(f"{left[v]} {v}" for v in sorted(left, key=lambda v: SEVERITY.get(v, 2)))
    return [f"{len(shown)} of {len(verdicts)} {name}, those furthest off; of the others: {counts}"]


def _name(text: str, markup: Markup) -> str:
    """Write what stands in the first column, which a grid takes for markup."""
    if markup is not LATEX:
        return text
    latex = escaped(text)  # after the end of a row TeX takes a bracket or a star for its option
    return "{}" + latex if latex.startswith(("[", "*")) else latex


def _level(level: float, markup: Markup) -> str:
    return f"[{100 * level:g}{markup.percent}]"


def _side(value: float, markup: Markup) -> str:
    if not math.isfinite(value):
        return "-"
    return markup.math.format(f"{100 * value:.{decimals(30 * value, least=0)}f}")


def _gap(gap: Any, markup: Markup) -> str:
    if math.isnan(gap.value):
        return "-"
    return percent_interval(gap.value, gap.low, gap.high, markup)


def _is_manifold(causes: Sequence[Cause]) -> bool:
    """Whether an imbalance is many times the class's mass, which per cent only hide."""
    return any(
        (np.abs(np.nan_to_num(shown)) >= MANIFOLD).any()
        for cause in causes
        for shown in (cause.predicted, cause.observed)
    )


def _points(value: float, error: float, unit: int) -> Callable[[float], str]:
    """Write numbers in per cent, or as they are, with as many digits as an error supports."""
    size = unit * (error if math.isfinite(error) and error > 0 else abs(value) / 30)
    n = min(6, max(0, 1 - math.floor(math.log10(size)))) if 0 < size < math.inf else 2
    return lambda x: f"{round(unit * x, n) + 0.0:+.{n}f}"


def _predicted(cause: Cause, k: int, unit: int, markup: Markup) -> str:
    value = float(cause.predicted[k])
    if math.isnan(value):
        return "-"
    return markup.math.format(_points(value, float(cause.error[k]), unit)(value))


def _observed(cause: Cause, k: int, unit: int, markup: Markup) -> str:
    value, error = float(cause.observed[k]), float(cause.error[k])
    if math.isnan(value):
        return "-"
    text = _points(value, error, unit)(value)
    if math.isfinite(error) and error > 0:
        text += markup.plus_minus + _points(value, error, unit)(error)[1:]
    return markup.math.format(text)


def _p_value(cause: Cause, markup: Markup) -> str:
    p = cause.p_value
    if math.isnan(p):
        return "-"
    return markup.math.format("< 0.001" if p < 0.001 else f"{p:.3f}")
