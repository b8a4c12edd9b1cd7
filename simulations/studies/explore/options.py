"""What a user can choose about a grid of imbalance ratios and λ."""

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

OWN_DATA = "Your own data"


class Unnamed(tuple[float, ...]):
    """Ratios that nobody named: of a file, those that it can have."""


RATIOS = Unnamed((1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0))


def fitter_names() -> tuple[str, ...]:
    """What may be chosen as a fitter; auto leaves it open."""
    return ("auto", *of_weights())


@with_parameters(generator=FAMILIES, fitter=FITTERS)
class Options:
    """See what a weight does to each class: a grid of imbalance ratios and λ.

    Class 0 is the rarest.

    Examples
    --------
    >>> from learnprop import explore
    >>> result = explore(runs=5, ratios=[1, 10], weights=["equal", "inverse"], train_size=500)
    >>> rarest = result.to_frame().query("split == 'test' and `class` == 0")
    >>> rarest.groupby(["weighting", "ratio"])["mean_proba"].mean().round(1).to_dict()
    {('equal', 1.0): 0.8, ('equal', 10.0): 0.6, ('inverse', 1.0): 0.8, ('inverse', 10.0): 0.8}
    """

    runs: Runs = 100
    seed: Seed = 0
    generator: Annotated[str, Option("Where the samples come from.", choices=FAMILIES)] = "sim1"
    ratios: Annotated[
        tuple[float, ...],
        Option(
            "Largest over smallest training class. By default, of a file, those that it can have.",
            metavar="R1,R2,...",
        ),
    ] = RATIOS
    weights: Annotated[
        tuple[str, ...],
        weights_option(
            "By default all four schemes and the grid.",
            "SCHEME|λ0|λ0,λ1,...",
            "the weight λ0 of the rarest class (the others share 1 - λ0 equally), or one number "
            "per class",
        ),
    ] = ()
    lambda0_grid: Annotated[
        tuple[float, ...],
        Option(
            "LOW, HIGH and how many values of λ0 besides, even in log odds, from one to the other. "
            "Without `weights` 0.01,0.99,10.",
            metavar="LOW,HIGH,N",
        ),
    ] = ()
    beta: Beta = BETA
    train_size: Annotated[
        int | None,
        Option(
            "Training samples of the largest class. By default 10000; of a file, all that each "
            "ratio allows."
        ),
    ] = None
    profile: Annotated[str, profile_option(goes="rise")] = "exponential"
    test_size: Annotated[
        int | None,
        Option("Test samples of each class. By default 1000; of a file, a fifth of each label's."),
    ] = None
    fitter: Annotated[
        str,
        Option(
            "What is fitted; auto is logistic for two classes, else softmax.",
            choices=fitter_names,
        ),
    ] = "auto"
    stage: ExtraStages = ()
    data: Annotated[
        str,
        Option(
            "Your own features and labels, resampled to the ratios: .csv or .tsv, plain or .gz, "
            ".xlsx, .parquet or .npz.",
            metavar="FILE",
            panel=OWN_DATA,
            in_design=False,
            is_path=True,
        ),
    ] = ""
    label: Annotated[str, Option("Column of the labels.", panel=OWN_DATA)] = "label"
    drop: Annotated[
        tuple[str, ...],
        Option("Column that is no feature; may be repeated.", metavar="COLUMN", panel=OWN_DATA),
    ] = ()
    drop_labels: Annotated[
        tuple[str, ...],
        Option(
            "Label whose rows are left out; may be repeated.",
            metavar="LABEL",
            panel=OWN_DATA,
            in_design=False,
            numbers_are_words=True,
        ),
    ] = ()
    rarest: Annotated[
        str,
        Option(
            "Label to make rare. By default the file's rarest.",
            metavar="LABEL",
            panel=OWN_DATA,
            numbers_are_words=True,
        ),
    ] = ""
    sep: Annotated[
        str,
        Option(
            "What stands between columns of a text file. By default found: a comma, a semicolon, a "
            "tab or |.",
            metavar="CHARACTER",
            panel=OWN_DATA,
            in_design=False,
        ),
    ] = ""
    decimal: Annotated[
        str,
        Option(
            "Decimal mark of a text file, a point or a comma. By default found, where no other "
            "reading is possible.",
            metavar=".|,",
            panel=OWN_DATA,
            in_design=False,
        ),
    ] = ""
    encoding: Annotated[
        str,
        Option(
            "Of a text file, such as cp1252. By default as its byte order mark says, else UTF-8.",
            metavar="NAME",
            panel=OWN_DATA,
            in_design=False,
        ),
    ] = ""
    margin: Margin = 0.05
    device: Device = "cpu"
    quick: Annotated[bool, quick_option(runs=10, ratios=Unnamed((1.0, 10.0, 100.0)))] = False
