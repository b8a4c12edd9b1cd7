r"""Class-weighted logistic regression by Newton's method, batched over replications.

The same Newton iteration refines the output layer of a network, whose problem is a logistic
regression on the hidden features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.optimize import linprog
from torch.nn.functional import logsigmoid

from equations.mean_proba import FloatArray
from simulations.fitters.fit import (
    CONVERGED,
    DIVERGED,
    NOT_CONVERGED,
    SEPARATED,
    Fit,
    check_problem,
)

GRADIENT_TOLERANCE = 1e-12
"""Norm of the gradient, over the total mass, at which Newton's method may stop."""

MOVE_TOLERANCE = 1e-6
"""Move of the logits in the next step, root mean square over samples weighted by their curvature
ω p (1 - p), below which it may; the error is of the order of its square."""

SETTLED = 1e-3
"""Largest move of a logit in the next step at a finite minimum. Where there is none, every step
moves some logit by about one, however small the gradient."""

RIDGE = 1e-14
"""Added to the Hessian, relative to its mean diagonal, so that a flat direction is not a crash."""

TILE_VALUES = 2**16
"""On CPU one replication is evaluated at a time, at most this many (setting, sample) pairs: the
temporaries, written in place, stay in the second-level cache: twice as fast as whole passes over
25 replications with fresh temporaries."""


@dataclass(frozen=True)
class NewtonResult:
    """Minimisers of a batch, shape (n_runs, n_settings) each.

    ``last_move`` is the largest change of a logit that one more full step would make.
    """

    theta: torch.Tensor
    gradient_norm: torch.Tensor
    bias_gradient: torch.Tensor
    n_iter: torch.Tensor
    last_move: torch.Tensor


def newton(
    design: torch.Tensor,
    weight: torch.Tensor,
    theta: torch.Tensor,
    *,
    offset: torch.Tensor | None = None,
    max_iter: int = 100,
) -> NewtonResult:
    r"""Minimise a batch of weighted logistic losses by Newton's method with step halving.

    .. math:: \min_\theta \sum_i \omega_i \log(1 + \exp(x_i^T \theta + o_i))

    The step is halved while the norm of the gradient does not fall: for a strictly convex loss
    the minimum is the only stationary point of that norm.

    Parameters
    ----------
    design : tensor, shape (n_runs, n_params, n_samples)
        x, with the sign that makes ``x @ theta`` the logit of the wrong class. One row per
        parameter: sums over samples then run along contiguous memory.
    weight : tensor, shape (n_runs, n_settings, n_samples)
        ω, of sum one; may be an expanded view.
    theta : tensor, shape (n_runs, n_settings, n_params)
        Where to start.
    offset : tensor, shape (n_runs, n_settings, n_samples), optional
        o, a fixed part of the logits.
    max_iter : int
        Evaluations of the gradient.

    Returns
    -------
    NewtonResult
    """
    trial, step = theta, torch.zeros_like(theta)
    best_norm = theta.new_full(theta.shape[:2], torch.inf)
    best_bias, best_move = best_norm.clone(), best_norm.clone()
    size = torch.ones_like(best_norm)
    n_iter = torch.zeros_like(best_norm, dtype=torch.int64)
    searching = torch.ones_like(best_norm, dtype=torch.bool)
    products = _products(design)
    tiles = _tiles(theta.shape[0], theta.shape[1], design.shape[-1], design.device)
    runs, part = tiles[0]
    scratch = theta.new_empty(2, runs.stop, theta.shape[1], min(part.stop, design.shape[-1]))
    for _ in range(max_iter):
        active = searching.any(dim=1).tolist()
        busy = [tile for tile in tiles if any(active[tile[0]])]
        gradient, hessian = _derivatives(design, products, weight, trial, offset, busy, scratch)
        norm = torch.linalg.vector_norm(gradient, dim=-1)
        better = searching & (norm < best_norm)
        ridge = RIDGE * hessian.diagonal(dim1=-2, dim2=-1).mean(dim=-1, keepdim=True)
        hessian.diagonal(dim1=-2, dim2=-1).add_(ridge)
        factor, _ = torch.linalg.cholesky_ex(hessian)
        newton_step = torch.cholesky_solve(gradient[..., None], factor)[..., 0]
        # The last parameter is the intercept: its diagonal entry is the sum of the curvatures.
        move = ((gradient * newton_step).sum(dim=-1) / hessian[..., -1, -1]).sqrt()
        best_move = torch.where(better, move, best_move)
        theta = torch.where(better[..., None], trial, theta)
        step = torch.where(better[..., None], newton_step, step)
        best_norm = torch.where(better, norm, best_norm)
        best_bias = torch.where(better, gradient[..., -1].abs(), best_bias)
        size = torch.where(better, torch.ones_like(size), size / 2)
        arrived = (best_norm <= GRADIENT_TOLERANCE) & (best_move <= MOVE_TOLERANCE)
        searching = searching & ~arrived & (size > 1e-8)
        if not searching.any():
            break
        n_iter += searching
        trial = theta - size[..., None] * step
    last_move = torch.cat(
        [torch.bmm(s[None], x[None]).abs().amax(dim=-1) for s, x in zip(step, design, strict=True)]
    )
    return NewtonResult(theta, best_norm, best_bias, n_iter, last_move)


