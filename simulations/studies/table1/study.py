r"""Table 1: Eq. (10) put to fitted classifiers.

For N_0 = 1000 and N_1 = 10000 training samples and three settings of λ, classifiers are fitted on
100 samples of Sim1 (logistic regression) and Sim2 (the (3, 10, 1) network), and the left side of

.. math:: (1 - \bar p_{0 \to 0}) / \bar p_{1 \to 0} = \lambda_1 N_1 / (\lambda_0 N_0)

is measured on the training sample, on 1000 test samples per class, and on a population of 20,000
fresh samples per class. The three settings share each replication's data and initial point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from learnprop.equations.class_weights import table1_class_weights
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.engine.devices import chosen_device
from learnprop.simulations.engine.footprint import NUMBER, BlockSize, fresh_samples
from learnprop.simulations.engine.seeds import replication_rng
from learnprop.simulations.engine.study import Study
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.fitters.fit import Fitted, check_problem
from learnprop.simulations.fitters.fitter import left_out_by
from learnprop.simulations.fitters.logistic import (
    MEMORY,
    fit_logistic,
    left_out_logistic,
    logistic_logits,
)
from learnprop.simulations.fitters.mlp.left_out import left_out_mlp
from learnprop.simulations.fitters.mlp.minibatches import train_adam
from learnprop.simulations.fitters.mlp.network import initial_params, mlp_logits, n_params
from learnprop.simulations.fitters.mlp.sim2 import check_start, describe, refine_output_layer
from learnprop.simulations.fitters.mlp.training import make_minibatch_loss, train_bfgs
from learnprop.simulations.generators import FAMILIES
from learnprop.simulations.generators.family import generator_of
from learnprop.simulations.generators.generator import Generator, check_class_count
from learnprop.simulations.records.rows import Block
from learnprop.simulations.registry import Chosen, choose
from learnprop.simulations.studies.cells import WeightedCell
from learnprop.simulations.studies.checks import check_chosen, check_positive
from learnprop.simulations.studies.option import design_of
from learnprop.simulations.studies.recording import measured_block
from learnprop.simulations.studies.table1.options import Options

NAME = "table1"
POPULATION = 20_000
N_HIDDEN = 10
DEPTHS = (10, 50)


@dataclass(frozen=True)
class Simulation:
    """One of the paper's simulations: its title, and how its samples are fitted.

    Attributes
    ----------
    title, fitter : str
        In tables.
    network : bool
        Whether a network is trained.
    fit : callable ``(cell, seed, runs, X, y) -> iterator of Fitted``
    """

    title: str
    fitter: str
    network: bool
    fit: Callable[..., Iterator[Fitted]]


@dataclass(frozen=True)
class Table1Cell(WeightedCell):
    """A data cell of Table 1: one simulation with its sizes, and how it is fitted."""

    class_weight: tuple[tuple[str, tuple[float, float]], ...]
    family: Chosen
    test_size: tuple[int, int]
    training: str
    max_iter: int
    epochs: int

    def generator(self) -> Generator:
        """Distribution of the classes."""
        return generator_of(self.family)

    @property
    def headline(self) -> tuple[int, str]:
        """Epoch and stage of the fits that the table is about."""
        if not SIMULATIONS[self.name].network:
            return 0, "raw"
        return (self.max_iter, "head") if self.training == "bfgs" else (self.epochs, "raw")

    @property
    def depths(self) -> tuple[int, ...]:
        """Training depths of the network, shallow to deep, the headline's last."""
        if not SIMULATIONS[self.name].network or self.training == "adam":
            return ()
        return (*(d for d in DEPTHS if d < self.max_iter), self.max_iter)


