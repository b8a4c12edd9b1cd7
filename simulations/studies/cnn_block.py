r"""Replications of Eq. (9) put to trained networks: drawn, trained, measured, recorded.

Each draws a training sample of the given class sizes, initial parameters and an order of the
samples; its λ settings share them. P is measured on train and test after chosen epochs, and at the
end at three stages (`simulations.stages`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from equations.balance import class_mass
from equations.mean_proba import FloatArray, IntArray
from simulations.blocks import StudyError
from simulations.checkpoints import Checkpoint
from simulations.datasets import dataset_named, draw_rows, load_dataset
from simulations.fitters.fit import DIVERGED, REASONS
from simulations.network_training import (
    Member,
    Trained,
    by_chunks,
    make_pool,
    train_networks,
    trains_at_once,
)
from simulations.records import Block, stack_fits, stack_measurements
from simulations.seeds import replication_rng, replication_seed
from simulations.stages import STAGES
from simulations.trainer import Recipe
from simulations.versions import code_version


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
