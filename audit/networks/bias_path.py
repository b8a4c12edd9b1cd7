r"""Mean gradient of the output bias along plain SGD, from where the bias began and ended (E9).

A step of PyTorch's SGD is :math:`v \leftarrow \mu v + g,\ b \leftarrow b - \eta v`. Over T steps
with the same η and μ the gradients g therefore have the mean

.. math:: \frac{1}{T} \Big( (1 - \mu) \frac{b_0 - b_T}{\eta} + \mu (v_T - v_0) \Big) ,

whatever the path was, converged or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from learnprop.equations.arguments import BadArgument, instance_of

DIFFERENT = ("weight_decay", "dampening", "nesterov", "maximize")
"""Options of SGD whose steps are others."""


@dataclass(frozen=True)
class Start:
    """Where steps began.

    Attributes
    ----------
    optimizer : torch.optim.SGD
    bias : tensor
        That is trained.
    value, velocity : tensor
        Copies of b_0 and v_0.
    lr, momentum : float
        η and μ.
    """

    optimizer: torch.optim.SGD
    bias: Tensor
    value: Tensor
    velocity: Tensor
    lr: float
    momentum: float


def start_of(optimizer: Any, bias: Any) -> Start:
    """Remember where the bias is; refuse an optimiser whose steps are others.

    Parameters
    ----------
    optimizer : torch.optim.SGD
        Or what wraps one, as Lightning and Accelerate do.
    bias : tensor
        One of its parameters.

    Returns
    -------
    Start

    Raises
    ------
    ValueError
        If it is not plain SGD, or has not this parameter.

    Examples
    --------
    >>> layer = torch.nn.Linear(1, 2)
    >>> start_of(torch.optim.Adam(layer.parameters()), layer.bias)
    Traceback (most recent call last):
    ValueError: optimizer must be plain torch.optim.SGD, of which E9 speaks, got Adam
    """
    plain = getattr(optimizer, "optimizer", optimizer)
    instance_of(bias, "bias", Tensor)
    if type(plain) is not torch.optim.SGD:
        got = type(plain).__name__
        raise BadArgument(
            "optimizer", f"must be plain torch.optim.SGD, of which E9 speaks, got {got}"
        )
    group = _group_of(plain, bias)
    for option in DIFFERENT:
        if group[option]:
            said = f"must be plain SGD, of which E9 speaks, got {option}={group[option]}"
            raise BadArgument("optimizer", said)
    return Start(
        plain,
        bias,
        bias.detach().clone(),
        _velocity(plain, bias).clone(),
        float(group["lr"]),
        float(group["momentum"]),
    )


def has_changed(start: Start) -> bool:
    """Whether η or μ are others by now."""
    group = _group_of(start.optimizer, start.bias)
    return (float(group["lr"]), float(group["momentum"])) != (start.lr, start.momentum)


def path_gradient(start: Start, n_steps: int) -> Tensor:
    """Mean gradient of the steps that were made since, float64 where the device has it.

    Parameters
    ----------
    start : Start
    n_steps : int
        T, at least 1.

    Returns
    -------
    tensor, shape (n_classes,)

    Examples
    --------
    >>> layer = torch.nn.Linear(1, 2)
    >>> optimizer = torch.optim.SGD(layer.parameters(), lr=0.5, momentum=0.9)
    >>> start = start_of(optimizer, layer.bias)
    >>> for g in (1.0, 3.0):
    ...     layer.bias.grad = torch.tensor([g, 0.0])
    ...     optimizer.step()
    >>> path_gradient(start, 2).round(decimals=5).abs().tolist()
    [2.0, 0.0]
    """
    wide = torch.float32 if start.bias.device.type == "mps" else torch.float64
    moved = start.value.to(wide) - start.bias.detach().to(wide)
    faster = _velocity(start.optimizer, start.bias).to(wide) - start.velocity.to(wide)
    mu = start.momentum
    return ((1 - mu) * moved / start.lr + mu * faster) / n_steps


def _velocity(optimizer: torch.optim.SGD, bias: Tensor) -> Tensor:
    found = optimizer.state[bias].get("momentum_buffer") if bias in optimizer.state else None
    return torch.zeros_like(bias).detach() if found is None else found.detach()


def _group_of(optimizer: torch.optim.SGD, bias: Tensor) -> dict[str, Any]:
    for group in optimizer.param_groups:
        if any(one is bias for one in group["params"]):
            return group
    raise BadArgument("bias", "must be one of the parameters of `optimizer`")
