"""From fitted models to the rows of a block: what every study records of its fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress
from typing import Any

import numpy as np

from learnprop.equations.mean_proba import FloatArray, IntArray
from learnprop.simulations.engine.seeds import replication_rng
from learnprop.simulations.engine.study import BLOCK_SIZE
from learnprop.simulations.engine.within import tell
from learnprop.simulations.fitters.fit import Fitted
from learnprop.simulations.generators.generator import Generator, Sample, sample
from learnprop.simulations.records.measure import Measured, measure_each
from learnprop.simulations.records.rows import (
    CONVERGED,
    LEFT_OUT,
    NOT_CONVERGED,
    REASONS,
    Block,
    FitRow,
    MeasurementRow,
    stack_fits,
    stack_measurements,
)

SPLITS = ("train", "test", "population")

Seen = Iterable[tuple[str, IntArray, FloatArray]]
"""Name of a split, its labels, and logits (n_settings, n_samples, ...) of the models of a run."""


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


def measured_block(
    cell: Any,
    generator: Generator,
    seed: int,
    runs: range,
    fit: Callable[[FloatArray, IntArray], Iterable[Fitted]],
    fresh: Mapping[str, Sequence[int]],
) -> Block:
    """Generate, fit and measure the replications `runs` of a data cell.

    Parameters
    ----------
    cell : Cell
        With ``train_size``.
    generator : Generator
    seed : int
    runs : range
    fit : callable ``(X, y) -> iterable of Fitted``
        Of samples (n_runs, n_samples, n_features) with the labels (n_samples,) of all of them.
    fresh : mapping of split to class sizes
        Samples that are drawn beside those of training, each from the stream of its split.

    Returns
    -------
    Block
    """
    draw = drawing(generator, seed, cell.name)
    train = [draw(run, "train", cell.train_size) for run in runs]

    def samples_of(i: int) -> dict[str, Sample]:
        drawn = {split: draw(runs[i], split, sizes) for split, sizes in fresh.items()}
        return {"train": train[i]} | drawn

    tell_of("fitting", runs)
    return record(cell.name, runs, list(fit(*stacked(train))), samples_of)


def tell_of(doing: str, runs: range) -> None:
    """Tell what is done with the runs of a block."""
    tell(f"{doing} " + ("one run" if len(runs) == 1 else f"{len(runs)} runs"))


def stacked(train: Sequence[Sample]) -> tuple[FloatArray, IntArray]:
    """Features of all runs as one array, and the labels that they share."""
    return np.stack([features for features, _ in train]), train[0][1]


def record(
    cell: str,
    runs: range,
    fitted: Sequence[Fitted],
    samples_of: Callable[[int], Mapping[str, Sample]],
    besides: Callable[[Fitted, FloatArray], Seen] = lambda _fitted, _params: (),
) -> Block:
    """Measure fitted models on the samples of each run.

    Parameters
    ----------
    cell : str
    runs : range
    fitted : sequence of Fitted
    samples_of : callable ``(i) -> mapping``
        Samples of the i-th run of the block by name.
    besides : callable ``(fitted, params) -> iterable of (split, labels, logits)``
        Splits whose logits follow from the parameters of a run's models, without features.

    Returns
    -------
    Block
        A fit without a model has its reason and no measurements.
    """
    fits, measurements = list[FitRow](), list[MeasurementRow]()
    for i, run in enumerate(runs):
        tell(f"{i} of {len(runs)} runs measured")
        samples = samples_of(i)
        for batch in fitted:
            usable = np.isin(batch.fit.status[i], (CONVERGED, NOT_CONVERGED))
            fits += [_fit_row(batch, run, (i, k), bool(model)) for k, model in enumerate(usable)]
            seen = _seen(batch, samples, i, usable)
            for split, labels, logits in chain(seen, besides(batch, batch.fit.params[i][usable])):
                measurements += [
                    MeasurementRow(setting, run, batch.epoch, batch.stage, split, measured)
                    for setting, measured in _measured(batch, usable, split, labels, logits)
                ]
    return Block(
        cell=cell,
        index=runs.start // BLOCK_SIZE,
        fits=stack_fits(fits),
        measurements=stack_measurements(measurements),
    )


def _measured(
    batch: Fitted, usable: np.ndarray, split: str, labels: IntArray, logits: FloatArray
) -> Iterator[tuple[str, Measured]]:
    """Setting and measurement of each model of a run that is known on a split."""
    settings = list(compress(batch.settings, usable))
    if split == LEFT_OUT:
        known = [not np.isnan(z).any() for z in logits]
        settings, logits = list(compress(settings, known)), logits[known]
    if settings:
        yield from zip(settings, measure_each(labels, logits, batch.activation), strict=True)


def _seen(
    batch: Fitted, samples: Mapping[str, Sample], i: int, usable: np.ndarray
) -> Iterator[tuple[str, IntArray, FloatArray]]:
    """Split, labels and logits of every sample that the models of a run are measured on."""
    params = batch.fit.params[i][usable]
    for split, name in (batch.samples or {s: s for s in SPLITS if s in samples}).items():
        features, labels = samples[name]
        yield split, labels, batch.logits_of(features, params)
    if batch.left_out and usable.any():
        features, labels = samples["train"]
        if np.bincount(labels).min() > 1:  # without its only sample a class is unknown
            yield LEFT_OUT, labels, batch.left_out(features, labels, i, usable)


def _fit_row(batch: Fitted, run: int, at: tuple[int, int], usable: bool) -> FitRow:
    found, status = batch.fit, str(batch.fit.status[at])
    none = np.full_like(found.bias[at], np.nan)
    return FitRow(
        setting=batch.settings[at[1]], run=run, epoch=batch.epoch, stage=batch.stage,
        status=status, reason="" if usable else REASONS[status], traceback="",
        n_iter=int(found.n_iter[at]), loss=float(found.loss[at]),
        gradient_norm=float(found.gradient_norm[at]), bias=found.bias[at] if usable else none,
        bias_gradient=found.bias_gradient[at] if usable else none,
        path_gradient=none, path_identity=none,
    )  # fmt: skip
