r"""Eq. (9) put to trained networks: images, imbalance, λ, and stochastic gradient descent.

What a user chooses, and the study that it makes; how a replication is computed is in
`learnprop.simulations.studies.cnn.block`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from learnprop.equations.arguments import BadArgument, renamed
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.dataset_files import folder_named
from learnprop.simulations.datasets import class_supply, load_dataset
from learnprop.simulations.engine.devices import chosen_device
from learnprop.simulations.engine.study import BLOCK_SIZE, Study
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.generators.class_sizes import class_sizes
from learnprop.simulations.networks.architectures import check_network
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.studies.checks import (
    check_chosen,
    check_recipe,
    weight_settings,
)
from learnprop.simulations.studies.cnn.block import CnnCell, compute_block
from learnprop.simulations.studies.cnn.options import Options
from learnprop.simulations.studies.option import design_of

NAME = "cnn"


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
    recipe = _recipe(o)
    device = chosen_device(o.device).type
    data_dir = str(folder_named(o.data_dir).resolve()) if o.data_dir else ""
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
            class_weight=_distinct(weight_settings(o.weights, sizes, o.beta)),
            recipe=recipe,
            measure_at=_measure_at(o),
            device=device,
            data_dir=data_dir,
        )
        for ratio, sizes in _sizes(o, supply)
    )
    design = design_of(
        o,
        device=device,
        supply=supply,
        code=code_version(),
        # On a processor networks are trained alone; on a device 25 runs under every λ at once.
        block_size=1 if device == "cpu" else BLOCK_SIZE,
    )
    inputs = {"data_dir": data_dir} if data_dir else {}
    return Study(
        NAME, o.seed, o.runs, cells, compute_block, design, inputs=inputs, keeps_unfinished=True
    )


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
