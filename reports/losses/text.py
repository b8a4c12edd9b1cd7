"""The comparison of losses as text: accuracies, differences in pairs, what is in balance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reports.formatting import LATEX, TEXT, Markup, decimals, small
from reports.grid import Grid
from reports.losses.summary import Comparison
from reports.network_protocol import NETWORK_NAMES
from simulations.datasets import dataset_named
from simulations.fitters.fit import NOT_CONVERGED

_NAN = float("nan")


def loss_name(loss: str, beta: float = _NAN, matched: bool = False) -> str:
    """Write a loss as the paper calls it.

    Examples
    --------
    >>> loss_name("lgl-inr", 2.0), loss_name("lgl", matched=True)
    ('LGL-INR, β = 2', 'LGL, matched')
    """
    name = loss.upper() + (f", β = {beta:g}" if loss == "lgl-inr" and beta == beta else "")
    return name + (", matched" if matched else "")


def short_title(dataset: str) -> str:
    """Write the name of a data set where there is little room.

    Examples
    --------
    >>> short_title("digits"), short_title("kmnist")
    ('Digits', 'Kuzushiji-MNIST')
    """
    return "Digits" if dataset == "digits" else dataset_named(dataset).title


def overview_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay the accuracies out, one row per data set, network and loss.

    Parameters
    ----------
    table : Comparison
    markup : Markup

    Returns
    -------
    Grid
    """
    percent = markup.percent
    heads = (
        "data, network",
        "loss",
        f"test accuracy (SD),{percent}",
        "MCSE",
        f"paper,{percent}",
        "against SML",
        f"train accuracy (SD),{percent}",
        "gradient at start (SD)",
        "runs",
    )
    by_key = {(*_where(r), r["split"]): r for r in table.summary.to_dict("records")}
    rows: list[tuple[str, ...] | None] = []
    before = ("", "")
    for dataset, model, setting in dict.fromkeys(key[:3] for key in by_key):
        row, train = (by_key[dataset, model, setting, split] for split in ("test", "train"))
        first = (dataset, model) != before
        rows += [None] if rows and first else []
        before = dataset, model
        rows.append(
            (
                _panel_name(row) if first else "",
                _setting(row, markup),
                with_sd(row, markup),
                points(row["accuracy_mcse"], markup),
                with_binomial_error(row["paper"], row["paper_error"], markup),
                str(row["verdict"]),
                with_sd(train, markup),
                _gradient(row, markup),
                f"{row['runs_attempted']} / {row['runs_converged']} / {row['runs_failed']}",
            )
        )
    note = (
        "SD and MCSE over runs that have a model, in percentage points; paper: one run, ± binomial "
        "error on its test set\n"
        "gradient at start: its norm over that of the softmax loss; matched: scaled to one\n"
        "runs: attempted / converged (no gradient in the output bias, as trained) / failed"
    )
    return Grid(heads, tuple(rows), note=note)


def differences_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay differences of test accuracies out, in percentage points, one row per pair of losses.

    Parameters
    ----------
    table : Comparison
    markup : Markup

    Returns
    -------
    Grid
    """
    heads = ("data, network", "loss", "less that of", f"difference [90{markup.percent}]",
             "verdict", "error of the test set", "runs")  # fmt: skip
    settings = {r["setting"]: _setting(r, markup) for r in table.summary.to_dict("records")}
    rows: list[tuple[str, ...] | None] = []
    before = ""
    records = table.differences.to_dict("records")
    for row in records:
        name = _panel_name(row)
        rows += [None] if rows and name != before else []
        rows.append(
            (
                name if name != before else "",
                settings[row["loss"]],
                settings[row["other"]],
                _interval(row, markup),
                str(row["verdict"]),
                points(row["test_error"], markup),
                str(row["runs"]),
            )
        )
        before = name
    n = sum(r["runs"] > 1 for r in records)
    note = (
        "percentage points; equivalent: interval inside the margin; higher, lower: on one side of "
        "zero\nintervals: noise of seeds; where all runs share a test set, its own error stands "
        "beside, at most (as if losses erred independently)\n"
        f"{n} comparisons with intervals, each on its own: of equal losses {0.1 * n:.2g} would not "
        "cover zero"
    )
    return Grid(heads, tuple(rows), note=note)


def balance_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay the balance of each loss out: Eq. (9), of LGL-INR E10; the worst class of each row.

    Parameters
    ----------
    table : Comparison
    markup : Markup

    Returns
    -------
    Grid
    """
    heads = ("data, network", "loss", "raw, train", "raw, test", "bias, train", "bias, test",
             "verdicts on test", "mean along the path", "E9 is off by")  # fmt: skip
    rows: list[tuple[str, ...] | None] = []
    before = ""
    keys = ["dataset", "model", "setting"]
    for _, mine in table.balance.groupby(keys, sort=False):
        first = mine.iloc[0].to_dict()
        name = _panel_name(first)
        rows += [None] if rows and name != before else []
        worst = mine.groupby(["stage", "split"])["largest_difference"].max()
        refined = mine.query("stage == 'bias' and split == 'test'")
        rows.append(
            (
                name if name != before else "",
                _setting(first, markup),
                *(
                    small(float(worst.get((stage, split), _NAN)), markup)
                    for stage in ("raw", "bias")
                    for split in ("train", "test")
                ),
                _verdict_counts(refined),
                small(first["path_gradient"], markup),
                small(first["path_difference"], markup),
            )
        )
        before = name
    note = (
        "left - right side over the class's mass, the largest of all classes and runs; bias: with "
        "the output bias refined on train\nmean along the path: of the minibatch gradient in the "
        "output bias, the difference of the two sides in the minibatches; E9 says it from the ends"
    )
    return Grid(heads, tuple(rows), note=note)


