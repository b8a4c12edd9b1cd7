"""The comparison of losses as text: accuracies, differences in pairs, what is in balance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from learnprop.equations.losses import LOSSES
from learnprop.equations.losses.loss import label
from learnprop.reports.layout.grid import Column, Grid, Row, counts, lay_out
from learnprop.reports.layout.numbers import LATEX, TEXT, Markup, decimals, small
from learnprop.reports.losses.paper import variant_notes
from learnprop.reports.losses.summary import Comparison
from learnprop.reports.protocols.networks import NETWORK_NAMES
from learnprop.reports.statistics.resplit import (
    CORRECTED,
    CORRECTED_FOR_GAPS,
    CORRECTED_FOR_MEANS,
    VERDICT,
    corrected_verdict,
)
from learnprop.reports.statistics.runs import few_runs_note, n_models
from learnprop.reports.statistics.training_samples import GIVEN_SAMPLE
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.records.rows import NOT_CONVERGED

GIVEN_SETS = (
    "where all runs share a test set intervals are of the noise of seeds, given that set; its own "
    "error stands beside, at most (as if losses erred independently)\n"
    f"they share the training images too: {GIVEN_SAMPLE}"
)
"""Below differences on published data sets."""

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
    """Lay the accuracies out, one row per data set, network and loss."""
    percent = markup.percent
    resplit, paper = is_resplit(table), bool(table.summary["paper"].notna().any())
    columns: list[Column] = [
        ("data, network", _panel_at_first),
        ("loss", lambda r: _setting(r, markup)),
        (f"on test (SD),{percent}", lambda r: with_sd(r, markup)),
        ("MCSE", lambda r: points(r["accuracy_mcse"], markup)),
    ]
    if resplit:
        columns.append(("corrected", lambda r: points(r["accuracy_corrected_error"], markup)))
    if paper:
        columns.append((f"paper,{percent}", lambda r: _paper(r, markup)))
    columns += [
        ("against SML", lambda r: str(r["verdict"])),
        *([(VERDICT, corrected_verdict)] if resplit else []),
        (f"on train (SD),{percent}", lambda r: with_sd(r["train"], markup)),
        ("gradient at start (SD)", lambda r: _gradient(r, markup)),
        ("runs", counts),
    ]
    records = table.summary.to_dict("records")
    train = {_where(r): r for r in records if r["split"] == "train"}
    rows = [r | {"train": train[_where(r)]} for r in records if r["split"] == "test"]
    notes = ["SD and MCSE over runs that have a model, in percentage points"]
    if paper:
        notes[0] += "; paper: one run, ± binomial error on its test set"
        notes += variant_notes(table.summary.loc[table.summary["paper"].notna(), "model"])
    notes += [
        *filter(None, [table.images]),
        *few_runs_note(n_models(table.summary)),
        *resplit_notes(table, "SD and MCSE"),
        "gradient at start: its norm over that of the softmax loss; matched: scaled to one",
        "runs: attempted / converged (no gradient in the output bias, as trained) / failed",
    ]
    minor = (f"on train (SD),{percent}", "gradient at start (SD)", "corrected", VERDICT, "MCSE")
    return lay_out(
        _by_panel(rows), columns, first="first", keys=2, minor=minor, note="\n".join(notes)
    )


def differences_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay differences of test accuracies out, in percentage points, one row per pair of losses."""
    resplit = is_resplit(table)
    shared = bool(table.differences["test_error"].notna().any())
    settings = {r["setting"]: _setting(r, markup) for r in table.summary.to_dict("records")}
    columns: list[Column] = [
        ("data, network", _panel_at_first),
        ("loss", lambda r: settings[r["loss"]]),
        ("less that of", lambda r: settings[r["other"]]),
        (f"difference [90{markup.percent}]", lambda r: in_points(r, "difference", markup)),
        ("verdict", lambda r: str(r["verdict"])),
    ]
    if resplit:
        columns.append((f"{CORRECTED} [90{markup.percent}]", lambda r: corrected_ends(r, markup)))
        columns.append((VERDICT, corrected_verdict))
    if shared:
        columns.append(("error of the test set", lambda r: points(r["test_error"], markup)))
    columns.append(("runs", lambda r: str(r["runs"])))
    records = table.differences.to_dict("records")
    n = sum(r["runs"] > 1 for r in records)
    notes = [
        "percentage points; equivalent: interval inside the margin; higher, lower: on one side of "
        "zero"
    ]
    if shared:
        notes.append(GIVEN_SETS)
    notes += resplit_notes(table, "intervals")
    notes += few_runs_note(table.differences["runs"])
    notes.append(
        f"{n} comparisons with intervals over runs, each on its own: of losses that are equal on "
        f"these data {0.1 * n:.2g} would not cover zero"
    )
    minor = (f"{CORRECTED} [90{markup.percent}]", VERDICT, "error of the test set")
    return lay_out(
        _by_panel(records), columns, first="first", keys=3, minor=minor, note="\n".join(notes)
    )


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
    """Lay the balance of each loss out: Eq. (9), of LGL-INR E10; the worst class of each row."""

    def largest(stage: str, split: str) -> Column:
        return f"{stage}, {split}", lambda r: _size(r["worst"].get((stage, split), _NAN), markup)

    columns: list[Column] = [
        ("data, network", _panel_at_first),
        ("loss", lambda r: _setting(r, markup)),
        *(largest(stage, split) for stage in ("raw", "bias") for split in ("train", "test")),
        ("verdicts on test", lambda r: _verdict_counts(r["refined"])),
    ]
    if "corrected_verdict" in table.balance:
        columns.append((VERDICT, lambda r: _verdict_counts(r["refined"], "corrected_verdict")))
    columns += [
        ("path mean", lambda r: small(r["path_gradient"], markup)),
        ("E9 is off by", lambda r: small(r["path_difference"], markup)),
    ]
    rows: list[Row] = [
        mine.iloc[0].to_dict()
        | {
            "worst": mine.groupby(["stage", "split"])["largest_difference"].max(),
            "refined": mine.query("stage == 'bias' and split == 'test'"),
        }
        for _, mine in table.balance.groupby(["dataset", "model", "setting"], sort=False)
    ]
    notes = [
        "left - right side over the class's mass, the largest of all classes and runs; bias: with "
        "the output bias refined on train",
        f"runs with a model: {_range(table.balance['runs'])}",
        *few_runs_note(table.balance["runs"]),
        *resplit_notes(table, "verdicts", gaps=True),
        "path mean: of the minibatch gradient in the output bias, the difference of the two sides "
        "in the minibatches; E9 says it from the ends",
    ]
    minor = ("E9 is off by", "path mean", VERDICT, "raw, train", "raw, test")
    return lay_out(
        _by_panel(rows), columns, first="first", keys=2, minor=minor, note="\n".join(notes)
    )


