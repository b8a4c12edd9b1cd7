"""Options that the studies of trained networks share."""

from __future__ import annotations

from typing import Annotated

from learnprop.simulations.dataset_catalogue import DATASETS
from learnprop.simulations.networks.recipe import PRECISIONS
from learnprop.simulations.studies.option import Option

DATA, TRAINING = "Data", "Training"
"""Panels of ``--help``."""

DATASET_NAMES = tuple(DATASETS)
MODELS = ("cnn2c", "cnn2c-500", "cnn5c", "resnet18", "mobilenetv2")
"""Names in `learnprop.simulations.networks.architectures.NETWORKS`, which needs PyTorch."""
STAGE_NAMES = ("raw", "bias", "heldout", "head", "loo")
"""`learnprop.simulations.refinement.stages.STAGES`, which needs PyTorch."""

DataDir = Annotated[
    str,
    Option(
        "Folder with a sub-folder per data set; else those of LEARNPROP_DATA, else where "
        "learnprop data fetch puts them.",
        metavar="DIR",
        panel=DATA,
        in_design=False,
        is_path=True,
    ),
]
States = Annotated[
    str,
    Option(
        "Folder where trained networks are kept. Those that are there are measured and not "
        "trained, whatever device trained them.",
        metavar="DIR",
        panel=TRAINING,
        in_design=False,
        is_path=True,
    ),
]
Precision = Annotated[
    str,
    Option(
        "tf32 is float32 whose products are in TF32 on a GPU; bf16 is autocast.",
        choices=PRECISIONS,
        panel=TRAINING,
    ),
]
Compile = Annotated[bool, Option("Put the network through torch.compile.", panel=TRAINING)]