def make_study(options: Options) -> Study:
    """Check the options and lay the study out.

    Raises
    ------
    ValueError
        Naming the option and its value.

    Examples
    --------
    >>> study = make_study(Options(runs=50))
    >>> [cell.name for cell in study.cells], study.cells[0].settings
    (['sim1', 'sim2'], ('1/2', 'N1/(N0+N1)', '2N1/(2N1+N0)'))
    """
    o = options
    check_chosen(o)
    check_class_count(o.train_size, 2, "train_size")
    check_class_count(o.test_size, 2, "test_size")
    check_positive(max_iter=o.max_iter, epochs=o.epochs)
    readings = {"sim1": o.sim1_reading, "sim2": o.sim2_reading}
    device = chosen_device(o.device).type
    weights = table1_class_weights(o.train_size, as_printed=o.as_printed)
    cells = tuple(
        Table1Cell(
            name=name,
            family=choose(FAMILIES, name, {"reading": reading}),
            train_size=o.train_size,
            test_size=o.test_size,
            class_weight=tuple((k, (float(w[0]), float(w[1]))) for k, w in weights.items()),
            training=o.training,
            max_iter=o.max_iter,
            epochs=o.epochs,
            device=device,
        )
        for name, reading in readings.items()
    )
    design = design_of(o, population=POPULATION, device=device, code=code_version())
    return Study(NAME, o.seed, o.runs, cells, compute_block, design, footprint=footprint)


def footprint(cell: Table1Cell, n_runs: int) -> dict[str, float]:
    """Bytes that a block takes, by the argument that asks for them, as measured."""
    n_features, n_settings = cell.generator().n_features, len(cell.settings)
    size = BlockSize(n_runs, sum(cell.train_size), n_features, 2, n_settings)
    # Where there are few fits, the derivatives of one network in its parameters are more than they.
    of_sample = max(8.7 * size.fits, 3.4 * n_params(n_features, N_HIDDEN))
    network = NUMBER * (2.4 * size.features + of_sample * size.n_samples)
    fitted = network if SIMULATIONS[cell.name].network else MEMORY(size).samples
    fresh = fresh_samples(size, sum(cell.test_size), 2 * POPULATION)
    return {"train_size": fitted, "test_size": fresh}


def compute_block(cell: Table1Cell, seed: int, runs: range) -> Block:
    """Generate, fit and measure the replications `runs` of a data cell."""
    fresh = {"test": cell.test_size, "population": (POPULATION, POPULATION)}
    fit = partial(SIMULATIONS[cell.name].fit, cell, seed, runs)
    return measured_block(cell, cell.generator(), seed, runs, fit, fresh)


def _fit_regression(
    cell: Table1Cell, _seed: int, _runs: range, X: FloatArray, y: np.ndarray
) -> Iterator[Fitted]:
    """Logistic regression, to the minimum."""
    weight = [pair for _, pair in cell.class_weight]
    fit = fit_logistic(X, y, weight, device=cell.device)
    left_out = left_out_by(left_out_logistic, fit, np.array(weight))
    yield Fitted(cell.settings, 0, "raw", fit, logistic_logits, left_out=left_out)


def _fit_network(
    cell: Table1Cell, seed: int, runs: range, X: FloatArray, y: np.ndarray
) -> Iterator[Fitted]:
    """The network: by BFGS at each depth, as it is (raw) and refined (head); or by Adam, raw."""
    weight = [pair for _, pair in cell.class_weight]
    problem = check_problem(X, y, weight, cell.device)
    start = [
        initial_params(X.shape[2], N_HIDDEN, replication_rng(seed, cell.name, run, "start"))
        for run in runs
    ]
    initial = check_start(problem, start)
    if cell.training == "adam":
        rngs = [replication_rng(seed, cell.name, run, "minibatch") for run in runs]
        theta, n_iter = train_adam(
            make_minibatch_loss(problem),
            initial.repeat_interleave(len(problem.weight), dim=0),
            n_samples=len(y),
            epochs=cell.epochs,
            rngs=rngs,
        )
        yield Fitted(
            cell.settings, cell.epochs, "raw", describe(problem, theta, n_iter), mlp_logits
        )
    of_depths = train_bfgs(problem, initial, depths=cell.depths) if cell.depths else []
    for depth, (theta, n_iter) in zip(cell.depths, of_depths, strict=True):
        yield Fitted(cell.settings, depth, "raw", describe(problem, theta, n_iter), mlp_logits)
        refined = describe(problem, refine_output_layer(problem, theta), n_iter)
        left_out = None
        if depth == cell.max_iter:  # at every depth it would take a tenth of the time of all else
            left_out = left_out_by(left_out_mlp, refined, np.array(weight))
        yield Fitted(cell.settings, depth, "head", refined, mlp_logits, left_out=left_out)


SIMULATIONS = {
    "sim1": Simulation("Sim1", "logistic regression", network=False, fit=_fit_regression),
    "sim2": Simulation("Sim2", "(3, 10, 1) network", network=True, fit=_fit_network),
}
"""By name of their family of distributions."""
