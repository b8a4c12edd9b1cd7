"""The batched fitters on the device against the processor: seconds, and the largest difference."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import learnprop
from benchmarks.gpu.stages.at import At
from learnprop.equations.mean_proba import FloatArray

FITTERS = ("softmax", "one-vs-all", "mlp")


def run(at: At) -> None:
    """Table 1, and Eq. (9) of five classes with every fitter of K classes; small."""
    runs, sizes, size = (2, (20, 60), 60) if at.quick else (25, (200, 2000), 2500)
    _compare(at, "table1", runs=runs, train_size=sizes, test_size=(50, 50), max_iter=30)
    for fitter in FITTERS:
        _compare(at, "multiclass", runs=runs, train_size=size, fitter=fitter)


def _compare(at: At, study: str, **chosen: Any) -> None:
    what = " ".join([study, chosen.get("fitter", "")]).strip()
    tables = {}
    for device in dict.fromkeys((at.device.type, "cpu")):
        started = time.perf_counter()
        result = getattr(learnprop, study)(device=device, **chosen)
        at.say(f"{what} on {device}", time.perf_counter() - started, "s")
        tables[device] = result.to_frame().select_dtypes("number").to_numpy(dtype=float)
    at.say(
        f"{what}: device and processor in summary.csv",
        largest_difference(tables[at.device.type], tables["cpu"]),
        "largest difference over max(1, |value|)",
    )


def largest_difference(mine: FloatArray, theirs: FloatArray) -> float:
    """Largest difference over max(1, value); infinite where only one of them is a number.

    Examples
    --------
    >>> largest_difference(np.array([1.0, np.nan, np.inf]), np.array([1.5, np.nan, np.inf]))
    0.3333333333333333
    >>> largest_difference(np.array([1.0, np.nan]), np.array([1.0, 2.0]))
    inf
    """
    same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
    with np.errstate(invalid="ignore"):
        relative = np.abs(mine - theirs) / np.maximum(1.0, np.abs(theirs))
    return float(np.nan_to_num(np.where(same, 0.0, relative), nan=np.inf).max())
