"""Batched fitters on the device and on the processor, and small studies that choose their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from learnprop.simulations.fitters import FITTERS
from learnprop.simulations.fitters.fitter import Batch
from learnprop.simulations.registry import choose
from learnprop.simulations.studies.controls import study as controls
from learnprop.simulations.studies.table1 import study as table1
from tests.pretended.report import Part, rehearsed

EXACT = 1e-9
"""Of fits by Newton's method in float64, to a gradient of 1e-12."""

TRAINED = 1e-5
"""Of training that stops on the way, in float32."""

MAGNIFIED = 1e-3
"""Of BFGS in float32, whose products numpy takes on the processor: an output layer on units that
are nearly alike, solved afterwards, magnifies their rounding."""

N_RUNS, N_SAMPLES = 3, 60

TABLE1 = table1.Options(train_size=(200, 600), test_size=(50, 50), max_iter=3)
"""Three steps of BFGS: each hands on, magnified, how the last was rounded to single precision."""
STUDIES = {
    "table1, bfgs": table1.make_study(TABLE1),
    "table1, adam": table1.make_study(replace(TABLE1, training="adam", epochs=2)),
    "controls": controls.make_study(controls.Options()),
}
"""Small ones."""


def rehearse_fitters(device: str) -> Iterator[Part]:
    """Fit with every line of `FITTERS`, and as the studies do that choose their own.

    Of separated classes only that they are is compared: nothing else is defined.

    Parameters
    ----------
    device : str

    Yields
    ------
    Part
    """
    for name, line in FITTERS.items():
        chosen = choose(FITTERS, name, {"hidden": 4, "epochs": 2})
        for apart in (False, True):
            X, y = _samples(line.n_classes or 3, apart)

            def fits(where: str) -> Any:
                found = chosen.record.fit(_batch(X, y, name, where), **chosen.options)  # noqa: B023
                return [one.fit.status for one in found] if apart else found  # noqa: B023

            yield rehearsed(
                f"fit, {name}, {'separated' if apart else 'overlapping'}",
                fits,
                fits("cpu"),
                device,
                bound=EXACT,
            )
    for name, study in STUDIES.items():
        for cell in study.cells:

            def block(where: str) -> Any:
                return vars(study.compute_block(replace(cell, device=where), 0, range(1)))  # noqa: B023

            yield rehearsed(
                f"block, {name} {cell.name}",
                block,
                block("cpu"),
                device,
                bound=MAGNIFIED if name == "table1, bfgs" else TRAINED,
            )


def _samples(n_classes: int, apart: bool) -> tuple[Any, Any]:
    """Features of which one has an outlier in the second run, and labels."""
    rng = np.random.default_rng(0)
    y = np.arange(N_SAMPLES) % n_classes
    X = rng.normal(size=(N_RUNS, N_SAMPLES, 2)) + y[:, None]
    if apart:
        X[:, :, 0] += 20.0 * y
    else:
        X[1, 0, 1] = 1e6
    return X, y


def _batch(X: Any, y: Any, fitter: str, device: str) -> Batch:
    n_classes = int(y.max()) + 1
    weights = [np.ones(n_classes), np.linspace(1, 2, n_classes)]
    values: Sequence[Any] = [0.0, 2.0] if fitter == "lgl-inr" else weights
    rngs = {stream: [np.random.default_rng([i, r]) for r in range(N_RUNS)]
            for i, stream in enumerate(("start", "minibatch"))}  # fmt: skip
    return Batch(X, y, ("first", "second"), values, device, rngs.__getitem__)
