"""Training of CNN2C against two loops that a user would write, in rounds of each in turn."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.pairs import TIMES_AS_FAST, Comparison, Setting, interleaved, seconds
from benchmarks.trainings import BATCH, CPU, FLOPS, images_and_labels, lean_loop, ours, users_loop
from learnprop.simulations.engine.devices import arithmetic
from learnprop.simulations.engine.memory import large_tensors_kept
from learnprop.simulations.networks.image_batches import channel_moments, resident
from learnprop.simulations.networks.recipe import Recipe

ROUNDS, STEPS = 9, 64


def matrix_product_rate(repeats: int = 20, size: int = 1024) -> float:
    """Floating-point operations per second of the machine's matrix product in float32."""
    a = torch.randn(size, size)
    for _ in range(3):
        a @ a
    return repeats * 2 * size**3 / seconds(lambda: [a @ a for _ in range(repeats)])


def run(at: Setting) -> Iterator[Comparison]:
    pixels, labels = images_and_labels(STEPS * BATCH)
    data, y = resident(pixels, channel_moments(pixels), CPU), torch.as_tensor(labels)

    def as_in_a_study() -> float:
        with arithmetic(CPU), large_tensors_kept():
            ours(data, y[: 4 * BATCH], 1, Recipe(epochs=1))  # a study faults memory in once
            return ours(data, y, 1, Recipe(epochs=1))[0]

    lean = partial(lean_loop, pixels, labels, 1, CPU)
    peers = {
        "the plain loop": partial(users_loop, pixels, labels, 1, CPU),
        "the lean loop": lean,
        "the lean loop, channels last": partial(lean, channels_last=True),
    }
    before = torch.get_num_threads()
    for threads in sorted({1, before}):
        torch.set_num_threads(threads)
        with threadpool_limits(threads):
            for way in (as_in_a_study, *peers.values()):
                way()  # warms up
            rounds = interleaved(at.pairs_or(ROUNDS), as_in_a_study, *peers.values()) / STEPS
            peak = max(matrix_product_rate() for _ in range(3))
        rate = BATCH * FLOPS / np.median(rounds[:, 0])
        note = f"{rate / 1e9:.0f} of the {peak / 1e9:.0f} GFLOP/s of a matrix product"
        for i, peer in enumerate(peers, start=1):
            yield Comparison(
                f"CNN2C, batch {BATCH}", "step", rounds[:, [0, i]], peer, ratio=TIMES_AS_FAST,
                ours_n=STEPS, peer_n=STEPS, threads=threads, note=note,
            )  # fmt: skip
    torch.set_num_threads(before)
