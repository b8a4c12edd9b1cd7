"""What a user can choose about the K-class study."""

from __future__ import annotations

from typing import Annotated

from learnprop.equations import BETA
from learnprop.simulations.fitters import FITTERS, of_weights
from learnprop.simulations.generators import FAMILIES
from learnprop.simulations.studies.option import (
    Device,
    Margin,
    Option,
    Runs,
    Seed,
    quick_option,
    with_parameters,
)
from learnprop.simulations.studies.weight_options import (
    Beta,
    ExtraStages,
    profile_option,
    weights_option,
)


@with_parameters({"classes": 5}, generator=FAMILIES, fitter=FITTERS)
class Options:
    """Put Eq. (9) to the test: K classes, several λ, both sides of every equation.

    Examples
    --------
    >>> from learnprop import multiclass
    >>> result = multiclass(runs=5, sizes=(90, 60, 30), test_size=100, weights=["equal"])
    >>> train = result.to_frame().query("split == 'train'")
    >>> train["verdict"].tolist()
    ['holds', 'holds', 'holds']
    """

    runs: Runs = 100
    seed: Seed = 0
    generator: Annotated[str, Option("Where the samples come from.", choices=FAMILIES)] = "gaussian"
    train_size: Annotated[int, Option("Training samples of the largest class.")] = 2500
    imbalance: Annotated[float, Option("Largest over smallest training class.")] = 10.0
    profile: Annotated[str, profile_option()] = "exponential"
    sizes: Annotated[
        tuple[int, ...],
        Option("Training samples per class, instead of the above.", metavar="N0,N1,..."),
    ] = ()
    test_size: Annotated[int, Option("Test samples of each class.")] = 1000
    weights: Annotated[tuple[str, ...], weights_option()] = ("equal", "inverse", "sqrt-inverse")
    beta: Beta = BETA
    fitter: Annotated[str, Option("What is fitted.", choices=of_weights)] = "softmax"
    stage: ExtraStages = ()
    margin: Margin = 0.05
    device: Device = "cpu"
    quick: Annotated[bool, quick_option(runs=10)] = False
