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

STEP_TOLERANCE = 1e-11
"""Largest change of a parameter in the next step, above which a search goes on while steps take
nine tenths of the gradient: where the curvature is 1e-3, one that may stop is 1e-9 off."""

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

KEPT = 1e-4
"""Move of the logits in the next step from which on the Hessian is kept: it is that of the minimum
to as much, so that a step leaves of the error no more, and an evaluation is of the gradient alone.
It is taken anew where a step leaves more than a tenth of the gradient."""

NEAR = 1e-2
"""Move of the logits in the first step from a head start, above which it is not believed."""

Derivatives = Callable[[torch.Tensor, list[bool], list[bool]], tuple[torch.Tensor, torch.Tensor]]
"""``(theta, active, curved) -> (gradient, hessian)``: theta (R, S, P), which runs are wanted (R,),
of which of them the Hessian is (R,), values (R, S, P) and (R, S, P, P); what is not wanted is not
looked at. The next call may overwrite both."""

NoMinimum = Callable[[torch.Tensor, torch.Tensor, bool], torch.Tensor]
"""``(theta, searching, in_full) -> hopeless``: of the fits that are searching (R, S), which are
proven to have no minimum."""


@dataclass(frozen=True)
class Tolerance:
    """Norm of the gradient, and next move of the logits and of a parameter, at which it is done."""

    gradient: float = GRADIENT_TOLERANCE
    move: float = MOVE_TOLERANCE
    step: float = STEP_TOLERANCE


MINIMUM = Tolerance()


@dataclass(frozen=True)
class NewtonResult:
    """Minimisers of a batch, shape (n_runs, n_settings, ...) each.

    ``gradient`` is that at `theta`, ``step`` what one more full step would subtract, ``move`` that
    of the logits in it, as of `MOVE_TOLERANCE`.
    """

    theta: torch.Tensor
    gradient: torch.Tensor
    gradient_norm: torch.Tensor
    n_iter: torch.Tensor
    step: torch.Tensor
    move: torch.Tensor


def newton(
    derivatives: Derivatives,
    theta: torch.Tensor,
    *,
    curvature: Callable[[torch.Tensor], torch.Tensor],
    symmetric: bool = True,
    own_ridge: bool = False,
    no_minimum: NoMinimum | None = None,
    enough: Tolerance = MINIMUM,
    otherwise: torch.Tensor | None = None,
    max_iter: int = 100,
) -> NewtonResult:
    r"""Minimise a batch of strictly convex functions, or find roots of what is no gradient.

    The step is halved while the norm of the gradient does not fall: for a strictly convex loss
    the minimum is the only stationary point of that norm.

    Parameters
    ----------
    derivatives : callable
        ``(theta, active, curved) -> (gradient, hessian)``.
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
    enough : Tolerance
    otherwise : tensor, shape (n_runs, n_settings, n_params), optional
        Where to start anew if the first step from `theta` is not as small as `NEAR`.
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
    active = curved = [True] * len(theta)
    solver = _Solver(symmetric=symmetric, own_ridge=own_ridge, curvature=curvature)
    keep = torch.zeros_like(searching)
    for evaluation in range(1, max_iter + 1):
        gradient, hessian = derivatives(trial, active, curved)
        norm = torch.linalg.vector_norm(gradient, dim=-1)
        better = searching & (norm < best_norm)
        nowhere = ~(norm.isfinite() | best_norm.isfinite())  # no step leads back
        if any(curved):
            solver.take(hessian, keep)
        newton_step, move = solver.step(gradient)
        if otherwise is not None and evaluation == 1:
            far = (theta != otherwise).any(dim=-1) & ~(move <= NEAR)
            theta, better = torch.where(far[..., None], otherwise, theta), better & ~far
            nowhere = nowhere & ~far
        if symmetric:
            falling = better & (norm <= 0.1 * best_norm)
            keep = falling & (move <= KEPT)
        best_move = torch.where(better, move, best_move)
        theta = torch.where(better[..., None], trial, theta)
        step = torch.where(better[..., None], newton_step, step)
        best_gradient = torch.where(better[..., None], gradient, best_gradient)
        best_norm = torch.where(better, norm, best_norm)
        size = torch.where(better, 1.0, size / 2)
        arrived = (best_norm <= enough.gradient) & (best_move <= enough.move)
        if symmetric:
            arrived = arrived & ~(falling & (newton_step.abs().amax(dim=-1) > enough.step))
        searching = searching & ~arrived & ~nowhere & (size > 1e-8)
        active, curved = _runs_of(searching, searching & ~keep)
        if no_minimum and any(active) and evaluation in (*ASKED, ASKED_IN_FULL):
            searching = searching & ~no_minimum(theta, searching, evaluation == ASKED_IN_FULL)
            active, curved = _runs_of(searching, searching & ~keep)
        if not any(active):
            break
        n_iter += searching
        trial = theta - size[..., None] * step
    return NewtonResult(theta, best_gradient, best_norm, n_iter, step, best_move)


def _runs_of(*fits: torch.Tensor) -> list[list[bool]]:
    """Which runs have fits (R, S) of each kind: on a GPU the one wait of an evaluation."""
    runs: list[list[bool]] = torch.stack(fits).any(dim=2).tolist()
    return runs


class _Solver:
    """Hessians of a batch, factored, and the steps that they give."""

    def __init__(
        self,
        *,
        symmetric: bool,
        own_ridge: bool,
        curvature: Callable[[torch.Tensor], torch.Tensor],
    ) -> None:
        self._symmetric, self._own_ridge, self._curvature = symmetric, own_ridge, curvature
        self._factor = self._mass = torch.empty(0)

    def take(self, hessian: torch.Tensor, keep: torch.Tensor) -> None:
        """Factor Hessians (R, S, P, P), which it changes, of the fits that do not `keep` theirs."""
        diagonal = hessian.diagonal(dim1=-2, dim2=-1)
        relative = diagonal if self._own_ridge else diagonal.mean(dim=-1, keepdim=True)
        diagonal.add_(RIDGE * relative)
        mass = self._curvature(hessian)
        factor = torch.linalg.cholesky_ex(hessian)[0] if self._symmetric else hessian.clone()
        if not self._factor.numel():
            self._factor, self._mass = factor, mass.clone()
        else:
            torch.where(keep[..., None, None], self._factor, factor, out=self._factor)
            torch.where(keep, self._mass, mass, out=self._mass)

    def step(self, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Newton's step (R, S, P), and the move of the logits in it (R, S)."""
        if self._symmetric:
            step = torch.cholesky_solve(gradient[..., None], self._factor)[..., 0]
        else:
            step, _ = torch.linalg.solve_ex(self._factor, gradient)
        # Positive where the Hessian is, and where it is of no function of either sign.
        return step, ((gradient * step).sum(dim=-1) / self._mass).abs().sqrt()