def _by_panel(rows: Iterable[Row]) -> list[Row]:
    """Rows with whether they are the first of their data set and network."""
    grouped = groupby(rows, key=lambda r: (r["dataset"], r["model"]))
    return [row | {"first": i == 0} for _, mine in grouped for i, row in enumerate(mine)]


def _panel_at_first(row: Row) -> str:
    name = f"{short_title(row['dataset'])}, {NETWORK_NAMES[row['model']]}"
    return name if row["first"] else ""


def _where(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["dataset"], row["model"], row["setting"]


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


def _paper(row: Row, markup: Markup) -> str:
    return with_binomial_error(row["paper"], row["paper_error"], markup)


def in_points(row: Mapping[str, Any], name: str, markup: Markup) -> str:
    """Write a difference of accuracies in percentage points, with its interval if there is one."""
    value = f"{100 * row[name]:+.2f}"
    if math.isinf(row["low"]):
        return markup.math.format(value)
    ends = f"[{100 * row['low']:+.2f}, {100 * row['high']:+.2f}]"
    return markup.math.format(f"{value}{markup.space}{ends}")


def _size(value: float, markup: Markup) -> str:
    """Write a difference of two shares, by its size where it is next to nothing."""
    return f"{value:.2g}" if 1e-3 <= value < 100 else small(value, markup)


def corrected_ends(row: Mapping[str, Any], markup: Markup) -> str:
    """Write a corrected interval in percentage points; a dash where there is none."""
    low, high = row.get("corrected_low", _NAN), row.get("corrected_high", _NAN)
    if not math.isfinite(low):
        return "-"
    return markup.math.format(f"[{100 * low:+.2f}, {100 * high:+.2f}]")


def _range(values: Any) -> str:
    low, high = values.min(), values.max()
    return f"{low} to {high}" if low < high else f"{low}"


def _verdict_counts(refined: Any, name: str = "verdict") -> str:
    if name not in refined or refined[name].isna().all():
        return "-"
    n_of = refined[name].value_counts()
    order: Sequence[str] = ("holds", "inconclusive", "fails", NOT_CONVERGED, "interpolated")
    return ", ".join(f"{n_of[v]} {v}" for v in order if v in n_of)
