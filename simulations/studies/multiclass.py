r"""Eq. (9) for K classes put to fitted classifiers.

Gaussian classes of unequal size; for several settings of λ a classifier is fitted on every
replication, and both sides of

.. math:: w_j (1 - \bar p_{j \to j}) = \sum_{k \ne j} w_k \bar p_{k \to j}, \qquad w_k = λ_k N_k,

are measured on train, on a test sample with as many of each class, and on a population of fresh
samples. The settings share each replication's data and initial point.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from equations.balance import class_mass
from equations.class_weights import BETA, class_weights
from equations.mean_proba import FloatArray
from simulations.evidence import Fitted, Sample, record
from simulations.fitters.fit import check_device
from simulations.fitters.one_vs_all import fit_one_vs_all
from simulations.fitters.softmax import fit_softmax, softmax_logits
from simulations.fitters.softmax_mlp import (
    fit_softmax_mlp,
    initial_softmax_params,
    softmax_mlp_logits,
)
from simulations.gaussian import class_covariances, class_means, gaussian_classes
from simulations.generator import Generator, sample
from simulations.imbalance import class_sizes
from simulations.monte_carlo import Study
from simulations.records import Block
from simulations.seeds import MAX_SEED, replication_rng
from simulations.versions import code_version

NAME = "multiclass"
POPULATION = 10_000
FITTERS = ("softmax", "one-vs-all", "mlp")


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
class MulticlassCell:
    """One distribution with its sizes, λ settings and fitter."""

    name: str
    dimension: int
    means: str
    separation: float
    covariance: str
    train_size: tuple[int, ...]
    test_size: int
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
        """Epoch and stage of the fits that the table is about."""
        return (self.epochs, "head") if self.fitter == "mlp" else (0, "raw")

    def class_mass(self, setting: str) -> FloatArray:
        """Class mass w = λN of training, shape (n_classes,), under a λ setting."""
        return class_mass(dict(self.class_weight)[setting], self.train_size)

    @property
    def one_vs_all(self) -> bool:
        """Whether the K equations are independent."""
        return self.fitter == "one-vs-all"

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
    for name, value in (
        ("--test-size", o.test_size),
        ("--hidden", o.hidden),
        ("--epochs", o.epochs),
        ("--dimension", o.dimension),
    ):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    if o.fitter not in FITTERS:
        raise ValueError(f"--fitter must be one of {', '.join(FITTERS)}, got {o.fitter!r}")
    train_size = _train_size(o)
    cell = MulticlassCell(
        name="gaussian",
        dimension=o.dimension,
        means=o.means,
        separation=o.separation,
        covariance=o.covariance,
        train_size=train_size,
        test_size=o.test_size,
        class_weight=_class_weight(o.weights, train_size, o.beta),
        fitter=o.fitter,
        hidden=o.hidden,
        epochs=o.epochs,
        device=named("--", lambda: check_device(o.device).type),
    )
    named("--", cell.generator)
    if sum(train_size) <= o.dimension + 1:
        raise ValueError(
            f"--train-size leaves {sum(train_size)} samples for {o.dimension} features: "
            "an unpenalised fit needs more than features + 1"
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


def check_common(runs: int, seed: int, margin: float) -> None:
    """Raise ValueError, naming the option, unless a study can have these."""
    if runs < 2:
        raise ValueError(f"--runs must be at least 2, got {runs}")
    if not 0 <= seed < MAX_SEED:
        raise ValueError(f"--seed must satisfy 0 <= seed < 2**63, got {seed}")
    if not (math.isfinite(margin) and margin > 0):
        raise ValueError(f"--margin must be positive and finite, got {margin}")


def named(prefix: str, call: Any) -> Any:
    """Call a library function; its ValueError gets a prefix that makes its argument an option."""
    try:
        return call()
    except ValueError as error:
        raise ValueError(f"{prefix}{error}") from None


def _train_size(o: Options) -> tuple[int, ...]:
    """Class sizes: as listed, or from the largest one and the imbalance."""
    if not o.sizes:
        try:
            return class_sizes(o.classes, o.train_size, o.imbalance, o.profile)
        except ValueError as error:
            text = str(error)
            options = {
                "n_classes": "--classes",
                "largest": "--train-size",
                "ratio": "--imbalance",
                "profile": "--profile",
            }
            for argument, option in options.items():
                if text.startswith(argument):
                    text = option + text.removeprefix(argument)
            raise ValueError(text) from None
    if len(o.sizes) < 2 or any(n < 1 for n in o.sizes):
        raise ValueError(f"--sizes must be at least 2 positive integers, got {list(o.sizes)}")
    return tuple(o.sizes)


def _class_weight(
    weights: Sequence[str], train_size: tuple[int, ...], beta: float
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Weights by label: names of schemes, or numbers with commas between."""
    found = {}
    for label in weights:
        scheme: Any = label
        if "," in label:
            try:
                scheme = [float(number) for number in label.split(",")]
            except ValueError:
                raise ValueError(
                    f"--weights must be a scheme or numbers like 1,2,3, got {label!r}"
                ) from None
        try:
            weight = class_weights(scheme, train_size, beta=beta)
        except ValueError as error:
            text = str(error)
            option = "--beta" if text.startswith("beta") else "--weights"
            raise ValueError(option + text.removeprefix("beta").removeprefix("scheme")) from None
        if label in found:
            raise ValueError(f"--weights must be distinct, got {label!r} twice")
        found[label] = tuple(float(w) for w in weight)
    if not found:
        raise ValueError("--weights must name at least one scheme")
    return tuple(found.items())


