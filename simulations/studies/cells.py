"""Data cells that studies share: their λ settings, and a fitter that is chosen by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.equations.balance import class_mass
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.engine.footprint import NUMBER, BlockSize, check_memory, fresh_samples
from learnprop.simulations.engine.seeds import replication_rng
from learnprop.simulations.engine.within import tell
from learnprop.simulations.fitters import of_weights
from learnprop.simulations.fitters.fit import Fitted
from learnprop.simulations.fitters.fitter import Batch, Fitter
from learnprop.simulations.fitters.left_out import loo_stage
from learnprop.simulations.generators import FAMILIES
from learnprop.simulations.generators.generator import Generator
from learnprop.simulations.generators.large_sample_limit import LargeSampleLimit, Limit
from learnprop.simulations.registry import Chosen, check_unused, choose
from learnprop.simulations.studies.checks import check_choice
from learnprop.simulations.studies.option import defaults_of


@dataclass(frozen=True)
class WeightedCell:
    """A data cell whose settings are choices of class weights; studies add what their data are.

    Attributes
    ----------
    name : str
        Key of the cell's randomness.
    train_size : tuple of int
        Training samples of each class.
    class_weight : tuple of (setting, weights)
        λ of each setting.
    device : str
    """

    name: str
    train_size: tuple[int, ...]
    class_weight: tuple[tuple[str, tuple[float, ...]], ...]
    device: str

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the λ settings."""
        return tuple(label for label, _ in self.class_weight)

    def class_mass(self, setting: str) -> FloatArray:
        """Class mass w = λN of training, shape (n_classes,), under a λ setting."""
        return class_mass(dict(self.class_weight)[setting], self.train_size)


@dataclass(frozen=True)
class FittedCell(WeightedCell):
    """A data cell whose fitter is chosen by name.

    Attributes
    ----------
    fitter : Chosen
        Of `FITTERS`.
    extra_stages : tuple of str
        Of every fit, measured besides: "loo" (`learnprop.simulations.fitters.left_out.loo_stage`).
    """

    fitter: Chosen
    extra_stages: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def fitting(self) -> Fitter:
        """Record of the fitter."""
        record: Fitter = self.fitter.record
        return record

    @property
    def headline(self) -> tuple[int, str]:
        """Epoch and stage of the fits that the tables are about."""
        return self.fitting.headline(**self.fitter.options)

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages that tables are about, the headline's first."""
        return (self.headline[1], *self.extra_stages)

    @property
    def one_vs_all(self) -> bool:
        """Whether the K equations are independent: outputs are sigmoids."""
        return self.fitting.activation == "sigmoid"

    @property
    def method(self) -> str:
        """What the fitter does, for protocols."""
        return self.fitting.method(**self.fitter.options)

    @property
    def limit(self) -> LargeSampleLimit | None:
        """Where fits end as their samples grow, if that is known."""
        return self.fitting.limit_under(**self.fitter.options)

    def limit_on(self, generator: Generator, rng: np.random.Generator) -> Limit | None:
        """Where fits end on a distribution as their samples grow, if that is known."""
        return self.limit.of(generator, rng) if self.limit else None

    def footprint(self, n_runs: int, n_features: int, *fresh: Sequence[int]) -> dict[str, float]:
        """Bytes that a block takes, by the argument that asks for them.

        Parameters
        ----------
        n_runs, n_features : int
        *fresh : sequence of int
            Class sizes of the samples that are drawn beside those of training.

        Returns
        -------
        dict
            What fits take that grows with the training samples, and with the Hessians; and what
            measuring takes beyond that, once they are done: leaving training samples out, and
            fresh ones.
        """
        n_classes = len(self.train_size)
        size = BlockSize(n_runs, sum(self.train_size), n_features, n_classes, len(self.settings))
        fits = self.fitting.memory(size, **self.fitter.options)
        hessians = fits.hessians if self.device == "cpu" else 0.0
        measured = NUMBER * size.features + fresh_samples(size, size.n_samples, *map(sum, fresh))
        beyond = max(0.0, measured + fits.left_out - fits.samples - hessians)
        left_out = min(beyond, fits.left_out)
        return {
            "train_size": fits.samples + left_out,
            "test_size": beyond - left_out,
            "dimension" if n_features >= n_classes else "classes": hessians,
        }

    def fit(self, X: FloatArray, y: np.ndarray, seed: int, runs: range) -> Sequence[Fitted]:
        """Fit every replication of a block under every λ setting.

        Parameters
        ----------
        X : ndarray, shape (n_runs, n_samples, n_features)
        y : ndarray of int, shape (n_samples,)
        seed : int
        runs : range

        Returns
        -------
        sequence of Fitted
            One per stage.
        """
        weight = [values for _, values in self.class_weight]
        batch = Batch(X, y, self.settings, weight, self.device, streams_of(self.name, seed, runs))
        fitted = self.fitting.fit(batch, **self.fitter.options)
        if "loo" not in self.extra_stages:
            return fitted
        tell("moving the bias")
        return [
            *fitted,
            *(loo_stage(one, X, y, np.array(weight)) for one in fitted if one.left_out),
        ]


