r"""BFGS for many small problems at once.

The problems share nothing but the clock: each has its own line search, its own count of accepted
steps, and leaves the batch when it stops.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from learnprop.simulations.engine.within import tell

ARMIJO = 1e-4
"""Fraction of the predicted decrease that a step must bring."""

STALL_WINDOW = 10
"""Iterations over which the loss must fall by `tolerance`, relative, or training has ended."""

ValueAndGradient = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""``(problems, theta) -> (loss, gradient)``: indices (B,), points (B, P), values (B,), (B, P)."""


@dataclass(frozen=True)
class BfgsResult:
    """End points of a batch, accepted steps, and which problems met the stop rule."""

    theta: torch.Tensor
    n_iter: torch.Tensor
    stalled: torch.Tensor
    passed: dict[int, torch.Tensor]
    """Points after so many accepted steps; of a problem that ended earlier its end point."""


def bfgs(
    objective: ValueAndGradient,
    theta: torch.Tensor,
    inverse_hessian: torch.Tensor,
    *,
    max_iter: int,
    tolerance: float = 1e-6,
    also_at: Sequence[int] = (),
) -> BfgsResult:
    r"""Minimise a batch of smooth functions by BFGS with a backtracking line search.

    A problem ends when its loss has fallen by less than `tolerance`, relative, over 10 accepted
    steps, when no step is left that brings the loss down, or after `max_iter` accepted steps.

    Parameters
    ----------
    objective : callable
        ``(problems, theta) -> (loss, gradient)``.
    theta : tensor, shape (n_problems, n_params)
        Initial points.
    inverse_hessian : tensor, shape (n_problems, n_params, n_params)
        Initial metric, symmetric positive definite. Overwritten.
    max_iter : int
    tolerance : float
    also_at : sequence of int
        Numbers of accepted steps below `max_iter`: the points there are kept, too.

    Returns
    -------
    BfgsResult

    References
    ----------
    Nocedal and Wright (2006), Numerical Optimization, algorithm 6.1, eq. (6.17).
    """
    problems = torch.arange(len(theta), device=theta.device)
    result = BfgsResult(
        theta=theta.clone(),
        n_iter=torch.zeros_like(problems),
        stalled=torch.zeros_like(problems, dtype=torch.bool),
        passed={depth: theta.clone() for depth in also_at},
    )
    loss, gradient = objective(problems, theta)
    metric = inverse_hessian
    direction = _descent(metric, gradient)
    size = torch.ones_like(loss)
    n_iter = torch.zeros_like(problems)
    history = loss.repeat(STALL_WINDOW, 1)  # row i % window: the loss after i accepted steps
    evaluation, n = 0, len(problems)
    while len(problems):
        evaluation += 1
        tell(f"BFGS to {max_iter}: evaluation {evaluation}, {n - len(problems)} of {n} fits done")
        move = size[:, None] * direction
        trial = theta + move
        trial_loss, trial_gradient = objective(problems, trial)
        slope = (gradient * direction).sum(dim=1)
        accepted = trial_loss <= loss + ARMIJO * size * slope
        following = _update(metric, direction, move, gradient, trial_gradient, accepted)
        # A rejected step is cut to the minimum of the parabola through what is known of it.
        parabola = -slope * size / (2 * (trial_loss - loss - size * slope)) * size
        shorter = torch.where(parabola.isfinite(), parabola, 0 * size).clamp(0.1 * size, 0.5 * size)
        theta = torch.where(accepted[:, None], trial, theta)
        gradient = torch.where(accepted[:, None], trial_gradient, gradient)
        loss = torch.where(accepted, trial_loss, loss)
        n_iter = n_iter + accepted
        for depth, kept in result.passed.items():
            # Until it is there a problem's last point stands for it.
            kept[problems] = torch.where((n_iter <= depth)[:, None], theta, kept[problems])
        direction = torch.where(accepted[:, None], following, direction)
        # Twice the step that was accepted, not 1 at once: a ninth fewer evaluations.
        size = torch.where(accepted, (2 * size).clamp_max(1.0), shorter)

        row = (n_iter % STALL_WINDOW)[None]
        before = history.gather(0, row)[0]
        fallen_little = before - loss < tolerance * before.abs()
        stalled = accepted & (n_iter >= STALL_WINDOW) & fallen_little
        history.scatter_(0, row, loss[None])
        ended = stalled | (n_iter >= max_iter) | (size < 1e-10)
        if ended.any():
            # By number: a device waits for every index that is a mask.
            left, stay = ended.nonzero()[:, 0], (~ended).nonzero()[:, 0]
            gone = problems[left]
            result.theta[gone] = theta[left]
            result.n_iter[gone] = n_iter[left]
            result.stalled[gone] = stalled[left]
            problems, n_iter, history = problems[stay], n_iter[stay], history[:, stay]
            theta, loss, gradient = theta[stay], loss[stay], gradient[stay]
            metric, direction, size = metric[stay], direction[stay], size[stay]
    return result


def _descent(metric: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    return -torch.bmm(metric, gradient[:, :, None])[:, :, 0]


def _update(
    metric: torch.Tensor,
    direction: torch.Tensor,
    move: torch.Tensor,
    gradient: torch.Tensor,
    trial_gradient: torch.Tensor,
    accepted: torch.Tensor,
) -> torch.Tensor:
    r"""BFGS update of the inverse Hessian in place, where accepted and positively curved.

    .. math:: H \leftarrow (I - \rho s y^T) H (I - \rho y s^T) + \rho s s^T,
              \qquad \rho = 1 / s^T y

    The metric is read once: with the direction :math:`-H g` before it, its product with the new
    gradient gives that with y, and the direction that follows, which is returned.
    """
    change = trial_gradient - gradient
    curvature = (move * change).sum(dim=1)
    enough = 1e-10 * torch.linalg.vector_norm(move, dim=1) * torch.linalg.vector_norm(change, dim=1)
    rho = torch.where(accepted & (curvature > enough), 1 / curvature, 0 * curvature)[:, None]
    following = _descent(metric, trial_gradient)
    image = direction - following
    along = rho * (1 + rho * (change * image).sum(dim=1, keepdim=True)) * move - rho * image
    left = torch.stack([along, -rho * move], dim=2)
    right = torch.stack([move, image], dim=1)
    metric.baddbmm_(left, right)
    return following - torch.bmm(left, torch.bmm(right, trial_gradient[:, :, None]))[:, :, 0]
