"""Table 1 from the store: predicted, observed and the paper's, per simulation, λ and split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from learnprop.equations.balance import binary_ratio, class_mass
from learnprop.equations.inference.estimates import mcse_of_mean, z_against_rounded
from learnprop.equations.limits.predictions import (
    RatioPrediction,
    posterior_mean_proba,
    predict_fixed_ratio,
    predict_logistic_ratio,
)
from learnprop.equations.limits.quadrature import Quadrature
from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.statistics.columns import (
    columns_of_balance,
    columns_of_predictions,
    columns_of_residual_split,
    columns_of_runs_predicted,
)
from learnprop.reports.statistics.evidence import (
    Part,
    SettingEvidence,
    Terms,
    evidence_of,
    read_cell,
)
from learnprop.reports.statistics.rows import Row, class_rows, of_all_classes
from learnprop.reports.statistics.runs import FEW_RUNS, ratio_over_runs
from learnprop.reports.table1.intervals import (
    RunIntervals,
    coverage_row,
    predicted_coverage,
    run_intervals,
)
from learnprop.simulations.engine.study import Study
from learnprop.simulations.generators.family import generator_of
from learnprop.simulations.records.store import Store
from learnprop.simulations.registry import Chosen
from learnprop.simulations.studies.table1.study import POPULATION, Table1Cell

if TYPE_CHECKING:
    import pandas as pd

OF_CLASS_0 = (
    "split", "rhs", "lhs_mean", "lhs_sd", "lhs_mcse", "ratio_of_means", "gap", "gap_low",
    "gap_high", "verdict", "runs_attempted", "runs_converged", "runs_failed", "max_bias_gradient",
    "lhs_sd_mcse", "residual", "residual_mcse", "gap_mcse", "gap_jackknife", "gap_jackknife_low",
    "gap_jackknife_high", "mean_loss", "mean_loss_mcse", "median_gradient_norm", "mean_iterations",
    "predicted_basis",
)  # fmt: skip
"""What the summary has of Eq. (9) for class 0, which is Eq. (10)."""

OF_RESIDUAL = (
    "optimisation", "optimisation_mcse", "overfitting", "overfitting_mcse",
    "overfitting_predicted", "overfitting_predicted_mcse", "sampling", "sampling_mcse",
    "unpredicted", "unpredicted_mcse", "gap_predicted", "gap_predicted_low", "gap_predicted_high",
    "gap_predicted_mcse", "runs_predicted",
)  # fmt: skip
"""Terms of class 0's residual, on test, and what left-out samples predict, where stored."""

OF_DEPTHS = (
    "split", "rhs", "gap", "gap_low", "gap_high", "verdict", "max_bias_gradient", "mean_loss",
    "mean_loss_mcse", "median_gradient_norm", "mean_iterations",
)  # fmt: skip
"""What is shown of every training depth."""

PAPER = {  # Table 1 as printed, by simulation and column: mean and SD of the LHS over 100 runs
    "sim1": ((10.05, 1.13), (1.00, 0.09), (0.50, 0.04)),
    "sim2": ((10.12, 0.67), (1.01, 0.05), (0.50, 0.03)),
}
PAPER_RUNS = 100
PAPER_HALF_UNIT = 0.005
PAPER_SIZES = ((1000, 10000), (1000, 1000))

FRESH = "test", "population"
"""Splits on which a run's interval speaks: of its training sample it would say nothing."""

LARGEST_SD = 0.1
"""Of a prediction, relative to its limit: there simulation has 2 per cent more, at 0.2 it has 9."""


@dataclass(frozen=True)
class Table1:
    """What Table 1 is drawn from.

    Attributes
    ----------
    summary : DataFrame
        One row per simulation, λ setting and split; the columns of ``summary.csv``.
    depth : DataFrame
        Sim2's gap at each training depth, raw and refined; empty for ``--training adam``.
    ratios : dict
        (simulation, setting) to the left sides of Eq. (10) on test over runs, shape (n_runs,).
    coverage : DataFrame
        How many runs' own intervals of the gap have zero inside, by simulation, setting and split,
        with what theory predicts; empty without a model.
    intervals : dict
        (simulation, setting, split) to those intervals.
    margin : float
        δ of the verdicts.
    """

    summary: pd.DataFrame
    depth: pd.DataFrame
    ratios: dict[tuple[str, str], np.ndarray]
    coverage: pd.DataFrame
    intervals: dict[tuple[str, str, str], RunIntervals]
    margin: float