def check_enough(
    train_size: Sequence[int],
    n_features: int,
    fitter: Chosen,
    where: str = "",
    *,
    stages: Sequence[str] = (),
) -> None:
    """Refuse fewer training samples than an unpenalised fit takes, or leaving them out.

    Parameters
    ----------
    train_size : sequence of int
    n_features : int
    fitter : Chosen
    where : str
        Which of the study's sizes they are.
    stages : sequence of str
        What is measured besides: "loo" takes two samples of every class.

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> softmax = Chosen("softmax", "learnprop.simulations.fitters.softmax:FITTER", (("l2", 0.0),))
    >>> check_enough((2, 1), 2, softmax, "at ratio 2")
    Traceback (most recent call last):
    ValueError: train_size leaves 3 samples for 2 features at ratio 2: ...
    """
    if sum(train_size) <= n_features + 1 and not fitter.options.get("l2"):
        raise BadArgument(
            "train_size",
            f"leaves {sum(train_size)} samples for {n_features} features{where and f' {where}'}: "
            "an unpenalised fit needs more than features + 1; `l2` is a penalty",
        )
    if "loo" in stages and min(train_size) < 2:
        raise BadArgument(
            "stage",
            "loo takes two training samples of every class, got "
            f"{','.join(map(str, train_size))}{where and f' {where}'}",
        )


def check_stages(stages: Sequence[str], fitter: Chosen) -> tuple[str, ...]:
    """Return stages that are measured besides raw, if the fitter has them.

    Parameters
    ----------
    stages : sequence of str
    fitter : Chosen

    Returns
    -------
    tuple of str

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> mlp = Chosen("mlp", "learnprop.simulations.fitters.mlp.softmax:FITTER")
    >>> check_stages(["raw", "loo"], mlp)
    ('loo',)
    """
    if len(set(stages)) < len(stages):
        raise BadArgument("stage", f"must be distinct, got {','.join(stages)}")
    extra = tuple(stage for stage in stages if stage != "raw")
    if extra and not fitter.record.leaves_out:
        ours = ", ".join(name for name, line in of_weights().items() if line.record.leaves_out)
        got = "`estimator`" if fitter.name == "estimator" else f"`fitter` {fitter.name}"
        raise BadArgument("stage", f"{extra[0]} is of the fitters {ours}, got {got}")
    return extra


def streams_of(cell: str, seed: int, runs: range) -> Any:
    """Return what gives a generator per replication of a block, for one stream of a cell.

    Parameters
    ----------
    cell : str
    seed : int
    runs : range

    Returns
    -------
    callable ``(stream) -> list of numpy.random.Generator``
    """
    return lambda stream: [replication_rng(seed, cell, run, stream) for run in runs]


def choose_family(options: Any, **instead: Any) -> Chosen:
    """Choose the family of distributions of a study's options.

    Parameters
    ----------
    options : dataclass
    **instead
        Values that stand for options.

    Returns
    -------
    Chosen

    Raises
    ------
    BadArgument
        If there is no such family, or an option was changed that is another family's.
    """
    values = vars(options)
    check_choice("generator", options.generator, tuple(FAMILIES))
    check_unused(
        FAMILIES, options.generator, values, defaults_of(type(options)), option="generator"
    )
    chosen = choose(FAMILIES, options.generator, values | instead)
    sizes = {name: n for name, n in chosen.options.items() if name in ("dimension", "classes")}
    if sizes:
        largest = max(sizes, key=lambda name: sizes[name])
        check_memory(largest, sizes[largest], chosen.record.memory(**chosen.options))
    return chosen


def choose_fitter(options: Any, n_classes: int, estimator: Chosen | None = None) -> Chosen:
    """Choose the fitter of a study's options, among those that take class weights.

    Parameters
    ----------
    options : dataclass
        Its field `fitter` may be "auto" where that is its default: the first that fits.
    n_classes : int
    estimator : Chosen, optional
        A user's own, in the place of what the options choose.

    Returns
    -------
    Chosen

    Raises
    ------
    BadArgument
        If there is no such fitter, it is for another number of classes, both are given, or an
        option was changed that is another fitter's.
    """
    values, defaults = vars(options), defaults_of(type(options))
    known = of_weights()
    if estimator is not None:
        if options.fitter != defaults["fitter"]:
            raise BadArgument(
                "estimator", f"takes the place of `fitter`, got {options.fitter!r} as well"
            )
        if options.device != defaults["device"]:
            raise BadArgument("device", f"is not that of `estimator`, got {options.device!r}")
        check_unused(known, "", values, defaults, option="fitter", said="`estimator`")
        return estimator
    left_open = ("auto",) if defaults["fitter"] == "auto" else ()
    check_choice("fitter", options.fitter, (*left_open, *known))
    name = options.fitter
    if name in left_open:
        name = next(name for name, line in known.items() if line.fits(n_classes))
    if not known[name].fits(n_classes):
        raise BadArgument(
            "fitter", f"{name} is for {known[name].n_classes} classes, got {n_classes}"
        )
    check_unused(known, name, values, defaults, option="fitter")
    return choose(known, name, values)
