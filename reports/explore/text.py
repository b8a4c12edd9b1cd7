"""The grid of imbalance ratios and λ as text: gaps, accuracies, and every class at one ratio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reports.explore.summary import Explore
from reports.formatting import LATEX, TEXT, Markup, decimals, percent_interval
from reports.grid import Grid, runs_note
from simulations.studies.options import is_lambda0

MARKS = {"holds": "", "inconclusive": "?", "fails": "!"}
"""What follows a gap by its verdict."""


def weighting_name(setting: str, markup: Markup = TEXT) -> str:
    r"""Write the name of a λ setting: a scheme, a list of numbers, or λ_0.

    Examples
    --------
    >>> weighting_name("inverse"), weighting_name("0.01"), weighting_name("0.01", LATEX)
    ('inverse', 'λ0 = 0.01', '$\\lambda_0 = 0.01$')
    """
    if is_lambda0(setting):
        return r"$\lambda_0 = " + f"{setting}$" if markup is LATEX else f"λ0 = {setting}"
    return setting


def gap_grid(table: Explore, markup: Markup = TEXT) -> Grid:
    """Lay the gap on test data out, λ by ratio: of the class where it is largest.

    Parameters
    ----------
    table : Explore
    markup : Markup

    Returns
    -------
    Grid
    """

    def write(rows: list[dict[str, Any]]) -> str:
        found = [row for row in rows if row.get("gap", float("nan")) == row.get("gap", 0.0)]
        if not found:
            return str(rows[0]["verdict"])
        # Of two classes there is one equation (E2): that of class 0, as in Eq. (10).
        row = found[0] if table.n_classes == 2 else max(found, key=lambda r: abs(r["gap"]))
        half = 100 * max(row["gap_high"] - row["gap"], row["gap"] - row["gap_low"])
        n = decimals(half) - 1
        gap = round(100 * row["gap"], n) + 0.0  # no negative zero
        text = f"{gap:+.{n}f}{markup.plus_minus}{half:.{n}f}"
        verdict = str(row["verdict"])
        text = markup.math.format(text.replace("inf", markup.infinity))
        return text + MARKS.get(verdict, f" {verdict}")

    return _by_ratio(table, write, markup)


def accuracy_grid(table: Explore, name: str, markup: Markup = TEXT) -> Grid:
    """Lay an accuracy over all classes on test data out, λ by ratio, with its MCSE.

    Parameters
    ----------
    table : Explore
    name : {"balanced_accuracy", "overall_accuracy"}
    markup : Markup

    Returns
    -------
    Grid
    """

    def write(rows: list[dict[str, Any]]) -> str:
        text = _percent(rows[0], name, markup)
        return str(rows[0]["verdict"]) if text == "-" else text

    return _by_ratio(table, write, markup)


def _by_ratio(table: Explore, write: Callable[[list[dict[str, Any]]], str], markup: Markup) -> Grid:
    cells: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for row in table.split("test").to_dict("records"):
        cells.setdefault((row["weighting"], row["ratio"]), []).append(row)
    rows = [
        (weighting_name(s, markup), *(write(cells[s, ratio]) for ratio in table.ratios))
        for s in table.settings
    ]
    corner = r"$\lambda$, ratio" if markup is LATEX else "λ, ratio"
    heads = (corner, *(f"{ratio:g}" for ratio in table.ratios))
    return Grid(heads, tuple(rows), note=runs_note(table.summary))


def ratio_grid(table: Explore, ratio: float, markup: Markup = TEXT) -> Grid:
    """Lay everything at one ratio out, one row per λ and class, on test data.

    Parameters
    ----------
    table : Explore
    ratio : float
    markup : Markup

    Returns
    -------
    Grid
    """
    lambda_k = r"$\lambda_k$" if markup is LATEX else "λk"
    p_kk = r"$\bar p_{k \to k}$" if markup is LATEX else "p̄(k→k)"
    heads = (
        r"$\lambda$" if markup is LATEX else "λ",
        "class",
        "N",
        lambda_k,
        f"left,{markup.percent}",
        f"right,{markup.percent}",
        f"gap [90{markup.percent}]",
        "verdict",
        f"{p_kk},{markup.percent}",
        "limit",
        f"accuracy,{markup.percent}",
        "failed",
    )
    test = table.split("test")
    test = test[test["ratio"] == ratio]
    records = test.to_dict("records")
    rows: list[tuple[str, ...] | None] = []
    for row in records:
        if rows and row["class"] == 0:
            rows.append(None)
        name = weighting_name(row["weighting"], markup) if row["class"] == 0 else ""
        rows.append(
            (
                name,
                str(row["label"]),
                f"{row['n_train']}",
                f"{row['weight']:.4g}",
                _percent(row, "left", markup),
                _percent(row, "right", markup),
                _gap(row, markup),
                str(row["verdict"]),
                _percent(row, "mean_proba", markup),
                _percent(row, "limit_mean_proba", markup, with_mcse=False),
                _percent(row, "accuracy", markup),
                f"{row['runs_failed']} / {row['runs_attempted']}",
            )
        )
    return Grid(heads, tuple(rows), verbatim=(1,), note=runs_note(test))


def _percent(row: dict[str, Any], name: str, markup: Markup, *, with_mcse: bool = True) -> str:
    value, mcse = row.get(name, float("nan")), row.get(f"{name}_mcse", float("nan"))
    if value != value:
        return "-"
    if not with_mcse:
        return f"{100 * value:.2f}"
    n = decimals(100 * mcse)
    return markup.math.format(f"{100 * value:.{n}f}{markup.plus_minus}{100 * mcse:.{n}f}")


def _gap(row: dict[str, Any], markup: Markup) -> str:
    gap = row.get("gap", float("nan"))
    return "-" if gap != gap else percent_interval(gap, row["gap_low"], row["gap_high"], markup)
