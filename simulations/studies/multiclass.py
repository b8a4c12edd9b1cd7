r"""Eq. (9) for K classes put to fitted classifiers.

Gaussian classes of unequal size; for several settings of λ a classifier is fitted on every
replication, and both sides of

.. math:: w_j (1 - \bar p_{j \to j}) = \sum_{k \ne j} w_k \bar p_{k \to j}, \qquad w_k = λ_k N_k,

are measured on train, on a test sample with as many of each class, and on a population of fresh
samples. The settings share each replication's data and initial point.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from equations.arguments import BadArgument, renamed
from equations.class_weights import BETA
from simulations.evidence import Sample, drawing, record
from simulations.fitters.fit import check_device
from simulations.gaussian import class_covariances, class_means, gaussian_classes
from simulations.generator import Generator
from simulations.monte_carlo import Study
from simulations.records import Block
from simulations.studies.fitting import FITTERS, FittedCell, fit_cell
from simulations.studies.options import (
    check_choice,
    check_common,
    check_positive,
    train_sizes,
    weight_settings,
)
from simulations.versions import code_version

NAME = "multiclass"
POPULATION = 10_000


@dataclass(frozen=True)
class Options:
    """Everything that a user can choose about the K-class study."""

    runs: int = 100
    seed: int = 0
    classes: int = 5
    dimension: int = 2
    means: str = "ring"
    separation: float = 2.0
    covariance: str = "shared"
    train_size: int = 2500
    imbalance: float = 10.0
    profile: str = "exponential"
    sizes: tuple[int, ...] = ()
    test_size: int = 1000
    weights: tuple[str, ...] = ("equal", "inverse", "sqrt-inverse")
    beta: float = BETA
    fitter: str = "softmax"
    hidden: int = 16
    epochs: int = 20
    margin: float = 0.05
    device: str = "cpu"


@dataclass(frozen=True)
class MulticlassCell(FittedCell):
    """One distribution with its sizes, λ settings and fitter."""

    dimension: int
    means: str
    separation: float
    covariance: str
    test_size: int

    def generator(self) -> Generator:
        """Distribution of the classes."""
        n_classes = len(self.train_size)
        return gaussian_classes(
            class_means(self.means, n_classes, self.dimension, self.separation),
            class_covariances(self.covariance, n_classes, self.dimension),
        )


def make_study(options: Options) -> Study:
    """Check the options and lay the study out.

    Parameters
    ----------
    options : Options

    Returns
    -------
    Study

    Raises
    ------
    ValueError
        Naming the option and its value.

    Examples
    --------
    >>> (cell,) = make_study(Options(runs=50)).cells
    >>> cell.train_size, cell.settings
    ((2500, 1406, 791, 445, 250), ('equal', 'inverse', 'sqrt-inverse'))
    """
    o = options
    check_common(o.runs, o.seed, o.margin)
    check_positive(test_size=o.test_size, hidden=o.hidden, epochs=o.epochs, dimension=o.dimension)
    check_choice("fitter", o.fitter, FITTERS)
    train_size = train_sizes(o.sizes, o.classes, o.train_size, o.imbalance, o.profile)
    cell = MulticlassCell(
        name="gaussian",
        dimension=o.dimension,
        means=o.means,
        separation=o.separation,
        covariance=o.covariance,
        train_size=train_size,
        test_size=o.test_size,
        class_weight=weight_settings(o.weights, train_size, o.beta),
        fitter=o.fitter,
        hidden=o.hidden,
        epochs=o.epochs,
        device=check_device(o.device).type,
    )
    with renamed(arrangement="means", kind="covariance"):
        cell.generator()
    if sum(train_size) <= o.dimension + 1:
        raise BadArgument(
            "train_size",
            f"leaves {sum(train_size)} samples for {o.dimension} features: "
            "an unpenalised fit needs more than features + 1",
        )
    design = {f.name: getattr(o, f.name) for f in fields(Options) if f.name != "runs"}
    design |= {
        "sizes": list(train_size),
        "weights": list(o.weights),
        "device": cell.device,
        "population": POPULATION,
        "code": code_version(),
    }
    return Study(NAME, o.seed, o.runs, (cell,), compute_block, design)


def compute_block(cell: MulticlassCell, seed: int, runs: range) -> Block:
    """Generate, fit and measure the replications `runs` of a data cell.

    Parameters
    ----------
    cell : MulticlassCell
    seed : int
    runs : range

    Returns
    -------
    Block
    """
    generator = cell.generator()
    n_classes = len(cell.train_size)

    draw = drawing(generator, seed, cell.name)
    train = [draw(run, "train", cell.train_size) for run in runs]
    X, y = np.stack([features for features, _ in train]), train[0][1]

    def samples_of(i: int) -> dict[str, Sample]:
        return {
            "train": train[i],
            "test": draw(runs[i], "test", [cell.test_size] * n_classes),
            "population": draw(runs[i], "population", [POPULATION] * n_classes),
        }

    return record(cell.name, runs, fit_cell(cell, X, y, seed, runs), samples_of)
