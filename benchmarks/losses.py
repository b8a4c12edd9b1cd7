"""LGL-INR against PyTorch's cross-entropy, and against Eq. (11) written as loops over classes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid

from benchmarks.pairs import (
    TIMES_AS_FAST,
    TIMES_AS_LONG,
    Comparison,
    Goal,
    Setting,
    interleaved,
)
from learnprop.equations.losses.lgl_inr import LGLINRLoss

SIZES = ((64, 10, 4.0), (1024, 100, 6.0))
"""Samples, classes, and how many times as long as cross-entropy LGL-INR may take on one thread."""

FASTER_THAN_LOOPS = 10.0
BETA = 1.0
PAIRS, LOOP_PAIRS, SECONDS = 31, 3, 0.05


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


def seconds_of_step(
    loss: Callable[[Tensor, Tensor], Tensor], logits: Tensor, targets: Tensor
) -> float:
    """Mean over as many as fit into a twentieth of a second."""
    count, started = 0, time.perf_counter()
    while count == 0 or time.perf_counter() - started < SECONDS:
        step(loss, logits, targets)
        count += 1
    return (time.perf_counter() - started) / count


def compare(n_samples: int, n_classes: int, goal: Goal | None, at: Setting) -> Iterator[Comparison]:
    """Against cross-entropy and against the loops, on as many threads as are set."""
    rng = np.random.default_rng(0)
    z = torch.as_tensor(rng.normal(size=(n_samples, n_classes)), dtype=torch.float32)
    z.requires_grad_()
    y = torch.as_tensor(rng.integers(n_classes, size=n_samples))
    inr = LGLINRLoss(n_classes, BETA)
    assert torch.isclose(inr(z, y), loops(z, y), rtol=1e-5)
    ours, theirs, slow = (
        partial(seconds_of_step, loss, z, y) for loss in (inr, cross_entropy, loops)
    )
    for work in (ours, theirs):
        work()  # warms up
    what, unit = f"LGL-INR, batch {n_samples}, K = {n_classes}", "forward and backward"
    threads = torch.get_num_threads()
    pairs = interleaved(at.pairs_or(PAIRS), ours, theirs)
    yield Comparison(what, unit, pairs, "cross_entropy", goal=goal, threads=threads)
    yield Comparison(
        what, unit, interleaved(at.pairs_or(LOOP_PAIRS), ours, slow), "loops over classes",
        ratio=TIMES_AS_FAST, goal=Goal(TIMES_AS_FAST, FASTER_THAN_LOOPS), threads=threads,
    )  # fmt: skip


def run(at: Setting) -> Iterator[Comparison]:
    before = torch.get_num_threads()
    for threads in sorted({1, before}):
        torch.set_num_threads(threads)
        with threadpool_limits(threads):
            for n_samples, n_classes, most in SIZES:
                goal = Goal(TIMES_AS_LONG, most) if threads == 1 else None
                yield from compare(n_samples, n_classes, goal, at)
    torch.set_num_threads(before)
