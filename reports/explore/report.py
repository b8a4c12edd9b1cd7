"""How a grid of imbalance ratios and λ is reported."""

from __future__ import annotations

from functools import partial

from learnprop.reports.explore.balance_figures import draw_gap, draw_sides
from learnprop.reports.explore.named_weight_figures import are_few
from learnprop.reports.explore.protocol import explore_protocol
from learnprop.reports.explore.summary import Explore, summarise
from learnprop.reports.explore.text import (
    accuracy_grid,
    gap_grid,
    overfitting_grid,
    predicted_grid,
    ratio_grid,
)
from learnprop.reports.explore.weight_figures import draw_accuracy, draw_mean_proba
from learnprop.reports.layout.cells import has_predicted, observed_overfitting
from learnprop.reports.study_report import Contents, NamedFigure, NamedTable, StudyReport


def explore_contents(table: Explore) -> Contents:
    """Tables, figures and the data frame of a grid."""
    frames = {"summary": table.summary}
    if len(table.curve):
        frames["curve"] = table.curve
    return Contents(frames, _tables(table), _figures(table))


def _equation(table: Explore) -> str:
    return "Eq. (10)" if table.n_classes == 2 else "Eq. (9)"


def _whose_gap(table: Explore) -> str:
    """What a caption adds of more than two classes."""
    several = table.n_classes > 2
    return "; of the class where it is largest, the verdict on all" if several else ""


def _tables(table: Explore) -> tuple[NamedTable, ...]:
    arm = "90 %" if table.n_classes == 2 else "95 % simultaneous"
    grids = (
        NamedTable(
            "explore",
            f"Gap of {_equation(table)} on test data{_whose_gap(table)}; per cent ± the longer arm "
            f"of the {arm} interval, or that interval; ?: inconclusive, !: fails",
            partial(gap_grid, table),
        ),
        *_corrected(table, arm),
        *_predicted(table),
        NamedTable(
            "explore_balanced_accuracy",
            "Balanced accuracy on test data, per cent ± Monte Carlo standard error",
            partial(accuracy_grid, table, "balanced_accuracy"),
        ),
        NamedTable(
            "explore_overall_accuracy",
            "Accuracy on test data at training priors, per cent ± Monte Carlo standard error",
            partial(accuracy_grid, table, "overall_accuracy"),
            on_console=False,
        ),
    )
    at_ratios = (
        NamedTable(
            f"explore_ratio_{ratio:g}".replace(".", "_"),
            f"All classes at imbalance ratio {ratio:g}, on test data; sides in per cent of the "
            "total mass",
            partial(ratio_grid, table, ratio),
            on_console=False,
        )
        for ratio in table.ratios
    )
    return (*grids, *at_ratios)


def _corrected(table: Explore, arm: str) -> list[NamedTable]:
    """The gaps with intervals for new data, where all runs split one file."""
    if not table.n_samples:
        return []
    title = (
        f"The same gaps with {arm} intervals corrected for new data, and the verdicts that these "
        "would give"
    )
    return [NamedTable("explore_corrected", title, partial(gap_grid, table, corrected=True))]


def _predicted(table: Explore) -> list[NamedTable]:
    """What left-out training samples predict of the gaps, where they do."""
    if not has_predicted(table.summary):
        return []
    error = "± Monte Carlo standard error"
    gap = f"Gap on fresh data that the training samples alone predict; per cent {error}"
    observed = observed_overfitting(table.summary).replace("_", " ")
    overfitting = (
        f"Residual on test data: {observed}, observed / overfitting, predicted by the training "
        f"samples alone; per cent of the class's own mass {error}"
    )
    return [
        NamedTable("explore_predicted", gap, partial(predicted_grid, table)),
        NamedTable("explore_overfitting", overfitting, partial(overfitting_grid, table)),
    ]


def _figures(table: Explore) -> tuple[NamedFigure, ...]:
    curve = f"; lines: {table.limit_basis}" if table.limit_basis else ""
    named = are_few(table)
    against = "by weights" if named else "against the weight of class 0"
    if table.n_classes > 2 and not named:
        curve += "; open: the other classes are not weighted alike"
    intervals = "90 % intervals"
    if table.n_samples:
        intervals += " over runs that split one file"
    bounds = ""
    if "balanced_accuracy_low" in table.summary:
        bounds = (
            f"; {'thin' if named else 'bands'}: where mean probabilities say that it must be, "
            "from 2 p̄ - 1 to K p̄ class by class"
        )
    predicted = ""
    if has_predicted(table.summary):
        predicted = "; dashes: the gap that left-out training samples predict"
    if "loo" in table.stages:
        predicted += "; crosses: the gap of repaired fits"
    return (
        NamedFigure(
            "sides",
            f"Left against right side of {_equation(table)} on test data, and their gap, with "
            f"{intervals}; open: the interval is unbounded{predicted}",
            partial(draw_sides, table),
        ),
        NamedFigure(
            "mean_proba",
            f"Mean probability of the own class on test data {against}, with {intervals}{curve}",
            partial(draw_mean_proba, table),
        ),
        NamedFigure(
            "accuracy",
            f"Accuracy on test data {against}, with {intervals}{bounds}",
            partial(draw_accuracy, table),
        ),
        NamedFigure(
            "gap",
            f"Gap on test data by weights and imbalance{_whose_gap(table)}",
            partial(draw_gap, table),
        ),
    )


REPORT = StudyReport(
    title="A grid of imbalance ratios and class weights",
    ademp=explore_protocol,
    summarise=summarise,
    contents=explore_contents,
)
