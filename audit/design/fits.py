"""Fits under some weights to many training samples, and what they predict of fresh ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from learnprop.audit.design.draws import Draws
from learnprop.equations.arguments import BadArgument, one_of
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.simulations.engine.seeds import replication_rng
from learnprop.simulations.fitters.fitter import Batch
from learnprop.simulations.records.rows import CONVERGED, SEPARATED
from learnprop.simulations.registry import Chosen, choose

FITTERS_OF_DESIGN = ("auto", "logistic", "softmax")
AT_ONCE = 2**25
"""Numbers of training samples that are fitted together: 256 MiB."""


@dataclass(frozen=True)
class Fresh:
    """Predictions of samples that no fit has seen.

    Attributes
    ----------
    logits : ndarray, shape (n_settings, n_runs, n_samples, n_classes)
    y : ndarray of int64, shape (n_samples,)
        The same in every run.
    n_fits, n_converged : int
    """

    logits: FloatArray
    y: IntArray
    n_fits: int
    n_converged: int


Predict = Callable[[str, FloatArray], Fresh]
"""``(part, log_weight) -> Fresh`` with log weights (n_settings, n_classes): "design", "verify"."""


def check_fitter(fitter: str, n_classes: int, l2: float) -> Chosen:
    """Choose a regression by name; raises BadArgument.

    Examples
    --------
    >>> check_fitter("auto", 3, 0.0).name
    'softmax'
    """
    from learnprop.simulations.fitters import FITTERS
    from learnprop.simulations.fitters.regression import check_penalty

    one_of(fitter, "fitter", FITTERS_OF_DESIGN)
    check_penalty(l2, "l2")
    name = fitter if fitter != "auto" else "logistic" if n_classes == 2 else "softmax"
    if not FITTERS[name].fits(n_classes):
        raise BadArgument("fitter", f"must be softmax of {n_classes} classes, got {fitter!r}")
    return choose(FITTERS, name, {"l2": l2})


def weights_from_log(log_weight: FloatArray, train_count: IntArray) -> FloatArray:
    """Weights whose mean over the training sample is one, as scikit-learn's "balanced" is scaled.

    Parameters
    ----------
    log_weight : ndarray, shape (..., n_classes)
    train_count : ndarray of int, shape (n_classes,)

    Returns
    -------
    ndarray, shape (..., n_classes)

    Examples
    --------
    >>> weights_from_log(np.log([10.0, 1.0]), np.array([100, 1000])).round(9).tolist()
    [5.5, 0.55]
    """
    weight = np.exp(log_weight - log_weight.max(axis=-1, keepdims=True))
    return np.asarray(weight * train_count.sum() / (weight @ train_count)[..., None])


def predictor(draws: Draws, fitter: Chosen, *, runs: int, seed: int) -> Predict:
    """Make what fits to as many training samples as there are runs, and predicts fresh ones.

    Parameters
    ----------
    draws : Draws
    fitter : Chosen
        Of `FITTERS`, or an estimator.
    runs : int
    seed : int
        The same part has the same samples whatever the weights.

    Returns
    -------
    callable ``(part, log_weight) -> Fresh``
        Raises BadArgument where classes are separated and the loss has no minimum.
    """

    def predict(part: str, log_weight: FloatArray) -> Fresh:
        weight = weights_from_log(log_weight, draws.train_count)
        logits: list[FloatArray] = []
        converged = 0
        for X, y, tests, numbers in _batches(draws, part, runs, seed):

            def rngs(stream: str, numbers: Sequence[int] = numbers) -> list[np.random.Generator]:
                return [replication_rng(seed, part, run, stream) for run in numbers]

            settings = tuple(map(str, range(len(weight))))
            batch = Batch(X, y, settings, list(weight), "cpu", rngs)
            (fitted,) = fitter.record.fit(batch, **fitter.options)
            _refuse_separated(fitted.fit.status)
            converged += int((fitted.fit.status == CONVERGED).sum())
            for run, test in enumerate(tests):
                found = fitted.logits_of(test, fitted.fit.params[run])
                logits.append(found if found.ndim == 3 else _of_both(found))
        y = np.repeat(np.arange(len(draws.test_count)), draws.test_count)
        return Fresh(np.stack(logits, axis=1), y, runs * len(weight), converged)

    return predict


def _of_both(logit: FloatArray) -> FloatArray:
    return np.stack([np.zeros_like(logit), logit], axis=-1)


def _batches(
    draws: Draws, part: str, runs: int, seed: int
) -> Iterator[tuple[Any, IntArray, list[Any], list[int]]]:
    """Training samples as one batch, with the fresh samples of each: as many as fit together.

    What is no array, as an estimator takes it, is a batch of its own.
    """
    trains: list[Any] = []
    tests: list[Any] = []
    for run in range(runs):
        (X, y), (X_test, _) = draws.draw(replication_rng(seed, part, run, "train"))
        trains.append(X)
        tests.append(X_test)
        is_array = isinstance(X, np.ndarray)
        if run == runs - 1 or not is_array or (len(trains) + 1) * X.size > AT_ONCE:
            yield (
                np.stack(trains) if is_array else trains,
                y,
                tests,
                list(range(run + 1 - len(trains), run + 1)),
            )
            trains, tests = [], []


def _refuse_separated(status: np.ndarray) -> None:
    n = int((status == SEPARATED).any(axis=1).sum())
    if n:
        raise BadArgument(
            "l2",
            f"must be above 0: in {n} of {len(status)} training samples the classes are separated, "
            "and the loss has no minimum",
        )
