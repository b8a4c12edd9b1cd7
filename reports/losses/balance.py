"""What each loss leaves in balance: the two sides that it states, e.g. of Eq. (9) or E10."""

from __future__ import annotations

from typing import Any

import numpy as np

from learnprop.equations.losses import LOSSES, REFERENCE
from learnprop.equations.losses.loss import Balance, Loss
from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.losses.differences import resplit_of
from learnprop.reports.statistics.columns import Columns, columns_of_sides
from learnprop.reports.statistics.resplit import columns_of_corrected
from learnprop.reports.statistics.sides import sides_from
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.records.rows import CONVERGED, Fits, Measurements, select
from learnprop.simulations.studies.losses.block import LossCell

MARGIN = 0.05
"""Gap that still counts as none."""


def by_balance() -> dict[Balance, list[Loss]]:
    """Losses by the balance that they state, the reference first.

    Examples
    --------
    >>> {balance.name: [loss.label for loss in of] for balance, of in by_balance().items()}
    {'Eq. (9)': ['SML', 'LGL'], 'E10': ['LGL-INR']}
    """
    found: dict[Balance, list[Loss]] = {}
    for loss in sorted(LOSSES.values(), key=lambda loss: loss != REFERENCE):
        if loss.balance:
            found.setdefault(loss.balance, []).append(loss)
    return found


def balance_rows(cell: LossCell, fits: Fits, measured: Measurements) -> list[dict[str, Any]]:
    """Both sides of a loss's balance after the last epoch, one row per stage, split and class.

    A loss that states none has no rows.

    Parameters
    ----------
    cell : LossCell
    fits : Fits
    measured : Measurements

    Returns
    -------
    list of dict
        ``left`` and ``right`` as shares of the class mass w_k (Eq. 9), or as they are (E10); with
        two runs or more their MCSEs, and the gap with its interval over runs; on test also the
        corrected one where runs split one data set. The verdict is empty on a test set that all
        runs share, whose own error the interval does not have.
    """
    rows: list[dict[str, Any]] = []
    if not cell.loss.kind.balance:
        return rows
    labels = dataset_named(cell.dataset).labels
    for stage in cell.stages:
        last = cell.recipe.epochs
        mine = select(fits, stage=stage, epoch=last)
        for split in ("train", "test"):
            part = select(measured, split=split, stage=stage, epoch=last)
            if not len(part):
                continue
            left, right = sides_of_loss(cell, part)
            columns: Columns = {
                "left": left.mean(axis=0).tolist(),
                "right": right.mean(axis=0).tolist(),
                "largest_difference": np.abs(left - right).max(axis=0).tolist(),
            }
            if len(part) > 1:
                converged = bool((mine.status[mine.has_model] == CONVERGED).all())
                sides = sides_from(left, right, margin=MARGIN, converged=converged)
                columns |= columns_of_sides(sides)
                if split == "test" and cell.shares_test_set:  # its own error is not in the interval
                    columns |= {"verdict": [""] * len(labels)}
                elif split == "test":
                    corrected = sides_from(
                        left,
                        right,
                        margin=MARGIN,
                        converged=converged,
                        resplit=resplit_of(cell, part),
                    )
                    columns |= columns_of_corrected(corrected)
            path = _largest(mine.path_gradient), _largest(mine.path_gradient - mine.path_identity)
            about: dict[str, Any] = {"stage": stage, "split": split, "runs": len(part)}
            about |= {"path_gradient": path[0], "path_difference": path[1]}
            rows += [
                about | {"class": label} | {name: values[k] for name, values in columns.items()}
                for k, label in enumerate(labels)
            ]
    return rows


def sides_of_loss(cell: LossCell, part: Measurements) -> tuple[FloatArray, FloatArray]:
    """Both sides of each run, (n_runs, n_classes), over the class's own mass.

    Parameters
    ----------
    cell : LossCell
    part : Measurements
        Of one split.

    Returns
    -------
    left, right : ndarray
    """
    return cell.loss.sides(part.mean_proba, part.miss_proba, np.array(cell.train_size, float))


def _largest(values: FloatArray) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(known.max()) if len(known) else float("nan")
