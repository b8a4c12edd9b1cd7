"""What the device can do at most: copies, matrix products, the products of CNN2C's steps."""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks.gpu.stages.at import At
from benchmarks.trainings import BATCH, seconds

PRODUCTS = {
    "conv1, forward": (24 * 24 * BATCH, 25, 20),
    "conv2, forward": (8 * 8 * BATCH, 500, 50),
    "conv2, its input's gradient": (8 * 8 * BATCH, 50, 500),
    "conv2, its weight's gradient": (50, 8 * 8 * BATCH, 500),
}
"""Rows, inner size and columns of the products that stacked CNN2C consists of, a minibatch each."""

AT_ONCE = 10
"""Products of a reading: a launch, and a wait, are then a small part of it."""


def run(at: At) -> None:
    """Bandwidth of a copy, and rates of products in float32."""
    size, repeats = (256, 2) if at.quick else (8192, 5)
    a = torch.randn(size, size, device=at.device)
    b = torch.empty_like(a)
    at.say("copy", 2 * a.nbytes / _least(lambda: b.copy_(a), at, repeats) / 1e12, "TB/s")
    took = _least(lambda: torch.mm(a, a, out=b), at, repeats)
    at.say(f"product of {size} x {size}", 2 * size**3 / took / 1e12, "TFLOP/s")
    networks = 2 if at.quick else 100
    for name, (rows, inner, columns) in PRODUCTS.items():
        x = torch.randn(networks, rows, inner, device=at.device)
        if rows < inner:  # the sum is over the pixels, along which neither factor lies
            x = x.mT.contiguous().mT
        w = torch.randn(networks, inner, columns, device=at.device)
        took = _least(lambda x=x, w=w: torch.bmm(x, w), at, repeats)
        rate = 2 * networks * rows * inner * columns / took / 1e12
        at.say(name, rate, "TFLOP/s", networks)
    if at.device.type == "cuda":
        free, total = torch.cuda.mem_get_info()
        at.say("memory", total / 2**30, "GiB")
        at.say("memory free", free / 2**30, "GiB")


def _least(work: Callable[[], object], at: At, repeats: int) -> float:
    """Least seconds of work in some readings after one that is not counted."""

    def several() -> None:
        for _ in range(AT_ONCE):
            work()

    seconds(several, at.device)
    return min(seconds(several, at.device) for _ in range(repeats)) / AT_ONCE
