r"""A start for Newton's method near the minimum, at a fraction of its cost.

The derivatives at zero hold the weighted moments of each class, and these the linear discriminant:
on Gaussian classes it is as near the minimum as the sampling error. From there Newton's method goes
on in single precision, at half the time per evaluation, to where its rounding begins. Of convex
problems the end does not depend on the start, and it is judged in double precision.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from learnprop.simulations.minimisation.newton import Derivatives, Tolerance, newton

ROUGH = Tolerance(gradient=float("inf"), move=1e-3, step=float("inf"))
"""The step after it leaves an error of its square, which is the rounding of single precision."""

ROUGH_ITERATIONS = 10
"""Evaluations in single precision: two or three are usual, of skewed classes up to ten."""

HEAD_START_FROM = 24
"""Iterations allowed, from which on a search gets a head start: fewer are early stopping, which is
of a path that starts at zero."""


def head_start(
    derivatives: Derivatives,
    at: torch.Tensor,
    zero: torch.Tensor,
    *,
    curvature: Callable[[torch.Tensor], torch.Tensor],
    own_ridge: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Start near the minimum; zero where single precision does not get there.

    Parameters
    ----------
    derivatives : callable
        In single precision, of theta in single precision.
    at : tensor, shape (n_runs, n_settings, n_params)
        Where to begin, in single precision; not finite where there is no such place.
    zero : tensor, shape (n_runs, n_settings, n_params)
        In double precision.
    curvature : callable
    own_ridge : bool
        See `newton`, as of `curvature`.

    Returns
    -------
    start : tensor, shape (n_runs, n_settings, n_params)
    n_iter : tensor of int, shape (n_runs, n_settings)
        Iterations that led there.
    """
    found = newton(
        derivatives,
        at,
        curvature=curvature,
        own_ridge=own_ridge,
        enough=ROUGH,
        max_iter=ROUGH_ITERATIONS,
    )
    start = found.theta - found.step
    arrived = (found.move <= ROUGH.move) & start.isfinite().all(dim=-1)
    return torch.where(arrived[..., None], start.double(), zero), arrived * (found.n_iter + 1)


def in_single(values: torch.Tensor) -> torch.Tensor:
    """Values in single precision; what all runs share, an expanded view, stays one."""
    if values.stride(0) == 0:
        return values[:1].float().expand_as(values)
    return values.float()
