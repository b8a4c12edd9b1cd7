r"""Weighted logistic losses of many fits at once: derivatives, and their minimum."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from learnprop.simulations.minimisation.newton import CERTAIN, NoMinimum, newton

TILE_VALUES = 2**16
"""On CPU one replication is evaluated at a time, at most this many (setting, sample) pairs: the
temporaries, written in place, stay in the second-level cache: 1.1 times faster on Sim1 than whole
passes over 25 replications."""

PAIRS_UP_TO = 4
"""Parameters up to which the products of every pair of them are kept for each sample: the Hessian
is then one thin matrix product, and Sim1 1.2 times faster. Of more, reading them costs more than
scaling the design."""


@dataclass(frozen=True)
class LogisticMinimum:
    """Minimisers of a batch, shape (n_runs, n_settings) each.

    ``gradient`` is that of the loss in the parameters of the wrong class's logit, ``last_move`` the
    largest change of a logit that one more full step would make, ``near_move`` the same of the
    samples whose probability is not yet zero or one.
    """

    theta: torch.Tensor
    gradient_norm: torch.Tensor
    gradient: torch.Tensor
    n_iter: torch.Tensor
    last_move: torch.Tensor
    near_move: torch.Tensor


def minimise_logistic(
    design: torch.Tensor,
    weight: torch.Tensor,
    theta: torch.Tensor,
    *,
    offset: torch.Tensor | None = None,
    penalty: torch.Tensor | None = None,
    own_ridge: bool = False,
    no_minimum: NoMinimum | None = None,
    max_iter: int = 100,
) -> LogisticMinimum:
    r"""Minimise a batch of weighted logistic losses by Newton's method.

    .. math:: \min_\theta \sum_i \omega_i \log(1 + \exp(x_i^T \theta + o_i))
              + \frac{1}{2} \sum_p \alpha_p \theta_p^2

    Parameters
    ----------
    design : tensor, shape (n_runs, n_params, n_samples)
        x, with the sign that makes ``x @ theta`` the logit of the wrong class. One row per
        parameter, the intercept's last: sums over samples then run along contiguous memory.
    weight : tensor, shape (n_runs, n_settings, n_samples)
        ω, of sum one; may be an expanded view.
    theta : tensor, shape (n_runs, n_settings, n_params)
        Where to start.
    offset : tensor, shape (n_runs, n_settings, n_samples), optional
        o, a fixed part of the logits.
    penalty : tensor, shape (n_runs, n_settings, n_params), optional
        α, in units of the total mass; none of the intercept.
    own_ridge : bool
    no_minimum : callable, optional
        See `newton`.
    max_iter : int
        Evaluations of the gradient.

    Returns
    -------
    LogisticMinimum
    """
    products = _products(design)
    n_runs, n_settings, _ = theta.shape
    tiles = tiles_of(n_runs, design.shape[-1], TILE_VALUES // n_settings, design.device)
    runs, part = tiles[0]
    scratch = theta.new_empty(2, runs.stop, n_settings, min(part.stop, design.shape[-1]))

    def derivatives(trial: torch.Tensor, active: list[bool]) -> tuple[torch.Tensor, torch.Tensor]:
        busy = [tile for tile in tiles if any(active[tile[0]])]
        gradient, hessian = _derivatives(design, products, weight, trial, offset, busy, scratch)
        if penalty is not None:
            gradient += penalty * trial
            hessian.diagonal(dim1=-2, dim2=-1).add_(penalty)
        return gradient, hessian

    # The last parameter is the intercept: its diagonal entry is the sum of the curvatures.
    found = newton(
        derivatives,
        theta,
        curvature=lambda h: h[..., -1, -1],
        own_ridge=own_ridge,
        no_minimum=no_minimum,
        max_iter=max_iter,
    )
    last_move, near_move = [], []
    # One buffer for all runs: temporaries of each left holes in the heap, 0.8 GiB of 100 settings.
    room = theta.new_empty(2, n_settings, design.shape[-1])
    for run, (s, x) in enumerate(zip(found.step, design, strict=True)):
        moves = torch.bmm(s[None], x[None], out=room[:1])[0].abs_()
        logits = torch.mm(found.theta[run], x, out=room[1])
        if offset is not None:
            logits += offset[run]
        last_move.append(moves.amax(dim=-1))
        near_move.append(moves.masked_fill_(logits.abs_() > CERTAIN, 0.0).amax(dim=-1))
    return LogisticMinimum(
        theta=found.theta,
        gradient_norm=found.gradient_norm,
        gradient=found.gradient,
        n_iter=found.n_iter,
        last_move=torch.stack(last_move),
        near_move=torch.stack(near_move),
    )


def _products(design: torch.Tensor) -> torch.Tensor | None:
    """Products of every pair of parameters' rows, where they are few enough to be kept."""
    if design.shape[1] > PAIRS_UP_TO:
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


def tiles_of(
    n_runs: int, n_samples: int, size: int, device: torch.device
) -> list[tuple[slice, slice]]:
    """Pieces of (runs, samples) to evaluate at once.

    On CPU `size` samples of one run, on a GPU everything.

    Parameters
    ----------
    n_runs, n_samples, size : int
    device : torch.device

    Returns
    -------
    list of (slice, slice)

    Examples
    --------
    >>> len(tiles_of(2, 100, 64, torch.device("cpu")))
    4
    """
    if device.type != "cpu":
        return [(slice(0, n_runs), slice(0, n_samples))]
    return [
        (slice(run, run + 1), slice(first, first + size))
        for run in range(n_runs)
        for first in range(0, n_samples, size)
    ]
