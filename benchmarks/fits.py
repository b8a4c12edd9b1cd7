"""Table 1's fits against loops over scikit-learn."""

from __future__ import annotations

import time
import warnings

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from learnprop.equations.class_weights import table1_class_weights
from learnprop.simulations.engine.limits import one_thread
from learnprop.simulations.engine.study import BLOCK_SIZE
from learnprop.simulations.fitters.logistic import fit_logistic
from learnprop.simulations.fitters.mlp.network import initial_params
from learnprop.simulations.fitters.mlp.sim2 import fit_mlp
from learnprop.simulations.generators.generator import Generator, sample
from learnprop.simulations.generators.paper import sim1, sim2
from learnprop.simulations.minimisation.newton import GRADIENT_TOLERANCE

WORKERS = 2
SIZE = (1000, 10000)
WEIGHT = np.stack(list(table1_class_weights(SIZE).values()))


def data(generator: Generator, runs: int) -> tuple[np.ndarray, np.ndarray]:
    draws = [sample(generator, SIZE, np.random.default_rng(run)) for run in range(runs)]
    return np.stack([X for X, _ in draws]), draws[0][1]


def on_one_thread(fit, *arguments):
    with one_thread():
        return fit(*arguments)


def ours(pool: Parallel, fit, weight, X, y, *per_run):
    """Seconds and fits of all blocks, on two workers of one thread each."""
    blocks = [slice(i, i + BLOCK_SIZE) for i in range(0, len(X), BLOCK_SIZE)]
    started = time.perf_counter()
    found = pool(
        delayed(on_one_thread)(fit, X[b], y, weight, *(a[b] for a in per_run)) for b in blocks
    )
    return time.perf_counter() - started, found


def run_sim1(runs: int) -> None:
    X, y = data(sim1(), runs)
    with Parallel(n_jobs=WORKERS) as pool:
        ours(pool, fit_logistic, WEIGHT, X[: 2 * BLOCK_SIZE], y)  # starts the workers
        times = []
        for _ in range(5):
            seconds, fits = ours(pool, fit_logistic, WEIGHT, X, y)
            times.append(seconds)
    assert all(f.converged.all() for f in fits)
    mine = float(np.median(times))
    n_fits = runs * len(WEIGHT)
    largest = max(np.abs(f.bias_gradient).max() for f in fits)
    print(f"ours: {mine:.3f} s for {n_fits} fits, bias gradient at most {largest:.1e}")
    for solver, tol in (("newton-cholesky", 1e-12), ("newton-cg", 1e-12), ("lbfgs", 1e-13)):
        for threads in (1, WORKERS):
            with threadpool_limits(threads):
                seconds, gradient = logistic_loop(X, y, solver, tol)
            verdict = f"{seconds / mine:.1f} times ours"
            if gradient > GRADIENT_TOLERANCE:
                verdict += ", but short of the tolerance"
            print(
                f"scikit-learn {solver}, {threads} BLAS threads: {seconds:.2f} s, "
                f"bias gradient at most {gradient:.1e}: {verdict}",
                flush=True,
            )


def logistic_loop(X, y, solver, tol) -> tuple[float, float]:
    """Seconds of the loop, and the largest bias gradient over the total mass."""
    models = []
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for features in X:
            for weight in WEIGHT:
                model = LogisticRegression(C=np.inf, solver=solver, tol=tol, max_iter=1000)
                models.append(model.fit(features, y, sample_weight=weight[y]))
    seconds = time.perf_counter() - started
    gradients = []
    for i, model in enumerate(models):
        weight = WEIGHT[i % len(WEIGHT)][y]
        p = model.predict_proba(X[i // len(WEIGHT)])[:, 1]
        gradients.append(abs((weight * (p - y)).sum() / weight.sum()))
    return seconds, max(gradients)


def run_sim2(runs: int) -> None:
    X, y = data(sim2(), runs)
    start = np.stack(
        [initial_params(3, 10, np.random.default_rng([run, 1])) for run in range(runs)]
    )
    with Parallel(n_jobs=WORKERS) as pool:
        ours(pool, fit_logistic, WEIGHT, X[: 2 * BLOCK_SIZE], y)  # starts the workers
        mine, fits = ours(pool, fit_mlp, WEIGHT, X, y, start)
    loss = np.concatenate([f.loss for f in fits])
    n_fits = runs * len(WEIGHT)
    print(f"ours: {mine:.1f} s for {n_fits} fits, {1e3 * mine / n_fits:.0f} ms each", flush=True)
    seconds, peer_loss = mlp_loop(X, y)
    print(
        f"scikit-learn MLPClassifier lbfgs: {seconds:.1f} s, {1e3 * seconds / n_fits:.0f} ms each: "
        f"{seconds / mine:.1f} times ours"
    )
    mass = WEIGHT @ SIZE
    difference = (loss - peer_loss) / mass
    for weight, column in zip(WEIGHT, difference.T, strict=True):
        print(
            f"mean training loss, ours minus theirs, λ0 = {weight[0]:.4f}: {column.mean():+.5f}, "
            f"paired standard error {column.std(ddof=1) / runs**0.5:.5f}"
        )


def mlp_loop(X, y) -> tuple[float, np.ndarray]:
    """Seconds of the loop, and the sum-form loss of every fit, shape (n_runs, n_settings)."""
    models = []
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for run, features in enumerate(X):
            for weight in WEIGHT:
                model = MLPClassifier(
                    hidden_layer_sizes=(10,), activation="logistic", solver="lbfgs", alpha=0,
                    max_iter=300, tol=1e-8, random_state=run,
                )  # fmt: skip
                models.append(model.fit(features, y, sample_weight=weight[y]))
    seconds = time.perf_counter() - started
    losses = np.empty((len(X), len(WEIGHT)))
    for i, model in enumerate(models):
        run, setting = divmod(i, len(WEIGHT))
        p = model.predict_proba(X[run])[np.arange(len(y)), y]
        losses[run, setting] = -(WEIGHT[setting][y] * np.log(p)).sum()
    return seconds, losses
