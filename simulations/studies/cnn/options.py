"""What a user can choose about the study of trained networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from learnprop.equations import BETA
from learnprop.simulations.networks.recipe import SCHEDULES, Recipe
from learnprop.simulations.studies.network_options import (
    DATA,
    DATASET_NAMES,
    MODELS,
    STAGE_NAMES,
    TRAINING,
    Compile,
    DataDir,
    Precision,
    States,
)
from learnprop.simulations.studies.option import Device, Margin, Option, Runs, Seed, quick_option
from learnprop.simulations.studies.weight_options import Beta, profile_option, weights_option


@dataclass(frozen=True)
class Options:
    """Put Eq. (9) to trained networks: as trained, bias refined, output layer refined.

    A long training is resumed too.

    Examples
    --------
    >>> from learnprop import cnn
    >>> sizes = (14, 12, 10, 8, 7, 6, 6, 5, 5, 5)
    >>> result = cnn(runs=2, sizes=sizes, epochs=1, weights="equal", device="cpu")
    >>> train = result.to_frame().query("split == 'train'").set_index("stage")["verdict"]
    >>> {stage: train[stage].unique().tolist() for stage in ("raw", "bias")}
    {'raw': ['not converged'], 'bias': ['holds']}
    """

    runs: Runs = 20
    seed: Seed = 0
    dataset: Annotated[
        str,
        Option(
            "Images. digits needs no download; for the others see learnprop data.",
            choices=DATASET_NAMES,
            panel=DATA,
        ),
    ] = "digits"
    imbalance: Annotated[
        tuple[float, ...],
        Option("Largest over smallest training class.", metavar="R1,R2,...", panel=DATA),
    ] = (10.0,)
    profile: Annotated[str, profile_option(DATA)] = "exponential"
    train_size: Annotated[
        int | None,
        Option(
            "Training images of the largest class. By default all that every class has.",
            panel=DATA,
        ),
    ] = None
    sizes: Annotated[
        tuple[int, ...],
        Option("Training images per class, instead of the above.", metavar="N0,N1,...", panel=DATA),
    ] = ()
    heldout: Annotated[
        float,
        Option(
            "Share of the training images of each class that is held out of training; at stage "
            "heldout the output bias is refined on them.",
            panel=DATA,
        ),
    ] = 0.0
    data_dir: DataDir = ""
    weights: Annotated[tuple[str, ...], weights_option()] = (
        "equal",
        "inverse",
    )
    beta: Beta = BETA
    model: Annotated[
        str,
        Option(
            "Network: of 28 x 28 the first three, of 28 x 28 or 32 x 32 the others.",
            choices=MODELS,
            panel=TRAINING,
        ),
    ] = "cnn2c"
    epochs: Annotated[int, Option("Passes over the sample.", panel=TRAINING)] = Recipe.epochs
    batch_size: Annotated[int, Option("Images of a minibatch.", panel=TRAINING)] = Recipe.batch_size
    lr: Annotated[float, Option("Learning rate.", panel=TRAINING)] = Recipe.lr
    momentum: Annotated[float, Option("Of SGD, as PyTorch has it.", panel=TRAINING)] = (
        Recipe.momentum
    )
    schedule: Annotated[
        str,
        Option(
            "Of the learning rate; step divides it by 10 after a half and three quarters.",
            choices=SCHEDULES,
            panel=TRAINING,
        ),
    ] = Recipe.schedule
    weight_decay: Annotated[float, Option("Of all but the output bias.", panel=TRAINING)] = (
        Recipe.weight_decay
    )
    decay_bias: Annotated[
        bool, Option("Decay the output bias too, which breaks Eq. (9).", panel=TRAINING)
    ] = False
    augment: Annotated[bool, Option("Random crop and horizontal flip.", panel=TRAINING)] = False
    precision: Precision = "float32"
    compile: Compile = False
    stages: Annotated[
        tuple[str, ...],
        Option(
            "What is measured after the last epoch besides raw. By default all but loo, heldout if "
            "images are held out; head takes longest. loo is head with the bias at which the "
            "output layer's left-out predictions balance.",
            choices=STAGE_NAMES,
            panel=TRAINING,
        ),
    ] = ()
    measure_at: Annotated[
        tuple[int, ...],
        Option(
            "Epochs after which P is measured, besides the last. By default powers of two.",
            metavar="E1,E2,...",
            panel=TRAINING,
        ),
    ] = ()
    states: States = ""
    margin: Margin = 0.05
    device: Device = "auto"
    quick: Annotated[bool, quick_option(runs=3, epochs=5)] = False
