"""The paper's losses on the paper's networks: the trainings of Tables 3, 4 and 5, Figures 1 and 2.

What a user chooses, and the study that it makes; how a training is computed is in
`learnprop.simulations.studies.losses.block`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from learnprop.equations.arguments import BadArgument
from learnprop.equations.losses import LOSSES, REFERENCE
from learnprop.equations.losses.loss import ChosenLoss, Parameter
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.dataset_files import resolved
from learnprop.simulations.datasets import class_supply, load_dataset
from learnprop.simulations.engine.devices import chosen_device
from learnprop.simulations.engine.study import Study
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.networks.architectures import check_network
from learnprop.simulations.networks.block import footprint
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.states import check_states, trained_networks
from learnprop.simulations.studies.checks import (
    check_chosen,
    check_recipe,
)
from learnprop.simulations.studies.losses.block import (
    LossCell,
    compute_block,
    compute_blocks,
    trained_alike,
)
from learnprop.simulations.studies.losses.options import Options
from learnprop.simulations.studies.option import declared_options, design_of

NAME = "losses"

RENAMED = {"beta": "inr_beta"}
"""Options of stored studies that were called otherwise."""

GRAY = Recipe(epochs=20, batch_size=64, lr=0.01, momentum=0.5)
"""The paper's for MNIST-type data."""

COLOUR = Recipe(
    epochs=100,
    batch_size=64,
    lr=0.1,
    momentum=0.9,
    schedule="step",
    weight_decay=1e-4,
    augment=True,
)
"""The paper's for CIFAR-10."""


def make_study(options: Options, supply: Mapping[str, Sequence[int]] | None = None) -> Study:
    """Check the options and lay the study out.

    Parameters
    ----------
    options : Options
    supply : mapping of str to sequence of int, optional
        Training images that each data set has of each class; counted by default.

    Returns
    -------
    Study
        Its cells are in the order in which they are wanted: every loss at the shared learning rate
        first.

    Raises
    ------
    ValueError
        Naming the option and its value; or the file of a data set and what is wrong with it.

    Examples
    --------
    >>> [cell.name for cell in make_study(Options(device="cpu")).cells]
    ['digits cnn2c lgl', 'digits cnn2c sml', 'digits cnn2c lgl-inr beta=1']
    """
    o = options
    check_chosen(o, least_runs=1)
    for option, values in (("dataset", o.dataset), ("model", o.model), ("loss", o.loss)):
        if len(set(values)) < len(values):
            raise BadArgument(option, f"must be distinct, got {list(values)}")
    device = chosen_device(o.device).type
    data_dir, states = resolved(o.data_dir), resolved(o.states)
    losses = _losses(o)
    pairs = [(d, m) for d in _datasets(o) for m in _models(o, d)]
    if supply is None:
        supply = {d: _supply(d, data_dir) for d, _ in pairs}
    cells = tuple(
        LossCell(
            dataset=dataset,
            model=model,
            loss=loss,
            matched=matched,
            train_size=tuple(supply[dataset]),
            recipe=_recipe(o, dataset),
            device=device,
            data_dir=data_dir,
            states=states,
        )
        for matched, loss, (dataset, model) in product(
            (False, True) if o.match_step else (False,), losses, pairs
        )
        if not (matched and loss.kind == REFERENCE)  # it is what others are matched to
    )
    for cell in cells:
        if cell.recipe.batch_size > sum(cell.train_size):
            raise BadArgument(
                "batch_size",
                f"must be at most the {sum(cell.train_size)} training images of "
                f"{cell.dataset}, got {cell.recipe.batch_size}",
            )
    design = design_of(
        o,
        device=device,
        supply=supply,
        code=code_version(),
        block_size=1,
    )
    if states:
        check_states(Path(states), trained_networks(cells, o.seed, o.runs))
    inputs = {k: v for k, v in {"data_dir": data_dir, "states": states}.items() if v}
    return Study(
        NAME, o.seed, o.runs, cells, compute_block, design, inputs=inputs, keeps_unfinished=True,
        compute_together=compute_blocks if any(map(trained_alike, cells)) else None,
        group_of=trained_alike, footprint=footprint,
    )  # fmt: skip


def known_from(design: Mapping[str, Any], _inputs: Mapping[str, str]) -> dict[str, Any]:
    """What a stored study says beyond its options, for `make_study`."""
    return {"supply": {dataset: tuple(sizes) for dataset, sizes in design["supply"].items()}}


def paper_recipe(dataset: str) -> Recipe:
    """The paper's training on a data set: of gray images, or of colour ones.

    Examples
    --------
    >>> paper_recipe("kmnist").epochs, paper_recipe("cifar10").epochs
    (20, 100)
    """
    return COLOUR if dataset_named(dataset).shape[0] == 3 else GRAY


def _datasets(o: Options) -> tuple[str, ...]:
    if not o.dataset:
        raise BadArgument("dataset", "must name at least one data set")
    return tuple(dataset_named(d).name for d in o.dataset)


def _models(o: Options, dataset: str) -> tuple[str, ...]:
    """Networks of a data set: as chosen, or CNN2C for gray images and Table 4's for colour ones."""
    shape = dataset_named(dataset).shape
    models = o.model or (("mobilenetv2", "resnet18") if shape[0] == 3 else ("cnn2c",))
    for model in models:
        check_network(model, shape)
    return models


def _losses(o: Options) -> list[ChosenLoss]:
    """Losses in the order in which they are named, each with every value of its parameters."""
    if not o.loss:
        raise BadArgument("loss", f"must name at least one of {', '.join(LOSSES)}")
    known = declared_options(type(o))
    values = {
        p: getattr(o, p.option) if p.option in known else (p.default,)
        for loss in LOSSES.values()
        for p in loss.parameters
    }
    for parameter, chosen in values.items():
        _check_values(parameter, chosen)
    return [
        ChosenLoss(LOSSES[name], chosen)
        for name in o.loss
        for chosen in product(*(values[p] for p in LOSSES[name].parameters))
    ]


def _check_values(parameter: Parameter, values: Sequence[float]) -> None:
    """Raise BadArgument unless they are distinct values of the parameter."""
    p = parameter
    if not values or len({f"{value:g}" for value in values}) < len(values):
        raise BadArgument(
            p.option, f"must be numbers that differ in six digits, got {list(values)}"
        )
    for value in values:
        if not (math.isfinite(value) and p.least <= value <= p.most):
            raise BadArgument(
                p.option, f"must satisfy {p.least:g} <= {p.symbol} <= {p.most:g}, got {value:g}"
            )


def _recipe(o: Options, dataset: str) -> Recipe:
    channels = dataset_named(dataset).shape[0]
    if o.standardise == "mnist" and channels != 1:
        raise BadArgument(
            "standardise", f"mnist is of one channel, but images of {dataset} have {channels}"
        )
    chosen = {
        name: getattr(o, name)
        for name in (
            "epochs", "batch_size", "lr", "momentum", "schedule", "weight_decay", "augment"
        )
        if getattr(o, name) is not None
    }  # fmt: skip
    return check_recipe(
        replace(
            paper_recipe(dataset),
            precision=o.precision,
            compiled=o.compile,
            standardise=o.standardise,
            **chosen,
        )
    )


def _supply(dataset: str, data_dir: str) -> tuple[int, ...]:
    images = load_dataset(dataset, data_dir)
    n_classes = len(dataset_named(dataset).labels)
    return tuple(class_supply(images.labels, images.test_labels, n_classes).tolist())
