r"""The paper's Sim2 network, (d, h, 1) with sigmoid activation, batched over replications.

.. math:: z(x) = v^T \sigma(W^T x + c) + b

Parameters are one vector per fit: W row by row (n_features x n_hidden), c (n_hidden), v
(n_hidden), and the output bias b last. Training moves all of them; refinement then solves the
convex problem of the output layer (v, b), and of b alone, so that Eq. (8) holds as exactly as
arithmetic allows without touching the features.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.nn.functional import logsigmoid

from equations.mean_proba import FloatArray
from simulations.fitters.bfgs import BfgsResult, Objective, bfgs
from simulations.fitters.fit import (
    CONVERGED,
    DIVERGED,
    NOT_CONVERGED,
    SEPARATED,
    Fit,
    Problem,
    check_problem,
)
from simulations.fitters.logistic import GRADIENT_TOLERANCE, newton

DAMPING = 1e-3
"""Added to the Gauss-Newton matrix whose inverse is the first metric of BFGS. With it 300
iterations end at a lower loss than 300 of L-BFGS from the same points."""

TILE_VALUES = 2**17
"""Hidden activations (1 MiB) that are computed at once on CPU."""

HEAD_TOLERANCE = 1e-9
"""Gradient norm of the output layer, over the total mass, that counts as stationary."""


def n_params(n_features: int, n_hidden: int) -> int:
    """Number of parameters of the network.

    Examples
    --------
    >>> n_params(3, 10)
    51
    """
    return (n_features + 2) * n_hidden + 1


def initial_params(n_features: int, n_hidden: int, rng: np.random.Generator) -> FloatArray:
    r"""Random initial parameters, uniform on :math:`\pm\sqrt{2 / (fan_{in} + fan_{out})}`.

    Parameters
    ----------
    n_features, n_hidden : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (n_params,)

    References
    ----------
    Glorot and Bengio (2010), AISTATS, with the factor for the logistic function.

    Examples
    --------
    >>> initial_params(3, 10, np.random.default_rng(0)).shape
    (51,)
    """
    hidden = np.sqrt(2.0 / (n_features + n_hidden))
    output = np.sqrt(2.0 / (n_hidden + 1))
    return np.concatenate(
        [
            rng.uniform(-hidden, hidden, (n_features + 1) * n_hidden),
            rng.uniform(-output, output, n_hidden + 1),
        ]
    )


def mlp_logits(X: ArrayLike, params: ArrayLike, *, device: str = "cpu") -> FloatArray:
    """Logits of class 1 for one data set and a batch of networks.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
    params : array_like, shape (n_settings, n_params)
    device : {"cpu", "cuda"}

    Returns
    -------
    ndarray of float64, shape (n_settings, n_samples)

    Examples
    --------
    >>> mlp_logits([[0.0]], [[1.0, 0.0, 2.0, 0.5]])  # 2 * sigmoid(0) + 0.5
    array([[1.5]])
    """
    features = torch.as_tensor(np.asarray(X, dtype=np.float64), device=device)
    theta = torch.as_tensor(np.asarray(params, dtype=np.float64), device=device)
    n_inputs = features.shape[1] + 1
    layer, readout, bias = _unpack(theta, n_inputs)
    logits = features.new_empty(len(theta), len(features))
    for z, one, v, b in zip(logits, layer, readout, bias, strict=True):
        hidden = torch.addmm(one[-1], features, one[:-1]).sigmoid_()
        torch.addmv(b, hidden, v, out=z)
    return logits.cpu().numpy()


def _unpack(
    theta: torch.Tensor, n_inputs: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Views of theta: W over c (B, n_inputs, n_hidden), v (B, n_hidden), b (B, 1)."""
    n_hidden = (theta.shape[1] - 1) // (n_inputs + 1)
    split = n_inputs * n_hidden
    return theta[:, :split].unflatten(1, (n_inputs, n_hidden)), theta[:, split:-1], theta[:, -1:]


