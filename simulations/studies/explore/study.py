r"""What a weight does to each class: a grid of imbalance ratios and λ.

A data cell is one imbalance ratio, a λ setting one choice of weights; both sides of Eq. (9), for
two classes Eq. (10),

.. math:: (1 - \bar p_{0 \to 0}) / \bar p_{1 \to 0} = \lambda_1 N_1 / (\lambda_0 N_0),

are measured on train, on test and, where the data are generated, on a population of fresh samples.
Class 0 is the rarest, as in the paper's Table 1. The settings share each replication's data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.engine.devices import chosen_device
from learnprop.simulations.engine.study import Study
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.fitters import FITTERS
from learnprop.simulations.fitters.estimator import stored_estimator
from learnprop.simulations.generators import FAMILIES
from learnprop.simulations.generators.family import generator_of
from learnprop.simulations.generators.generator import Sample
from learnprop.simulations.generators.user_data import (
    DataFile,
    describe_file,
    draw_from_classes,
    samples_of_file,
)
from learnprop.simulations.generators.user_files.dialect import Dialect
from learnprop.simulations.minimisation.separation import is_separated
from learnprop.simulations.records.rows import REASONS, SEPARATED, Block, with_way_on
from learnprop.simulations.registry import Chosen, check_unused, without_unused
from learnprop.simulations.studies.cells import (
    FittedCell,
    check_stages,
    choose_family,
    choose_fitter,
    streams_of,
)
from learnprop.simulations.studies.checks import (
    check_chosen,
    check_positive,
    lambda0_grid,
    weight_settings,
)
from learnprop.simulations.studies.explore.grid import check_ratios, grid_of, sizes_of
from learnprop.simulations.studies.explore.options import Options
from learnprop.simulations.studies.explore.source import Source
from learnprop.simulations.studies.option import defaults_of, design_of
from learnprop.simulations.studies.recording import measured_block, record, stacked, tell_of

NAME = "explore"
POPULATION = 10_000
SCHEMES = ("equal", "sqrt-inverse", "effective-number", "inverse")
LAMBDA0_GRID = (0.01, 0.99, 10)
ASKED_OF = 200_000

_DIALECT = tuple(field.name for field in fields(Dialect))
_OF_DATA = ("label", "drop", "drop_labels", "rarest", *_DIALECT)


@dataclass(frozen=True)
class ExploreCell(FittedCell):
    """One imbalance ratio with its sizes and λ settings.

    Its name, from which its randomness comes, is the ratio's alone, not the generator's: grids of
    two generators, sizes or fitters under one seed share random numbers
    (`learnprop.simulations.engine.seeds`).
    """

    ratio: float
    source: Source
    test_size: tuple[int, ...]


def make_study(
    options: Options,
    file: DataFile | None = None,
    estimator: Chosen | None = None,
    left_out: Sequence[float] = (),
) -> Study:
    """Check the options and lay the study out.

    Parameters
    ----------
    options : Options
    file : DataFile, optional
        What is known of ``options.data``; read from the file by default.
    estimator : Chosen, optional
        A user's own fitter (`learnprop.simulations.fitters.estimator`): its blocks are single
        replications, since models are kept in memory until they are measured.
    left_out : sequence of float
        Ratios that a stored study went without.

    Returns
    -------
    Study

    Raises
    ------
    ValueError
        Naming the option and its value, the rows of a file or its label.

    Examples
    --------
    >>> study = make_study(Options(ratios=(1, 10)))
    >>> [(cell.name, cell.train_size) for cell in study.cells]
    [('ratio 1', (10000, 10000)), ('ratio 10', (1000, 10000))]
    >>> len(study.cells[0].settings), study.cells[0].settings[3:6]
    (14, ('inverse', '0.01', '0.02728'))
    """
    o = options
    check_chosen(o)
    sizes = {"train_size": o.train_size, "test_size": o.test_size}
    check_positive(**{name: size for name, size in sizes.items() if size is not None})
    check_ratios(o.ratios)
    if o.data or file:
        said = "`X` and `y`" if file and file.called else "`data`"
        check_unused(FAMILIES, "", vars(o), defaults_of(Options), option="generator", said=said)
        file = file or describe_file(
            o.data, o.label, o.drop, o.rarest, o.drop_labels, _said(vars(o))
        )
    source = _source(o, file)
    fitter = choose_fitter(o, source.n_classes, estimator)
    device, stages = chosen_device(o.device).type, check_stages(o.stage, fitter)
    labels = _weight_labels(o)
    grid, left_out = grid_of(o, source, fitter, left_out)
    cells = [
        ExploreCell(
            name=f"ratio {ratio:g}",
            ratio=float(ratio),
            source=source,
            train_size=train_size,
            test_size=test_size,
            class_weight=weight_settings(labels, train_size, o.beta),
            fitter=fitter,
            extra_stages=stages,
            device=device,
        )
        for ratio, (train_size, test_size) in grid.items()
    ]
    design = _design(o, grid, left_out, labels, cells[0])
    inputs = {}
    if file:
        written = {name: value for name, value in asdict(file.dialect).items() if value}
        inputs = {"data": file.path, **written}
    given = tuple(name for name, size in sizes.items() if size is not None)
    return Study(
        NAME, o.seed, o.runs, tuple(cells), compute_block, design, inputs=inputs,
        footprint=partial(footprint, given, "X" if file and file.called else "data"),
    )  # fmt: skip


def _design(
    o: Options,
    ratios: Iterable[float],
    left_out: Sequence[float],
    labels: Sequence[str],
    cell: ExploreCell,
) -> dict[str, Any]:
    """All that determines the numbers: the options, and what was made of them."""
    file = cell.source.file
    design = design_of(
        o,
        stage=cell.extra_stages,
        ratios=[float(ratio) for ratio in ratios],
        weights=labels,
        lambda0_grid=[],  # they are among the weights
        device=cell.device,
        fitter=cell.fitter.name,
        population=None if file else POPULATION,
        file=None,
        code=code_version(),
    )
    if left_out:
        design["left_out"] = [float(ratio) for ratio in left_out]
    if "described" in cell.fitter.options:
        design |= {"estimator": cell.fitter.options["described"], "block_size": 1}
    if file:
        found = {k: v for k, v in asdict(file).items() if k not in ("path", "called", "dialect")}
        design["file"] = found
    return design


def footprint(
    given: tuple[str, ...], data: str, cell: ExploreCell, n_runs: int
) -> dict[str, float]:
    """Bytes that a block takes, by the argument that asks for them: sizes as `given`, or `data`."""
    if cell.source.file is None:
        return cell.footprint(n_runs, cell.source.dimension, *_fresh(cell).values())
    asked = cell.footprint(n_runs, cell.source.dimension, cell.test_size)
    of_sizes = {name: n_bytes for name, n_bytes in asked.items() if name in given}
    return of_sizes | {data: sum(asked.values()) - sum(of_sizes.values())}


def used_of(design: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a stored design what neither its generator nor its fitter has."""
    generator, fitter = design["generator"], design["fitter"]
    of_other = ("generator",) if design["file"] else _OF_DATA
    design = {name: value for name, value in design.items() if name not in of_other}
    if design["file"]:
        generator = ""
    if design.get("estimator"):
        design = {k: v for k, v in design.items() if k != "fitter"}
    return without_unused(FITTERS, fitter, without_unused(FAMILIES, generator, design))


