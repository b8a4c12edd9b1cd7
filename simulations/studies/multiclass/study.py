r"""Eq. (9) for K classes put to fitted classifiers.

Classes of unequal size, Gaussian ones by default; for several settings of λ a classifier is fitted
on every replication, and both sides of

.. math:: w_j (1 - \bar p_{j \to j}) = \sum_{k \ne j} w_k \bar p_{k \to j}, \qquad w_k = λ_k N_k,

are measured on train, on a test sample with as many of each class, and on a population of fresh
samples. The settings share each replication's data and initial point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.engine.devices import chosen_device
from learnprop.simulations.engine.study import Study
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.fitters import FITTERS
from learnprop.simulations.generators import FAMILIES
from learnprop.simulations.generators.family import generator_of
from learnprop.simulations.generators.generator import Generator
from learnprop.simulations.records.rows import Block
from learnprop.simulations.registry import Chosen, without_unused
from learnprop.simulations.studies.cells import (
    FittedCell,
    check_enough,
    check_stages,
    choose_family,
    choose_fitter,
)
from learnprop.simulations.studies.checks import (
    check_chosen,
    check_positive,
    train_sizes,
    weight_settings,
)
from learnprop.simulations.studies.multiclass.options import Options
from learnprop.simulations.studies.option import design_of
from learnprop.simulations.studies.recording import measured_block

NAME = "multiclass"
POPULATION = 10_000


@dataclass(frozen=True)
class MulticlassCell(FittedCell):
    """One distribution with its sizes, λ settings and fitter."""

    family: Chosen
    test_size: int

    def generator(self) -> Generator:
        """Distribution of the classes."""
        return generator_of(self.family)


def make_study(options: Options) -> Study:
    """Check the options and lay the study out.

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
    check_chosen(o)
    check_positive(test_size=o.test_size)
    if o.sizes:
        train_sizes(o.sizes, 0, o.train_size, o.imbalance, o.profile)  # refuses what cannot be
    family = choose_family(o, **({"classes": len(o.sizes)} if o.sizes else {}))
    generator = generator_of(family)
    if o.sizes and len(o.sizes) != generator.n_classes:
        raise BadArgument(
            "sizes",
            f"must be {generator.n_classes} with `generator` {o.generator}, got {list(o.sizes)}",
        )
    train_size = train_sizes(o.sizes, generator.n_classes, o.train_size, o.imbalance, o.profile)
    fitter = choose_fitter(o, generator.n_classes)
    check_enough(train_size, generator.n_features, fitter, stages=o.stage)
    stages = check_stages(o.stage, fitter)
    cell = MulticlassCell(
        name=family.name,
        family=family,
        train_size=train_size,
        test_size=o.test_size,
        class_weight=weight_settings(o.weights, train_size, o.beta),
        fitter=fitter,
        extra_stages=stages,
        device=chosen_device(o.device).type,
    )
    design = design_of(
        o,
        stage=stages,
        sizes=train_size,
        device=cell.device,
        population=POPULATION,
        code=code_version(),
    )
    asked = partial(footprint, generator.n_features, "sizes" if o.sizes else "train_size")
    return Study(NAME, o.seed, o.runs, (cell,), compute_block, design, footprint=asked)


def footprint(n_features: int, sizes: str, cell: MulticlassCell, n_runs: int) -> dict[str, float]:
    """Bytes that a block takes, by the argument that asks for them; `sizes` is that of training."""
    asked = cell.footprint(n_runs, n_features, *_fresh(cell).values())
    return {sizes if name == "train_size" else name: n_bytes for name, n_bytes in asked.items()}


def used_of(design: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a stored design what neither its generator nor its fitter has."""
    generator = design.get("generator", "gaussian")  # the only one before there was a choice
    return without_unused(FITTERS, design["fitter"], without_unused(FAMILIES, generator, design))


def compute_block(cell: MulticlassCell, seed: int, runs: range) -> Block:
    """Generate, fit and measure the replications `runs` of a data cell."""
    fit = partial(cell.fit, seed=seed, runs=runs)
    return measured_block(cell, cell.generator(), seed, runs, fit, _fresh(cell))


def _fresh(cell: MulticlassCell) -> dict[str, list[int]]:
    """Class sizes of the samples beside those of training."""
    n_classes = len(cell.train_size)
    return {"test": [cell.test_size] * n_classes, "population": [POPULATION] * n_classes}
