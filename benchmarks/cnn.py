"""Training of CNN2C against two loops that a user would write, in rounds of each in turn."""

from __future__ import annotations

import time

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.trainings import BATCH, CPU, FLOPS, images_and_labels, lean_loop, ours, users_loop
from learnprop.simulations.engine.devices import arithmetic
from learnprop.simulations.engine.memory import large_tensors_kept
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


ROUNDS, STEPS = 9, 64


def run(_runs: int) -> None:
    pixels, labels = images_and_labels(STEPS * BATCH)
    data, y = resident(pixels, channel_moments(pixels), CPU), torch.as_tensor(labels)

    def as_in_a_study() -> float:
        with arithmetic(CPU), large_tensors_kept():
            ours(data, y[: 4 * BATCH], 1, Recipe(epochs=1))  # a study faults memory in once
            return ours(data, y, 1, Recipe(epochs=1))[0]

    ways = {
        "the plain loop": lambda: users_loop(pixels, labels, 1, CPU),
        "the lean loop": lambda: lean_loop(pixels, labels, 1, CPU),
        "the lean loop, channels last": lambda: lean_loop(
            pixels, labels, 1, CPU, channels_last=True
        ),
        "ours": as_in_a_study,
    }
    before = torch.get_num_threads()
    for threads in sorted({1, before}):
        torch.set_num_threads(threads)
        with threadpool_limits(threads):
            for way in ways.values():  # warms up
                way()
            rounds = np.array([[way() for way in ways.values()] for _ in range(ROUNDS)])
            peak = max(matrix_product_rate() for _ in range(3))
        mine = rounds[:, -1]
        print(
            f"CNN2C, batch {BATCH}, {threads} thread(s), {ROUNDS} rounds: ours "
            f"{1e3 * np.median(mine) / STEPS:.2f} ms a step"
        )
        for name, column in zip(list(ways)[:-1], rounds.T[:-1], strict=True):
            low, middle, high = np.quantile(column / mine, [0, 0.5, 1])
            print(
                f"  {name} {1e3 * np.median(column) / STEPS:.2f} ms: {middle:.2f} times as long "
                f"({low:.2f} to {high:.2f})"
            )
        rate = len(y) * FLOPS / np.median(mine)
        print(
            f"  ours reaches {rate / 1e9:.0f} of the {peak / 1e9:.0f} GFLOP/s of the machine's "
            f"matrix product, {100 * rate / peak:.0f} %",
            flush=True,
        )
    torch.set_num_threads(before)