def study_of_design(design: Mapping[str, Any], n_runs: int) -> Study:
    """Lay a stored study out again.

    Parameters
    ----------
    design : mapping
        As `make_study` made it.
    n_runs : int

    Returns
    -------
    Study
    """
    chosen = {f.name: design[f.name] for f in fields(Options) if f.name in design}
    for name in ("sizes", "weights"):
        chosen[name] = tuple(chosen[name])
    return make_study(Options(runs=n_runs, **chosen))


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

    def draw(run: int, stream: str, size: Sequence[int]) -> Sample:
        return sample(generator, size, replication_rng(seed, cell.name, run, stream))

    train = [draw(run, "train", cell.train_size) for run in runs]
    X, y = np.stack([features for features, _ in train]), train[0][1]

    def samples_of(i: int) -> dict[str, Sample]:
        return {
            "train": train[i],
            "test": draw(runs[i], "test", [cell.test_size] * n_classes),
            "population": draw(runs[i], "population", [POPULATION] * n_classes),
        }

    return record(cell.name, runs, _fit(cell, X, y, seed, runs), samples_of)


def _fit(
    cell: MulticlassCell, X: FloatArray, y: np.ndarray, seed: int, runs: range
) -> list[Fitted]:
    weight = [values for _, values in cell.class_weight]
    if cell.fitter == "softmax":
        fit = fit_softmax(X, y, weight, device=cell.device)
        return [Fitted(cell.settings, 0, "raw", fit, softmax_logits)]
    if cell.fitter == "one-vs-all":
        fit = fit_one_vs_all(X, y, weight, device=cell.device)
        return [Fitted(cell.settings, 0, "raw", fit, softmax_logits, "sigmoid")]
    n_classes = len(cell.train_size)
    rngs = [
        [replication_rng(seed, cell.name, run, s) for run in runs] for s in ("start", "minibatch")
    ]
    start = [initial_softmax_params(cell.dimension, cell.hidden, n_classes, rng) for rng in rngs[0]]
    fits = fit_softmax_mlp(
        X, y, weight, start, rngs=rngs[1], epochs=cell.epochs, device=cell.device
    )
    logits_of = partial(softmax_mlp_logits, n_classes=n_classes)
    return [
        Fitted(cell.settings, cell.epochs, stage, fit, logits_of) for stage, fit in fits.items()
    ]
