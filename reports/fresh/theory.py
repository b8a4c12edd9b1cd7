"""What state evolution says of the cells, and between them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.equations.limits.state_evolution import state_evolution
from learnprop.equations.limits.state_evolution.separability import separability_threshold
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.studies.fresh.study import FreshCell

if TYPE_CHECKING:
    import pandas as pd

N_POINTS = 24
"""Of a curve."""

NEAR = 0.98
"""How near to the threshold a curve goes, where that is known: there all gaps go to infinity."""


def share_of(train_size: Sequence[int]) -> FloatArray:
    """Share of the training samples in each class."""
    return np.array(train_size) / sum(train_size)


@cache
def predicted_gap(
    kappa: float, train_size: tuple[int, ...], weight: tuple[float, ...], separation: float
) -> FloatArray | None:
    """Gap on fresh data as samples and features grow, shape (n_classes,).

    Parameters
    ----------
    kappa : float
    train_size : tuple of int
        In these proportions.
    weight : tuple of float
        λ.
    separation : float

    Returns
    -------
    ndarray or None
        None where the training samples are separable, or nearly, and of too many classes.
    """
    equal = (1.0,) * len(train_size)
    if weight != equal and predicted_gap(kappa, train_size, equal, separation) is None:
        return None  # what separates the classes does so under any weights
    try:
        return state_evolution(
            kappa, class_share=share_of(train_size), class_weight=weight, separation=separation
        ).gap
    except BadArgument:
        return None


def threshold(cell: FreshCell) -> float:
    """κ beyond which training samples are separable; NaN for more than two classes."""
    if len(cell.train_size) > 2:
        return float("nan")
    return separability_threshold(class_share=share_of(cell.train_size), separation=cell.separation)


def curves(cells: Sequence[FreshCell]) -> pd.DataFrame:
    """Gap by state evolution from the smallest κ of each number of classes on.

    Parameters
    ----------
    cells : sequence of FreshCell

    Returns
    -------
    DataFrame
        One row per number of classes, λ setting, κ and class, up to the threshold where that is
        known, else to the largest κ of a cell that has a minimum.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for n_classes in dict.fromkeys(len(cell.train_size) for cell in cells):
        mine = [cell for cell in cells if len(cell.train_size) == n_classes]
        for setting, weight in mine[0].class_weight:
            for kappa in _grid(mine, weight):
                gap = predicted_gap(kappa, mine[0].train_size, weight, mine[0].separation)
                about = {"classes": n_classes, "setting": setting, "kappa": kappa}
                of_classes = enumerate(() if gap is None else gap.tolist())
                rows += [about | {"class": k, "gap": g} for k, g in of_classes]
    return pd.DataFrame(rows, columns=["classes", "setting", "kappa", "class", "gap"])


def _grid(cells: Sequence[FreshCell], weight: tuple[float, ...]) -> list[float]:
    """Values of κ of a curve; none where no cell has a minimum."""
    solved = [
        cell.kappa
        for cell in cells
        if predicted_gap(cell.kappa, cell.train_size, weight, cell.separation) is not None
    ]
    if not solved:
        return []
    largest = max(cell.kappa for cell in cells)
    high = np.fmin(largest, NEAR * threshold(cells[0])) if len(cells[0].train_size) == 2 else 0.0
    return np.geomspace(min(solved), max(high, *solved), N_POINTS).tolist()
