"""Table 1 as text: rows and cells for the console, LaTeX, and both from one source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.formatting import (
    TEXT,
    Markup,
    decimals,
    mean_sd,
    percent_interval,
    plus_minus,
    small,
    weight_formula,
)
from reports.grid import Grid, counts, runs_note
from reports.table1.summary import Table1

TITLES = {"sim1": "Sim1", "sim2": "Sim2"}
FITTERS = {"sim1": "logistic regression", "sim2": "(3, 10, 1) network"}


def main_grid(table: Table1, markup: Markup = TEXT) -> Grid:
    """Lay Table 1 out as the paper does, one column per λ_0.

    Parameters
    ----------
    table : Table1
    markup : Markup

    Returns
    -------
    Grid
    """
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
        train, test, population = (
            [by_key[name, s, split] for s in settings] for split in ("train", "test", "population")
        )
        rows.append(None)
        rows += [
            (f"LHS ({TITLES[name]}), test", *_cells(test, _observed, markup)),
            ("  MCSE of mean and SD", *_cells(test, _mcse, markup)),
            (f"  predicted, {predicted_basis(test)}", *_cells(test, _predicted, markup)),
            ("  z of mean and SD against it", *_cells(test, _z_predicted, markup)),
            ("  paper", *_cells(test, _paper, markup)),
            ("  z against the paper", *_cells(test, _z_paper, markup)),
            ("  gap, test [90 %]", *_cells(test, _gap, markup)),
            ("  verdict, test", *(str(row["verdict"]) for row in test)),
            ("  gap, population [90 %]", *_cells(population, _gap, markup)),
            ("  verdict, population", *(str(row["verdict"]) for row in population)),
            ("  |gap|, train", *_cells(train, _train_gap, markup)),
            ("  verdict, train", *(str(row["verdict"]) for row in train)),
            ("  largest bias gradient", *_cells(train, _bias_gradient, markup)),
            ("  residual: optimisation", *_cells(test, _part("optimisation"), markup)),
            ("  residual: overfitting", *_cells(test, _part("overfitting"), markup)),
            ("  residual: sampling", *_cells(test, _part("sampling"), markup)),
            ("  attempted / converged / failed", *map(counts, train)),
        ]
    heads = tuple(weight_formula(s, markup) for s in settings)
    return Grid((_corner(markup), *heads), tuple(rows))


def depth_grid(table: Table1, markup: Markup = TEXT) -> Grid:
    """Sim2's gap at each training depth, one column per λ_0.

    Parameters
    ----------
    table : Table1
    markup : Markup

    Returns
    -------
    Grid
    """
    depth = table.depth
    settings = list(dict.fromkeys(depth["setting"]))
    depths = list(dict.fromkeys(depth["max_iter"]))
    names = dict(zip(depths, _depth_names(len(depths)), strict=True))
    by_key = {
        (row["max_iter"], row["stage"], row["split"], row["setting"]): row
        for row in depth.to_dict("records")
    }
    rows: list[tuple[str, ...] | None] = []
    for n in depths:
        rows += [None] if rows else []
        rows.append((f"{names[n]}: at most {n} iterations", *("" for _ in settings)))
        for label, key, write in (
            ("  loss per unit of mass", ("head", "train"), _loss),
            ("  gap on train, before refinement [90 %]", ("raw", "train"), _gap),
            ("  gap on train", ("head", "train"), _train_gap),
            ("  gap on population [90 %]", ("head", "population"), _gap),
            ("  gap on test [90 %]", ("head", "test"), _gap),
        ):
            rows.append((label, *_cells([by_key[n, *key, s] for s in settings], write, markup)))
    heads = tuple(weight_formula(s, markup) for s in settings)
    sim2 = table.summary[table.summary["simulation"] == "sim2"]
    return Grid((_corner(markup), *heads), tuple(rows), note=runs_note(sim2))


def _corner(markup: Markup) -> str:
    return markup.either("λ0", r"\lambda_0")


def _depth_names(n: int) -> list[str]:
    return {1: ["full"], 2: ["shallow", "full"]}.get(n, ["shallow", *["middle"] * (n - 2), "full"])


def _cells(rows: Sequence[dict[str, Any]], write: Any, markup: Markup) -> list[str]:
    """Each row's cell; a dash where the number does not exist."""
    out = []
    for row in rows:
        try:
            text = write(row, markup)
        except KeyError:
            text = "-"
        out.append("-" if "nan" in text else text)
    return out


def predicted_basis(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the predictions of a simulation's rows rest on; "none" where there are none."""
    return next((b for r in rows if isinstance(b := r.get("predicted_basis"), str)), "none")


def _observed(row: dict[str, Any], markup: Markup) -> str:
    return mean_sd(row["lhs_mean"], row["lhs_sd"], row["lhs_mcse"], markup)


def _mcse(row: dict[str, Any], markup: Markup) -> str:
    return plus_minus(row["lhs_mcse"], row["lhs_sd_mcse"], markup)


def _predicted(row: dict[str, Any], markup: Markup) -> str:
    return mean_sd(row["predicted_mean"], row["predicted_sd"], row["lhs_mcse"], markup)


def _z_predicted(row: dict[str, Any], markup: Markup) -> str:
    mean, sd = row["z_predicted"], row["z_predicted_sd"]
    return markup.math.format(f"{mean:+.1f}") + " " + markup.math.format(f"({sd:+.1f})")


def _paper(row: dict[str, Any], markup: Markup) -> str:
    return mean_sd(row["paper_mean"], row["paper_sd"], 0.1, markup)


def _z_paper(row: dict[str, Any], markup: Markup) -> str:
    low, high = row["z_paper_low"], row["z_paper_high"]
    return markup.math.format(f"[{low:.1f}, {high:.1f}]")


def _gap(row: dict[str, Any], markup: Markup) -> str:
    return percent_interval(row["gap"], row["gap_low"], row["gap_high"], markup)


def _train_gap(row: dict[str, Any], markup: Markup) -> str:
    return small(abs(row["gap"]), markup)


def _bias_gradient(row: dict[str, Any], markup: Markup) -> str:
    return small(row["max_bias_gradient"], markup)


def _loss(row: dict[str, Any], markup: Markup) -> str:
    value, mcse = row["mean_loss"], row["mean_loss_mcse"]
    return markup.math.format(f"{value:.4f}{markup.plus_minus}{mcse:.4f}")


def _part(name: str) -> Any:
    def write(row: dict[str, Any], markup: Markup) -> str:
        value, mcse = row[name], row[f"{name}_mcse"]
        if abs(value) < 1e-9:
            return small(value, markup)
        n = max(4, decimals(mcse))  # residuals are fractions of the class mass
        return markup.math.format(f"{value:+.{n}f}{markup.plus_minus}{mcse:.{n}f}")

    return write
