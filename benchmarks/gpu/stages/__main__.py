"""Compute one stage."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

import torch

from benchmarks.gpu.stages.at import At

STAGES = {
    "ceilings": "ceilings:run",
    "tests": "marked:run",
    "baselines": "ways:run_baselines",
    "ways": "ways:run_ways",
    "hundred": "ways:run_hundred",
    "fitters": "fitters:run",
    "colour": "colour:run",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.stages", description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--log", type=Path, required=True)
    chosen = parser.parse_args()
    module, _, name = STAGES[chosen.stage].partition(":")
    run = getattr(import_module(f"benchmarks.gpu.stages.{module}"), name)
    run(At(chosen.stage, torch.device(chosen.device), chosen.quick, chosen.log))


if __name__ == "__main__":
    main()
