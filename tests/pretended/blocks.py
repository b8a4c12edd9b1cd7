"""Whole blocks of the studies of networks, on the device and on the processor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from learnprop.simulations.engine.study import Study
from learnprop.simulations.networks import block as network_block
from learnprop.simulations.records.rows import Block
from learnprop.simulations.studies.cnn import study as cnn
from learnprop.simulations.studies.losses import study as losses
from tests.pretended.report import Part, rehearsed
from tests.trained import few_digits

CNN = cnn.Options(
    sizes=(14, 12, 10, 8, 7, 6, 6, 5, 5, 5),
    epochs=2,
    batch_size=16,
    measure_at=(1,),
    weight_decay=0.01,  # else the output layer has no minimum
    augment=True,
    device="cpu",
)
LOSSES = losses.Options(epochs=2, batch_size=64, match_step=True, device="cpu")

RUNS = range(2)
AS_ALONE = 1e-6
"""Of one network: the same operators, so that only rounding in float32 is allowed for."""

AT_ONCE = 1e-4
"""Of many, after ten steps in float32, as on the processor."""

REFINED = ("n_iter", "gradient_norm")
"""What depends on the last bits of where a refinement starts."""


def rehearse_blocks(device: str) -> Iterator[Part]:
    """Compute a block of every cell of small studies, networks alone and many at once.

    Parameters
    ----------
    device : str

    Yields
    ------
    Part
    """
    with pytest.MonkeyPatch.context() as patch:
        yield from _of_study("cnn", cnn.make_study(CNN), device)
        few_digits(patch)
        yield from _of_study("losses", losses.make_study(LOSSES), device)


def _of_study(name: str, study: Study, device: str) -> Iterator[Part]:
    for cell in study.cells:
        expected = _compared(_block(study, cell, "cpu", many=False))
        for many, bound in ((False, AS_ALONE), (True, AT_ONCE)):
            yield rehearsed(
                f"block, {'many' if many else 'one'}, {name} {cell.name}",
                lambda where, cell=cell, many=many: _compared(  # type: ignore[misc]
                    _block(study, cell, where, many=many)
                ),
                expected,
                device,
                bound=bound,
                skip=REFINED if many else (),
            )


def _block(study: Study, cell: Any, device: str, *, many: bool) -> Block:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network_block, "trains_at_once", lambda *_: many)
        return study.compute_block(replace(cell, device=device), study.seed, RUNS)


def _compared(block: Block) -> dict[str, Any]:
    """Fits and measurements, and no times."""
    return {"fits": block.fits, "measurements": block.measurements}
