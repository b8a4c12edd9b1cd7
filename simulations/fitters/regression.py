"""What the regressions share: standardised features, and the status of a fit by Newton's method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from simulations.fitters.fit import CONVERGED, DIVERGED, NOT_CONVERGED, SEPARATED
from simulations.fitters.newton import GRADIENT_TOLERANCE, SETTLED


@dataclass(frozen=True)
class Standardised:
    """Features (n_runs, n_features, n_samples), and centre and spread (n_runs, n_features, 1)."""

    features: torch.Tensor
    centre: torch.Tensor
    spread: torch.Tensor


def standardise(features: torch.Tensor, *, centred: bool = True) -> Standardised:
    """Centre each feature and divide it by its SD, so that units and origin do not matter.

    Parameters
    ----------
    features : tensor, shape (n_runs, n_features, n_samples)
    centred : bool
        False for a model without intercept, which an origin matters to.

    Returns
    -------
    Standardised
    """
    mean = features.mean(dim=2, keepdim=True)
    from_mean = features - mean
    norm = torch.linalg.vector_norm(from_mean, dim=2, keepdim=True)
    spread = norm / (features.shape[2] - 1) ** 0.5
    spread = torch.where(spread <= 1e-12 * mean.abs(), 1, spread)  # a constant feature
    spread = torch.where(spread > 0, spread, 1)
    if centred:
        return Standardised(from_mean.div_(spread), mean, spread)
    return Standardised(features / spread, torch.zeros_like(mean), spread)


def in_units(theta: torch.Tensor, by: Standardised) -> torch.Tensor:
    """Coefficients and intercept in the features' own units.

    Parameters
    ----------
    theta : tensor, shape (n_runs, ..., n_features + 1)
        In standardised features, intercept last.
    by : Standardised

    Returns
    -------
    tensor, same shape
    """
    shape = (len(theta), *[1] * (theta.ndim - 2), -1)
    slopes = theta[..., :-1] / by.spread.view(shape)
    moved = (slopes * by.centre.view(shape)).sum(dim=-1, keepdim=True)
    return torch.cat([slopes, theta[..., -1:] - moved], dim=-1)


def newton_status(
    gradient_norm: torch.Tensor,
    last_move: torch.Tensor,
    is_separated: Callable[[int], bool] | None,
) -> np.ndarray:
    """Status of each fit by Newton's method, shape (n_runs, n_settings).

    Parameters
    ----------
    gradient_norm, last_move : tensor, shape (n_runs, n_settings)
    is_separated : callable ``(run) -> bool``, or None
        Asked only where Newton did not settle; None where a minimum always exists.

    Returns
    -------
    ndarray of str
    """
    norm, settled = gradient_norm.cpu().numpy(), last_move.cpu().numpy() <= SETTLED
    status = np.where(norm <= GRADIENT_TOLERANCE, CONVERGED, NOT_CONVERGED)
    status = np.where(np.isfinite(norm), status, DIVERGED).astype("<U16")
    status[~settled] = NOT_CONVERGED
    if is_separated is not None:
        for run in np.flatnonzero(~settled.all(axis=1)):
            if is_separated(int(run)):
                status[run] = SEPARATED
    return status