def known_from(design: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, Any]:
    """What a stored study says beyond its options, for `make_study`."""
    known: dict[str, Any] = {}
    if design.get("estimator"):
        known["estimator"] = stored_estimator(design["estimator"])
    if not design["file"]:
        return known
    about: dict[str, Any] = {
        "path": inputs.get("data", ""), "dialect": _said(inputs), **design["file"]
    }  # fmt: skip
    for name in ("drop", "labels", "counts"):
        about[name] = tuple(about[name])
    return known | {"file": DataFile(**about), "left_out": design.get("left_out", ())}


def no_minimum_of(study: Study) -> str:
    """Say, before anything is computed, that a file is separated as a whole; empty where it is not.

    Its samples are then separated too. Asked of files of up to `ASKED_OF` numbers, of which the
    answer takes less than half a second.
    """
    cell = study.cells[0]
    file, penalty = cell.source.file, cell.fitter.options.get("l2")
    if file is None or penalty != 0:
        return ""
    n_classes = len(file.labels)
    if sum(file.counts) * (file.n_features + 1) * n_classes > ASKED_OF:
        return ""
    X, y = np.concatenate(samples_of_file(file)), np.repeat(range(n_classes), file.counts)
    questions = [y == k for k in range(n_classes)] if cell.one_vs_all else [y]
    if not any(is_separated(X, labels) for labels in questions):
        return ""
    return f"the whole file is {with_way_on(REASONS[SEPARATED], study.design)}"


