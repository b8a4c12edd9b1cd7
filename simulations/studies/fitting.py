"""Fitting by name: what the studies with a choice of fitter do with the samples of a block."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import numpy as np

from equations.mean_proba import FloatArray
from simulations.evidence import Fitted
from simulations.fitters.logistic import fit_logistic, logistic_logits
from simulations.fitters.one_vs_all import fit_one_vs_all
from simulations.fitters.softmax import fit_softmax, softmax_logits
from simulations.fitters.softmax_mlp import (
    fit_softmax_mlp,
    initial_softmax_params,
    softmax_mlp_logits,
)
from simulations.seeds import replication_rng

FITTERS = ("softmax", "one-vs-all", "mlp")
"""For any number of classes; ``logistic`` is for two."""


class FittedCell(Protocol):
    """What a data cell says of how it is fitted."""

    @property
    def name(self) -> str:
        """Key of the cell's randomness."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the λ settings."""

    @property
    def class_weight(self) -> tuple[tuple[str, tuple[float, ...]], ...]:
        """λ of each setting."""

    @property
    def fitter(self) -> str:
        """``logistic`` or one of `FITTERS`."""

    @property
    def hidden(self) -> int:
        """Width of the network's hidden layer."""

    @property
    def epochs(self) -> int:
        """Epochs of the network's training."""

    @property
    def device(self) -> str:
        """Where to compute."""


def headline_of(fitter: str, epochs: int) -> tuple[int, str]:
    """Epoch and stage of the fits that a study's tables are about.

    Examples
    --------
    >>> headline_of("softmax", 20), headline_of("mlp", 20)
    ((0, 'raw'), (20, 'head'))
    """
    return (epochs, "head") if fitter == "mlp" else (0, "raw")


def fit_cell(
    cell: FittedCell, X: FloatArray, y: np.ndarray, seed: int, runs: range
) -> Sequence[Fitted]:
    """Fit every replication of a block under every λ setting.

    Parameters
    ----------
    cell : FittedCell
    X : ndarray, shape (n_runs, n_samples, n_features)
    y : ndarray of int, shape (n_samples,)
    seed : int
    runs : range

    Returns
    -------
    sequence of Fitted
        One per stage.
    """
    weight = [values for _, values in cell.class_weight]
    if cell.fitter == "logistic":
        fit = fit_logistic(X, y, weight, device=cell.device)
        return [Fitted(cell.settings, 0, "raw", fit, logistic_logits)]
    if cell.fitter == "softmax":
        fit = fit_softmax(X, y, weight, device=cell.device)
        return [Fitted(cell.settings, 0, "raw", fit, softmax_logits)]
    if cell.fitter == "one-vs-all":
        fit = fit_one_vs_all(X, y, weight, device=cell.device)
        return [Fitted(cell.settings, 0, "raw", fit, softmax_logits, "sigmoid")]
    n_classes = len(weight[0])
    starts, minibatches = (
        [replication_rng(seed, cell.name, run, stream) for run in runs]
        for stream in ("start", "minibatch")
    )
    start = [initial_softmax_params(X.shape[2], cell.hidden, n_classes, rng) for rng in starts]
    fits = fit_softmax_mlp(
        X, y, weight, start, rngs=minibatches, epochs=cell.epochs, device=cell.device
    )
    logits_of = partial(softmax_mlp_logits, n_classes=n_classes)
    return [
        Fitted(cell.settings, cell.epochs, stage, fit, logits_of) for stage, fit in fits.items()
    ]
