"""Frozen records of a study: what a block of replications hands over, and how it is stacked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from learnprop.equations.arguments import instance_of
from learnprop.equations.mean_proba import FloatArray, IntArray
from learnprop.simulations.records.measure import Measured

Rows = TypeVar("Rows", "Measurements", "Fits")
Word = TypeVar("Word")
Whole = TypeVar("Whole")
Real = TypeVar("Real")
"""Of one row str, int and float, of many an array of them."""

CONVERGED, NOT_CONVERGED, SEPARATED, DIVERGED = (
    "converged",
    "not converged",
    "separated",
    "diverged",
)
REASONS = {
    SEPARATED: "separated: a hyperplane parts the classes, so the loss has no minimum",
    DIVERGED: "diverged: the loss or a gradient is not finite",
}
"""Why a fit has no model to measure."""


def with_way_on(reason: str, design: Mapping[str, Any]) -> str:
    """Why fits have no model, and what there is to do, where the study has an option for it.

    Parameters
    ----------
    reason : str
        As it is stored.
    design : mapping
        Of the study.

    Returns
    -------
    str
        Options are marked by backticks, for `learnprop.equations.arguments.Worded`.

    Examples
    --------
    >>> with_way_on(REASONS[SEPARATED], {"l2": 0.0}).partition("; ")[2]
    'it has one with `l2` 1, or take `fitter` mlp'
    >>> with_way_on("diverged", {"l2": 0.0})
    'diverged'
    """
    if reason == REASONS[SEPARATED] and "l2" in design:
        return f"{reason}; it has one with `l2` 1, or take `fitter` mlp"
    return reason


FAILED_STATUSES = (SEPARATED, DIVERGED, "failed")
"""Fits without a model to measure."""

KEY = ("run", "setting", "epoch", "stage", "split")
"""What tells the rows of a data cell apart, in the order in which a store gives them back."""


@dataclass(frozen=True)
class _FitKey(Generic[Word, Whole]):
    """Fields of one value a row say its SQL type; the rest say what `Measured` says of them."""

    setting: Word = field(metadata={"sql": "TEXT"})
    run: Whole = field(metadata={"sql": "INTEGER"})
    epoch: Whole = field(metadata={"sql": "INTEGER"})
    stage: Word = field(metadata={"sql": "TEXT"})


@dataclass(frozen=True)
class _MeasurementKey(_FitKey[Word, Whole]):
    split: Word = field(metadata={"sql": "TEXT"})


@dataclass(frozen=True)
class MeasurementRow(_MeasurementKey[str, int]):
    """What was measured of one fit on one split, with its key."""

    measured: Measured


@dataclass(frozen=True)
class Measurements(Measured, _MeasurementKey[NDArray[np.str_], IntArray]):
    """Measurements of one data cell, one row per (setting, run, epoch, stage, split).

    Arrays share their first axis. ``setting`` names the λ setting, ``stage`` is raw, bias, heldout,
    head or loo, ``split`` is train, test, population or left out; the values are those of
    `learnprop.simulations.records.measure.Measured`.
    """

    def __len__(self) -> int:
        return len(self.run)


@dataclass(frozen=True)
class _Fit(_FitKey[Word, Whole], Generic[Word, Whole, Real]):
    status: Word = field(metadata={"sql": "TEXT NOT NULL"})
    reason: Word = field(metadata={"sql": "TEXT NOT NULL"})
    traceback: Word = field(metadata={"sql": "TEXT NOT NULL"})
    n_iter: Whole = field(metadata={"sql": "INTEGER NOT NULL"})
    loss: Real = field(metadata={"sql": "REAL"})
    gradient_norm: Real = field(metadata={"sql": "REAL"})
    bias: FloatArray = field(metadata={"dtype": "<f8", "class_axes": 1})
    bias_gradient: FloatArray = field(metadata={"dtype": "<f8", "class_axes": 1})
    path_gradient: FloatArray = field(metadata={"dtype": "<f8", "class_axes": 1})
    path_identity: FloatArray = field(metadata={"dtype": "<f8", "class_axes": 1})


@dataclass(frozen=True)
class FitRow(_Fit[str, int, float]):
    """One fit, as `Fits` has it; arrays have shape (n_classes,)."""


@dataclass(frozen=True)
class Fits(_Fit[NDArray[np.str_], IntArray, FloatArray]):
    """Fits of one data cell, one row per (setting, run, epoch, stage).

    ``status`` is converged, not converged, separated, diverged or failed; ``reason`` is empty or
    says on one line why there is no model; ``traceback`` then has the key of the replication, and
    the traceback where it raised. ``bias`` and ``bias_gradient`` have shape (n_rows, n_classes),
    NaN without a model. Units as in `learnprop.simulations.fitters.fit.Fit`, but for
    ``gradient_norm`` of the comparison of losses (`learnprop.simulations.studies.losses.block`).
    ``path_gradient`` is the mean minibatch gradient in the output bias along a path of training,
    and ``path_identity`` what E9 says that it is; NaN where no path was recorded.
    """

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


def columns_of(record: Any) -> dict[str, str]:
    """Fields of one value a row: name to SQL type, in the order of the record."""
    return {f.name: f.metadata["sql"] for f in fields(record) if "sql" in f.metadata}


def key_of(record: Any) -> list[str]:
    """Fields that tell the rows of a record apart, in the order of `KEY`."""
    names = columns_of(record)
    return [name for name in KEY if name in names]


def fit_without_model(
    setting: str, run: int, epoch: int, stage: str, *, status: str, reason: str, n_classes: int,
    traceback: str = "", n_iter: int = 0,
) -> FitRow:  # fmt: skip
    """Lay out a fit that has no numbers."""
    nan, none = float("nan"), np.full(n_classes, np.nan)
    return FitRow(
        setting, run, epoch, stage, status, reason, traceback, n_iter, loss=nan, gradient_norm=nan,
        bias=none, bias_gradient=none, path_gradient=none, path_identity=none,
    )  # fmt: skip


def stack_measurements(rows: Sequence[MeasurementRow]) -> Measurements | None:
    """Stack measurements; None where there are none."""
    _check_rows(rows, MeasurementRow)
    if not rows:
        return None
    keys = _stacked(rows, columns_of(Measurements))
    values = _stacked([row.measured for row in rows], [f.name for f in fields(Measured)])
    return Measurements(**keys, **values)


def stack_fits(rows: Sequence[FitRow]) -> Fits:
    """Stack fits, in their order."""
    _check_rows(rows, FitRow)
    return Fits(**_stacked(rows, [f.name for f in fields(Fits)]))


def _check_rows(rows: Sequence[Any], kind: type) -> None:
    for row in instance_of(rows, "rows", Sequence):
        instance_of(row, "rows", kind)


def _stacked(rows: Sequence[Any], names: Iterable[str]) -> dict[str, np.ndarray]:
    return {name: np.array([getattr(row, name) for row in rows]) for name in names}


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
