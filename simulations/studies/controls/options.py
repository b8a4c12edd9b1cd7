"""What a user can choose about the controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from learnprop.simulations.studies.option import Device, Margin, Runs, Seed, quick_option


@dataclass(frozen=True)
class Options:
    """Break Eq. (9) on purpose: what should fail fails, and by how much; what should hold holds.

    `strict` exits with 1 if a control does not end as expected.

    Examples
    --------
    >>> from learnprop import controls
    >>> result = controls(quick=True, runs=2)
    >>> table = result.to_frame().set_index("control")
    >>> table.loc["penalised bias", "expected"]
    'fails'
    """

    runs: Runs = 100
    seed: Seed = 0
    margin: Margin = 0.05
    device: Device = "cpu"
    quick: Annotated[bool, quick_option(runs=10)] = False
