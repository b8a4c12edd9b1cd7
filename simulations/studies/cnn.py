r"""Eq. (9) put to trained networks: images, imbalance, λ, and stochastic gradient descent.

Each replication draws a training sample of the given class sizes, initial parameters and an order
of the samples; its λ settings share them. P is measured on train and test after chosen epochs, and
at the end at three stages (`simulations.stages`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from equations.balance import class_mass
from equations.class_weights import BETA
from equations.mean_proba import FloatArray, IntArray
from simulations.blocks import BLOCK_SIZE, StudyError
from simulations.checkpoints import Checkpoint
from simulations.datasets import class_supply, dataset_named, draw_rows, load_dataset
from simulations.fitters.fit import DIVERGED, REASONS, check_device
from simulations.imbalance import class_sizes
from simulations.monte_carlo import Study
from simulations.network_training import (
    Member,
    Trained,
    by_chunks,
    make_pool,
    train_networks,
    trains_at_once,
)
from simulations.networks import check_network
from simulations.records import Block, stack_fits, stack_measurements
from simulations.seeds import replication_rng, replication_seed
from simulations.stages import STAGES
from simulations.studies.options import (
    check_choice,
    check_common,
    check_positive,
    named,
    weight_settings,
)
from simulations.trainer import PRECISIONS, SCHEDULES, Recipe
from simulations.versions import code_version

NAME = "cnn"


@dataclass(frozen=True)
class Options:
    """Everything that a user can choose about the study of trained networks."""

    runs: int = 20
    seed: int = 0
    dataset: str = "digits"
    model: str = "cnn2c"
    imbalance: tuple[float, ...] = (10.0,)
    profile: str = "exponential"
    train_size: int | None = None
    sizes: tuple[int, ...] = ()
    weights: tuple[str, ...] = ("equal", "inverse")
    beta: float = BETA
    epochs: int = 20
    batch_size: int = 64
    lr: float = 0.01
    momentum: float = 0.5
    schedule: str = "constant"
    weight_decay: float = 0.0
    decay_bias: bool = False
    augment: bool = False
    precision: str = "float32"
    compile: bool = False
    measure_at: tuple[int, ...] = ()
    margin: float = 0.05
    device: str = "auto"
    data_dir: str = ""


@dataclass(frozen=True)
class CnnCell:
    """One data set with its class sizes, λ settings, network and training.

    Attributes
    ----------
    name : str
        Key of the cell's randomness.
    imbalance : float
        Largest over smallest training class, before rounding.
    dataset, model : str
    train_size : tuple of int
    class_weight : tuple of (setting, weights)
    recipe : Recipe
    measure_at : tuple of int
        Epochs, counted from 1, the last among them.
    device : str
    data_dir : str
        Where the data are looked for first; determines no number.
    """

    name: str
    imbalance: float
    dataset: str
    model: str
    train_size: tuple[int, ...]
    class_weight: tuple[tuple[str, tuple[float, ...]], ...]
    recipe: Recipe
    measure_at: tuple[int, ...]
    device: str
    data_dir: str = field(default="", compare=False)

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the λ settings."""
        return tuple(label for label, _ in self.class_weight)

    @property
    def headline(self) -> tuple[int, str]:
        """Epoch and stage of the measurements that the tables are about."""
        return self.recipe.epochs, "bias"

    def class_mass(self, setting: str) -> FloatArray:
        """Class mass w = λN of training, shape (n_classes,), under a λ setting."""
        return class_mass(dict(self.class_weight)[setting], self.train_size)

    @property
    def shares_test_set(self) -> bool:
        """Whether every replication is tested on the same images."""
        return bool(dataset_named(self.dataset).files)


