"""Table 1 as text: rows and cells for the console, LaTeX, and both from one source."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from learnprop.reports.layout.cells import gap_with_interval
from learnprop.reports.layout.grid import Grid, Row, counts, runs_note
from learnprop.reports.layout.numbers import (
    TEXT,
    Markup,
    decimals,
    mean_sd,
    plus_minus,
    small,
    weight_formula,
)
from learnprop.reports.statistics.runs import FEW_RUNS, few_runs_note, n_models
from learnprop.reports.table1.summary import Table1
from learnprop.simulations.studies.table1.study import SIMULATIONS

if TYPE_CHECKING:
    import pandas as pd


def main_grid(table: Table1, markup: Markup = TEXT) -> Grid:
    """Lay Table 1 out as the paper does, one column per λ_0."""
    settings = list(dict.fromkeys(table.summary["setting"]))
    by_key = {
        (row["simulation"], row["setting"], row["split"]): row
        for row in table.summary.to_dict("records")
    }
    simulations = list(dict.fromkeys(table.summary["simulation"]))
    first = [by_key[simulations[0], s, "test"] for s in settings]
    rows: list[tuple[str, ...] | None] = [
        ("RHS of Eq. (10)", *(markup.math.format(f"{row['rhs']:g}") for row in first))
    ]
    for name in simulations:
        rows.append(None)
        basis = predicted_basis([by_key[name, s, "test"] for s in settings])
        for label, split, write in _lines(name, basis, markup):
            cells = _cells([by_key[name, s, split] for s in settings], write)
            if label != _PREDICTED or set(cells) != {"-"}:  # stores of before have none
                rows.append((label, *cells))
    heads = tuple(weight_formula(s, markup) for s in settings)
    runs = n_models(table.summary)
    notes = [*_predicted_notes(table.summary), *few_runs_note(runs)]
    if (runs < FEW_RUNS).any():
        of_few = f"of fewer than {FEW_RUNS} runs"
        notes.append(f"{of_few} no z of an SD: its own error is not known well")
        notes.append(f"{of_few} z of a mean is Student's t, n - 1 degrees of freedom")
    return Grid((_corner(markup), *heads), tuple(rows), note="\n".join(notes))


def _predicted_notes(summary: pd.DataFrame) -> list[str]:
    """What predicted overfitting is, where there is any, and what it misses of a network."""
    if "runs_predicted" not in summary:
        return []
    notes = [
        "overfitting predicted: each training sample by a fit without it",
        "that is, of a training sample of one fewer in each class",
    ]
    for name in dict.fromkeys(summary["simulation"][summary["runs_predicted"].notna()]):
        simulation = SIMULATIONS[name]
        if simulation.network:
            notes += [
                f"of {simulation.title}: all parameters, linearised where training stopped",
                "that may be far off either way, most with few samples "
                "(docs/explanation/hidden-layers.md)",
            ]
        notes += _not_of_all_runs(summary[summary["simulation"] == name], simulation.title)
    return notes


def _not_of_all_runs(rows: pd.DataFrame, title: str) -> list[str]:
    """Say in how many runs networks are predicted, where that is not in all with a model."""
    fewer = rows[rows["runs_predicted"] < n_models(rows)]
    return [
        f"{title}, λ0 = {row.setting}: predicted in {row.runs_predicted:.0f} of "
        f"{row.runs_attempted} runs"
        + ("" if getattr(row, _COLUMN) == getattr(row, _COLUMN) else ": too few")
        for row in fewer.itertuples()
    ]


Write = Callable[[Row], str]

_COLUMN, _PREDICTED = "overfitting_predicted", "  residual: overfitting predicted"


def _lines(name: str, basis: str, markup: Markup) -> list[tuple[str, str, Write]]:
    """What the table says of a simulation: label, split, and what writes a cell."""

    def pair(first: str, second: str) -> str:
        return f"{markup.math.format(first)} {markup.math.format(second)}"

    def verdict(row: Row) -> str:
        return str(row["verdict"])

    def gap(row: Row) -> str:
        return gap_with_interval(row, markup)

    return [
        (
            f"LHS ({SIMULATIONS[name].title}), test", "test",
            lambda r: mean_sd(r["lhs_mean"], r["lhs_sd"], r["lhs_mcse"], markup),
        ),
        (
            "  MCSE of mean and SD", "test",
            lambda r: plus_minus(r["lhs_mcse"], r["lhs_sd_mcse"], markup),
        ),
        (
            f"  predicted, {basis}", "test",
            lambda r: mean_sd(r["predicted_mean"], r["predicted_sd"], r["lhs_mcse"], markup),
        ),
        (
            "  z of mean and SD against it", "test",
            lambda r: pair(f"{r['z_predicted']:+.1f}", f"({_z_of_sd(r)})"),
        ),
        ("  paper", "test", lambda r: mean_sd(r["paper_mean"], r["paper_sd"], 0.1, markup)),
        (
            "  z against the paper", "test",
            lambda r: markup.math.format(f"[{r['z_paper_low']:.1f}, {r['z_paper_high']:.1f}]"),
        ),
        ("  gap, test [90 %]", "test", gap),
        ("  verdict, test", "test", verdict),
        ("  gap, population [90 %]", "population", gap),
        ("  verdict, population", "population", verdict),
        ("  |gap|, train", "train", lambda r: small(abs(r["gap"]), markup)),
        ("  verdict, train", "train", verdict),
        ("  largest bias gradient", "train", lambda r: small(r["max_bias_gradient"], markup)),
        *(
            (f"  residual: {term.replace('_', ' ')}", "test", partial(_residual, term, markup))
            for term in ("optimisation", "overfitting", _COLUMN, "sampling")
        ),
        ("  attempted / converged / failed", "train", counts),
    ]  # fmt: skip


def depth_grid(table: Table1, markup: Markup = TEXT) -> Grid:
    """Sim2's gap at each training depth, one column per λ_0."""
    depth = table.depth
    settings = list(dict.fromkeys(depth["setting"]))
    depths = list(dict.fromkeys(depth["max_iter"]))
    names = dict(zip(depths, _depth_names(len(depths)), strict=True))
    by_key = {
        (row["max_iter"], row["stage"], row["split"], row["setting"]): row
        for row in depth.to_dict("records")
    }
    gap = partial(gap_with_interval, markup=markup)
    rows: list[tuple[str, ...] | None] = []
    for n in depths:
        rows += [None] if rows else []
        rows.append((f"{names[n]}: at most {n} iterations", *("" for _ in settings)))
        for label, key, write in (
            ("  loss per unit of mass", ("head", "train"), partial(_loss, markup)),
            ("  gap on train, before refinement [90 %]", ("raw", "train"), gap),
            ("  gap on train", ("head", "train"), lambda r: small(abs(r["gap"]), markup)),
            ("  gap on population [90 %]", ("head", "population"), gap),
            ("  gap on test [90 %]", ("head", "test"), gap),
        ):
            rows.append((label, *_cells([by_key[n, *key, s] for s in settings], write)))
    heads = tuple(weight_formula(s, markup) for s in settings)
    trained = [name for name, simulation in SIMULATIONS.items() if simulation.network]
    of_networks = table.summary[table.summary["simulation"].isin(trained)]
    return Grid((_corner(markup), *heads), tuple(rows), note=runs_note(of_networks))


