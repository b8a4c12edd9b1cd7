"""Softmax regression against loops over scikit-learn, and how its cost grows."""

from __future__ import annotations

import time
import warnings

import numpy as np
from joblib import Parallel
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from benchmarks.fits import WORKERS, ours
from learnprop.equations.class_weights import class_weights
from learnprop.simulations.engine.limits import one_thread
from learnprop.simulations.engine.study import BLOCK_SIZE
from learnprop.simulations.fitters.softmax import fit_softmax
from learnprop.simulations.generators.class_sizes import class_sizes
from learnprop.simulations.generators.gaussian import class_means, gaussian_classes
from learnprop.simulations.generators.generator import sample
from learnprop.simulations.minimisation.newton import GRADIENT_TOLERANCE


def data(n_classes, n_features, n_samples, runs):
    """Classes of imbalance 10 around seeded means, `n_samples` in all, and three λ settings."""
    shares = np.array(class_sizes(n_classes, 10_000, 10))
    size = np.maximum(1, np.round(n_samples * shares / shares.sum())).astype(int)
    size[0] += n_samples - size.sum()
    generator = gaussian_classes(class_means("random", n_classes, n_features, 1.5))
    draws = [sample(generator, size, np.random.default_rng(run)) for run in range(runs)]
    weight = [class_weights(scheme, size) for scheme in ("equal", "inverse", "sqrt-inverse")]
    return np.stack([X for X, _ in draws]), draws[0][1], np.stack(weight)


def run(runs: int) -> None:
    X, y, weight = data(5, 5, 5500, runs)
    with Parallel(n_jobs=WORKERS) as pool:
        ours(pool, fit_softmax, weight, X[: 2 * BLOCK_SIZE], y)  # starts the workers
        times = []
        for _ in range(3):
            seconds, fits = ours(pool, fit_softmax, weight, X, y)
            times.append(seconds)
    assert all(f.converged.all() for f in fits)
    mine, n_fits = float(np.median(times)), runs * len(weight)
    largest = max(f.gradient_norm.max() for f in fits)
    print(
        f"ours: {mine:.2f} s for {n_fits} fits, {1e3 * mine / n_fits:.1f} ms each, "
        f"gradient at most {largest:.1e}"
    )
    for solver, tol in (("newton-cholesky", 1e-12), ("newton-cg", 1e-12), ("lbfgs", 1e-13)):
        for threads in (1, WORKERS):
            with threadpool_limits(threads):
                seconds, gradient = loop(X, y, weight, solver, tol)
            verdict = f"{seconds / mine:.1f} times ours"
            if gradient > GRADIENT_TOLERANCE:
                verdict += ", but short of the tolerance"
            print(
                f"scikit-learn {solver}, {threads} BLAS threads: {seconds:.2f} s, "
                f"bias gradient at most {gradient:.1e}: {verdict}",
                flush=True,
            )


def loop(X, y, weights, solver, tol) -> tuple[float, float]:
    """Seconds of the loop, and the largest bias gradient over the total mass."""
    models = []
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for features in X:
            for weight in weights:
                model = LogisticRegression(C=np.inf, solver=solver, tol=tol, max_iter=2000)
                models.append(model.fit(features, y, sample_weight=weight[y]))
    seconds = time.perf_counter() - started
    gradients = []
    for i, model in enumerate(models):
        weight = weights[i % len(weights)][y]
        excess = model.predict_proba(X[i // len(weights)]) - np.eye(weights.shape[1])[y]
        gradients.append(np.abs(weight @ excess).max() / weight.sum())
    return seconds, max(gradients)


def seconds_per_iteration(n_classes, n_features, n_samples) -> float:
    """Per replication with three settings and per Newton iteration, one thread; best of three."""
    X, y, weight = data(n_classes, n_features, n_samples, 2)
    times = []
    with one_thread():
        for _ in range(3):
            started = time.perf_counter()
            fit = fit_softmax(X, y, weight)
            times.append((time.perf_counter() - started) / len(X))
    return min(times) / float(fit.n_iter.mean())


def run_growth(_runs: int) -> None:
    samples = [4_000, 8_000, 16_000, 32_000, 64_000]
    by_samples = [seconds_per_iteration(5, 5, n) for n in samples]
    print(f"in N, K = d = 5, {samples}: slope {slope(samples, by_samples):.2f}; linear is 1")
    sizes = [(4, 4), (8, 8), (12, 12), (16, 16), (24, 24)]
    parameters = [k * d for k, d in sizes]
    by_parameters = [seconds_per_iteration(k, d, 20_000) for k, d in sizes]
    print(
        f"in K d, N = 20000, {parameters}: slope {slope(parameters, by_parameters):.2f} over all, "
        f"{slope(parameters[-2:], by_parameters[-2:]):.2f} over the last two; quadratic is 2"
    )


def slope(x, y) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
