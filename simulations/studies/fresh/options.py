"""What a user can choose about the gap on fresh data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from learnprop.equations import BETA
from learnprop.simulations.studies.option import (
    Device,
    Margin,
    Option,
    Runs,
    Seed,
    quick_option,
)
from learnprop.simulations.studies.weight_options import Beta, weights_option


@dataclass(frozen=True)
class Options:
    """See the gap on fresh data, predicted before it is observed, and repaired.

    Gaussian classes, the last one the rarest, with more and more features per training sample.

    Examples
    --------
    >>> from learnprop import fresh
    >>> result = fresh(runs=25, classes=2, kappa=0.05, weights="inverse")
    >>> rarest = result.to_frame().query("`class` == 1").iloc[0]
    >>> for gap in ("gap_state", "gap_left_out", "gap", "gap_repaired"):
    ...     print(f"{gap:13}{rarest[gap]:+.0%}")
    gap_state    +50%
    gap_left_out +55%
    gap          +58%
    gap_repaired +3%
    """

    runs: Runs = 100
    seed: Seed = 0
    classes: Annotated[
        tuple[int, ...],
        Option(
            "Numbers of classes, a grid each: two are fitted by logistic regression, more by "
            "softmax.",
            metavar="K1,K2,...",
        ),
    ] = (2, 3)
    kappa: Annotated[
        tuple[float, ...],
        Option("Features per training sample, a cell each.", metavar="κ1,κ2,..."),
    ] = (0.005, 0.01, 0.02, 0.05, 0.08, 0.1, 0.2)
    train_size: Annotated[int, Option("Training samples of all classes together.")] = 1000
    imbalance: Annotated[float, Option("Largest over smallest training class.")] = 9.0
    separation: Annotated[
        float, Option("Distance between any two class means, in SDs of a feature.")
    ] = 2.0
    shift: Annotated[
        float,
        Option(
            "How far class 0 moves towards the others, in SDs of a feature, where fresh data are "
            "not those of training."
        ),
    ] = 0.5
    weights: Annotated[tuple[str, ...], weights_option()] = ("equal", "inverse")
    beta: Beta = BETA
    margin: Margin = 0.05
    device: Device = "cpu"
    quick: Annotated[bool, quick_option(runs=10, kappa=(0.02, 0.05, 0.1))] = False
