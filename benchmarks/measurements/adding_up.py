"""How far gradients of micro-batches are from the batch's, by the form of LGL-INR."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import add

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from learnprop.equations.losses.class_sums import class_sums
from learnprop.equations.losses.lgl_inr import LGLINRLoss
from learnprop.equations.losses.running_lgl_inr import RunningLGLINRLoss
from learnprop.equations.losses.softmax import WeightedSoftmaxLoss

PARTS = (2, 4, 8)
SIZES = (64, 128, 256)
BATCHES = 40

Loss = Callable[[Tensor, Tensor], Tensor]
Batch = tuple[Tensor, Tensor]


def difference(parameters: Sequence[Tensor], of_parts: Tensor, of_batch: Tensor) -> float:
    """Norm of the difference of two gradients over that of the second."""
    ours, whole = (
        torch.cat([g.flatten() for g in torch.autograd.grad(v, parameters, retain_graph=True)])
        for v in (of_parts, of_batch)
    )
    return float((ours - whole).norm() / whole.norm())


def alone(loss: Loss, batch: Batch, n: int) -> Tensor:
    """Mean of the micro-batches' losses, as gradients are accumulated."""
    return sum(loss(z, y) for z, y in parts(batch, n)) / n  # type: ignore[return-value]


def with_sums(loss: LGLINRLoss, batch: Batch, n: int) -> Tensor:
    """Sum of them, each knowing the batch's class sums."""
    sums = reduce(add, (class_sums(z, y) for z, y in parts(batch, n)))
    return sum(loss(z, y, sums) for z, y in parts(batch, n))  # type: ignore[return-value]


def parts(batch: Batch, n: int) -> Iterator[Batch]:
    yield from zip(*(t.chunk(n) for t in batch), strict=True)


def measure(net: torch.nn.Module, x: Tensor, y: Tensor, past: RunningLGLINRLoss) -> None:
    """Print a row for each form and size: means over batches, in per cent."""
    parameters, inr, still = list(net.parameters()), LGLINRLoss(10), copy.deepcopy(past).eval()
    forms: dict[str, Callable[[Batch, int], float]] = {
        "LGL-INR": lambda b, n: difference(parameters, alone(inr, b, n), inr(*b)),
        "LGL-INR, sums": lambda b, n: difference(parameters, with_sums(inr, b, n), inr(*b)),
        "running": lambda b, n: difference(
            parameters, alone(copy.deepcopy(past), b, n), copy.deepcopy(past)(*b)
        ),
        "running, eval()": lambda b, n: difference(parameters, alone(still, b, n), still(*b)),
        "softmax": lambda b, n: difference(
            parameters, alone(WeightedSoftmaxLoss(), b, n), WeightedSoftmaxLoss()(*b)
        ),
    }
    rng = np.random.default_rng(0)
    for size in SIZES:
        rows = [torch.as_tensor(rng.permutation(len(y))[:size]) for _ in range(BATCHES)]
        for name, form in forms.items():
            found = [[form((net(x[r]), y[r]), n) for n in PARTS] for r in rows]
            means = "  ".join(f"{100 * m:6.2g}" for m in np.mean(found, axis=0))
            print(f"  {name:16} batch {size:4}  {means}")


def run() -> None:
    x, y = (torch.as_tensor(a) for a in load_digits(return_X_y=True))
    x = x.double() / 16
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    net = net.double()
    past = RunningLGLINRLoss(torch.bincount(y))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.5)
    print(
        f"digits, 64-32-10, difference in per cent of the batch's gradient; {PARTS} micro-batches"
    )
    for epochs in (0, 5):
        for batch in [b for _ in range(epochs) for b in torch.randperm(len(y)).split(64)]:
            optimiser.zero_grad()
            past(net(x[batch]), y[batch]).backward()
            optimiser.step()
        print(f"after {epochs} epochs")
        measure(net, x, y, past)
