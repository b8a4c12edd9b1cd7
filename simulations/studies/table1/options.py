"""What a user can choose about Table 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from learnprop.simulations.generators import SIM1_READINGS, SIM2_READINGS
from learnprop.simulations.studies.option import Device, Margin, Option, Runs, Seed, quick_option


@dataclass(frozen=True)
class Options:
    """Reproduce Table 1: Eq. (10) for Sim1 and Sim2, predicted, observed and the paper's.

    The defaults are the paper's.

    Examples
    --------
    >>> from learnprop import table1
    >>> result = table1(runs=5, train_size=(20, 60), test_size=(50, 50), max_iter=5)
    >>> result.to_frame().query("split == 'train' and simulation == 'sim1'")["rhs"].tolist()
    [3.0, 1.0, 0.5]
    """

    runs: Runs = 100
    seed: Seed = 0
    train_size: Annotated[
        tuple[int, int], Option("Training samples per class.", metavar="N0,N1")
    ] = (1000, 10000)
    test_size: Annotated[tuple[int, int], Option("Test samples per class.", metavar="N0,N1")] = (
        1000,
        1000,
    )
    as_printed: Annotated[bool, Option("λ0 as the paper's headings have it.")] = False
    sim1_reading: Annotated[str, Option("What N + U means.", choices=SIM1_READINGS)] = "sum"
    sim2_reading: Annotated[str, Option("What σ1 = 1.2 I means.", choices=SIM2_READINGS)] = (
        "covariance"
    )
    training: Annotated[str, Option("How Sim2's network is trained.", choices=("bfgs", "adam"))] = (
        "bfgs"
    )
    max_iter: Annotated[int, Option("Iterations of BFGS at most.")] = 300
    epochs: Annotated[int, Option("Epochs of `training` adam.")] = 20
    margin: Margin = 0.05
    device: Device = "cpu"
    quick: Annotated[bool, quick_option(runs=10)] = False
