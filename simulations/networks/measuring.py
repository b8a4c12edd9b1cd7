"""Networks measured: their samples seen in evaluation mode, and the stages of their output layers.

All networks of a stack at once: on a device, one at a time would take longer than their training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from learnprop.simulations.networks.architectures import n_features_of
from learnprop.simulations.networks.image_batches import image_batch
from learnprop.simulations.networks.members import Group, Member, NetworkCell, Pool
from learnprop.simulations.networks.replicas import Replicas, part
from learnprop.simulations.networks.stacked.ways import features_on
from learnprop.simulations.refinement.left_out import left_out_bytes, not_computed
from learnprop.simulations.refinement.seen import OutputLayers, Samples, Seen
from learnprop.simulations.refinement.stages import (
    OF_WHOLE_LAYERS,
    Stage,
    as_they_are,
    measure_stages,
)

IMAGES_AT_ONCE, OF_A_NETWORK = 4096, 1024
"""Images of one forward pass without gradient: of all networks, whose columns are then 5 GB at most
(CNN5C), and of one."""


def measure_networks(
    networks: Replicas, pool: Pool, groups: Sequence[Group]
) -> list[list[Stage] | None]:
    """Measure networks at the stages of their criteria.

    Parameters
    ----------
    networks : Replicas
        In evaluation mode, in the order of the groups.
    pool : Pool
    groups : sequence of Group

    Returns
    -------
    list of (list of Stage) or None
        None where a parameter or a feature is not finite.
    """
    found: list[list[Stage] | None] = []
    for group, own in _by_group(networks, groups):
        splits = ("train", "validation", "test") if "heldout" in group.criterion.stages else (
            "train", "test"
        )  # fmt: skip
        samples, layers, finite = _seen(own, pool, group.members, splits)
        objective = group.criterion.objective.of(finite)
        names = group.criterion.stages if finite else ()
        stages = dict(zip(finite, measure_stages(names, samples, layers, objective), strict=True))
        found += [stages.get(i) for i in range(len(group.members))]
    return found


def measure_on_the_way(
    networks: Replicas, pool: Pool, groups: Sequence[Group]
) -> list[Stage | None]:
    """Measure networks as they are, on the splits of their criteria.

    Parameters
    ----------
    networks, pool, groups
        As in `measure_networks`.

    Returns
    -------
    list of Stage or None
    """
    found: list[Stage | None] = []
    for group, own in _by_group(networks, groups):
        samples, layers, finite = _seen(own, pool, group.members, group.criterion.on_the_way)
        stages = as_they_are(samples, layers, group.criterion.objective.of(finite))
        own_stages = dict(zip(finite, stages, strict=True))
        found += [own_stages.get(i) for i in range(len(group.members))]
    return found


def not_predicted(cell: NetworkCell) -> str:
    """Why output layers of a cell at their minimum have no left-out predictions; else empty."""
    return not_computed(**_of_layers(cell))


def left_out_memory(cell: NetworkCell) -> float:
    """Bytes that left-out predictions take at the stages of a cell."""
    if not set(OF_WHOLE_LAYERS) & set(cell.stages):
        return 0.0
    return left_out_bytes(**_of_layers(cell))


def _of_layers(cell: NetworkCell) -> dict[str, Any]:
    decay = cell.recipe.weight_decay
    return {
        "class_count": cell.train_size,
        "n_features": n_features_of(cell.model),
        "penalty": decay,
        "bias_penalty": decay if cell.recipe.decay_bias else 0.0,
    }


def _by_group(networks: Replicas, groups: Sequence[Group]) -> list[tuple[Group, Replicas]]:
    ends = np.cumsum([len(group.members) for group in groups]).tolist()
    return [
        (group, part(networks, slice(end - len(group.members), end)))
        for group, end in zip(groups, ends, strict=True)
    ]


def _seen(
    networks: Replicas, pool: Pool, members: Sequence[Member], splits: Sequence[str]
) -> tuple[Samples, OutputLayers, list[int]]:
    """Samples and output layers of the networks that are finite, and which those are."""
    layers = output_layers(networks)
    samples = {split: see(networks, pool, members, split) for split in splits}
    fine = torch.isfinite(layers.weight).flatten(1).all(dim=1) & torch.isfinite(layers.bias).all(1)
    for seen in samples.values():
        fine &= torch.isfinite(seen.logits).flatten(1).all(dim=1)
    finite = torch.nonzero(fine.cpu())[:, 0].tolist()
    if len(finite) == len(members):
        return samples, layers, finite
    return {s: seen.of(finite) for s, seen in samples.items()}, layers.of(finite), finite


@torch.inference_mode()
def see(networks: Replicas, pool: Pool, members: Sequence[Member], split: str) -> Seen:
    """Samples of a split as networks see them.

    Parameters
    ----------
    networks : Replicas
    pool : Pool
    members : sequence of Member
        With samples of one size.
    split : {"train", "validation", "test"}

    Returns
    -------
    Seen
    """
    images, labels = pool.images, pool.labels
    if split in members[0].rows:
        rows = torch.as_tensor(np.stack([m.rows[split] for m in members]), device=pool.device)
    else:
        images, labels = pool.test_images, pool.test_labels
        rows = torch.arange(len(labels), device=pool.device).expand(len(members), -1)
    size = max(1, min(OF_A_NETWORK, IMAGES_AT_ONCE // len(members)))
    weight = networks.head_weight.double().mT
    features = features_on(pool.device, networks.template)
    logits = [
        torch.bmm(features(networks, image_batch(images, chosen)).double(), weight)
        for chosen in rows.split(size, dim=1)
    ]

    def features_of(i: int) -> torch.Tensor:
        alone = part(networks, slice(i, i + 1))
        with torch.inference_mode():
            parts = [
                features(alone, image_batch(images, chosen))[0]
                for chosen in rows[i : i + 1].split(OF_A_NETWORK, dim=1)
            ]
        return torch.cat(parts)

    return Seen(torch.cat(logits, dim=1), labels[rows], features_of)


def output_layers(networks: Replicas) -> OutputLayers:
    """Output layers of networks, in float64."""
    weight, bias = networks.head_weight.detach(), networks.head_bias.detach()
    return OutputLayers(weight.double(), bias.double())
