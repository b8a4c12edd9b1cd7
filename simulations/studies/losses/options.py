"""What a user can choose about the comparison of losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from learnprop.equations.losses import LOSSES
from learnprop.simulations.networks.recipe import SCHEDULES, STANDARDS
from learnprop.simulations.studies.network_options import (
    DATA,
    DATASET_NAMES,
    MODELS,
    TRAINING,
    Compile,
    DataDir,
    Precision,
    States,
)
from learnprop.simulations.studies.option import Device, Option, Seed, quick_option


@dataclass(frozen=True)
class Options:
    """Compare the paper's losses: Tables 3, 4 and 5, Figures 1 and 2.

    Trained as in the paper unless told otherwise: an option that is left open is as the paper has
    it for the data set. A long training is resumed too. If it is interrupted, what is there is
    reported.

    Examples
    --------
    >>> from learnprop import losses
    >>> result = losses(runs=1, loss=["sml", "lgl-inr"], epochs=1, device="cpu")
    >>> test = result.to_frame().query("split == 'test'").set_index("setting")
    >>> test["verdict"].to_dict()
    {'sml': 'reference', 'lgl-inr beta=1': 'inconclusive'}
    """

    runs: Annotated[int, Option("Replications of every loss; with one there are no intervals.")] = 5
    seed: Seed = 0
    dataset: Annotated[
        tuple[str, ...],
        Option(
            "Images: digits needs no download; for the others see learnprop data.",
            choices=DATASET_NAMES,
            panel=DATA,
        ),
    ] = ("digits",)
    data_dir: DataDir = ""
    loss: Annotated[
        tuple[str, ...],
        Option(
            ", ".join(f"{loss.name} ({loss.title})" for loss in LOSSES.values()) + ".",
            choices=LOSSES,
        ),
    ] = tuple(LOSSES)
    inr_beta: Annotated[
        tuple[float, ...],
        Option("β of lgl-inr, any numbers from 0 up.", metavar="B1,B2,..."),
    ] = (1.0,)
    match_step: Annotated[
        bool,
        Option(
            "Besides the shared learning rate: every loss scaled to the softmax loss's gradient "
            "norm at the start."
        ),
    ] = False
    model: Annotated[
        tuple[str, ...],
        Option(
            "Networks, the first three of 28 x 28. By default cnn2c, on cifar10 mobilenetv2 and "
            "resnet18.",
            choices=MODELS,
            panel=TRAINING,
        ),
    ] = ()
    epochs: Annotated[
        int | None,
        Option("Passes over the sample. By default 20, on cifar10 100.", panel=TRAINING),
    ] = None
    batch_size: Annotated[
        int | None, Option("Images of a minibatch. By default 64.", panel=TRAINING)
    ] = None
    lr: Annotated[
        float | None, Option("Learning rate. By default 0.01, on cifar10 0.1.", panel=TRAINING)
    ] = None
    momentum: Annotated[
        float | None,
        Option("Of SGD, as PyTorch has it. By default 0.5, on cifar10 0.9.", panel=TRAINING),
    ] = None
    schedule: Annotated[
        str | None,
        Option(
            "Of the learning rate. By default constant, on cifar10 step: divided by 10 after a "
            "half and three quarters.",
            choices=SCHEDULES,
            panel=TRAINING,
        ),
    ] = None
    weight_decay: Annotated[
        float | None,
        Option("Of all but the output bias. By default 0, on cifar10 1e-4.", panel=TRAINING),
    ] = None
    augment: Annotated[
        bool | None,
        Option("Random crop and horizontal flip. By default on cifar10.", panel=TRAINING),
    ] = None
    standardise: Annotated[
        str,
        Option(
            "Images by mean and SD of their own, or by MNIST's, as PyTorch's example has them.",
            choices=STANDARDS,
            panel=TRAINING,
        ),
    ] = "own"
    precision: Precision = "float32"
    compile: Compile = False
    states: States = ""
    margin: Annotated[
        float,
        Option(
            "Difference of accuracies that still counts as none, declared beforehand: 0.005 is "
            "half a percentage point."
        ),
    ] = 0.005
    device: Device = "auto"
    quick: Annotated[bool, quick_option(runs=3, epochs=4)] = False
