"""Softmax regression against loops over scikit-learn, and how its cost grows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks.fits import Problem, against_solvers
from benchmarks.pairs import TIMES_AS_LONG, Comparison, Setting, interleaved
from learnprop.equations.class_weights import class_weights
from learnprop.simulations.engine.limits import one_thread
from learnprop.simulations.engine.study import BLOCK_SIZE
from learnprop.simulations.fitters.softmax import fit_softmax
from learnprop.simulations.generators.class_sizes import class_sizes
from learnprop.simulations.generators.gaussian import class_means, gaussian_classes
from learnprop.simulations.generators.generator import sample

PAIRS, LOOP, TIMES = 5, 4, 12.0

GROWTH_PAIRS = 3
SAMPLES = (4_000, 16_000, 64_000)
"""Of 5 classes and 5 features; linear is 1."""

PARAMETERS = ((8, 8), (16, 16), (24, 24))
"""Classes and features, of `GROWTH_SAMPLES` samples; quadratic in their product is 2."""

GROWTH_SAMPLES = 8_000


def data(n_classes: int, n_features: int, n_samples: int, runs: int) -> Problem:
    """Classes of imbalance 10 around seeded means, `n_samples` in all, and three λ settings."""
    shares = np.array(class_sizes(n_classes, 10_000, 10))
    size = np.maximum(1, np.round(n_samples * shares / shares.sum())).astype(int)
    size[0] += n_samples - size.sum()
    generator = gaussian_classes(class_means("random", n_classes, n_features, 1.5))
    draws = [sample(generator, size, np.random.default_rng(run)) for run in range(runs)]
    weight = [class_weights(scheme, size) for scheme in ("equal", "inverse", "sqrt-inverse")]
    return Problem(np.stack([X for X, _ in draws]), draws[0][1], np.stack(weight))


def run(at: Setting) -> Iterator[Comparison]:
    problem = data(5, 5, 5500, at.share(2 * BLOCK_SIZE))
    yield from against_solvers(
        "softmax, K = d = 5, N = 5500", fit_softmax, problem, at.pairs_or(PAIRS), at.share(LOOP),
        TIMES,
    )  # fmt: skip


def seconds_per_iteration(problem: Problem) -> float:
    """Of a processor, for all settings of a replication and one iteration of Newton."""
    started = time.process_time()
    fit = fit_softmax(problem.X, problem.y, problem.weight)
    took = time.process_time() - started
    return took / len(problem.X) / float(fit.n_iter.mean())


def run_growth(at: Setting) -> Iterator[Comparison]:
    of_samples = {f"N = {n}": (n, data(5, 5, n, 2)) for n in SAMPLES}
    of_parameters = {f"K = d = {k}": (k * d, data(k, d, GROWTH_SAMPLES, 2)) for k, d in PARAMETERS}
    for name, fixed, problems in (
        ("in N, linear is 1", "K = d = 5", of_samples),
        ("in K d, quadratic is 2", f"N = {GROWTH_SAMPLES}", of_parameters),
    ):
        (small, (least, first)), *larger = problems.items()
        for large, (size, problem) in larger:
            works = partial(seconds_per_iteration, problem), partial(seconds_per_iteration, first)
            with one_thread():
                works[0]()  # warms up
                pairs = interleaved(at.pairs_or(GROWTH_PAIRS), *works)
            found = Comparison(f"softmax, {fixed}, {large}", "iteration", pairs, small)
            slope = np.log(found.spread(TIMES_AS_LONG)[0]) / np.log(size / least)
            note = f"slope {slope:.2f} {name}; seconds of a processor"
            yield replace(found, note=note)
