r"""What a weight does to each class: a grid of imbalance ratios and λ.

A data cell is one imbalance ratio, a λ setting one choice of weights; both sides of Eq. (9), for
two classes Eq. (10),

.. math:: (1 - \bar p_{0 \to 0}) / \bar p_{1 \to 0} = \lambda_1 N_1 / (\lambda_0 N_0),

are measured on train, on test and, where the data are generated, on a population of fresh samples.
Class 0 is the rarest, as in the paper's Table 1. The settings share each replication's data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from equations.arguments import BadArgument, renamed
from equations.class_weights import BETA
from simulations.evidence import Sample, drawing, record
from simulations.fitters.fit import check_device
from simulations.monte_carlo import Study
from simulations.records import Block
from simulations.seeds import replication_rng
from simulations.studies.fitting import FITTERS, FittedCell, fit_cell
from simulations.studies.options import (
    check_choice,
    check_common,
    check_positive,
    lambda0_grid,
    weight_settings,
)
from simulations.studies.source import Source, sizes_at
from simulations.user_data import DataFile, describe_file, draw_from_classes, samples_of_file
from simulations.versions import code_version

NAME = "explore"
POPULATION = 10_000
RATIOS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
SCHEMES = ("equal", "sqrt-inverse", "effective-number", "inverse")
LAMBDA0_GRID = (0.01, 0.99, 10)


@dataclass(frozen=True)
class Options:
    """Everything that a user can choose about the grid.

    Attributes
    ----------
    runs, seed : int
    generator : {"sim1", "sim2", "gaussian", "data"}
    ratios : tuple of float
        Largest over smallest training class, at least 1.
    weights : tuple of str
        Schemes, values of λ_0, or numbers with commas between; empty for the default schemes and
        the grid.
    lambda0_grid : tuple (low, high, n), or empty
        Values of λ_0 besides, evenly spaced in its log odds; by default where `weights` is empty.
    beta : float
        Of the scheme ``effective-number``.
    data, label, rarest : str
        File of the user's own data, its column of labels, and the label that shall be class 0.
    drop : tuple of str
        Columns of the file that are no features.
    classes, dimension, means, separation, covariance
        Of Gaussian classes, as in the K-class study.
    train_size : int or None
        Samples of the largest class; 10,000, or of a file as many as it has for each ratio.
    profile : {"exponential", "step"}
        How sizes rise from class to class.
    test_size : int or None
        Test samples of each class; 1000, or a fifth of each label's samples in a file.
    fitter : {"auto", "logistic", "softmax", "one-vs-all", "mlp"}
        Auto is logistic regression for two classes, else softmax regression.
    hidden, epochs : int
        Of the network.
    margin : float
        The gap that still counts as none.
    device : {"cpu", "cuda", "auto"}
    """

    runs: int = 100
    seed: int = 0
    generator: str = "sim1"
    ratios: tuple[float, ...] = RATIOS
    weights: tuple[str, ...] = ()
    lambda0_grid: tuple[float, ...] = ()
    beta: float = BETA
    data: str = ""
    label: str = "label"
    drop: tuple[str, ...] = ()
    rarest: str = ""
    classes: int = 3
    dimension: int = 2
    means: str = "ring"
    separation: float = 2.0
    covariance: str = "shared"
    train_size: int | None = None
    profile: str = "exponential"
    test_size: int | None = None
    fitter: str = "auto"
    hidden: int = 16
    epochs: int = 20
    margin: float = 0.05
    device: str = "cpu"


_OF_GAUSSIAN = ("classes", "dimension", "means", "separation", "covariance")
_OF_DATA = ("label", "drop", "rarest")


@dataclass(frozen=True)
class ExploreCell(FittedCell):
    """One imbalance ratio with its sizes and λ settings.

    Its name, from which its randomness comes, is the ratio's alone, not the generator's: grids of
    two generators, sizes or fitters under one seed share random numbers (`simulations.seeds`).
    """

    ratio: float
    source: Source
    test_size: tuple[int, ...]


def make_study(options: Options, file: DataFile | None = None) -> Study:
    """Check the options and lay the study out.

    Parameters
    ----------
    options : Options
    file : DataFile, optional
        What is known of ``options.data``; read from the file by default.

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
    check_common(o.runs, o.seed, o.margin)
    check_positive(hidden=o.hidden, epochs=o.epochs)
    sizes = {"train_size": o.train_size, "test_size": o.test_size}
    check_positive(**{name: size for name, size in sizes.items() if size is not None})
    _check_ratios(o.ratios)
    if o.data or file:
        _check_unused(o, _OF_GAUSSIAN, "gaussian")
        file = file or describe_file(o.data, o.label, o.drop, o.rarest)
    source = _source(o, file)
    fitter = _fitter(o.fitter, source.n_classes)
    device = check_device(o.device).type
    labels = _weight_labels(o)
    cells = []
    for ratio in o.ratios:
        train_size, test_size = sizes_at(source, ratio, o.profile, o.train_size, o.test_size)
        if sum(train_size) <= source.dimension + 1:
            raise BadArgument(
                "train_size",
                f"leaves {sum(train_size)} samples for {source.dimension} features at "
                f"ratio {ratio:g}: an unpenalised fit needs more than features + 1",
            )
        cells.append(
            ExploreCell(
                name=f"ratio {ratio:g}",
                ratio=float(ratio),
                source=source,
                train_size=train_size,
                test_size=test_size,
                class_weight=weight_settings(labels, train_size, o.beta),
                fitter=fitter,
                hidden=o.hidden,
                epochs=o.epochs,
                device=device,
            )
        )
    design: dict[str, Any] = {f.name: getattr(o, f.name) for f in fields(Options)}
    del design["runs"], design["data"]  # where a file is determines no number
    design |= {
        "ratios": [float(ratio) for ratio in o.ratios],
        "weights": list(labels),
        "lambda0_grid": [],  # they are among the weights
        "drop": list(o.drop),
        "device": device,
        "population": None if file else POPULATION,
        "file": None,
        "code": code_version(),
    }
    inputs = {}
    if file:
        inputs["data"] = file.path
        design["file"] = {k: v for k, v in asdict(file).items() if k not in ("path", "called")}
    return Study(NAME, o.seed, o.runs, tuple(cells), compute_block, design, inputs=inputs)


