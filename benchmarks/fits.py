"""Table 1's fits against loops over scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from benchmarks.pairs import TIMES_AS_FAST, Comparison, Goal, Setting, interleaved, seconds
from learnprop.equations.arrays import FloatArray, IntArray
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
SOLVERS = (("newton-cholesky", 1e-12), ("newton-cg", 1e-12), ("lbfgs", 1e-13))
"""scikit-learn's exact ones, each at a tolerance at which it stops where it gets no further."""

PAIRS = 5
SIM1_LOOP, SIM2_LOOP = 20, 5
"""Replications of a peer's loop in a pair; the next pair takes the next ones."""

TIMES = {"sim1": 20.0, "sim2": 15.0}


@dataclass(frozen=True)
class Problem:
    """Samples to fit, and what each class weighs.

    Attributes
    ----------
    X : ndarray of shape (n_runs, n_samples, n_features)
    y : ndarray of shape (n_samples,)
    weight : ndarray of shape (n_settings, n_classes)
    """

    X: FloatArray
    y: IntArray
    weight: FloatArray

    @property
    def n_fits(self) -> int:
        """Of all replications and settings."""
        return len(self.X) * len(self.weight)

    def part(self, runs: slice) -> Problem:
        """Some replications."""
        return replace(self, X=self.X[runs])

    def parts(self, n_runs: int) -> Iterator[slice]:
        """So many replications after the other, from the start again at the end."""
        return cycle([slice(i, i + n_runs) for i in range(0, len(self.X) - n_runs + 1, n_runs)])


def data(generator: Generator, runs: int) -> Problem:
    """Replications of one of Table 1's simulations."""
    draws = [sample(generator, SIZE, np.random.default_rng(run)) for run in range(runs)]
    return Problem(np.stack([X for X, _ in draws]), draws[0][1], WEIGHT)


def on_one_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    with one_thread():
        return work(*arguments)


@dataclass
class Ours:
    """All fits, a block at a time, on workers of one thread each."""

    pool: Parallel
    fit: Callable[..., Any]
    problem: Problem
    starts: FloatArray | None = None
    fits: list[Any] = field(default_factory=list)

    def __call__(self) -> float:
        """Seconds of a fit."""
        return seconds(self._fit) / self.problem.n_fits

    def _fit(self) -> None:
        p = self.problem
        blocks = [slice(i, i + BLOCK_SIZE) for i in range(0, len(p.X), BLOCK_SIZE)]
        own = [() if self.starts is None else (self.starts[b],) for b in blocks]
        self.fits = self.pool(
            delayed(on_one_thread)(self.fit, p.X[b], p.y, p.weight, *more)
            for b, more in zip(blocks, own, strict=True)
        )


@dataclass
class LogisticLoop:
    """A loop over scikit-learn's regressions, so many replications at a time."""

    problem: Problem
    parts: Iterator[slice]
    solver: str
    tol: float
    gradient: float = 0.0
    """Largest gradient in a bias so far, over the total mass."""

    def __call__(self) -> float:
        """Seconds of a fit."""
        part = self.problem.part(next(self.parts))
        models: list[LogisticRegression] = []
        took = seconds(lambda: models.extend(logistic_fits(part, self.solver, self.tol)))
        onehot = np.eye(part.weight.shape[1])[part.y]
        for i, model in enumerate(models):
            run, setting = divmod(i, len(part.weight))
            weight = part.weight[setting][part.y]
            excess = weight @ (model.predict_proba(part.X[run]) - onehot)
            self.gradient = max(self.gradient, np.abs(excess).max() / weight.sum())
        return took / part.n_fits