def _where(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["dataset"], row["model"], row["setting"]


def _panel_name(row: Mapping[str, Any]) -> str:
    return f"{short_title(row['dataset'])}, {NETWORK_NAMES[row['model']]}"


def _setting(row: Mapping[str, Any], markup: Markup) -> str:
    return in_markup(loss_name(row["loss"], row["beta"], bool(row["matched"])), markup)


def in_markup(name: str, markup: Markup) -> str:
    """Write the name of a loss in a markup."""
    return name.replace("β", r"$\beta$") if markup is LATEX else name


def _gradient(row: Mapping[str, Any], markup: Markup) -> str:
    """Gradient norm at the start, with its SD over runs where there is one."""
    mean, sd = row["gradient_at_start"], row["gradient_at_start_sd"]
    if math.isnan(mean):
        return "-"
    if math.isnan(sd):
        return markup.math.format(f"{mean:.2f}") + " (-)"
    return f"{markup.math.format(f'{mean:.2f}')} {markup.math.format(f'({sd:.2f})')}"


def _number(value: float, markup: Markup, n: int = 2) -> str:
    return "" if math.isnan(value) else markup.math.format(f"{100 * value:.{n}f}")


def with_sd(row: Mapping[str, Any], markup: Markup) -> str:
    """Accuracy in per cent, with its SD over runs where there is one."""
    mean, sd = row.get("accuracy", _NAN), row.get("accuracy_sd", _NAN)
    if math.isnan(mean):
        return "failed" if row.get("runs_attempted") else ""
    if math.isnan(sd):
        return _number(mean, markup) + " (-)"
    return f"{_number(mean, markup)} {markup.math.format(f'({100 * sd:.2f})')}"


def points(value: float, markup: Markup) -> str:
    """Write an uncertainty of an accuracy in percentage points."""
    if math.isnan(value):
        return "-"
    return markup.math.format(f"{100 * value:.{decimals(100 * value)}f}")


def with_binomial_error(printed: float, error: float, markup: Markup) -> str:
    """Write an accuracy that the paper prints, in per cent, with its binomial error."""
    if math.isnan(printed):
        return ""
    return markup.math.format(f"{100 * printed:.2f}{markup.plus_minus}{100 * error:.2f}")


def _interval(row: Mapping[str, Any], markup: Markup) -> str:
    if math.isinf(row["low"]):
        return markup.math.format(f"{100 * row['difference']:+.2f}")
    ends = f"[{100 * row['low']:+.2f}, {100 * row['high']:+.2f}]"
    return markup.math.format(f"{100 * row['difference']:+.2f}{markup.space}{ends}")


def _verdict_counts(refined: Any) -> str:
    if "verdict" not in refined or refined["verdict"].isna().all():
        return "-"
    counts = refined["verdict"].value_counts()
    order: Sequence[str] = ("holds", "inconclusive", "fails", NOT_CONVERGED, "interpolated")
    return ", ".join(f"{counts[v]} {v}" for v in order if v in counts)
