"""What all leave-one-outs of a fit cost beside the fit, on one thread."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks import fits, softmax
from benchmarks.pairs import Comparison, Setting, interleaved, seconds
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

processor = partial(seconds, clock=time.process_time)
"""Those that others take from us are not ours."""


def run(at: Setting) -> Iterator[Comparison]:
    five, paper = softmax.data(5, 5, 5500, 1), fits.data(sim1(), 1)
    with one_thread():
        for name, (fit, left_out) in REGRESSIONS.items():
            problem = paper if name == "logistic" else five
            yield from compare(name, fit, left_out, problem, at.pairs_or(PAIRS))


def compare(
    name: str, fit: Callable, left_out: Callable, problem: fits.Problem, n_pairs: int
) -> Iterator[Comparison]:
    """Leave-one-outs alone, and gaps with their errors, beside one fit under all settings."""
    X, y, weight = problem.X, problem.y, problem.weight
    params = fit(X, y, weight).params[0]
    n_classes, (n_samples, n_features) = weight.shape[1], X.shape[1:]
    tracemalloc.start()
    left_out(X[0], y, params[:1], weight[:1])
    numbers = tracemalloc.get_traced_memory()[1] / 8 / (n_samples * (n_classes**2 + n_features))
    tracemalloc.stop()
    what = f"{name}, K = {n_classes}, N = {n_samples}, d = {n_features}, {len(weight)} settings"
    ways = {
        "all leave-one-outs": (
            lambda: left_out(X[0], y, params, weight),
            f"memory {numbers:.1f} times N (K² + d) numbers; ",
        ),
        "fit, gaps and their errors": (lambda: leave_one_out(X[0], y, weight, fitter=name), ""),
    }
    for way, (work, note) in ways.items():
        ours, theirs = partial(processor, work), partial(processor, fit, X, y, weight)
        pairs = interleaved(n_pairs, ours, theirs)
        yield Comparison(
            f"{what}: {way}", "call", pairs, "the fit", note=f"{note}seconds of a processor"
        )
