"""Rehearse on a device that is pretended what would run on a GPU.

    python -m tests.pretended [--part steps|blocks|fitters|refinement ...]   by default all
    python -m tests.pretended --part planted                                 controls: all faults

Prints what each part asks a device for, and a line for every fault: tensors of both devices in one
operator, hidden copies, results that are not the processor's, and whatever a step of gradient
descent waits for or copies. A fault makes the status 1.
"""

from __future__ import annotations

import argparse
import os
import sys

import torch

from learnprop.simulations.fitters import fit
from tests.pretended.blocks import rehearse_blocks
from tests.pretended.counts import COPY, HIDDEN, KERNEL, WAIT, listed, total
from tests.pretended.device import pretend
from tests.pretended.fitters import rehearse_fitters
from tests.pretended.refinement import rehearse_refinement
from tests.pretended.training import rehearse_planted, rehearse_steps

REHEARSALS = {
    "steps": rehearse_steps,
    "blocks": rehearse_blocks,
    "fitters": rehearse_fitters,
    "refinement": rehearse_refinement,
    "planted": rehearse_planted,
}


def main() -> int:
    """Command line of this file."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.pretended",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--part", action="append", choices=REHEARSALS)
    parser.add_argument("--sites", action="store_true", help="list what waits and copies, by line")
    arguments = parser.parse_args()
    device = pretend().type
    torch.set_num_threads(1)
    fit.chosen_device = torch.device  # their own knows no other names than cpu and cuda
    faults = []
    print(f"{'kernels':>8} {'waits':>8} {'copies':>8} {'hidden':>8}")
    for name in arguments.part or [name for name in REHEARSALS if name != "planted"]:
        for part in REHEARSALS[name](device):
            numbers = [total(part.counts, kind) for kind in (KERNEL, WAIT, COPY, HIDDEN)]
            print(*(f"{n:8d}" for n in numbers), "", part.name, flush=True)
            if arguments.sites:
                print(*listed(part.counts, WAIT, COPY, HIDDEN), sep="\n")
            faults += part.faults
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # The autograd thread of the pretended device aborts an interpreter that ends, now and then.
    os._exit(status)