def summarise(study: Study, store: Store) -> Table1:
    """Read a study of Table 1 and compute everything that its reports show."""
    import pandas as pd

    rows, depth_rows, coverage, ratios, intervals = [], [], [], {}, {}
    for cell in study.cells:
        fits, measured = read_cell(study, store, cell)
        terms = Terms(study.design["margin"], cell.train_size)
        for column, (setting, weight) in enumerate(cell.class_weight):
            about = {
                "simulation": cell.name,
                "lambda0": weight[0],
                "lambda1": weight[1],
                "n0": cell.train_size[0],
                "n1": cell.train_size[1],
            }
            name = {"setting": setting}
            evidence = evidence_of(study, cell, setting, fits, measured)
            for row in _rows(cell, evidence, terms):
                terms_of = {term: row.pop(term) for term in OF_RESIDUAL if term in row}
                row |= _predicted(cell, weight, row) | _paper(cell, column, row)
                rows.append(about | row | name | terms_of)
            if measured is not None:
                ratios[cell.name, setting] = binary_ratio(evidence.split("test").mean_proba)
                for split in FRESH:
                    runs = run_intervals(evidence.split(split), evidence.mass)
                    intervals[cell.name, setting, split] = runs
                    found = coverage_row(runs) | _predicted_coverage(cell, weight, split)
                    coverage.append(about | name | {"split": split} | found)
            for depth, stage in product(cell.depths, ("raw", "head")):
                at = evidence_of(study, cell, setting, fits, measured, (depth, stage))
                mine = about | name | {"max_iter": depth, "stage": stage}
                depth_rows += [
                    mine | {key: row.get(key, float("nan")) for key in OF_DEPTHS}
                    for row in _rows(cell, at, terms)
                ]
    return Table1(
        pd.DataFrame(rows), pd.DataFrame(depth_rows), ratios, pd.DataFrame(coverage), intervals,
        study.design["margin"],
    )  # fmt: skip


def _rows(cell: Table1Cell, evidence: SettingEvidence, terms: Terms) -> list[Row]:
    """One row per split: what class 0 has, and the accuracy of both."""
    basis = "finite sample" if cell.generator().log_density is None else "true posterior"
    rhs = {"rhs": float(evidence.mass[1] / evidence.mass[0])}

    def ratio(part: Part) -> Row:
        means = {"ratio_of_means": (1 + part.sides.gaps[0].value) * rhs["rhs"]}
        return ratio_over_runs(part.rows.mean_proba, part.mass) | means | {"predicted_basis": basis}

    columns = (
        columns_of_balance,
        columns_of_predictions,
        of_all_classes(ratio),
        of_all_classes(_of_fits),
        columns_of_residual_split,
        columns_of_runs_predicted,
    )
    of_classes = class_rows(evidence, terms, {"class": (0, 1)}, columns)
    rows = []
    for first, second in zip(of_classes[::2], of_classes[1::2], strict=True):
        row = {"split": first["split"], **rhs}
        row |= {name: first[name] for name in (*OF_CLASS_0, *OF_RESIDUAL) if name in first}
        for k, of_class in enumerate((first, second)):
            names = (name for name in ("accuracy", "accuracy_mcse") if name in of_class)
            row |= {name.replace("accuracy", f"accuracy_{k}"): of_class[name] for name in names}
        rows.append(row)
    return rows


def _of_fits(part: Part) -> dict[str, float]:
    """Loss per unit of mass, gradient and iterations of the fits."""
    models, total = part.evidence.models, part.mass.sum()
    return {
        "mean_loss": float(models.loss.mean() / total),
        "mean_loss_mcse": mcse_of_mean(models.loss / total),
        "median_gradient_norm": float(np.median(models.gradient_norm)),
        "mean_iterations": float(models.n_iter.mean()),
    }


