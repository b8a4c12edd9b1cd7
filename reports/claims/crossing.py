"""The design with a hard class as a table: what becomes of it at every combination of levels."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING

from learnprop.equations.inference.estimates import mcse_of_mean
from learnprop.reports.claims.hard_class import COMPARED, HARD
from learnprop.reports.claims.readings import (
    Evidence,
    accuracy,
    own_proba,
    taken_for_target,
    target_proba,
)
from learnprop.reports.layout.grid import Grid, runs_note
from learnprop.reports.layout.numbers import TEXT, Markup
from learnprop.reports.statistics.runs import mean_with_interval
from learnprop.simulations.studies.claims.hard_class import HARD_SIZE, N_EASY, hard_class_cell

if TYPE_CHECKING:
    import pandas as pd

QUANTITIES = {
    "accuracy": accuracy,
    "taken for the target": taken_for_target,
    "p of the target": target_proba,
    "p of itself": own_proba,
}
"""Of the hard class, on test."""

LEVELS = ("place", "sizes", "loss", "n_easy", "design", "quantity")
NUMBERS = ("mean", "low", "high", "mcse")


def crossing(found: Evidence, counts: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Mean over runs of every quantity of the hard class, with interval and standard error.

    Parameters
    ----------
    found : Evidence
    counts : mapping of design to counts of runs

    Returns
    -------
    DataFrame
        Without easy classes a design is of both places, and listed under each; NaN where there
        are no two models.
    """
    import pandas as pd

    rows = []
    for place, sizes, loss in product(N_EASY, HARD_SIZE, COMPARED):
        for n_easy, quantity in product(N_EASY[place], QUANTITIES):
            design = hard_class_cell(place, n_easy, sizes)
            levels = (place, sizes, loss, n_easy, design, quantity)
            row: dict[str, object] = dict(zip(LEVELS, levels, strict=True))
            if (design, loss) in found.test:
                values = QUANTITIES[quantity](found.test[design, loss], 1)
                mean = mean_with_interval(values)
                numbers = mean.value, mean.low, mean.high, mcse_of_mean(values)
                row |= dict(zip(NUMBERS, numbers, strict=True))
            rows.append(row | dict(counts.get(design, {})))
    frame = pd.DataFrame(rows)
    return frame.reindex(columns=list(dict.fromkeys([*LEVELS, *NUMBERS, *frame])))


def crossing_grid(frame: pd.DataFrame, markup: Markup = TEXT) -> Grid:
    """Lay the accuracy of the hard class out, a column for every number of easy classes.

    Parameters
    ----------
    frame : DataFrame
        As `crossing` makes it.
    markup : Markup

    Returns
    -------
    Grid
    """
    accuracies = frame[frame["quantity"] == "accuracy"]
    numbers = sorted(set(accuracies["n_easy"]))
    rows: list[tuple[str, ...] | None] = []
    for (place, sizes, loss), group in accuracies.groupby(["place", "sizes", "loss"], sort=False):
        cells = {row["n_easy"]: _cell(row, markup) for row in group.to_dict("records")}
        rows.append((f"{HARD[sizes]}, easy classes {place}: {loss}",
                     *(cells.get(n, "not run") for n in numbers)))  # fmt: skip
    heads = ("accuracy of the hard class", *(f"{n} easy" for n in numbers))
    return Grid(heads, tuple(rows), note=runs_note(frame))


def _cell(row: Mapping, markup: Markup) -> str:
    if not row["low"] <= row["high"]:  # NaN: no two models
        return "-"
    interval = f"[{row['low']:.3f}, {row['high']:.3f}]"
    return markup.math.format(f"{row['mean']:.3f}{markup.space}{interval}")
