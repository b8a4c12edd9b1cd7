"""LGL-INR against PyTorch's cross-entropy, and against Eq. (11) written as loops over classes."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid

from learnprop.equations.losses.lgl_inr import LGLINRLoss

SIZES = ((64, 10, 6.0), (1024, 100, 10.0))
"""Samples, classes, and how many times as long as cross-entropy LGL-INR may take."""

FASTER_THAN_LOOPS = 10.0
BETA = 1.0
PAIRS, SECONDS = 15, 0.1


def loops(logits: Tensor, targets: Tensor) -> Tensor:
    """Eq. (11) as it reads: for each class k, for each class j, the samples of j by a mask."""
    total = logits.new_zeros(())
    n_classes = logits.shape[1]
    members = [targets == j for j in range(n_classes)]
    present = [bool(mask.any()) for mask in members]
    for k in range(n_classes):
        z = logits[:, k]
        if present[k]:
            total = total - logsigmoid(z[members[k]]).mean()
        others = [j for j in range(n_classes) if j != k and present[j]]
        if not others:
            continue
        with torch.no_grad():
            hardness = torch.stack([torch.sigmoid(z[members[j]]).mean() for j in others])
            weight = torch.softmax(BETA * hardness, dim=0)
        for j, of_j in zip(others, weight, strict=True):
            total = total - of_j * logsigmoid(-z[members[j]]).mean()
    return total


def step(loss: Callable[[Tensor, Tensor], Tensor], logits: Tensor, targets: Tensor) -> None:
    """Forward and backward."""
    logits.grad = None
    loss(logits, targets).backward()


def seconds(loss: Callable[[Tensor, Tensor], Tensor], logits: Tensor, targets: Tensor) -> float:
    """Of one step, mean over as many as fit into a tenth of a second."""
    count, started = 0, time.perf_counter()
    while count == 0 or time.perf_counter() - started < SECONDS:
        step(loss, logits, targets)
        count += 1
    return (time.perf_counter() - started) / count


def compare(n_samples: int, n_classes: int, most: float) -> None:
    """Interleaved pairs: what else the machine does slows both."""
    rng = np.random.default_rng(0)
    z = torch.as_tensor(rng.normal(size=(n_samples, n_classes)), dtype=torch.float32)
    z.requires_grad_()
    y = torch.as_tensor(rng.integers(n_classes, size=n_samples))
    ours = LGLINRLoss(n_classes, BETA)
    assert torch.isclose(ours(z, y), loops(z, y), rtol=1e-5)
    for loss in (ours, cross_entropy):
        seconds(loss, z, y)  # warms up
    pairs = [(seconds(ours, z, y), seconds(cross_entropy, z, y)) for _ in range(PAIRS)]
    slow = seconds(loops, z, y)
    ratios = sorted(a / b for a, b in pairs)
    ratio, mine = ratios[PAIRS // 2], float(np.median([a for a, _ in pairs]))
    print(
        f"LGL-INR, batch {n_samples}, K = {n_classes}, {torch.get_num_threads()} thread(s): "
        f"{1e6 * mine:.0f} µs forward and backward, {ratio:.1f} times as long as cross_entropy "
        f"({ratios[0]:.1f} to {ratios[-1]:.1f}, {PAIRS} pairs; at most {most:g}: "
        f"{_verdict(ratio <= most)})"
    )
    print(
        f"  loops over classes {1e3 * slow:.1f} ms, {slow / mine:.0f} times as long as ours "
        f"(at least {FASTER_THAN_LOOPS:g}: {_verdict(slow >= FASTER_THAN_LOOPS * mine)})",
        flush=True,
    )


def _verdict(met: bool) -> str:
    return "met" if met else "NOT met"


def run(_runs: int) -> None:
    before = torch.get_num_threads()
    for threads in sorted({1, before}):
        torch.set_num_threads(threads)
        with threadpool_limits(threads):
            for n_samples, n_classes, most in SIZES:
                compare(n_samples, n_classes, most)
    torch.set_num_threads(before)
