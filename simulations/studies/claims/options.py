"""What a user can choose about the claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from learnprop.simulations.studies.option import Device, Margin, Runs, Seed, quick_option


@dataclass(frozen=True)
class Options:
    """Put the paper's other statements to the test, each in a small design, with a verdict.

    `strict` exits with 1 if any of them fails: some do.

    Examples
    --------
    >>> from learnprop import claims
    >>> result = claims(quick=True, runs=2)
    >>> result.to_frame()["verdict"].isin(["holds", "fails", "inconclusive"]).all()
    np.True_
    """

    runs: Runs = 100
    seed: Seed = 0
    margin: Margin = 0.05
    device: Device = "cpu"
    quick: Annotated[bool, quick_option(runs=10)] = False
