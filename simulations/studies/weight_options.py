"""Options that say how large the classes are and how they are weighted."""

from __future__ import annotations

from typing import Annotated

from learnprop.simulations.generators.class_sizes import PROFILES
from learnprop.simulations.studies.option import Option

Beta = Annotated[float, Option("β of effective-number.")]

EXTRA_STAGES = ("raw", "loo")

ExtraStages = Annotated[
    tuple[str, ...],
    Option(
        "What is measured of each λ besides the fit as it is (raw); loo: its bias moved to where "
        "the training samples balance, each predicted as if it had been left out. Of linear "
        "fitters.",
        choices=EXTRA_STAGES,
    ),
]


def profile_option(panel: str = "", goes: str = "fall") -> Option:
    """Option of how class sizes go from class to class."""
    return Option(f"How sizes {goes} from class to class.", choices=PROFILES, panel=panel)


def weights_option(default: str = "", written: str = "SCHEME|λ0,λ1,...", what: str = "") -> Option:
    """Option of the λ settings.

    Parameters
    ----------
    default : str
        Sentence that says what is chosen by default, where that is no plain value.
    written : str
        How one is written.
    what : str
        What numbers stand for, where there is more than one number per class.

    Returns
    -------
    Option
    """
    return Option(
        "equal, inverse, sqrt-inverse, effective-number, or "
        f"{what or 'numbers, one per class with commas between'}; may be repeated. "
        f"{default}".strip(),
        metavar=written,
        numbers_are_words=True,
        neighbours_join=True,
    )
