"""Test accuracy over the epochs of a training, and what choosing one on the test set would give."""

from __future__ import annotations

from typing import Any

import numpy as np

from learnprop.equations.inference.estimates import mcse_of_mean
from learnprop.reports.losses.differences import accuracy_by_run
from learnprop.reports.statistics.columns import accuracy_of_runs
from learnprop.simulations.records.rows import Measurements, select
from learnprop.simulations.studies.losses.block import LossCell


def epoch_rows(cell: LossCell, measured: Measurements) -> list[dict[str, Any]]:
    """Test accuracy before the first step and after every epoch, as trained."""
    rows = []
    for epoch in (0, *cell.measure_at):
        part = _as_trained(measured, epoch)
        if not len(part):
            continue
        accuracy = accuracy_of_runs(part)
        row = {"epoch": epoch, "accuracy": float(accuracy.mean()), "runs": len(part)}
        row["accuracy_mcse"] = mcse_of_mean(accuracy) if len(part) > 1 else float("nan")
        rows.append(row | {"least": float(accuracy.min()), "largest": float(accuracy.max())})
    return rows


def best_epoch(
    cell: LossCell, measured: Measurements | None, last: Measurements | None
) -> dict[str, float]:
    """Mean over runs of each run's best test accuracy: as if epochs were chosen on the test set.

    Parameters
    ----------
    cell : LossCell
    measured : Measurements or None
    last : Measurements or None
        Of them those on test after the last epoch: runs that have a model there.

    Returns
    -------
    dict
        ``best_epoch_accuracy`` and ``best_epoch_accuracy_mcse``; NaN where there are too few runs.
    """
    if measured is None or last is None:
        best = np.empty(0)
    else:
        after = [accuracy_by_run(_as_trained(measured, epoch)) for epoch in cell.measure_at]
        best = np.array([max(by_run[run] for by_run in after) for run in last.run.tolist()])
    return {
        "best_epoch_accuracy": float(best.mean()) if len(best) else float("nan"),
        "best_epoch_accuracy_mcse": mcse_of_mean(best) if len(best) > 1 else float("nan"),
    }


def _as_trained(measured: Measurements, epoch: int) -> Measurements:
    """Measurements on test after an epoch."""
    return select(measured, epoch=epoch, stage="raw", split="test")
