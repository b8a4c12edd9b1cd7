"""Training of all layers of the Sim2 network: full-batch BFGS, or minibatches of it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import logsigmoid

from learnprop.simulations.fitters.fit import Problem
from learnprop.simulations.fitters.mlp.bfgs import bfgs
from learnprop.simulations.fitters.mlp.minibatches import MinibatchLoss
from learnprop.simulations.fitters.mlp.network import hidden_size, logit_jacobian, unpack
from learnprop.simulations.fitters.mlp.objective import make_objective

SEARCH_DTYPE = torch.float32
"""Of what is computed per sample while the hidden layer is searched for: 2.1 times faster, and the
losses reached differ by less than their standard error. Sums over samples, steps, refinement and
everything that is measured are float64."""

DAMPING = 1e-3
"""Added to the Gauss-Newton matrix whose inverse is the first metric of BFGS. With it 300
iterations end at a lower loss than 300 of L-BFGS from the same points."""


def gauss_newton_inverse(problem: Problem, theta: torch.Tensor) -> torch.Tensor:
    r"""Inverse of the damped Gauss-Newton matrix at the initial point of every fit.

    .. math:: \Big( \sum_i \omega_i\, p_i (1 - p_i)\, j_i j_i^T + \mu I \Big)^{-1},
              \qquad j_i = \partial z_i / \partial \theta

    over every fourth sample: it is a metric, not a result.

    Parameters
    ----------
    problem : Problem
    theta : tensor, shape (n_runs, n_params)
        One initial point per replication, shared by its λ settings.

    Returns
    -------
    tensor, shape (n_runs * n_settings, n_params, n_params)
    """
    n_inputs = problem.design.shape[2]
    matrices = []
    for x, one in zip(problem.design[:, ::4], theta, strict=True):
        layer, readout, bias = (part[0] for part in unpack(one[None], n_inputs))
        hidden = torch.sigmoid(x @ layer)
        jacobian = logit_jacobian(x, hidden, readout)
        proba = torch.sigmoid(hidden @ readout + bias)
        for weight in problem.weight[:, ::4]:
            curvature = weight * proba * (1 - proba) * 4
            matrices.append((jacobian * curvature[:, None]).T @ jacobian)
    stack = torch.stack(matrices)
    stack.diagonal(dim1=1, dim2=2).add_(DAMPING)
    return torch.cholesky_inverse(torch.linalg.cholesky(stack))


@torch.inference_mode()
def train_bfgs(
    problem: Problem, start: torch.Tensor, *, depths: Sequence[int]
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Train all layers by full-batch BFGS, once for all depths: the path to each is the same.

    A fit ends where its loss falls by less than 1e-6, relative, over 10 iterations, or at the
    last depth. Hidden layers are searched for in float32 (see `SEARCH_DTYPE`).

    Parameters
    ----------
    problem : Problem
    start : tensor, shape (n_runs, n_params)
    depths : sequence of int
        Accepted steps, ascending.

    Returns
    -------
    list of (theta, n_iter)
        Of each depth, shape (n_runs * n_settings, n_params) and (n_runs * n_settings,).
    """
    # Saturated units square to subnormal numbers, which cost a hundred times as much as zeros.
    torch.set_flush_denormal(True)
    try:
        result = bfgs(
            make_objective(problem, hidden_size(problem, start), SEARCH_DTYPE),
            start.repeat_interleave(len(problem.weight), dim=0),
            gauss_newton_inverse(problem, start),
            max_iter=depths[-1],
            also_at=depths[:-1],
        )
    finally:
        torch.set_flush_denormal(False)
    passed = [(theta, result.n_iter.clamp(max=depth)) for depth, theta in result.passed.items()]
    return [*passed, (result.theta, result.n_iter)]


def make_minibatch_loss(problem: Problem) -> MinibatchLoss:
    """Minibatch loss of the networks of a problem.

    Weights sum to one over the sample: a factor n_samples / batch_size makes each step of the size
    that it has for the mean loss of an unweighted problem.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    callable ``(theta, rows) -> tensor``
    """
    n_runs, n_samples, n_inputs = problem.design.shape
    n_settings = len(problem.weight)
    run = torch.arange(n_runs, device=problem.design.device)[:, None]

    def loss(theta: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        x = problem.design[run, rows].repeat_interleave(n_settings, dim=0)
        sign = problem.sign[rows].repeat_interleave(n_settings, dim=0)
        weight = problem.weight[:, rows].transpose(0, 1).flatten(0, 1)
        layer, readout, bias = unpack(theta, n_inputs)
        hidden = torch.sigmoid(torch.bmm(x, layer))
        logits = torch.bmm(hidden, readout[:, :, None])[:, :, 0] + bias
        return -(weight * logsigmoid(-sign * logits)).sum() * (n_samples / rows.shape[1])

    return loss
