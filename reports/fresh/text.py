"""The gap on fresh data as text: predicted, observed, repaired; the control; the statements."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

from learnprop.reports.fresh.claims import LARGE_ENOUGH_UP_TO
from learnprop.reports.fresh.summary import Fresh
from learnprop.reports.layout.fold import WIDTH
from learnprop.reports.layout.grid import Column, Grid, Row, lay_out, runs_note
from learnprop.reports.layout.numbers import TEXT, Markup, percent_interval, small
from learnprop.reports.statistics.evidence import INCONCLUSIVE
from learnprop.reports.statistics.runs import MAX_FAILED, few_runs_note, n_models


def gap_grid(table: Fresh, n_classes: int, markup: Markup = TEXT) -> Grid:
    """Lay out what was predicted, observed and repaired of the rarest class, by κ and weights."""
    columns: list[Column] = [
        *_key(markup),
        ("state ev.", lambda r: _theory(r, markup)),
        ("leave-one-out", lambda r: _gap(r, "gap_left_out", markup)),
        ("observed", lambda r: _gap(r, "gap", markup) if _has_gap(r) else without_model(r)),
        ("repaired", lambda r: _gap(r, "gap_repaired", markup)),
        ("loo verdict", lambda r: str(r["verdict"])),
        ("state verdict", lambda r: str(r["verdict_state"])),
        ("repair verdict", lambda r: str(r["verdict_repaired"])),
    ]
    rows = shown(table, n_classes, n_classes - 1)
    rarest = "rarer" if n_classes == 2 else "rarest"
    notes = [
        f"gap left/right - 1 on fresh data of the {rarest} class, with 90 % intervals",
        f"verdicts, within ±{100 * table.margin:g} %: of leave-one-out (loo) and state evolution "
        "(1 + observed gap) / (1 + predicted gap) - 1, of the repair the gap that is left",
        *_threshold_note(table, n_classes),
        *_finite_note(rows),
        *_below(table, [n_classes]),
    ]
    return lay_out(rows, columns, first="first", note=_note(notes, markup), keys=3)


def shifted_grid(table: Fresh, markup: Markup = TEXT) -> Grid:
    """Lay the control out: class 0 in a population where it is not that of training."""
    columns: list[Column] = [
        ("K", lambda r: f"{r['classes']}"),
        *_key(markup),
        ("leave-one-out", lambda r: _gap(r, "gap_left_out", markup)),
        (
            "observed, shifted",
            lambda r: _gap(r, "gap_shifted", markup) if _has_gap(r) else without_model(r),
        ),
        ("loo verdict", lambda r: str(r["verdict_shifted"])),
    ]
    rows = [r for k in sorted(table.threshold) for r in shown(table, k, 0)]
    notes = [
        "gap of class 0, which has moved towards the others; fails: not predicted, as it must be: "
        "leave-one-out knows of overfitting only, not of data that differ from those of training",
        f"verdicts, within ±{100 * table.margin:g} %: of (1 + observed gap) / (1 + predicted gap) "
        "- 1",
        *_below(table, table.threshold),
    ]
    return lay_out(rows, columns, first="first", note=_note(notes, markup), keys=4)


def claims_grid(table: Fresh, markup: Markup = TEXT) -> Grid:
    """Lay the statements out, one row each."""
    columns: list[Column] = [
        ("statement", lambda r: _words(str(r["claim"]), markup)),
        (f"worst [90{markup.percent}]", lambda r: _observed(r, markup)),
        ("verdict", lambda r: str(r["verdict"])),
        ("tests", lambda r: str(r["remark"])),
    ]
    notes = [
        "worst: of all tests the one that speaks most against the statement, of a control that "
        "must fail the one that is nearest to zero",
        *_below(table, table.threshold),
    ]
    return lay_out(table.claims.to_dict("records"), columns, note=_note(notes, markup))


def shown(table: Fresh, n_classes: int, k: int) -> list[Row]:
    """Rows of a table: those of class k, by κ and λ setting."""
    wanted = (table.summary["classes"] == n_classes) & (table.summary["class"] == k)
    rows: list[Row] = []
    for row in table.summary[wanted].to_dict("records"):
        rows.append(row | {"first": not rows or rows[-1]["kappa"] != row["kappa"]})
    return rows


def without_model(row: Row) -> str:
    """Say of how many runs there is no model, and why: in the place of numbers.

    Examples
    --------
    >>> without_model({"runs_attempted": 10, "runs_failed": 1, "verdict": "separated"})
    '1 of 10 separated'
    """
    if not row["runs_failed"]:
        return "-"
    why = row["verdict"] if row["verdict"] != INCONCLUSIVE else "without model"
    return f"{row['runs_failed']} of {row['runs_attempted']} {why}"


def _has_gap(row: Row) -> bool:
    return bool(row["gap"] == row["gap"])


def _key(markup: Markup) -> list[Column]:
    return [
        (markup.either("κ", r"\kappa"), lambda r: f"{r['kappa']:g}"),
        ("d", lambda r: f"{r['n_features']}"),
        ("weights", lambda r: str(r["setting"])),
    ]


def _gap(row: Row, name: str, markup: Markup) -> str:
    value = row[name]
    if value != value:
        return "-"
    return percent_interval(value, row[f"{name}_low"], row[f"{name}_high"], markup)


def _theory(row: Row, markup: Markup) -> str:
    value = row["gap_state"]
    if value != value:
        return "-"
    return markup.math.format(f"{100 * value:+.1f}{markup.percent}")


def _threshold_note(table: Fresh, n_classes: int) -> list[str]:
    at = table.threshold[n_classes]
    if at != at:
        return []
    return [
        f"beyond κ = {at:.3g} training samples are separable, of N to infinity, and there is no "
        "minimum; of fewer samples some are below it too"
    ]


def _finite_note(rows: Iterable[Row]) -> list[str]:
    """How far the limit of many samples is from samples of this size, where κ is large."""
    beyond = [
        r
        for r in rows
        if r["kappa"] > LARGE_ENOUGH_UP_TO and r["difference_state"] == r["difference_state"]
    ]
    if not beyond:
        return []
    seen = [r for r in beyond if r["difference_state_low"] * r["difference_state_high"] > 0]
    worst = max(seen or beyond, key=lambda r: abs(r["difference_state"]))
    by = percent_interval(*(worst[f"difference_state{end}"] for end in ("", "_low", "_high")))
    said = f"it differs by up to {by}" if seen else f"no difference is seen, the largest is {by}"
    return [
        f"state evolution is of N to infinity: of left/right at N = {worst['n_samples']}, beyond "
        f"κ = {LARGE_ENOUGH_UP_TO:g}, {said} (κ = {worst['kappa']:g}, {worst['setting']} weights)"
    ]


def _below(table: Fresh, classes: Iterable[int]) -> list[str]:
    """What numbers of these numbers of classes rest on."""
    rows = table.summary[table.summary["classes"].isin(list(classes))]
    notes = [runs_note(rows), *few_runs_note(n_models(rows[rows["gap"].notna()]))]
    if rows["runs_failed"].any():
        notes.append(
            f"numbers are of the runs that have a model, at least {100 * (1 - MAX_FAILED):g} % of "
            "those attempted; where fewer have one there are none"
        )
    said = (table.separated[n_classes] for n_classes in classes)
    return [*notes, *dict.fromkeys(one for one in said if one)]


def _note(notes: Iterable[str], markup: Markup) -> str:
    """Notes as one text: a console breaks lines itself, LaTeX does not."""
    if markup is not TEXT:
        notes = [line for note in notes for line in wrap(note, WIDTH)]
    return "\n".join(notes)


def _observed(row: Row, markup: Markup) -> str:
    value = row["observed"]
    if value != value:
        return "-"
    if row["low"] == row["high"]:
        return small(value, markup)
    return percent_interval(value, row["low"], row["high"], markup)


def _words(text: str, markup: Markup) -> str:
    if markup is TEXT:
        return text
    for plain, formula in (
        ("κ = ", r"$\kappa$ = "),
        ("K = ", "$K$ = "),
        (" %", r"\,\%"),
    ):
        text = text.replace(plain, formula)
    return text
