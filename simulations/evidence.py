"""From fitted models to the rows of a block: what every study records of its fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import compress

import numpy as np

from simulations.blocks import BLOCK_SIZE
from simulations.fitters.fit import CONVERGED, NOT_CONVERGED, REASONS, Fit, Fitted
from simulations.generators.generator import Generator, Sample, sample
from simulations.measure import measure
from simulations.records import Block, stack_fits, stack_measurements
from simulations.seeds import replication_rng

SPLITS = ("train", "test", "population")


def drawing(
    generator: Generator, seed: int, cell: str
) -> Callable[[int, str, Sequence[int]], Sample]:
    """Return what draws a sample of given class sizes for one stream of one run of a cell.

    Parameters
    ----------
    generator : Generator
    seed : int
    cell : str

    Returns
    -------
    callable ``(run, stream, class_count) -> (X, y)``
    """

    def draw(run: int, stream: str, class_count: Sequence[int]) -> Sample:
        return sample(generator, class_count, replication_rng(seed, cell, run, stream))

    return draw


def record(
    cell: str,
    runs: range,
    fitted: Sequence[Fitted],
    samples_of: Callable[[int], Mapping[str, Sample]],
) -> Block:
    """Measure fitted models on the samples of each run.

    Parameters
    ----------
    cell : str
    runs : range
    fitted : sequence of Fitted
    samples_of : callable ``(i) -> mapping``
        Samples of the i-th run of the block by name.

    Returns
    -------
    Block
        A fit without a model has its reason and no measurements.
    """
    fit_rows, measurement_rows = [], []
    for i, run in enumerate(runs):
        samples = samples_of(i)
        for batch in fitted:
            usable = np.isin(batch.fit.status[i], (CONVERGED, NOT_CONVERGED))
            for k, setting in enumerate(batch.settings):
                key = (setting, run, batch.epoch, batch.stage)
                fit_rows.append((*key, *_fit_values(batch.fit, (i, k), bool(usable[k]))))
            params = batch.fit.params[i][usable]
            for split, name in (batch.samples or {s: s for s in SPLITS if s in samples}).items():
                features, labels = samples[name]
                logits = batch.logits_of(features, params)
                for setting, z in zip(compress(batch.settings, usable), logits, strict=True):
                    values = measure(labels, z, batch.activation)
                    row = (setting, run, batch.epoch, batch.stage, split, values)
                    measurement_rows.append(row)
    return Block(
        cell=cell,
        index=runs.start // BLOCK_SIZE,
        fits=stack_fits(fit_rows),
        measurements=stack_measurements(measurement_rows),
    )


def _fit_values(found: Fit, at: tuple[int, int], usable: bool) -> tuple:
    status = str(found.status[at])
    none = np.full_like(found.bias[at], np.nan)
    return (
        status,
        "" if usable else REASONS[status],
        "",
        int(found.n_iter[at]),
        float(found.loss[at]),
        float(found.gradient_norm[at]),
        found.bias[at] if usable else none,
        found.bias_gradient[at] if usable else none,
    )
