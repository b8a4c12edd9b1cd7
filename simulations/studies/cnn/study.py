r"""Eq. (9) put to trained networks: images, imbalance, λ, and stochastic gradient descent.

What a user chooses, and the study that it makes; how a replication is computed is in
`learnprop.simulations.studies.cnn.block`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learnprop.equations.arguments import BadArgument, renamed
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.dataset_files import resolved
from learnprop.simulations.datasets import class_supply, load_dataset
from learnprop.simulations.engine.devices import chosen_device
from learnprop.simulations.engine.study import Study
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.generators.class_sizes import class_sizes
from learnprop.simulations.networks.architectures import check_network
from learnprop.simulations.networks.block import footprint
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.states import check_states, trained_networks
from learnprop.simulations.refinement.stages import STAGES
from learnprop.simulations.studies.checks import (
    check_chosen,
    check_recipe,
    weight_settings,
)
from learnprop.simulations.studies.cnn.block import (
    CnnCell,
    compute_block,
    compute_blocks,
    trained_alike,
)
from learnprop.simulations.studies.cnn.options import Options
from learnprop.simulations.studies.option import design_of

NAME = "cnn"

BY_DEFAULT = tuple(stage for stage in STAGES if stage != "loo")
"""Stages, heldout with images for it: loo has a bias only where head has a minimum."""


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
    check_chosen(o)
    dataset = dataset_named(o.dataset)
    check_network(o.model, dataset.shape)
    recipe, stages = _recipe(o), _stages(o)
    device = chosen_device(o.device).type
    data_dir, states = resolved(o.data_dir), resolved(o.states)
    if supply is None:
        images = load_dataset(o.dataset, data_dir)
        supply = class_supply(images.labels, images.test_labels, len(dataset.labels)).tolist()
    cells = tuple(
        CnnCell(
            name=_cell_name(ratio),
            imbalance=ratio,
            dataset=o.dataset,
            model=o.model,
            train_size=sizes,
            heldout_size=heldout,
            class_weight=_distinct(weight_settings(o.weights, sizes, o.beta)),
            recipe=recipe,
            measure_at=_measure_at(o),
            stages=stages,
            device=device,
            data_dir=data_dir,
            states=states,
        )
        for ratio, drawn in _sizes(o, supply)
        for sizes, heldout in [_held_out(o, drawn)]
    )
    if states:
        check_states(Path(states), trained_networks(cells, o.seed, o.runs))
    design = design_of(
        o,
        device=device,
        supply=supply,
        code=code_version(),
        block_size=1,
    )
    inputs = {k: v for k, v in {"data_dir": data_dir, "states": states}.items() if v}
    return Study(
        NAME, o.seed, o.runs, cells, compute_block, design, inputs=inputs, keeps_unfinished=True,
        compute_together=compute_blocks if any(map(trained_alike, cells)) else None,
        group_of=trained_alike, footprint=footprint,
    )  # fmt: skip


def known_from(design: Mapping[str, Any], _inputs: Mapping[str, str]) -> dict[str, Any]:
    """What a stored study says beyond its options, for `make_study`."""
    return {"supply": tuple(design["supply"])}


def _recipe(o: Options) -> Recipe:
    return check_recipe(
        Recipe(
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
    )


def _stages(o: Options) -> tuple[str, ...]:
    """Stages in their order: as chosen, or all that there are images for."""
    if o.heldout and not 0 < o.heldout < 1:
        raise BadArgument("heldout", f"must satisfy 0 <= heldout < 1, got {o.heldout:g}")
    if len(set(o.stages)) < len(o.stages):
        raise BadArgument("stages", f"must be distinct, got {list(o.stages)}")
    asked = "heldout" in (o.stages or BY_DEFAULT)
    if o.stages and asked and not o.heldout:
        raise BadArgument("stages", "heldout needs `heldout`, the share of the images, got 0")
    if o.heldout and not asked:
        raise BadArgument("heldout", f"needs heldout among `stages`, got {list(o.stages)}")
    chosen = {"raw", *(o.stages or BY_DEFAULT)} - (set() if o.heldout else {"heldout"})
    return tuple(stage for stage in STAGES if stage in chosen)


def _held_out(o: Options, drawn: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Images of each class that are trained on, and that are held out."""
    if not o.heldout:
        return tuple(drawn), ()
    held = tuple(round(o.heldout * n) for n in drawn)
    for k, (n, m) in enumerate(zip(drawn, held, strict=True)):
        if not 0 < m < n:
            raise BadArgument(
                "heldout",
                f"must hold out one image of each class at least and leave one, got {o.heldout:g} "
                f"of the {n} images of class {k}",
            )
    return tuple(n - m for n, m in zip(drawn, held, strict=True)), held


def _measure_at(o: Options) -> tuple[int, ...]:
    """Epochs after which P is measured: powers of two, unless chosen, and the last."""
    if any(not 1 <= epoch <= o.epochs for epoch in o.measure_at):
        raise BadArgument("measure_at", f"must be from 1 to {o.epochs}, got {list(o.measure_at)}")
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


def _cell_name(imbalance: float) -> str:
    return f"imbalance {imbalance:.4g}"


def _sizes(o: Options, supply: Sequence[int]) -> list[tuple[float, tuple[int, ...]]]:
    """Imbalance and training class sizes of each cell."""
    if o.sizes:
        for name in ("train_size", "imbalance", "profile"):
            if getattr(o, name) != getattr(Options, name):
                raise BadArgument("sizes", f"takes the place of `{name}`: leave one of them out")
        if len(o.sizes) != len(supply) or min(o.sizes) < 1:
            raise BadArgument(
                "sizes", f"must be {len(supply)} positive integers, got {list(o.sizes)}"
            )
        found = [(max(o.sizes) / min(o.sizes), tuple(o.sizes))]
    else:
        names = {_cell_name(ratio) for ratio in o.imbalance}
        if not names or len(names) < len(o.imbalance):
            ratios = list(o.imbalance)
            raise BadArgument(
                "imbalance", f"must be numbers that differ in four digits, got {ratios}"
            )
        largest = min(supply) if o.train_size is None else o.train_size
        found = [(r, _sizes_at(len(supply), largest, r, o.profile)) for r in o.imbalance]
    for _, sizes in found:
        for k, (wanted, there) in enumerate(zip(sizes, supply, strict=True)):
            if wanted > there:
                option = "sizes" if o.sizes else "train_size"
                raise BadArgument(
                    option,
                    f"asks for {wanted} images of class {k}, but {o.dataset} has {there} "
                    "to train with",
                )
        if o.batch_size > sum(sizes):
            raise BadArgument(
                "batch_size",
                f"must be at most the {sum(sizes)} training images, got {o.batch_size}",
            )
    return found


def _sizes_at(n_classes: int, largest: int, ratio: float, profile: str) -> tuple[int, ...]:
    with renamed(largest="train_size", ratio="imbalance"):
        return class_sizes(n_classes, largest, ratio, profile)
