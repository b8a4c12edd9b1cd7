"""The comparison of losses as text: accuracies, differences in pairs, what is in balance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from equations.losses import LOSSES
from equations.losses.loss import label
from reports.formatting import LATEX, TEXT, Markup, decimals, small
from reports.grid import Grid
from reports.losses.summary import Comparison
from reports.network_protocol import NETWORK_NAMES
from reports.resplit import (
    CORRECTED,
    CORRECTED_FOR_GAPS,
    CORRECTED_FOR_MEANS,
    VERDICT,
    corrected_verdict,
)
from reports.training_samples import GIVEN_SAMPLE
from simulations.dataset_catalogue import dataset_named
from simulations.records import NOT_CONVERGED

_NAN = float("nan")
_GREEK = {"α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "τ": r"$\tau$"}
"""Symbols of parameters, in LaTeX."""


def loss_name(row: Mapping[str, Any]) -> str:
    """Write the loss of a row as the paper calls it, with the parameters that the row has.

    Examples
    --------
    >>> loss_name({"loss": "lgl-inr", "beta": 2.0}), loss_name({"loss": "lgl", "matched": True})
    ('LGL-INR, β = 2', 'LGL, matched')
    """
    return label(LOSSES[row["loss"]], row) + (", matched" if row.get("matched") else "")


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
    resplit, paper = is_resplit(table), bool(table.summary["paper"].notna().any())
    heads = (
        "data, network",
        "loss",
        f"on test (SD),{percent}",
        "MCSE",
        *(["corrected"] if resplit else []),
        *([f"paper,{percent}"] if paper else []),
        "against SML",
        *([VERDICT] if resplit else []),
        f"on train (SD),{percent}",
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
                *([points(row["accuracy_corrected_error"], markup)] if resplit else []),
                *([with_binomial_error(row["paper"], row["paper_error"], markup)] if paper else []),
                str(row["verdict"]),
                *([corrected_verdict(row)] if resplit else []),
                with_sd(train, markup),
                _gradient(row, markup),
                f"{row['runs_attempted']} / {row['runs_converged']} / {row['runs_failed']}",
            )
        )
    notes = ["SD and MCSE over runs that have a model, in percentage points"]
    if paper:
        notes[0] += "; paper: one run, ± binomial error on its test set"
    notes += [
        *resplit_notes(table, "SD and MCSE"),
        "gradient at start: its norm over that of the softmax loss; matched: scaled to one",
        "runs: attempted / converged (no gradient in the output bias, as trained) / failed",
    ]
    return Grid(heads, tuple(rows), note="\n".join(notes))


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
    resplit = is_resplit(table)
    shared = bool(table.differences["test_error"].notna().any())
    heads = (
        "data, network",
        "loss",
        "less that of",
        f"difference [90{markup.percent}]",
        "verdict",
        *([f"{CORRECTED} [90{markup.percent}]", VERDICT] if resplit else []),
        *(["error of the test set"] if shared else []),
        "runs",
    )
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
                *([_corrected_ends(row, markup), corrected_verdict(row)] if resplit else []),
                *([points(row["test_error"], markup)] if shared else []),
                str(row["runs"]),
            )
        )
        before = name
    n = sum(r["runs"] > 1 for r in records)
    notes = [
        "percentage points; equivalent: interval inside the margin; higher, lower: on one side of "
        "zero"
    ]
    if shared:
        notes.append(
            "where all runs share a test set intervals are of the noise of seeds, given that set; "
            "its own error stands beside, at most (as if losses erred independently)\n"
            f"they share the training images too: {GIVEN_SAMPLE}"
        )
    notes += resplit_notes(table, "intervals")
    notes.append(
        f"{n} comparisons with intervals over runs, each on its own: of losses that are equal on "
        f"these data {0.1 * n:.2g} would not cover zero"
    )
    return Grid(heads, tuple(rows), note="\n".join(notes))


def is_resplit(table: Comparison) -> bool:
    """Whether the runs on some data set split it themselves, so that they share its images."""
    return "accuracy_corrected_error" in table.summary


def resplit_notes(table: Comparison, what: str, *, gaps: bool = False) -> list[str]:
    """Lines below a table that say what intervals or errors contain where runs split one set."""
    if not is_resplit(table):
        return []
    rows = table.summary[table.summary["n"].notna()]
    sizes = rows.groupby(["dataset", "split"], sort=False)["n"].max().unstack()
    split = rows.loc[rows["accuracy_corrected_error"].notna(), "dataset"].unique()
    names = ", ".join(f"{short_title(d)}' {sizes.loc[d].sum():,.0f} images" for d in split)
    if not names:
        return []
    return [
        f"{what} over runs: of seeds and splits of {names}, not of new data",
        CORRECTED_FOR_GAPS if gaps else CORRECTED_FOR_MEANS,
    ]


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
    resplit = "corrected_verdict" in table.balance
    heads = ("data, network", "loss", "raw, train", "raw, test", "bias, train", "bias, test",
             "verdicts on test", *([VERDICT] if resplit else []), "path mean",
             "E9 is off by")  # fmt: skip
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
                    _size(float(worst.get((stage, split), _NAN)), markup)
                    for stage in ("raw", "bias")
                    for split in ("train", "test")
                ),
                _verdict_counts(refined),
                *([_verdict_counts(refined, "corrected_verdict")] if resplit else []),
                small(first["path_gradient"], markup),
                small(first["path_difference"], markup),
            )
        )
        before = name
    notes = [
        "left - right side over the class's mass, the largest of all classes and runs; bias: with "
        "the output bias refined on train",
        *resplit_notes(table, "verdicts", gaps=True),
        "path mean: of the minibatch gradient in the output bias, the difference of the two sides "
        "in the minibatches; E9 says it from the ends",
    ]
    return Grid(heads, tuple(rows), note="\n".join(notes))


def _where(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["dataset"], row["model"], row["setting"]


def _panel_name(row: Mapping[str, Any]) -> str:
    return f"{short_title(row['dataset'])}, {NETWORK_NAMES[row['model']]}"


def _setting(row: Mapping[str, Any], markup: Markup) -> str:
    return in_markup(loss_name(row), markup)


def in_markup(name: str, markup: Markup) -> str:
    """Write the name of a loss in a markup."""
    if markup is LATEX:
        for letter, written in _GREEK.items():
            name = name.replace(letter, written)
    return name


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


def _size(value: float, markup: Markup) -> str:
    """Write a difference of two shares, by its size where it is next to nothing."""
    return f"{value:.2g}" if 1e-3 <= value < 100 else small(value, markup)


def _corrected_ends(row: Mapping[str, Any], markup: Markup) -> str:
    low, high = row.get("corrected_low", _NAN), row.get("corrected_high", _NAN)
    if not math.isfinite(low):
        return "-"
    return markup.math.format(f"[{100 * low:+.2f}, {100 * high:+.2f}]")


def _verdict_counts(refined: Any, name: str = "verdict") -> str:
    if name not in refined or refined[name].isna().all():
        return "-"
    counts = refined[name].value_counts()
    order: Sequence[str] = ("holds", "inconclusive", "fails", NOT_CONVERGED, "interpolated")
    return ", ".join(f"{counts[v]} {v}" for v in order if v in counts)