def known_from(design: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, Any]:
    """What a stored study says beyond its options, for `make_study`."""
    if not design["file"]:
        return {}
    about: dict[str, Any] = {"path": inputs.get("data", ""), **design["file"]}
    for name in ("drop", "labels", "counts"):
        about[name] = tuple(about[name])
    return {"file": DataFile(**about)}


def _check_ratios(ratios: Sequence[float]) -> None:
    if not ratios:
        raise BadArgument("ratios", "must hold at least one ratio")
    for ratio in ratios:
        if not (np.isfinite(ratio) and ratio >= 1):
            raise BadArgument("ratios", f"must be finite and at least 1, got {ratio:g}")
    names = [f"{ratio:g}" for ratio in ratios]
    for name in names:
        if names.count(name) > 1:
            raise BadArgument("ratios", f"must be distinct, got {name} twice")


def _check_unused(o: Options, names: Sequence[str], generator: str) -> None:
    """Refuse options that another kind of data has."""
    default = Options()
    for name in names:
        if getattr(o, name) != getattr(default, name):
            chosen = "`data`" if o.data else f"`generator` {o.generator}"
            needed = "`data`" if generator == "data" else f"`generator` {generator}"
            raise BadArgument(
                name, f"is an option of {needed}, got {getattr(o, name)!r} with {chosen}"
            )


def _source(o: Options, file: DataFile | None) -> Source:
    if file:
        if o.generator not in (Options.generator, "data"):
            raise BadArgument(
                "data", f"takes the place of `generator`, got {o.generator!r} as well"
            )
        return Source("data", len(file.labels), file.n_features, file=file)
    _check_unused(o, _OF_DATA, "data")
    if o.generator == "data":
        raise BadArgument("generator", "data needs `data` FILE")
    check_choice("generator", o.generator, ("sim1", "sim2", "gaussian"))
    if o.generator != "gaussian":
        _check_unused(o, _OF_GAUSSIAN, "gaussian")
        generator = Source(o.generator, 2, 0).distribution()
        return Source(o.generator, 2, generator.n_features)
    source = Source("gaussian", o.classes, o.dimension, o.means, o.separation, o.covariance)
    with renamed(
        arrangement="means", kind="covariance", n_classes="classes", n_features="dimension"
    ):
        source.distribution()
    return source


def _fitter(fitter: str, n_classes: int) -> str:
    check_choice("fitter", fitter, ("auto", "logistic", *FITTERS))
    if fitter == "logistic" and n_classes > 2:
        raise BadArgument("fitter", f"logistic is for two classes, got {n_classes}")
    if fitter == "auto":
        return "logistic" if n_classes == 2 else "softmax"
    return fitter


def _weight_labels(o: Options) -> tuple[str, ...]:
    grid = o.lambda0_grid or (() if o.weights else LAMBDA0_GRID)
    if grid and (len(grid) != 3 or not float(grid[2]).is_integer()):
        raise BadArgument("lambda0_grid", f"must be LOW HIGH N, got {list(grid)}")
    values = lambda0_grid(grid[0], grid[1], int(grid[2])) if grid else ()
    return (*(o.weights or SCHEMES), *values)


def compute_block(cell: ExploreCell, seed: int, runs: range) -> Block:
    """Generate or resample, fit and measure the replications `runs` of a data cell.

    Parameters
    ----------
    cell : ExploreCell
    seed : int
    runs : range

    Returns
    -------
    Block
    """
    if cell.source.file is not None:
        classes = samples_of_file(cell.source.file)
        pairs = [
            draw_from_classes(
                classes,
                cell.train_size,
                cell.test_size,
                replication_rng(seed, cell.name, run, "train"),
            )
            for run in runs
        ]
        train = [pair[0] for pair in pairs]

        def samples_of(i: int) -> dict[str, Sample]:
            return dict(zip(("train", "test"), pairs[i], strict=True))
    else:
        draw = drawing(cell.source.distribution(), seed, cell.name)
        train = [draw(run, "train", cell.train_size) for run in runs]

        def samples_of(i: int) -> dict[str, Sample]:
            return {
                "train": train[i],
                "test": draw(runs[i], "test", cell.test_size),
                "population": draw(runs[i], "population", [POPULATION] * len(cell.train_size)),
            }

    X, y = np.stack([features for features, _ in train]), train[0][1]
    return record(cell.name, runs, fit_cell(cell, X, y, seed, runs), samples_of)
