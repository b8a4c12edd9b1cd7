"""Training of CNN2C against the loop that a user would write."""

from __future__ import annotations

import time

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.trainings import BATCH, CPU, FLOPS, images_and_labels, ours, users_loop
from learnprop.simulations.networks.image_batches import channel_moments, resident
from learnprop.simulations.networks.recipe import Recipe


def matrix_product_rate(repeats: int = 20, size: int = 1024) -> float:
    """Floating-point operations per second of the machine's matrix product in float32."""
    a = torch.randn(size, size)
    for _ in range(3):
        a @ a
    started = time.perf_counter()
    for _ in range(repeats):
        a @ a
    return repeats * 2 * size**3 / (time.perf_counter() - started)


def run(_runs: int) -> None:
    pixels, labels = images_and_labels(64 * BATCH)
    data, y = resident(pixels, channel_moments(pixels), CPU), torch.as_tensor(labels)
    before = torch.get_num_threads()
    for threads in sorted({1, before}):
        torch.set_num_threads(threads)
        with threadpool_limits(threads):
            users_loop(pixels[: 8 * BATCH], labels[: 8 * BATCH], 1, CPU)  # warms up
            ours(data, y[: 8 * BATCH], 1, Recipe(epochs=1))
            pairs = [
                (users_loop(pixels, labels, 1, CPU), ours(data, y, 1, Recipe(epochs=1))[0])
                for _ in range(5)
            ]
            peak = max(matrix_product_rate() for _ in range(3))
        theirs, mine = (float(np.median(column)) for column in zip(*pairs, strict=True))
        ratios = sorted(a / b for a, b in pairs)
        rate = len(y) * FLOPS / mine
        print(
            f"CNN2C, batch {BATCH}, {threads} thread(s): ours {1e3 * mine / 64:.1f} ms a step, the "
            f"plain loop {1e3 * theirs / 64:.1f}: {ratios[2]:.2f} times as long "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f}, 5 pairs)"
        )
        print(
            f"  ours reaches {rate / 1e9:.0f} of the {peak / 1e9:.0f} GFLOP/s of the machine's "
            f"matrix product, {100 * rate / peak:.0f} %",
            flush=True,
        )
    torch.set_num_threads(before)