def _corner(markup: Markup) -> str:
    return markup.either("λ0", r"\lambda_0")


def _depth_names(n: int) -> list[str]:
    return {1: ["full"], 2: ["shallow", "full"]}.get(n, ["shallow", *["middle"] * (n - 2), "full"])


def _cells(rows: Sequence[Row], write: Write) -> list[str]:
    """Each row's cell; a dash where the number does not exist."""
    out = []
    for row in rows:
        try:
            text = write(row)
        except KeyError:
            text = "-"
        out.append("-" if "nan" in text else text)
    return out


def predicted_basis(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the predictions of a simulation's rows rest on; "none" where there are none."""
    return next((b for r in rows if isinstance(b := r.get("predicted_basis"), str)), "none")


def _z_of_sd(row: Row) -> str:
    z = row["z_predicted_sd"]
    return "-" if math.isnan(z) else f"{z:+.1f}"


def _loss(markup: Markup, row: Row) -> str:
    value, mcse = row["mean_loss"], row["mean_loss_mcse"]
    return markup.math.format(f"{value:.4f}{markup.plus_minus}{mcse:.4f}")


def _residual(term: str, markup: Markup, row: Row) -> str:
    value, mcse = row[term], row[f"{term}_mcse"]
    if abs(value) < 1e-9:
        return small(value, markup)
    n = max(4, decimals(mcse))  # residuals are fractions of the class mass
    return markup.math.format(f"{value:+.{n}f}{markup.plus_minus}{mcse:.{n}f}")
