"""Frozen records of a study: what a block of replications hands over, and how it is stacked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from equations.mean_proba import FloatArray, IntArray
from simulations.measure import MeasuredValues

Rows = TypeVar("Rows", "Measurements", "Fits")

FAILED_STATUSES = ("separated", "diverged", "failed")
"""Fits without a model to measure."""


@dataclass(frozen=True)
class Measurements:
    """Measurements of one data cell, one row per (setting, run, epoch, stage, split).

    Arrays share their first axis. ``setting`` names the λ setting, ``stage`` is raw, bias or head,
    ``split`` is train, test or population; the values are those of `simulations.measure.measure`.
    """

    setting: NDArray[np.str_]
    run: IntArray
    epoch: IntArray
    stage: NDArray[np.str_]
    split: NDArray[np.str_]
    class_count: IntArray
    mean_proba: FloatArray
    miss_proba: FloatArray
    confusion: IntArray
    log_loss: FloatArray
    second_moment: FloatArray

    def __len__(self) -> int:
        return len(self.run)


@dataclass(frozen=True)
class Fits:
    """Fits of one data cell, one row per (setting, run, epoch, stage).

    ``status`` is converged, not converged, separated, diverged or failed; ``reason`` is empty or
    says on one line why there is no model; ``traceback`` then has the key of the replication, and
    the traceback where it raised. ``bias`` and ``bias_gradient`` have shape (n_rows, n_classes),
    NaN without a model. Units as in `simulations.fitters.fit.Fit`, but for ``gradient_norm`` of the
    comparison of losses (`simulations.studies.losses.block`). ``path_gradient`` is the mean
    minibatch gradient in the output bias along a path of training, and ``path_identity`` what E9
    says that it is; NaN where no path was recorded.
    """

    setting: NDArray[np.str_]
    run: IntArray
    epoch: IntArray
    stage: NDArray[np.str_]
    status: NDArray[np.str_]
    reason: NDArray[np.str_]
    traceback: NDArray[np.str_]
    n_iter: IntArray
    loss: FloatArray
    gradient_norm: FloatArray
    bias: FloatArray
    bias_gradient: FloatArray
    path_gradient: FloatArray
    path_identity: FloatArray

    @property
    def has_model(self) -> NDArray[np.bool_]:
        """Which fits are measured, shape (n_rows,)."""
        return np.asarray(self.reason == "")

    def __len__(self) -> int:
        return len(self.run)


@dataclass(frozen=True)
class Block:
    """One block of replications of one data cell with all its λ settings, whole.

    ``seconds`` is what it took; ``timed_out`` is the limit that it ran past, or None; ``note`` says
    what was out of the ordinary.
    """

    cell: str
    index: int
    fits: Fits
    measurements: Measurements | None
    seconds: float = 0.0
    timed_out: float | None = None
    note: str = ""


def stack_measurements(
    rows: Iterable[tuple[str, int, int, str, str, MeasuredValues]],
) -> Measurements | None:
    """Stack rows (setting, run, epoch, stage, split, values); None where there are none."""
    flat = [(*key, *values) for *key, values in rows]
    if not flat:
        return None
    return Measurements(*(np.array(column) for column in zip(*flat, strict=True)))


def stack_fits(rows: Iterable[Sequence[Any]]) -> Fits:
    """Stack rows in the order of the fields of `Fits`, with or without those of a path."""
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    if not columns:
        return Fits(*(np.array(()) for _ in fields(Fits)))
    nothing = np.full_like(columns[-1], np.nan)
    columns += [nothing] * (len(fields(Fits)) - len(columns))
    return Fits(*columns)


def concatenate(blocks: Sequence[Block]) -> Block:
    """Join blocks of disjoint replications of one data cell; at least one."""
    measured = [b.measurements for b in blocks if b.measurements is not None]
    return replace(
        blocks[0],
        fits=_joined([b.fits for b in blocks]),
        measurements=_joined(measured) if measured else None,
    )


def _joined(parts: Sequence[Rows]) -> Rows:
    columns = {
        f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(parts[0])
    }
    return type(parts[0])(**columns)


def select(rows: Rows, **wanted: str | int) -> Rows:
    """Rows whose keys have the wanted values, e.g. ``select(rows, split="test", stage="raw")``.

    Parameters
    ----------
    rows : Measurements or Fits
    **wanted : str or int
        Field name and value.

    Returns
    -------
    the same kind of record, with fewer rows
    """
    keep = np.ones(len(rows), dtype=bool)
    for name, value in wanted.items():
        keep &= getattr(rows, name) == value
    return rows_where(rows, keep)


def rows_where(rows: Rows, keep: NDArray[np.bool_]) -> Rows:
    """Rows of `rows` where `keep`, shape (n_rows,), is true."""
    return type(rows)(**{f.name: getattr(rows, f.name)[keep] for f in fields(rows)})