def logistic_fits(problem: Problem, solver: str, tol: float) -> list[LogisticRegression]:
    """Every setting of every replication, as a user would."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            LogisticRegression(C=np.inf, solver=solver, tol=tol, max_iter=2000).fit(
                features, problem.y, sample_weight=weight[problem.y]
            )
            for features in problem.X
            for weight in problem.weight
        ]


def against_solvers(
    what: str, fit: Callable[..., Any], problem: Problem, n_pairs: int, n_loop: int, times: float
) -> Iterator[Comparison]:
    """Against each exact solver, the best that reaches the tolerance, and that on two workers.

    The goal is for the best loop that a user writes, on as many threads as suit it.
    """
    n_loop = min(n_loop, len(problem.X))
    common = {"ratio": TIMES_AS_FAST, "workers": WORKERS, "ours_n": problem.n_fits}
    common["peer_n"] = n_loop * len(problem.weight)
    exact: list[tuple[Comparison, LogisticLoop]] = []
    with Parallel(n_jobs=WORKERS) as pool:
        ours = Ours(pool, fit, problem)
        ours()  # starts the workers
        for threads in (1, WORKERS):
            for solver, tol in SOLVERS:
                loop = LogisticLoop(problem, problem.parts(n_loop), solver, tol)
                with threadpool_limits(threads):
                    pairs = interleaved(n_pairs, ours, loop)
                assert all(f.converged.all() for f in ours.fits)
                note = f"largest gradient of the peer {loop.gradient:.1e}"
                peer = f"scikit-learn {solver}, {threads} BLAS thread(s)"
                found = Comparison(what, "fit", pairs, peer, note=note, **common)
                if loop.gradient <= GRADIENT_TOLERANCE:
                    exact.append((found, loop))
                else:
                    yield replace(found, note=f"{note}: short of the tolerance")
        exact.sort(key=lambda each: np.median(each[0].seconds[:, 1]))
        for found, _ in exact[1:]:
            yield found
        for best, loop in exact[:1]:
            goal, note = Goal(TIMES_AS_FAST, times), f"the best exact solver; {best.note}"
            yield replace(best, goal=goal, note=note)
            pairs = interleaved(n_pairs, ours, partial(on_workers, pool, loop, n_loop))
            peer = f"scikit-learn {loop.solver}, {WORKERS} workers of joblib"
            yield Comparison(what, "fit", pairs, peer, **common)


def on_workers(pool: Parallel, loop: LogisticLoop, n_loop: int) -> float:
    """Seconds of a fit where the replications of a loop are shared out."""
    part = loop.problem.part(next(loop.parts))
    shares = [slice(i, n_loop, WORKERS) for i in range(min(WORKERS, n_loop))]
    jobs = (
        delayed(on_one_thread)(logistic_fits, part.part(share), loop.solver, loop.tol)
        for share in shares
    )
    return seconds(pool, jobs) / part.n_fits


def run_sim1(at: Setting) -> Iterator[Comparison]:
    problem, n_pairs = data(sim1(), at.runs), at.pairs_or(PAIRS)
    yield from against_solvers(
        "Sim1's fits", fit_logistic, problem, n_pairs, at.share(SIM1_LOOP), TIMES["sim1"]
    )


def run_sim2(at: Setting) -> Iterator[Comparison]:
    problem, n_loop = data(sim2(), at.share(2 * BLOCK_SIZE)), at.share(SIM2_LOOP)
    rngs = [np.random.default_rng([run, 1]) for run in range(len(problem.X))]
    starts = np.stack([initial_params(3, 10, rng) for rng in rngs])
    losses: dict[int, FloatArray] = {}
    parts = problem.parts(n_loop)
    with Parallel(n_jobs=WORKERS) as pool:
        Ours(pool, fit_logistic, data(sim1(), 2 * BLOCK_SIZE))()  # starts the workers
        ours = Ours(pool, fit_mlp, problem, starts)
        loop = partial(mlp_loop, problem, parts, losses)
        pairs = interleaved(at.pairs_or(PAIRS), ours, loop)
    found = np.concatenate([f.loss for f in ours.fits])
    mass = problem.weight @ SIZE
    difference = np.array([(found[run] - of_peer) / mass for run, of_peer in losses.items()])
    spread = difference.std(axis=0) / max(1, len(difference) - 1) ** 0.5
    middle = zip(difference.mean(axis=0), spread, strict=True)
    yield Comparison(
        "Sim2's fits", "fit", pairs, "scikit-learn MLPClassifier lbfgs", ratio=TIMES_AS_FAST,
        goal=Goal(TIMES_AS_FAST, TIMES["sim2"]), workers=WORKERS, ours_n=problem.n_fits,
        peer_n=n_loop * len(problem.weight),
        note=f"training loss, ours minus theirs, in {len(difference)} runs of each λ: "
        + ", ".join(f"{mean:+.5f} ± {error:.5f}" for mean, error in middle),
    )  # fmt: skip


def mlp_loop(problem: Problem, parts: Iterator[slice], losses: dict[int, FloatArray]) -> float:
    """Seconds of a fit; keeps the sum-form losses of every replication, of shape (n_settings,)."""
    runs = range(len(problem.X))[next(parts)]
    models: list[MLPClassifier] = []

    def fit() -> None:
        for run in runs:
            for weight in problem.weight:
                model = MLPClassifier(
                    hidden_layer_sizes=(10,), activation="logistic", solver="lbfgs", alpha=0,
                    max_iter=300, tol=1e-8, random_state=run,
                )  # fmt: skip
                model.fit(problem.X[run], problem.y, sample_weight=weight[problem.y])
                models.append(model)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        took = seconds(fit)
    n_settings, of_label = len(problem.weight), (np.arange(len(problem.y)), problem.y)
    for i, run in enumerate(runs):
        log_p = [
            np.log(model.predict_proba(problem.X[run])[of_label])
            for model in models[i * n_settings : (i + 1) * n_settings]
        ]
        losses[run] = -(problem.weight[:, problem.y] * log_p).sum(axis=1)
    return took / len(models)
