r"""The gap of Eq. (9) on fresh data, by features per training sample κ.

Gaussian classes :math:`N(\mu_k, I)` whose means are all as far apart; in every cell one number of
classes and one κ, and the λ settings share each replication's data. A regression is fitted and

- measured on the whole population, which a linear model has in K - 1 dimensions, and on one whose
  class 0 is moved: P(x|y) is then not that of training;
- put to its own training samples, each predicted as if it had been left out (E13);
- repaired: its intercepts are moved to where those predictions balance, stage "loo".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.equations.mean_proba import FloatArray, IntArray
from learnprop.simulations.engine.devices import chosen_device
from learnprop.simulations.engine.study import Study
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.engine.within import tell
from learnprop.simulations.fitters import FITTERS
from learnprop.simulations.fitters.fit import Fitted
from learnprop.simulations.fitters.left_out import loo_stage
from learnprop.simulations.generators.gaussian import class_means, gaussian_classes
from learnprop.simulations.generators.generator import Generator
from learnprop.simulations.records.rows import Block
from learnprop.simulations.registry import choose
from learnprop.simulations.studies.cells import FittedCell
from learnprop.simulations.studies.checks import check_chosen, check_positive, weight_settings
from learnprop.simulations.studies.fresh.options import Options
from learnprop.simulations.studies.fresh.population import logits_of_population, normal_points
from learnprop.simulations.studies.option import design_of
from learnprop.simulations.studies.recording import drawing, record, stacked

NAME = "fresh"
SHIFTED = "shifted"
"""Split: a population whose class 0 is nearer to the others than that of training."""

REPAIRED = 0, "loo"
"""Epoch and stage of the fits that are repaired."""


@dataclass(frozen=True)
class FreshCell(FittedCell):
    """One number of classes with one number of features.

    Its name, from which its randomness comes, holds κ as it was asked for; the number of features
    is rounded. It holds no comma: lists of names have those.
    """

    n_features: int
    separation: float
    shift: float

    measured_on = "population"  # split of the gap that a target of precision is for

    @property
    def kappa(self) -> float:
        """Features per training sample."""
        return self.n_features / sum(self.train_size)

    def means(self) -> FloatArray:
        """Class means, shape (n_classes, n_features)."""
        return class_means("simplex", len(self.train_size), self.n_features, self.separation)

    def shifted_means(self) -> FloatArray:
        """Class means where class 0 has moved towards the centre of the others."""
        means = self.means()
        towards = means[1:].mean(axis=0) - means[0]
        means[0] += self.shift * towards / np.linalg.norm(towards)
        return means

    def generator(self) -> Generator:
        """Distribution of the classes."""
        return gaussian_classes(self.means())


def make_study(options: Options) -> Study:
    """Check the options and lay the study out.

    Raises
    ------
    ValueError
        Naming the option and its value.

    Examples
    --------
    >>> study = make_study(Options(classes=(2, 3), kappa=(0.05,)))
    >>> [(cell.name, cell.train_size, cell.n_features) for cell in study.cells]
    [('2 classes at kappa 0.05', (900, 100), 50), ('3 classes at kappa 0.05', (692, 231, 77), 50)]
    """
    o = options
    check_chosen(o)
    check_positive(train_size=o.train_size)
    for name, value in (("separation", o.separation), ("shift", o.shift)):
        if not (math.isfinite(value) and value > 0):
            raise BadArgument(name, f"must be positive and finite, got {value:g}")
    device = chosen_device(o.device).type
    cells = []
    _check_distinct("classes", o.classes)
    _check_distinct("kappa", o.kappa)
    for n_classes in o.classes:
        train_size = sizes_of(n_classes, o.train_size, o.imbalance)
        _check_shift(o.shift, o.separation, n_classes)
        for kappa in o.kappa:
            fitter = "logistic" if n_classes == 2 else "softmax"
            cells.append(
                FreshCell(
                    name=f"{n_classes} classes at kappa {kappa:g}",
                    train_size=train_size,
                    class_weight=weight_settings(o.weights, train_size, o.beta),
                    device=device,
                    fitter=choose(FITTERS, fitter, {}),
                    n_features=_features_of(kappa, n_classes, o.train_size),
                    separation=float(o.separation),
                    shift=float(o.shift),
                )
            )
    points = len(normal_points(1))
    design = design_of(o, device=device, population=points, code=code_version())
    return Study(NAME, o.seed, o.runs, tuple(cells), compute_block, design, footprint=footprint)


def _check_distinct(name: str, values: Sequence[float]) -> None:
    if not values:
        raise BadArgument(name, "must hold at least one number")
    names = [f"{value:g}" for value in values]
    for written in names:
        if names.count(written) > 1:
            raise BadArgument(name, f"must be distinct, got {written} twice")


def _check_shift(shift: float, separation: float, n_classes: int) -> None:
    """Refuse a shift of class 0 as far as the centre of the others, or beyond."""
    others = separation * math.sqrt(n_classes / (2 * (n_classes - 1)))
    if shift >= others:
        raise BadArgument(
            "shift",
            f"must be less than {others:.3g}, where the centre of the others is if `separation` is "
            f"{separation:g} and {n_classes} the number of classes, got {shift:g}",
        )


def sizes_of(n_classes: int, train_size: int, imbalance: float) -> tuple[int, ...]:
    """Training samples of each class, falling by equal factors from class to class.

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> sizes_of(2, 1000, 9.0), sizes_of(3, 1000, 9.0)
    ((900, 100), (692, 231, 77))
    """
    if n_classes < 2:
        raise BadArgument("classes", f"must be at least 2, got {n_classes}")
    if not (math.isfinite(imbalance) and imbalance >= 1):
        raise BadArgument("imbalance", f"must be finite and at least 1, got {imbalance:g}")
    share = float(imbalance) ** -np.linspace(0, 1, n_classes)
    ends = np.round(np.cumsum(share) / share.sum() * train_size).astype(int)
    sizes = tuple(np.diff(ends, prepend=0).tolist())
    if min(sizes) < 2:
        raise BadArgument(
            "imbalance",
            f"{imbalance:g} leaves the rarest of {n_classes} classes {min(sizes)} of the "
            f"{train_size} samples of `train_size`: to leave one out takes 2",
        )
    return sizes


def _features_of(kappa: float, n_classes: int, train_size: int) -> int:
    """Number of features at κ, if so many can be fitted."""
    if not (math.isfinite(kappa) and kappa > 0):
        raise BadArgument("kappa", f"must be positive and finite, got {kappa:g}")
    n_features = round(kappa * train_size)
    if n_features < n_classes - 1:
        raise BadArgument(
            "kappa",
            f"{kappa:g} of {train_size} samples is {n_features} features: the means of {n_classes} "
            f"classes take {n_classes - 1}",
        )
    if train_size <= n_features + 1:
        raise BadArgument(
            "kappa",
            f"{kappa:g} of {train_size} samples is {n_features} features: a fit takes more samples "
            "than features + 1",
        )
    return n_features


def footprint(cell: FreshCell, n_runs: int) -> dict[str, float]:
    """Bytes that a block takes, by the argument that asks for them."""
    n_classes = len(cell.train_size)
    population = [len(normal_points(1))] * n_classes
    asked = cell.footprint(n_runs, n_classes, population)
    train = cell.footprint(n_runs, cell.n_features)
    hessians = train.get("dimension", 0.0) + train.get("classes", 0.0)
    return {"train_size": train["train_size"] + asked["test_size"], "kappa": hessians}


def compute_block(cell: FreshCell, seed: int, runs: range) -> Block:
    """Generate, fit, repair and measure the replications `runs` of a cell."""
    draw = drawing(cell.generator(), seed, cell.name)
    train = [draw(run, "train", cell.train_size) for run in runs]
    X, y = stacked(train)
    tell("fitting")
    (fitted,) = cell.fit(X, y, seed, runs)
    weight = np.array([values for _, values in cell.class_weight])
    tell("repairing")
    both = [fitted, loo_stage(fitted, X, y, weight)]
    return record(cell.name, runs, both, lambda i: {"train": train[i]}, partial(_populations, cell))


def _populations(
    cell: FreshCell, batch: Fitted, params: FloatArray
) -> Iterator[tuple[str, IntArray, FloatArray]]:
    """Split, labels and logits of the populations, under every setting of a run."""
    splits = {"population": cell.means()}
    if batch.stage == cell.headline[1]:
        splits[SHIFTED] = cell.shifted_means()
    labels = np.repeat(np.arange(len(cell.train_size)), len(normal_points(1)))
    for split, means in splits.items():
        yield split, labels, np.array([logits_of_population(model, means) for model in params])
