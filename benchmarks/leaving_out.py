"""What all leave-one-outs of a fit cost beside the fit, in pairs, on one thread."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from benchmarks import fits, softmax
from learnprop.simulations.engine.limits import one_thread
from learnprop.simulations.fitters.leave_one_out import leave_one_out
from learnprop.simulations.fitters.logistic import fit_logistic, left_out_logistic
from learnprop.simulations.fitters.one_vs_all import fit_one_vs_all, left_out_one_vs_all
from learnprop.simulations.fitters.softmax import fit_softmax, left_out_softmax
from learnprop.simulations.generators.paper import sim1

PAIRS = 20

REGRESSIONS: dict[str, tuple[Callable, Callable]] = {
    "softmax": (fit_softmax, left_out_softmax),
    "one-vs-all": (fit_one_vs_all, left_out_one_vs_all),
    "logistic": (fit_logistic, left_out_logistic),
}


def seconds(function: Callable, *arguments) -> float:
    """Of a processor: those that others take from us are not ours."""
    started = time.process_time()
    function(*arguments)
    return time.process_time() - started


def run(_runs: int) -> None:
    five = softmax.data(5, 5, 5500, 1)
    paper = *fits.data(sim1(), 1), fits.WEIGHT
    with one_thread():
        for name, (fit, left_out) in REGRESSIONS.items():
            compare(name, fit, left_out, *(paper if name == "logistic" else five))


def compare(
    name: str, fit: Callable, left_out: Callable, X: np.ndarray, y: np.ndarray, weight: np.ndarray
) -> None:
    """Print a line of one fit under three settings."""
    params = fit(X, y, weight).params[0]
    pairs = np.array([
        (
            seconds(fit, X, y, weight),
            seconds(left_out, X[0], y, params, weight),
            seconds(lambda: leave_one_out(X[0], y, weight, fitter=name)),
        )
        for _ in range(PAIRS)
    ])  # fmt: skip
    of_fit, of_all, of_result = np.median(pairs, axis=0)
    shares = np.quantile(pairs[:, 1] / pairs[:, 0], [0.25, 0.5, 0.75])
    tracemalloc.start()
    left_out(X[0], y, params[:1], weight[:1])
    peak = tracemalloc.get_traced_memory()[1] / 8
    tracemalloc.stop()
    n_classes, (n_samples, n_features) = weight.shape[1], X.shape[1:]
    unit = n_samples * (n_classes**2 + n_features)
    print(
        f"{name}, K = {n_classes}, N = {n_samples}, d = {n_features}, {len(weight)} settings: fit "
        f"{1e3 * of_fit:.1f} ms, all leave-one-outs {1e3 * of_all:.1f} ms: {shares[1]:.2f} of the "
        f"fit (quartiles {shares[0]:.2f} to {shares[2]:.2f}); fit, gaps and their errors "
        f"{1e3 * of_result:.1f} ms; memory {peak / unit:.1f} times N (K² + d) numbers",
        flush=True,
    )
