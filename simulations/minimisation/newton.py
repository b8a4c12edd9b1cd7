r"""Newton's method for many convex problems at once, with step halving.

It fits regressions, and refines the output layers of networks, whose problem is a regression on
the hidden activations. The losses are in `logistic_loss` and `softmax_loss`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

GRADIENT_TOLERANCE = 1e-12
"""Norm of the gradient, over the total mass, at which Newton's method may stop."""

MOVE_TOLERANCE = 1e-6
"""Move of the logits in the next step, root mean square over samples weighted by their curvature,
below which it may; the error is of the order of its square."""

SETTLED = 1e-3
"""Largest move of a logit in the next step at a finite minimum. Where there is none, every step
moves some logit by about one, however small the gradient."""

RIDGE = 1e-14
"""Added to the Hessian, relative to its mean diagonal, so that a flat direction is not a crash."""

CERTAIN = 800.0
"""Distance between a sample's two largest logits from which on its probabilities are zero and one:
how far an outlier's logit still moves says nothing of whether the fit is done."""

ASKED, ASKED_IN_FULL = (8, 16), 24
"""Evaluations after which it is asked whether there is a minimum: at a glance, and in full. Most
fits have one and need fewer; of a block of ten separated classes of digits it saves nine tenths."""

Derivatives = Callable[[torch.Tensor, list[bool]], tuple[torch.Tensor, torch.Tensor]]
"""``(theta, active) -> (gradient, hessian)``: theta (R, S, P), which runs are wanted (R,), values
(R, S, P) and (R, S, P, P); those of other runs are not looked at."""

NoMinimum = Callable[[torch.Tensor, torch.Tensor, bool], torch.Tensor]
"""``(theta, searching, in_full) -> hopeless``: of the fits that are searching (R, S), which are
proven to have no minimum."""


@dataclass(frozen=True)
class NewtonResult:
    """Minimisers of a batch, shape (n_runs, n_settings, ...) each.

    ``gradient`` is that at `theta`, ``step`` what one more full step would subtract.
    """

    theta: torch.Tensor
    gradient: torch.Tensor
    gradient_norm: torch.Tensor
    n_iter: torch.Tensor
    step: torch.Tensor


def newton(
    derivatives: Derivatives,
    theta: torch.Tensor,
    *,
    curvature: Callable[[torch.Tensor], torch.Tensor],
    symmetric: bool = True,
    own_ridge: bool = False,
    no_minimum: NoMinimum | None = None,
    max_iter: int = 100,
) -> NewtonResult:
    r"""Minimise a batch of strictly convex functions, or find roots of what is no gradient.

    The step is halved while the norm of the gradient does not fall: for a strictly convex loss
    the minimum is the only stationary point of that norm.

    Parameters
    ----------
    derivatives : callable
        ``(theta, active) -> (gradient, hessian)``.
    theta : tensor, shape (n_runs, n_settings, n_params)
        Where to start.
    curvature : callable ``(hessian) -> (n_runs, n_settings)``
        Sum over samples of the curvatures of the loss in the logits.
    symmetric : bool
        False where the "gradient" is that of no function, so that its derivative, the "Hessian",
        is not symmetric.
    own_ridge : bool
        Whether `RIDGE` is relative to each diagonal entry, as for an outlier, whose curvature would
        hide all others.
    no_minimum : callable, optional
        Ends the search where there is nothing to find (see `NoMinimum`).
    max_iter : int
        Evaluations of the gradient.

    Returns
    -------
    NewtonResult
    """
    trial, step, best_gradient = theta, torch.zeros_like(theta), torch.zeros_like(theta)
    best_norm = theta.new_full(theta.shape[:2], torch.inf)
    best_move = best_norm.clone()
    size = torch.ones_like(best_norm)
    n_iter = torch.zeros_like(best_norm, dtype=torch.int64)
    searching = torch.ones_like(best_norm, dtype=torch.bool)
    active = [True] * len(theta)
    for evaluation in range(1, max_iter + 1):
        gradient, hessian = derivatives(trial, active)
        norm = torch.linalg.vector_norm(gradient, dim=-1)
        better = searching & (norm < best_norm)
        diagonal = hessian.diagonal(dim1=-2, dim2=-1)
        diagonal.add_(RIDGE * (diagonal if own_ridge else diagonal.mean(dim=-1, keepdim=True)))
        if symmetric:
            factor, _ = torch.linalg.cholesky_ex(hessian)
            newton_step = torch.cholesky_solve(gradient[..., None], factor)[..., 0]
        else:
            newton_step, _ = torch.linalg.solve_ex(hessian, gradient)
        # Positive where the Hessian is, and where it is of no function of either sign.
        move = ((gradient * newton_step).sum(dim=-1) / curvature(hessian)).abs().sqrt()
        best_move = torch.where(better, move, best_move)
        theta = torch.where(better[..., None], trial, theta)
        step = torch.where(better[..., None], newton_step, step)
        best_gradient = torch.where(better[..., None], gradient, best_gradient)
        best_norm = torch.where(better, norm, best_norm)
        size = torch.where(better, torch.ones_like(size), size / 2)
        arrived = (best_norm <= GRADIENT_TOLERANCE) & (best_move <= MOVE_TOLERANCE)
        searching = searching & ~arrived & (size > 1e-8)
        active = searching.any(dim=1).tolist()  # on a GPU the one wait of an evaluation
        if no_minimum and any(active) and evaluation in (*ASKED, ASKED_IN_FULL):
            searching = searching & ~no_minimum(theta, searching, evaluation == ASKED_IN_FULL)
            active = searching.any(dim=1).tolist()
        if not any(active):
            break
        n_iter += searching
        trial = theta - size[..., None] * step
    return NewtonResult(theta, best_gradient, best_norm, n_iter, step)