def make_study(options: Options, supply: Sequence[int] | None = None) -> Study:
    """Check the options and lay the study out.

    Parameters
    ----------
    options : Options
    supply : sequence of int, optional
        Training images that the data set has of each class; counted by default.

    Returns
    -------
    Study

    Raises
    ------
    ValueError
        Naming the option and its value; or the file of a data set and what is wrong with it.

    Examples
    --------
    >>> (cell,) = make_study(Options(device="cpu")).cells
    >>> cell.train_size, cell.measure_at
    ((116, 90, 70, 54, 42, 32, 25, 19, 15, 12), (1, 2, 4, 8, 16, 20))
    """
    o = options
    check_common(o.runs, o.seed, o.margin)
    dataset = named(lambda: dataset_named(o.dataset))
    named(lambda: check_network(o.model, dataset.shape))
    recipe = _recipe(o)
    device = named(lambda: check_device(o.device).type)
    if supply is None:
        images = named(lambda: load_dataset(o.dataset, o.data_dir))
        supply = class_supply(images.labels, images.test_labels, len(dataset.labels)).tolist()
    cells = tuple(
        CnnCell(
            name=f"imbalance {ratio:.4g}",
            imbalance=ratio,
            dataset=o.dataset,
            model=o.model,
            train_size=sizes,
            class_weight=_distinct(weight_settings(o.weights, sizes, o.beta)),
            recipe=recipe,
            measure_at=_measure_at(o),
            device=device,
            data_dir=o.data_dir,
        )
        for ratio, sizes in _sizes(o, supply)
    )
    design: dict[str, Any] = {f.name: getattr(o, f.name) for f in fields(Options)}
    del design["runs"], design["data_dir"]  # where the data are determines no number
    design |= {name: list(v) for name, v in design.items() if isinstance(v, tuple)}
    design |= {
        "device": device,
        "supply": list(supply),
        "code": code_version(),
        # On a processor a replication is trained alone; on a device 25 of them at once.
        "block_size": 1 if device == "cpu" else BLOCK_SIZE,
    }
    inputs = {"data_dir": str(Path(os.path.expanduser(o.data_dir)).resolve())}  # noqa: PTH111 if o.data_dir else {}
    return Study(
        NAME, o.seed, o.runs, cells, compute_block, design, inputs=inputs, keeps_unfinished=True
    )


def known_from(design: Mapping[str, Any], _inputs: Mapping[str, str]) -> dict[str, Any]:
    """What a stored study says beyond its options, for `make_study`."""
    return {"supply": tuple(design["supply"])}


def _recipe(o: Options) -> Recipe:
    check_positive(epochs=o.epochs, batch_size=o.batch_size)
    check_choice("--schedule", o.schedule, SCHEDULES)
    check_choice("--precision", o.precision, PRECISIONS)
    if not (np.isfinite(o.lr) and o.lr > 0):
        raise ValueError(f"--lr must be positive and finite, got {o.lr:g}")
    if not 0 <= o.momentum < 1:
        raise ValueError(f"--momentum must satisfy 0 <= momentum < 1, got {o.momentum:g}")
    if not (np.isfinite(o.weight_decay) and o.weight_decay >= 0):
        raise ValueError(f"--weight-decay must be finite and not negative, got {o.weight_decay:g}")
    if o.decay_bias and not o.weight_decay:
        raise ValueError("--decay-bias needs --weight-decay, got 0")
    return Recipe(
        epochs=o.epochs,
        batch_size=o.batch_size,
        lr=o.lr,
        momentum=o.momentum,
        schedule=o.schedule,
        weight_decay=o.weight_decay,
        decay_bias=o.decay_bias,
        augment=o.augment,
        precision=o.precision,
        compiled=o.compile,
    )


def _measure_at(o: Options) -> tuple[int, ...]:
    """Epochs after which P is measured: powers of two, unless chosen, and the last."""
    if any(not 1 <= epoch <= o.epochs for epoch in o.measure_at):
        raise ValueError(f"--measure-at must be from 1 to {o.epochs}, got {list(o.measure_at)}")
    chosen = o.measure_at or [2**i for i in range(o.epochs.bit_length()) if 2**i <= o.epochs]
    return tuple(sorted({*chosen, o.epochs}))