def make_objective(problem: Problem, n_hidden: int) -> Objective:
    r"""Loss and gradient of the networks of every (replication, setting), numbered row by row.

    Parameters
    ----------
    problem : Problem
    n_hidden : int

    Returns
    -------
    callable ``(problems, theta) -> (loss, gradient)``
        Both over the total mass.
    """
    inputs = problem.design.mT.contiguous()
    _, n_inputs, n_samples = inputs.shape
    n_settings = len(problem.weight)
    signed_weight = problem.weight * problem.sign
    on_cpu = inputs.device.type == "cpu"
    tile = max(1, TILE_VALUES // (n_settings * n_hidden)) if on_cpu else n_samples
    tiles = [slice(i, min(i + tile, n_samples)) for i in range(0, n_samples, tile)]

    at_once = n_settings if on_cpu else len(inputs) * n_settings
    hidden_buffer = inputs.new_empty(at_once * min(tile, n_samples), n_hidden)
    pulled_buffer = inputs.new_empty(at_once * min(tile, n_samples), n_inputs)

    def evaluate(problems: torch.Tensor, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        run, setting = problems // n_settings, problems % n_settings
        loss, gradient = theta.new_zeros(len(theta)), torch.zeros_like(theta)
        by_run = torch.unique_consecutive(run, return_counts=True)[1].tolist()
        first = 0
        for size in by_run if on_cpu else [len(run)]:
            rows = slice(first, first + size)
            first += size
            layer, readout, bias = _unpack(theta[rows], n_inputs)
            x_all = inputs[run[first - 1]].expand(size, -1, -1) if on_cpu else inputs[run]
            every = size == n_settings and on_cpu
            pick = slice(None) if every else setting[rows]
            weight_all, signed_all = problem.weight[pick], signed_weight[pick]
            by_value, by_square = theta.new_zeros(2, size, n_inputs, n_hidden)
            by_bias = theta.new_zeros(size)
            for part in tiles:
                x = x_all[..., part]
                n = x.shape[2]
                hidden = torch.bmm(x.mT, layer, out=hidden_buffer[: size * n].view(size, n, -1))
                torch.sigmoid(hidden, out=hidden)
                logits = torch.bmm(hidden, readout[:, :, None])[:, :, 0]
                logits.add_(bias).mul_(problem.sign[part])
                pull = torch.sigmoid(logits).mul_(signed_all[:, part])
                right = torch.sigmoid(logits.neg_())
                loss[rows] -= torch.log(right).mul_(weight_all[:, part]).sum(dim=1)
                out = pulled_buffer[: size * n].view(size, n_inputs, n)
                pulled = torch.mul(x, pull[:, None, :], out=out)
                by_value += torch.bmm(pulled, hidden)
                by_square += torch.bmm(pulled, torch.mul(hidden, hidden, out=hidden))
                by_bias += pull.sum(dim=1)
            by_layer = ((by_value - by_square) * readout[:, None, :]).flatten(1)
            gradient[rows] = torch.cat([by_layer, by_value[:, -1], by_bias[:, None]], dim=1)
        return loss, gradient

    return evaluate


def gauss_newton_inverse(problem: Problem, theta: torch.Tensor) -> torch.Tensor:
    r"""Inverse of the damped Gauss-Newton matrix of every fit.

    .. math:: \Big( \sum_i \omega_i\, p_i (1 - p_i)\, j_i j_i^T + \mu I \Big)^{-1},
              \qquad j_i = \partial z_i / \partial \theta

    Parameters
    ----------
    problem : Problem
    theta : tensor, shape (n_runs * n_settings, n_params)

    Returns
    -------
    tensor, shape (n_runs * n_settings, n_params, n_params)
    """
    n_settings, n_inputs = len(problem.weight), problem.design.shape[2]
    matrices = torch.empty(*theta.shape, theta.shape[1], dtype=theta.dtype, device=theta.device)
    for i, matrix in enumerate(matrices):
        x, weight = problem.design[i // n_settings], problem.weight[i % n_settings]
        layer, readout, bias = _unpack(theta[i : i + 1], n_inputs)
        hidden = torch.sigmoid(x @ layer[0])
        slope = hidden * (1 - hidden) * readout[0]
        by_layer = (x[:, :, None] * slope[:, None, :]).flatten(1)
        jacobian = torch.cat([by_layer, hidden, torch.ones_like(hidden[:, :1])], dim=1)
        proba = torch.sigmoid(hidden @ readout[0] + bias[0])
        torch.mm((jacobian * (weight * proba * (1 - proba))[:, None]).T, jacobian, out=matrix)
    matrices.diagonal(dim1=1, dim2=2).add_(DAMPING)
    return torch.cholesky_inverse(torch.linalg.cholesky(matrices))


def thin(problem: Problem, per_class: int = 1000) -> Problem:
    """Keep an even subsample of each large class, with its mass, at its natural size.

    Each class is thinned to the size of the smallest, or to `per_class` where that is more.
    """
    labels = (problem.sign < 0).long()
    rows, factors = [], []
    members = [torch.nonzero(labels == k)[:, 0] for k in (0, 1)]
    size = max(per_class, min(len(m) for m in members))
    for of_class in members:
        kept = min(len(of_class), size)
        at = torch.arange(kept, device=labels.device) * len(of_class) // kept
        rows.append(of_class[at])
        factors.append(problem.weight.new_full((kept,), len(of_class) / kept))
    index = torch.cat(rows)
    return Problem(
        design=problem.design[:, index],
        sign=problem.sign[index],
        weight=problem.weight[:, index] * torch.cat(factors),
        mass=problem.mass,
    )


def train_bfgs(problem: Problem, start: torch.Tensor, *, max_iter: int) -> BfgsResult:
    """Train all layers by BFGS, the first half of the iterations on a thinned sample.

    A thinned sample of (1000, 10000) costs a fifth per iteration and leads as far; the second
    half then runs on all samples, and ends where the loss falls by less than 1e-6, relative, over
    10 iterations, or when `max_iter` is reached.

    Parameters
    ----------
    problem : Problem
    start : tensor, shape (n_runs, n_params)
        One initial point per replication, shared by its λ settings.
    max_iter : int
        Iterations of both halves together.

    Returns
    -------
    BfgsResult
    """
    n_hidden = (start.shape[1] - 1) // (problem.design.shape[2] + 1)
    theta = start.repeat_interleave(len(problem.weight), dim=0)
    few = thin(problem)
    n_warm = 0
    if len(few.sign) <= len(problem.sign) / 2:
        n_warm = max_iter // 2
        theta = bfgs(
            make_objective(few, n_hidden),
            theta,
            gauss_newton_inverse(few, theta),
            max_iter=n_warm,
        ).theta
    result = bfgs(
        make_objective(problem, n_hidden),
        theta,
        gauss_newton_inverse(few, theta),
        max_iter=max_iter - n_warm,
    )
    return replace(result, n_iter=result.n_iter + n_warm)
