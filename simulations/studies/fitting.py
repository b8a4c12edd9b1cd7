"""Fitting by name: what the studies with a choice of fitter do with the samples of a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from equations.balance import class_mass
from equations.mean_proba import FloatArray
from simulations.fitters.fit import Fitted
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


@dataclass(frozen=True)
class FittedCell:
    """A data cell whose fitter is chosen by name; studies add what their data are.

    Attributes
    ----------
    name : str
        Key of the cell's randomness.
    train_size : tuple of int
        Training samples of each class.
    class_weight : tuple of (setting, weights)
        λ of each setting.
    fitter : str
        ``logistic`` or one of `FITTERS`.
    hidden, epochs : int
        Of the network.
    device : str
    """

    name: str
    train_size: tuple[int, ...]
    class_weight: tuple[tuple[str, tuple[float, ...]], ...]
    fitter: str
    hidden: int
    epochs: int
    device: str

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the λ settings."""
        return tuple(label for label, _ in self.class_weight)

    @property
    def headline(self) -> tuple[int, str]:
        """Epoch and stage of the fits that the tables are about."""
        return (self.epochs, "head") if self.fitter == "mlp" else (0, "raw")

    def class_mass(self, setting: str) -> FloatArray:
        """Class mass w = λN of training, shape (n_classes,), under a λ setting."""
        return class_mass(dict(self.class_weight)[setting], self.train_size)

    @property
    def one_vs_all(self) -> bool:
        """Whether the K equations are independent."""
        return self.fitter == "one-vs-all"


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