def _distinct(
    settings: Sequence[tuple[str, tuple[float, ...]]],
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Settings without those that would train as an earlier one does, e.g. of equal classes."""
    found: list[tuple[str, tuple[float, ...]]] = []
    for label, weight in settings:
        if not any(np.allclose(weight, other, rtol=1e-12, atol=0) for _, other in found):
            found.append((label, weight))
    return tuple(found)


def _sizes(o: Options, supply: Sequence[int]) -> list[tuple[float, tuple[int, ...]]]:
    """Imbalance and training class sizes of each cell."""
    if o.sizes:
        if len(o.sizes) != len(supply) or min(o.sizes) < 1:
            raise ValueError(
                f"--sizes must be {len(supply)} positive integers, got {list(o.sizes)}"
            )
        found = [(max(o.sizes) / min(o.sizes), tuple(o.sizes))]
    else:
        if not o.imbalance or len(set(o.imbalance)) < len(o.imbalance):
            raise ValueError(f"--imbalance must be distinct numbers, got {list(o.imbalance)}")
        largest = min(supply) if o.train_size is None else o.train_size
        found = [(r, _sizes_at(len(supply), largest, r, o.profile)) for r in o.imbalance]
    for _, sizes in found:
        for k, (wanted, there) in enumerate(zip(sizes, supply, strict=True)):
            if wanted > there:
                option = "--sizes" if o.sizes else "--train-size"
                raise ValueError(
                    f"{option} asks for {wanted} images of class {k}, but {o.dataset} has {there} "
                    "to train with"
                )
    return found


def _sizes_at(n_classes: int, largest: int, ratio: float, profile: str) -> tuple[int, ...]:
    return named(
        lambda: class_sizes(n_classes, largest, ratio, profile),
        largest="--train-size",
        ratio="--imbalance",
    )


def compute_block(cell: CnnCell, seed: int, runs: range, unfinished: Path | None = None) -> Block:
    """Train and measure the replications `runs` of a cell.

    Parameters
    ----------
    cell : CnnCell
    seed : int
    runs : range
    unfinished : Path, optional
        Folder where trainings are kept until the block is done.

    Returns
    -------
    Block
    """
    try:
        data = load_dataset(cell.dataset, cell.data_dir)
    except ValueError as error:
        raise StudyError(str(error)) from None
    device = torch.device(cell.device)
    pool = make_pool(data, device)
    members = [
        member
        for run in runs
        for member in _members(cell, seed, run, data.labels, data.test_labels)
    ]
    kept: list[Path] = []

    def work(chunk: Sequence[Member]) -> list[Trained]:
        checkpoint = None
        if unfinished is not None:
            key = training_key(cell, seed, [(m.run, m.setting) for m in chunk])
            checkpoint = Checkpoint(unfinished / f"{key[:32]}.pt", key)
            kept.append(checkpoint.path)
        return train_networks(
            cell.model,
            pool,
            chunk,
            cell.recipe,
            measure_at=cell.measure_at,
            checkpoint=checkpoint,
        )

    at_once = len(members) if trains_at_once(cell.model, device) else 1
    with _arithmetic():
        results, note = by_chunks(members, at_once, work)
    for path in kept:
        path.unlink(missing_ok=True)
    return _recorded(cell, members, results, note)


@contextmanager
def _arithmetic() -> Iterator[None]:
    """float32 that is float32 on a GPU too, and no numbers below the smallest normal one.

    What has converged is full of those, and they take a processor ten times as long.
    """
    torch.set_flush_denormal(True)
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
            yield
    finally:
        torch.set_flush_denormal(False)


def _members(
    cell: CnnCell, seed: int, run: int, labels: IntArray, test_labels: IntArray
) -> list[Member]:
    """Networks of one replication: one per λ setting, on one sample, from one initial point."""
    rows, test_rows = draw_rows(
        labels,
        cell.train_size,
        replication_rng(seed, cell.name, run, "train"),
        hold_out=not len(test_labels),
    )
    start = replication_seed(seed, cell.name, run, "start").generate_state(1, np.uint64)
    return [
        Member(
            run=run,
            setting=setting,
            class_weight=np.array(weight),
            rows=rows,
            test_rows=test_rows,
            start=int(start[0] >> np.uint64(1)),
            order=replication_seed(seed, cell.name, run, "minibatch"),
        )
        for setting, weight in cell.class_weight
    ]


def _recorded(
    cell: CnnCell, members: Sequence[Member], results: Sequence[Trained], note: str
) -> Block:
    """Rows of a block: a fit per epoch and stage, a measurement per split of each."""
    fits, measured = [], []
    last = cell.recipe.epochs
    none = np.full(len(cell.train_size), np.nan)
    for member, result in zip(members, results, strict=True):
        mass = float(cell.class_mass(member.setting).sum())
        stages = [*result.epochs.items(), *((last, stage) for stage in result.stages)]
        for epoch, stage in stages:
            key = (member.setting, member.run, epoch, stage.name)
            path = (none, none)
            if (epoch, stage.name) == (last, "raw"):
                path = (result.path_gradient, result.path_identity)
            found = (stage.status, stage.reason, "", epoch if stage.name == "raw" else stage.n_iter)
            numbers = (stage.loss * mass, stage.gradient_norm, stage.bias, stage.bias_gradient)
            fits.append((*key, *found, *numbers, *path))
            measured += [(*key, split, values) for split, values in stage.measured.items()]
        if result.diverged:
            reason = f"{REASONS[DIVERGED]}, in epoch {result.diverged}"
            nan = float("nan")
            fits += [
                (member.setting, member.run, last, stage, DIVERGED, reason, "", result.diverged,
                 nan, nan, none, none, none, none)
                for stage in STAGES
            ]  # fmt: skip
    return Block(cell.name, 0, stack_fits(fits), stack_measurements(measured), note=note)


def training_key(cell: CnnCell, seed: int, members: Sequence[tuple[int, str]]) -> str:
    """All that determines some trainings, as one word: a checkpoint of other ones is not resumed.

    Parameters
    ----------
    cell : CnnCell
    seed : int
    members : sequence of (run, setting)

    Returns
    -------
    str
    """
    about = asdict(cell) | {"data_dir": "", "seed": seed, "members": members}
    return hashlib.sha256(json.dumps([about, code_version()], sort_keys=True).encode()).hexdigest()
