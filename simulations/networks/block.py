"""Blocks of replications of trained networks: drawn, trained, kept on the way, recorded.

Each replication draws a training sample of the given class sizes, initial parameters and an order
of the samples. P is measured after chosen epochs, and after the last at every stage of the cell.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from learnprop.equations.arguments import marked
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.datasets import draw_rows, load_dataset
from learnprop.simulations.engine.devices import arithmetic
from learnprop.simulations.engine.seeds import replication_rng, replication_seed
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.networks.checkpoints import Checkpoint
from learnprop.simulations.networks.memory import large_tensors_kept
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.training import (
    Criterion,
    Member,
    Pool,
    Trained,
    by_chunks,
    make_pool,
    train_networks,
    trains_at_once,
)
from learnprop.simulations.records.rows import (
    DIVERGED,
    REASONS,
    Block,
    FitRow,
    MeasurementRow,
    fit_without_model,
    stack_fits,
    stack_measurements,
)


class NetworkCell(Protocol):
    """A data cell of networks: a frozen dataclass."""

    @property
    def name(self) -> str:
        """Key of the cell in its store."""

    @property
    def stream(self) -> str:
        """Key of the cell's randomness: cells of one key share samples, starts and orders."""

    @property
    def dataset(self) -> str:
        """Name of the images."""

    @property
    def model(self) -> str:
        """Name of the network."""

    @property
    def train_size(self) -> tuple[int, ...]:
        """Training images of each class."""

    @property
    def recipe(self) -> Recipe:
        """How it is trained."""

    @property
    def measure_at(self) -> tuple[int, ...]:
        """Epochs after which it is measured, counted from 1."""

    @property
    def device(self) -> str:
        """Where."""

    @property
    def data_dir(self) -> str:
        """Where the data are looked for first."""

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages after the last epoch."""

    def class_mass(self, setting: str) -> FloatArray:
        """Class mass w = λN of training, shape (n_classes,), under a setting."""


def trained_block(
    cell: NetworkCell,
    seed: int,
    runs: range,
    class_weight: Mapping[str, Sequence[float]],
    train_chunk: Callable[[Pool, Sequence[Member], Checkpoint | None], list[Trained]],
    unfinished: Path | None = None,
) -> Block:
    """Train and measure the replications `runs` of a cell.

    Parameters
    ----------
    cell : NetworkCell
    seed : int
    runs : range
    class_weight : mapping of str to sequence of float
        λ by setting.
    train_chunk : callable ``(pool, members, checkpoint) -> list of Trained``
        Trains networks as one computation, or one.
    unfinished : Path, optional
        Folder where trainings are kept until the block is done.

    Returns
    -------
    Block

    Raises
    ------
    StudyError
        If the data are not here.
    """
    try:
        data = load_dataset(cell.dataset, cell.data_dir)
    except ValueError as error:
        raise StudyError(marked(error)) from None
    device = torch.device(cell.device)
    pool = make_pool(data, device)
    members = [member for run in runs for member in _members(cell, seed, run, class_weight, pool)]
    kept: list[Path] = []

    def work(chunk: Sequence[Member]) -> list[Trained]:
        checkpoint = None
        if unfinished is not None:
            key = training_key(cell, seed, [(m.run, m.setting) for m in chunk])
            checkpoint = Checkpoint(unfinished / f"{key[:32]}.pt", key)
            kept.append(checkpoint.path)
        return train_chunk(pool, chunk, checkpoint)

    at_once = len(members) if trains_at_once(cell.model, device) else 1
    with arithmetic(device), large_tensors_kept():
        results, note = by_chunks(members, at_once, work)
    for path in kept:
        path.unlink(missing_ok=True)
    return _recorded(cell, members, results, note)


def train_with(
    cell: NetworkCell,
    pool: Pool,
    members: Sequence[Member],
    criterion: Criterion,
    checkpoint: Checkpoint | None,
) -> list[Trained]:
    """Train networks as a cell says."""
    return train_networks(
        cell.model,
        pool,
        members,
        cell.recipe,
        criterion,
        measure_at=cell.measure_at,
        checkpoint=checkpoint,
    )


def _members(
    cell: NetworkCell, seed: int, run: int, class_weight: Mapping[str, Sequence[float]], pool: Pool
) -> list[Member]:
    """Networks of one replication: one per setting, on one sample, from one initial point."""
    rows, test_rows = draw_rows(
        pool.labels.cpu().numpy(),
        cell.train_size,
        replication_rng(seed, cell.stream, run, "train"),
        hold_out=not len(pool.test_labels),
    )
    start = replication_seed(seed, cell.stream, run, "start").generate_state(1, np.uint64)
    return [
        Member(
            run=run,
            setting=setting,
            class_weight=np.array(weight),
            rows=rows,
            test_rows=test_rows,
            start=int(start[0] >> np.uint64(1)),
            order=replication_seed(seed, cell.stream, run, "minibatch"),
        )
        for setting, weight in class_weight.items()
    ]


def _recorded(
    cell: NetworkCell, members: Sequence[Member], results: Sequence[Trained], note: str
) -> Block:
    """Rows of a block: a fit per epoch and stage, a measurement per split of each."""
    fits, measured = list[FitRow](), list[MeasurementRow]()
    last = cell.recipe.epochs
    none = np.full(len(cell.train_size), np.nan)
    for member, result in zip(members, results, strict=True):
        mass = float(cell.class_mass(member.setting).sum())
        stages = [*result.epochs.items(), *((last, stage) for stage in result.stages)]
        for epoch, stage in stages:
            key = (member.setting, member.run, epoch, stage.name)
            ends_path = (epoch, stage.name) == (last, "raw")
            fits.append(
                FitRow(
                    *key, status=stage.status, reason=stage.reason, traceback="",
                    n_iter=epoch if stage.name == "raw" else stage.n_iter, loss=stage.loss * mass,
                    gradient_norm=stage.gradient_norm, bias=stage.bias,
                    bias_gradient=stage.bias_gradient,
                    path_gradient=result.path_gradient if ends_path else none,
                    path_identity=result.path_identity if ends_path else none,
                )
            )  # fmt: skip
            measured += [MeasurementRow(*key, split, m) for split, m in stage.measured.items()]
        if result.diverged:
            reason = f"{REASONS[DIVERGED]}, in epoch {result.diverged}"
            fits += [
                fit_without_model(
                    member.setting, member.run, last, name, status=DIVERGED, reason=reason,
                    n_iter=result.diverged, n_classes=len(none),
                )
                for name in cell.stages
            ]  # fmt: skip
    return Block(cell.name, 0, stack_fits(fits), stack_measurements(measured), note=note)


def training_key(cell: NetworkCell, seed: int, members: Sequence[tuple[int, str]]) -> str:
    """All that determines some trainings, as one word: a checkpoint of other ones is not resumed.

    Parameters
    ----------
    cell : NetworkCell
    seed : int
    members : sequence of (run, setting)

    Returns
    -------
    str
    """
    known: dict[str, Any] = asdict(cell)  # type: ignore[call-overload]
    about = known | {"data_dir": "", "seed": seed, "members": members}
    return hashlib.sha256(json.dumps([about, code_version()], sort_keys=True).encode()).hexdigest()