def _predicted(cell: Table1Cell, weight: tuple[float, float], row: Row) -> dict[str, float]:
    """What theory predicts, and how far what was observed is from it."""
    prediction = predict(cell, weight, row["split"]) if "lhs_mean" in row else None
    if prediction is None:
        return {}
    found = {"predicted_mean": prediction.mean, "predicted_sd": prediction.sd}
    if row["split"] != "train":
        found["z_predicted"] = (row["lhs_mean"] - prediction.mean) / row["lhs_mcse"]
        enough = row["runs_attempted"] - row["runs_failed"] >= FEW_RUNS
        of_sd = (row["lhs_sd"] - prediction.sd) / row["lhs_sd_mcse"] if enough else float("nan")
        found["z_predicted_sd"] = of_sd
    return found


def predict(cell: Table1Cell, weight: tuple[float, float], split: str) -> RatioPrediction | None:
    """Mean and SD of the left side of Eq. (10) that theory predicts for a cell.

    Sim1: fitted logistic regressions on samples of this size. Sim2: the true posterior, whose
    spread is that of test sampling alone. On train the equation is an identity.

    Parameters
    ----------
    cell : Table1Cell
    weight : tuple of 2 float
        (λ_0, λ_1).
    split : {"train", "test", "population"}

    Returns
    -------
    RatioPrediction or None
        None where the expansion in 1/N is out of its depth, `LARGEST_SD`.
    """
    mass = class_mass(weight, cell.train_size)
    if split == "train":
        limit = float(mass[1] / mass[0])
        return RatioPrediction(limit, limit, 0.0)
    size = cell.test_size if split == "test" else (POPULATION, POPULATION)
    if cell.generator().log_density is None:
        classes = cell.generator().quadrature()
        prediction = predict_logistic_ratio(classes, weight, cell.train_size, size)
    else:
        prediction = predict_fixed_ratio(*_true_posterior(cell, weight), size)
    return prediction if prediction.sd <= LARGEST_SD * prediction.limit else None


def _predicted_coverage(
    cell: Table1Cell, weight: tuple[float, float], split: str
) -> dict[str, float]:
    """Share of the runs' intervals that theory expects to have zero inside, of Sim1's models."""
    sampled = predict(cell, weight, split) if cell.generator().log_density is None else None
    if sampled is None:
        return {}
    limit = predict_logistic_ratio(cell.generator().quadrature(), weight, cell.train_size)
    return {"coverage_predicted": predicted_coverage(sampled, limit)}


@lru_cache
def _true_posterior(cell: Table1Cell, weight: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """P and second moments of the true posterior: on test and population the same."""
    return posterior_mean_proba(*_nodes(cell.family), class_mass(weight, cell.train_size))


@lru_cache(maxsize=1)
def _nodes(family: Chosen) -> tuple[Sequence[Quadrature], list[FloatArray]]:
    """Quadrature of the classes, 100,000 nodes of each, and log densities there: of every λ."""
    generator = generator_of(family)
    classes, log_density = generator.quadrature(), generator.log_density
    assert log_density is not None
    return classes, [log_density(c.nodes) for c in classes]


def predicted_gap_sd(cell: Table1Cell) -> dict[str, float | None]:
    """SD over runs of the gap on test, by λ setting, where theory predicts it of fitted models.

    Parameters
    ----------
    cell : Table1Cell

    Returns
    -------
    dict of str to float or None
        Empty for Sim2, whose prediction knows nothing of training.

    Examples
    --------
    >>> from learnprop.simulations.studies.table1.study import Options, make_study
    >>> sim1, sim2 = make_study(Options()).cells
    >>> round(predicted_gap_sd(sim1)["1/2"], 3), predicted_gap_sd(sim2)
    (0.095, {})
    """
    if cell.generator().log_density is not None:
        return {}
    found: dict[str, float | None] = {}
    for setting, weight in cell.class_weight:
        prediction = predict(cell, weight, "test")
        found[setting] = None if prediction is None else prediction.sd / prediction.limit
    return found


def _paper(cell: Table1Cell, column: int, row: Row) -> dict[str, float]:
    """The paper's number beside ours, where it measured the same thing."""
    if row["split"] != "test" or (cell.train_size, cell.test_size) != PAPER_SIZES:
        return {}
    mean, sd = PAPER[cell.name][column]
    paper: dict[str, float] = {"paper_mean": mean, "paper_sd": sd}
    if "lhs_mean" in row:
        error = sd / PAPER_RUNS**0.5
        z = z_against_rounded(row["lhs_mean"], row["lhs_mcse"], mean, error, PAPER_HALF_UNIT)
        paper["z_paper_low"], paper["z_paper_high"] = z
    return paper
