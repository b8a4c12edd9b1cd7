"""What a stage that is computed here is told, and how it says what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.gpu.log import Reading, write_entry


@dataclass(frozen=True)
class At:
    """Where and how a stage is computed.

    Attributes
    ----------
    stage : str
    device : torch.device
    quick : bool
        Whether it is a rehearsal, with sizes that a processor can bear.
    log : Path
    """

    stage: str
    device: torch.device
    quick: bool
    log: Path

    def say(self, what: str, value: float, unit: str, networks: int | None = None) -> None:
        """Write a number down, at once."""
        write_entry(self.log, Reading(self.stage, what, float(value), unit, networks))
        several = "" if networks is None else f"{networks} at once: "
        print(f"{what}: {several}{value:.4g} {unit}", flush=True)
