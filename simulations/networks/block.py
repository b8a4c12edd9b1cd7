"""Blocks of replications of trained networks: drawn, trained, kept on the way, recorded.

Each replication draws a training sample of the given class sizes, initial parameters and an order
of the samples. P is measured after chosen epochs, and after the last at every stage of the cell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch

from learnprop.equations.arguments import marked
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.datasets import draw_rows, load_dataset, split_rows
from learnprop.simulations.engine.devices import arithmetic
from learnprop.simulations.engine.memory import large_tensors_kept
from learnprop.simulations.engine.seeds import replication_rng, replication_seed
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.networks.architectures import activation_bytes
from learnprop.simulations.networks.checkpoints import Checkpoint
from learnprop.simulations.networks.measuring import left_out_memory
from learnprop.simulations.networks.members import Group, Member, NetworkCell, Pool, make_pool
from learnprop.simulations.networks.stacked.ways import networks_at_once, trains_at_once
from learnprop.simulations.networks.states import (
    load_state,
    network_name,
    save_state,
    state_path,
    training_key,
)
from learnprop.simulations.networks.training import (
    Result,
    Trained,
    by_chunks,
    measure_trained,
    train_networks,
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

MakeGroup = Callable[[Any, Pool, Sequence[Member]], Group]
"""``(cell, pool, members) -> Group``: what the members of a cell minimise."""


@dataclass(frozen=True)
class _Network:
    """A member of a cell, the key of its training, and its state's file where one is kept."""

    cell: NetworkCell
    member: Member
    key: str
    path: Path | None


def cell_trains_at_once(cell: NetworkCell) -> bool:
    """Whether the networks of a cell are trained many at once."""
    shape = dataset_named(cell.dataset).shape
    return trains_at_once(cell.model, shape, torch.device(cell.device))


def footprint(cell: NetworkCell, _n_runs: int) -> dict[str, float]:
    """Bytes that a replication takes, by the argument that asks for them, as measured on a CPU.

    Twice what all layers put out for a minibatch, 1.4 to 2 times; and the images in float32 with a
    copy of them; and what left-out predictions take. A device has a memory of its own.
    """
    if cell.device != "cpu":
        return {}
    shape = dataset_named(cell.dataset).shape
    images = 4 * np.prod(shape) * (sum(cell.train_size) + sum(cell.heldout_size))
    minibatch = cell.recipe.batch_size * activation_bytes(cell.model, shape)
    return {"batch_size": 2 * minibatch, "dataset": 2 * float(images) + left_out_memory(cell)}


def trained_blocks(
    parts: Sequence[tuple[NetworkCell, range]],
    seed: int,
    make_group: MakeGroup,
    unfinished: Path | None = None,
) -> list[Block]:
    """Train and measure replications of cells that share data set, network and training.

    On a device as one computation, if the networks are small.

    Parameters
    ----------
    parts : sequence of (cell, runs)
    seed : int
    make_group : callable
    unfinished : Path, optional
        Folder where trainings are kept until the blocks are done.

    Returns
    -------
    list of Block
        One for each part.

    Raises
    ------
    StudyError
        If the data are not here, or a trained network cannot be kept.
    """
    first = parts[0][0]
    try:
        data = load_dataset(first.dataset, first.data_dir)
    except ValueError as error:
        raise StudyError(marked(error)) from None
    device = torch.device(first.device)
    pool = make_pool(data, first.recipe.standardise, device)
    networks = [
        _Network(cell, member, *_key_and_path(cell, seed, member))
        for cell, runs in parts
        for run in runs
        for member in _members(cell, seed, run, pool)
    ]
    at_once = networks_at_once(first.model, data.images.shape[1:], first.recipe, device)

    @cache  # measured as they were trained, unless memory is short
    def groups(chunk: tuple[int, ...]) -> list[Group]:
        return [
            make_group(cell, pool, [networks[i].member for i in of_cell])
            for cell, of_cell in groupby(chunk, key=lambda i: networks[i].cell)
        ]

    with large_tensors_kept():
        # Alone on a device cuDNN meets two shapes, thousands of times each.
        with arithmetic(device, first.recipe.precision, tuned=at_once == 1):
            trained, kept, notes = _trained(networks, pool, groups, at_once, unfinished)

        def measure(chunk: Sequence[int]) -> list[Result]:
            of_chunk = [trained[i] for i in chunk]
            return measure_trained(first.model, pool, groups(tuple(chunk)), of_chunk, first.recipe)

        with arithmetic(device):
            results, note = by_chunks(range(len(networks)), at_once, measure, "measured")
    for path in kept:
        path.unlink(missing_ok=True)
    notes = [n for n in (*notes, note) if n]
    blocks, done = [], 0
    for cell, runs in parts:
        n = len(runs) * len(cell.class_weight)
        members = [network.member for network in networks[done : done + n]]
        blocks.append(_recorded(cell, members, results[done : done + n], "; ".join(notes)))
        done += n
    return blocks


