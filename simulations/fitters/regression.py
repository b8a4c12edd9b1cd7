"""What the regressions share: standardised features, the penalty there, and a fit's status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import as_number
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.fitters.fit import Fit
from learnprop.simulations.minimisation.exact_direction import columns_around
from learnprop.simulations.minimisation.newton import GRADIENT_TOLERANCE, SETTLED
from learnprop.simulations.records.rows import CONVERGED, DIVERGED, NOT_CONVERGED, SEPARATED

OUTLYING = 10.0
"""SD over typical distance from the median, from which on a feature has outliers; of a normal
distribution 1.5."""


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
    lost = ~norm.isfinite() | (norm < 1e-140)  # a square overflowed, or vanished
    if lost.any():
        largest = from_mean.abs().amax(dim=2, keepdim=True)
        largest = torch.where(largest > 0, largest, 1)
        scaled = torch.linalg.vector_norm(from_mean / largest, dim=2, keepdim=True) * largest
        norm = torch.where(lost, scaled, norm)
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


def check_penalty(l2: float, argument: str = "l2") -> None:
    """Raise ValueError unless α can be, in the words of `learnprop.simulations.registry.choose`."""
    l2 = as_number(l2, argument)
    if not 0 <= l2 < float("inf"):
        raise BadArgument(argument, f"must be finite and at least 0, got {l2}")


def penalty_in(by: Standardised, l2: float, mass: FloatArray) -> torch.Tensor:
    r"""Penalty of the parameters of standardised features, over the total mass.

    A coefficient is :math:`\beta_p = \theta_p / s_p`, so that
    :math:`\frac{\alpha}{2} \sum \beta_p^2 = \frac{1}{2} \sum (\alpha / s_p^2) \theta_p^2`; the
    intercept, which centring moves, has none.

    Parameters
    ----------
    by : Standardised
    l2 : float
        α, in the units of the features and of the sum-form loss.
    mass : ndarray, shape (n_settings,)

    Returns
    -------
    tensor, shape (n_runs, n_settings, n_features + 1)
        At most 1e300, where a coefficient is zero to float64.
    """
    share = torch.as_tensor(l2 / mass, device=by.spread.device)
    of_slopes = (share[:, None] / by.spread[:, None, :, 0] / by.spread[:, None, :, 0]).clamp(
        max=1e300
    )
    return torch.nn.functional.pad(of_slopes, (0, 1))


@dataclass(frozen=True)
class Attempt:
    """Fits, and which of them moved no logit in the next step: (n_runs, n_settings)."""

    fit: Fit
    settled: NDArray[np.bool_]


def norm_in(
    columns: Standardised, gradient: torch.Tensor, norm: torch.Tensor, by: Standardised
) -> torch.Tensor:
    """Norm of the gradient in the parameters of `columns`, from the gradient in those of `by`.

    Parameters
    ----------
    columns : Standardised
    gradient : tensor, shape (n_runs, n_settings, ..., n_features + 1)
        The intercept's last.
    norm : tensor, shape (n_runs, n_settings)
        That in `by`; where it is not finite, there is no gradient.
    by : Standardised

    Returns
    -------
    tensor, shape (n_runs, n_settings)
    """
    shape = (len(gradient), *[1] * (gradient.ndim - 2), -1)
    size = (by.spread / columns.spread).view(shape)
    moved = ((by.centre - columns.centre) / columns.spread).view(shape)
    slopes = size * gradient[..., :-1] + moved * gradient[..., -1:]
    inside = torch.cat([slopes, gradient[..., -1:]], dim=-1).flatten(2)
    return torch.where(norm.isfinite(), torch.linalg.vector_norm(inside, dim=-1), norm)


def newton_status(gradient_norm: torch.Tensor, near_move: torch.Tensor) -> NDArray[np.str_]:
    """Status of each fit by Newton's method, shape (n_runs, n_settings); "separated" is none yet.

    Parameters
    ----------
    gradient_norm, near_move : tensor, shape (n_runs, n_settings)

    Returns
    -------
    ndarray of str
    """
    norm, settled = gradient_norm.cpu().numpy(), near_move.cpu().numpy() <= SETTLED
    status = np.where(norm <= GRADIENT_TOLERANCE, CONVERGED, NOT_CONVERGED)
    status = np.where(np.isfinite(norm), status, DIVERGED).astype("<U16")
    status[~settled] = NOT_CONVERGED
    return status


def refit_outliers(
    first: Attempt,
    features: torch.Tensor,
    by: Standardised,
    again: Callable[[int, Standardised], Attempt],
    *,
    centred: bool = True,
) -> Attempt:
    """Fit once more what did not converge in standardised features for outliers in them.

    An outlier has the SD for itself: all other samples are then one point, but for rounding. In
    columns around the median with the typical distance from it as unit they are not.

    Parameters
    ----------
    first : Attempt
    features : tensor, shape (n_runs, n_features, n_samples)
    by : Standardised
        What the first attempt was in.
    again : callable ``(run, by) -> Attempt``
        Fits one replication in columns of its own.
    centred : bool

    Returns
    -------
    Attempt
        The first; where only the second converged, that.
    """
    for run in np.flatnonzero((first.fit.status != CONVERGED).any(axis=1)).tolist():
        x = features[run].mT.cpu().numpy()
        columns = columns_around(x, x, intercept=centred)
        scale = torch.as_tensor(columns.scale, device=features.device)[None, :, None]
        if not (by.spread[run] > OUTLYING * scale).any():
            continue
        values = torch.as_tensor(columns.values[:, : x.shape[1]].T.copy(), device=features.device)
        centre = torch.as_tensor(columns.centre, device=features.device)[None, :, None]
        second = again(run, Standardised(values[None], centre, scale))
        better = (first.fit.status[run] != CONVERGED) & (second.fit.status[0] == CONVERGED)
        for field in fields(Fit):
            getattr(first.fit, field.name)[run, better] = getattr(second.fit, field.name)[0, better]
        first.settled[run, better] = second.settled[0, better]
    return first


def with_separated(attempt: Attempt, separated: Callable[[int], bool]) -> Fit:
    """The fits, those of a replication whose classes are separated marked as such.

    Parameters
    ----------
    attempt : Attempt
    separated : callable ``(run) -> bool``
        Asked only where Newton did not settle.

    Returns
    -------
    Fit
    """
    status = attempt.fit.status.copy()
    asked = ~attempt.settled | (status == DIVERGED)
    for run in np.flatnonzero(asked.any(axis=1)).tolist():
        if separated(run):
            status[run] = SEPARATED
    return replace(attempt.fit, status=status)