def left_out_of(study: Study) -> str:
    """Say which ratios of the default grid a file cannot have, and why; empty if there are none."""
    ratios, cell = study.design.get("left_out", ()), study.cells[0]
    for ratio in ratios:
        try:
            sizes_of(study.design, cell.source, cell.fitter, ratio)
        except BadArgument as error:
            listed = ", ".join(f"{ratio:g}" for ratio in ratios)
            return f"left out of the default `ratios`: {listed}; `{error.argument}` {error.problem}"
    return ""


def _said(options: Mapping[str, Any]) -> Dialect:
    return Dialect(**{name: options.get(name, "") for name in _DIALECT})


def _source(o: Options, file: DataFile | None) -> Source:
    default = defaults_of(Options)
    if file:
        if o.generator != default["generator"]:
            given, take = ("X", "and `y` take") if file.called else ("data", "takes")
            problem = f"{take} the place of `generator`, got {o.generator!r} as well"
            raise BadArgument(given, problem)
        return Source(len(file.labels), file.n_features, file=file)
    for name in _OF_DATA:
        if getattr(o, name) != default[name]:
            raise BadArgument(
                name,
                f"is an option of `data`, got {getattr(o, name)!r} with `generator` {o.generator}",
            )
    family = choose_family(o)
    generator = generator_of(family)
    return Source(generator.n_classes, generator.n_features, family)


def _weight_labels(o: Options) -> tuple[str, ...]:
    grid = o.lambda0_grid or (() if o.weights else LAMBDA0_GRID)
    if grid and (len(grid) != 3 or not float(grid[2]).is_integer()):
        raise BadArgument("lambda0_grid", f"must be LOW HIGH N, got {list(grid)}")
    values = lambda0_grid(grid[0], grid[1], int(grid[2])) if grid else ()
    return (*(o.weights or SCHEMES), *values)


def compute_block(cell: ExploreCell, seed: int, runs: range) -> Block:
    """Generate or resample, fit and measure the replications `runs` of a data cell."""
    if cell.source.file is None:
        generator, fit = cell.source.distribution(), partial(cell.fit, seed=seed, runs=runs)
        return measured_block(cell, generator, seed, runs, fit, _fresh(cell))
    classes = samples_of_file(cell.source.file)
    rngs = streams_of(cell.name, seed, runs)("train")
    pairs = [draw_from_classes(classes, cell.train_size, cell.test_size, rng) for rng in rngs]
    X, y = stacked([train for train, _ in pairs])

    def samples_of(i: int) -> dict[str, Sample]:
        return dict(zip(("train", "test"), pairs[i], strict=True))

    tell_of("fitting", runs)
    return record(cell.name, runs, cell.fit(X, y, seed, runs), samples_of)


def _fresh(cell: ExploreCell) -> dict[str, Sequence[int]]:
    """Class sizes of the samples beside those of training, of a distribution."""
    return {"test": cell.test_size, "population": [POPULATION] * len(cell.train_size)}