def _trained(
    networks: Sequence[_Network],
    pool: Pool,
    groups: Callable[[tuple[int, ...]], list[Group]],
    at_once: int,
    unfinished: Path | None,
) -> tuple[list[Trained], list[Path], list[str]]:
    """Networks after their training, in order; files to delete when all is done; notes."""
    found: dict[int, Trained] = {}
    devices = set()
    for i, network in enumerate(networks):
        loaded = load_state(network.path, network.key) if network.path else None
        if loaded is not None:
            found[i], device = loaded
            devices.add(device)
    kept: list[Path] = []

    def work(chunk: Sequence[int]) -> list[Trained]:
        own = [networks[i] for i in chunk]
        checkpoint = None
        if unfinished is not None:
            key = hashlib.sha256(" ".join(n.key for n in own).encode()).hexdigest()
            checkpoint = Checkpoint(unfinished / f"{key[:32]}.pt", key)
            kept.append(checkpoint.path)
        cell = own[0].cell
        new = train_networks(
            cell.model, pool, groups(tuple(chunk)), cell.recipe,
            measure_at=cell.measure_at, checkpoint=checkpoint,
        )  # fmt: skip
        for network, trained in zip(own, new, strict=True):
            _keep(network, trained, pool.device)
        return new

    missing = [i for i in range(len(networks)) if i not in found]
    new, note = by_chunks(missing, at_once, work, "trained")
    found |= dict(zip(missing, new, strict=True))
    notes = [note, *(f"trained on {device}" for device in sorted(devices))]
    return [found[i] for i in range(len(networks))], kept, notes


def _keep(network: _Network, trained: Trained, device: torch.device) -> None:
    """Write a trained network to the folder that was asked for."""
    if network.path is None:
        return
    try:
        save_state(network.path, network.key, str(device), trained)
    except (OSError, RuntimeError) as error:  # torch.save raises either on a full disk
        reason = getattr(error, "strerror", None) or error
        raise StudyError(f"`states`: {network.path} cannot be written: {reason}") from None


def _members(cell: NetworkCell, seed: int, run: int, pool: Pool) -> list[Member]:
    """Networks of one replication: one per setting, on one sample, from one initial point."""
    labels = pool.labels.cpu().numpy()
    rng = replication_rng(seed, cell.stream, run, "train")
    heldout = cell.heldout_size or (0,) * len(cell.train_size)
    drawn = [n + m for n, m in zip(cell.train_size, heldout, strict=True)]
    sample, test = draw_rows(labels, drawn, rng, hold_out=not len(pool.test_labels))
    train, validation = split_rows(labels, sample, heldout)
    rows = {"train": train}
    if len(validation):
        rows["validation"] = validation
    if len(test):
        rows["test"] = test
    start = replication_seed(seed, cell.stream, run, "start").generate_state(1, np.uint64)
    return [
        Member(
            run=run,
            setting=setting,
            class_weight=np.array(weight),
            rows=rows,
            start=int(start[0] >> np.uint64(1)),
            order=replication_seed(seed, cell.stream, run, "minibatch"),
        )
        for setting, weight in cell.class_weight
    ]


def _recorded(
    cell: NetworkCell, members: Sequence[Member], results: Sequence[Result], note: str
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


def _key_and_path(cell: NetworkCell, seed: int, member: Member) -> tuple[str, Path | None]:
    key = training_key(cell, seed, member.setting, member.run)
    if not cell.states:
        return key, None
    return key, state_path(Path(cell.states), network_name(cell, member.setting, member.run), key)
