"""Training of CNN2C: against the loop that a user would write, and many at once against one."""

from __future__ import annotations

import time

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch.utils.data import DataLoader, TensorDataset

from learnprop.simulations.networks.architectures import build_network
from learnprop.simulations.networks.criteria import weighted_cross_entropy
from learnprop.simulations.networks.image_batches import ResidentImages, channel_moments, resident
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import Replicas, make_replicas
from learnprop.simulations.networks.steps import TrainingData
from learnprop.simulations.networks.trainer import train

SHAPE, N_CLASSES, BATCH = (1, 28, 28), 10, 64
CPU = torch.device("cpu")

MULTIPLICATIONS = 24 * 24 * 20 * 25 + 8 * 8 * 50 * 20 * 25 + 800 * 10
"""Of one image forward through CNN2C; backward takes them twice, but for the first layer once."""

FLOPS = 2 * (3 * MULTIPLICATIONS - 24 * 24 * 20 * 25)
"""Of one image of a training step."""


def images_and_labels(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise in the shape of MNIST: the time of a step does not depend on what is seen."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(n, *SHAPE), dtype=np.uint8)
    return pixels, np.arange(n) % N_CLASSES


def users_loop(pixels: np.ndarray, labels: np.ndarray, epochs: int, device: torch.device) -> float:
    """Seconds of the plain PyTorch loop: DataLoader over a TensorDataset, SGD, cross-entropy."""
    x = torch.as_tensor((pixels / 255 - pixels.mean() / 255) / (pixels.std() / 255)).float()
    loader = DataLoader(TensorDataset(x, torch.as_tensor(labels)), batch_size=BATCH, shuffle=True)
    network = build_network("cnn2c", SHAPE, N_CLASSES).to(device)
    loss = torch.nn.CrossEntropyLoss(weight=torch.ones(N_CLASSES, device=device))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.5)
    _wait(device)
    started = time.perf_counter()
    for _ in range(epochs):
        for images, answers in loader:
            optimiser.zero_grad()
            loss(network(images.to(device)), answers.to(device)).backward()
            optimiser.step()
    _wait(device)
    return time.perf_counter() - started


def ours(
    data: ResidentImages, labels: torch.Tensor, n_networks: int, recipe: Recipe
) -> tuple[float, Replicas]:
    """Seconds of our loop for so many networks at once, and the networks."""
    device = labels.device
    seeds = range(n_networks)
    networks = make_replicas([build_network("cnn2c", SHAPE, N_CLASSES, s) for s in seeds], device)
    rows = torch.arange(len(labels), device=device).expand(n_networks, -1)
    loss = weighted_cross_entropy(
        torch.ones(n_networks, N_CLASSES, device=device), recipe.batch_size
    )
    rngs = [np.random.default_rng(s) for s in seeds]
    _wait(device)
    started = time.perf_counter()
    train(networks, TrainingData(data, labels, rows), loss, recipe, rngs)
    _wait(device)
    return time.perf_counter() - started, networks


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


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


def run_cuda(runs: int) -> None:
    if not torch.cuda.is_available():
        print("no CUDA device here: on one, python -m benchmarks cnn-cuda")
        return
    many_at_once(torch.device("cuda"), n_images=60_000, epochs=20, n_networks=runs)


def many_at_once(device: torch.device, n_images: int, epochs: int, n_networks: int) -> None:
    """One network, many at once, and as many as the plain loop would train in a row."""
    pixels, labels = images_and_labels(n_images)
    moments = channel_moments(pixels)
    data, y = resident(pixels, moments, device), torch.as_tensor(labels, device=device)
    with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
        ours(data, y, 1, Recipe(epochs=1))  # warms up
        one, _ = ours(data, y, 1, Recipe(epochs=epochs))
        print(f"{device}: one CNN2C, {n_images} images, {epochs} epochs: {one:.1f} s", flush=True)
        eager = users_loop(pixels, labels, epochs, device)
        print(f"the plain loop: {eager:.1f} s", flush=True)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        many, networks = ours(data, y, n_networks, Recipe(epochs=epochs))
        print(
            f"{n_networks} at once: {many:.1f} s, {n_networks * eager / many:.1f} times as fast as "
            "as many plain loops in a row",
            flush=True,
        )
        if device.type == "cuda":
            print(f"peak memory: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")
        ten = Recipe(epochs=1)
        short = y[: 10 * BATCH]
        _, networks = ours(data, short, min(n_networks, 4), ten)
        here = resident(pixels, moments, CPU)
        differences = []
        for i in range(len(networks)):
            alone = make_replicas([build_network("cnn2c", SHAPE, N_CLASSES, i)], CPU)
            train(
                alone, TrainingData(here, short.cpu(), torch.arange(len(short))[None]),
                weighted_cross_entropy(torch.ones(1, N_CLASSES), BATCH), ten,
                [np.random.default_rng(i)],
            )  # fmt: skip
            differences += [
                float((value[0] - networks.state[name][i].cpu()).detach().abs().max())
                for name, value in alone.state.items()
            ]
    print(f"against single trainings on the processor, after ten steps: {max(differences):.1e}")