def _products(design: torch.Tensor) -> torch.Tensor | None:
    """Products of every pair of parameters' rows, where they are few enough to be kept.

    With them the Hessian is one thin matrix product: 1.6 times faster for Sim1. From five
    parameters on, reading them costs more than scaling the design.
    """
    n_params = design.shape[1]
    if n_params > 4:
        return None
    return (design[:, :, None] * design[:, None, :]).flatten(1, 2)


def _derivatives(
    design: torch.Tensor,
    products: torch.Tensor | None,
    weight: torch.Tensor,
    theta: torch.Tensor,
    offset: torch.Tensor | None,
    tiles: list[tuple[slice, slice]],
    scratch: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradient (R, S, P) and Hessian (R, S, P, P), summed over tiles."""
    n_runs, n_settings, n_params = theta.shape
    gradient = torch.zeros_like(theta)
    hessian = theta.new_zeros(n_runs, n_settings, n_params, n_params)
    for runs, part in tiles:
        x = design[runs, :, part]
        wrong, pull = scratch[:, : len(x), :, : x.shape[-1]]
        torch.bmm(theta[runs], x, out=wrong)
        if offset is not None:
            wrong += offset[runs, :, part]
        torch.sigmoid(wrong, out=wrong)
        torch.mul(weight[runs, :, part], wrong, out=pull)
        gradient[runs] += torch.bmm(pull, x.mT)
        curvature = torch.addcmul(pull, pull, wrong, value=-1, out=wrong)
        if products is not None:
            by_pair = torch.bmm(curvature, products[runs, :, part].mT)
        else:
            scaled = (x[:, None] * curvature[:, :, None]).flatten(1, 2)
            by_pair = torch.bmm(scaled, x.mT)
        hessian[runs] += by_pair.view(len(x), n_settings, n_params, n_params)
    return gradient, hessian


def _tiles(
    n_runs: int, n_settings: int, n_samples: int, device: torch.device
) -> list[tuple[slice, slice]]:
    """Pieces of (runs, samples) to evaluate at once; on a GPU all of them."""
    if device.type != "cpu":
        return [(slice(0, n_runs), slice(0, n_samples))]
    size = TILE_VALUES // n_settings
    return [
        (slice(run, run + 1), slice(first, first + size))
        for run in range(n_runs)
        for first in range(0, n_samples, size)
    ]


def is_separated(features: ArrayLike, y: ArrayLike) -> bool:
    r"""Whether a hyperplane separates the classes, completely or quasi-completely.

    Then the unpenalised loss has no finite minimiser. Decided by the linear programme

    .. math:: \max_{|\theta_j| \le 1} \sum_i -s_i x_i^T \theta
              \quad \text{subject to} \quad -s_i x_i^T \theta \ge 0 \text{ for all } i,

    whose optimum is positive exactly for separated data.

    Parameters
    ----------
    features : array_like, shape (n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 and 1

    Returns
    -------
    bool

    References
    ----------
    Albert and Anderson (1984), Biometrika 71, 1-10; the programme: Konis (2007), DPhil thesis,
    University of Oxford.

    Examples
    --------
    >>> is_separated([[0.0], [1.0], [2.0]], [0, 1, 1])
    True
    >>> is_separated([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])
    False
    """
    x = np.asarray(features, dtype=np.float64)
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    oriented = np.column_stack([x, np.ones(len(x))]) * (2 * np.asarray(y) - 1)[:, None]
    tolerances = ("primal_feasibility_tolerance", "dual_feasibility_tolerance")
    answer = linprog(
        -oriented.mean(axis=0),
        A_ub=-oriented,
        b_ub=np.zeros(len(x)),
        bounds=(-1, 1),
        options=dict.fromkeys(tolerances, 1e-10),
    )
    return bool(answer.status == 0 and -answer.fun > 1e-9)


def fit_logistic(
    X: ArrayLike,
    y: ArrayLike,
    class_weight: ArrayLike,
    *,
    device: str = "cpu",
    max_iter: int = 100,
) -> Fit:
    r"""Weighted logistic regression for every replication and every λ setting.

    Minimises Eq. (1) with K = 2, unpenalised, to a gradient norm of 1e-12 of the total mass, in
    standardised features (each centred and divided by its SD): the fit depends neither on their
    units nor on their origin. `gradient_norm` is that norm.

    Parameters
    ----------
    X : array_like, shape (n_runs, n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 and 1
    class_weight : array_like, shape (n_settings, 2)
    device : {"cpu", "cuda", "auto"}
    max_iter : int
        Newton iterations, halvings included.

    Returns
    -------
    Fit
        Parameters are the coefficients, then the intercept. Status "separated" where a hyperplane
        separates the classes; those coefficients mean nothing.

    Raises
    ------
    ValueError
        If an argument does not fit (see `check_problem`) or n_samples <= n_features + 1.

    Examples
    --------
    >>> X, y = np.array([[[0.0], [1.0], [2.0], [3.0]]]), [0, 1, 0, 1]
    >>> fit = fit_logistic(X, y, [[0.5, 0.5]])
    >>> fit.params.round(6).tolist(), fit.status.tolist()
    ([[[0.908184, -1.362276]]], [['converged']])
    """
    problem = check_problem(X, y, class_weight, device)
    n_runs, n_samples, n_params = problem.design.shape
    if n_samples <= n_params:
        raise ValueError(
            f"X has {n_samples} samples for {n_params} parameters: an unpenalised fit needs more"
        )
    start = problem.design.new_zeros(n_runs, len(problem.weight), n_params)
    # In standardised features, so that neither their units nor their origin matter.
    design = problem.design.mT.contiguous()
    centre, spread = design.mean(dim=2, keepdim=True), design.std(dim=2, keepdim=True)
    constant = spread <= 1e-12 * centre.abs()
    spread = torch.where(constant, 1, spread)
    centre[:, -1] = 0  # the column of ones stays
    design.sub_(centre).div_(spread).mul_(problem.sign)
    weight = problem.weight.expand(n_runs, -1, -1)
    result = newton(design, weight, start, max_iter=max_iter)
    params = result.theta / spread.mT
    params[..., -1] -= (params * centre.mT).sum(dim=-1)
    loss = torch.stack(
        [
            -(problem.weight * logsigmoid(-(t @ x))).sum(-1)
            for t, x in zip(result.theta, design, strict=True)
        ]
    )
    norm, move = result.gradient_norm.cpu().numpy(), result.last_move.cpu().numpy()
    return Fit(
        params=params.cpu().numpy(),
        loss=loss.cpu().numpy() * problem.mass,
        gradient_norm=norm,
        bias_gradient=result.bias_gradient.cpu().numpy(),
        n_iter=result.n_iter.cpu().numpy(),
        status=_status(np.asarray(X), y, norm, move),
    )


def _status(
    features: FloatArray, y: ArrayLike, gradient_norm: FloatArray, last_move: FloatArray
) -> np.ndarray:
    """Status of each fit; the linear programme runs only where Newton did not settle."""
    settled = last_move <= SETTLED
    status = np.where(gradient_norm <= GRADIENT_TOLERANCE, CONVERGED, NOT_CONVERGED)
    status = np.where(np.isfinite(gradient_norm), status, DIVERGED).astype("<U16")
    status[~settled] = NOT_CONVERGED
    for run in np.flatnonzero(~settled.all(axis=1)):
        if is_separated(features[run], y):
            status[run] = SEPARATED
    return status
