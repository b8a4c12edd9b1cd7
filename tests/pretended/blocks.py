"""Whole blocks of the studies of networks, on the device and on the processor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from learnprop.simulations.datasets import load_dataset
from learnprop.simulations.engine.study import Study
from learnprop.simulations.networks import block as network_block
from learnprop.simulations.networks.stacked import ways
from learnprop.simulations.studies.cnn import block as cnn_block
from learnprop.simulations.studies.cnn import study as cnn
from learnprop.simulations.studies.losses import block as losses_block
from learnprop.simulations.studies.losses import study as losses
from tests.pretended.report import Part, rehearsed

CNN = cnn.Options(
    sizes=(14, 12, 10, 8, 7, 6, 6, 5, 5, 5),
    heldout=0.2,
    epochs=2,
    batch_size=16,
    measure_at=(1,),
    weight_decay=0.01,  # else the output layer has no minimum
    augment=True,
    device="cpu",
)
LOSSES = losses.Options(epochs=2, batch_size=32, match_step=True, device="cpu")

IMAGES = 150
"""Digits that losses are compared on."""

AS_ALONE = 1e-6
"""Of networks one by one: the same operators, so that only rounding in float32 is allowed for."""

AS_A_STACK = 1e-4
"""Of many at once, after ten steps in float32, as on the processor."""

LAST_BITS = ("n_iter", "gradient_norm", "confusion")
"""What hangs on the last bits of a network: its refinement's path, and ties of logits."""


def rehearse_blocks(device: str) -> Iterator[Part]:
    """Compute blocks of small studies, all cells of each: networks one by one, and as a stack.

    Parameters
    ----------
    device : str

    Yields
    ------
    Part
    """
    with pytest.MonkeyPatch.context() as patch:
        yield from _of_study("cnn", cnn.make_study(CNN), cnn_block, range(1), device)
        data = load_dataset("digits")
        few = replace(data, images=data.images[:IMAGES], labels=data.labels[:IMAGES])
        for module in (losses, network_block):
            patch.setattr(module, "load_dataset", lambda *_: few)
        yield from _of_study("losses", losses.make_study(LOSSES), losses_block, range(2), device)


def _of_study(name: str, study: Study, home: Any, runs: range, device: str) -> Iterator[Part]:
    def blocks(where: str) -> Any:
        parts = [(replace(cell, device=where), runs) for cell in study.cells]
        found = home.compute_blocks(parts, study.seed)
        return [{"fits": block.fits, "measurements": block.measurements} for block in found]

    expected = blocks("cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ways, "stackable", lambda _: False)
        yield rehearsed(f"block, {name}, one by one", blocks, expected, device, bound=AS_ALONE)
    yield rehearsed(
        f"block, {name}, as a stack", blocks, expected, device, bound=AS_A_STACK, skip=LAST_BITS
    )
