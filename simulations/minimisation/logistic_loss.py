r"""Weighted logistic losses of many fits at once: derivatives, and their minimum."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from learnprop.simulations.minimisation.head_start import HEAD_START_FROM, head_start, in_single
from learnprop.simulations.minimisation.newton import (
    CERTAIN,
    SETTLED,
    Derivatives,
    NewtonResult,
    NoMinimum,
    newton,
)
from learnprop.simulations.minimisation.products import places_of_products, products_of

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
    samples whose probability is not yet zero or one; where both are below `SETTLED` they may be
    bounds.
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
    from_discriminant: bool = False,
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
    from_discriminant : bool
        Whether to get a head start (see `head_start`), where `theta` is zero and there is no
        offset.
    max_iter : int
        Evaluations of the gradient.

    Returns
    -------
    LogisticMinimum
    """
    head = from_discriminant and max_iter >= HEAD_START_FROM
    start, before = theta, torch.zeros_like(theta[..., 0], dtype=torch.int64)
    if head:
        alpha = None if penalty is None else penalty.float()
        roughly = _derivatives(design.float(), in_single(weight), None, alpha, theta.shape)
        everyone = [True] * len(theta)
        start, before = head_start(
            roughly,
            discriminant(*roughly(theta.float(), everyone, everyone)),
            theta,
            curvature=_intercept_curvature,
            own_ridge=own_ridge,
        )
    found = newton(
        _derivatives(design, weight, offset, penalty, theta.shape),
        start,
        curvature=_intercept_curvature,
        own_ridge=own_ridge,
        no_minimum=no_minimum,
        otherwise=theta if head else None,
        max_iter=max_iter,
    )
    last_move, near_move = _moves(design, offset, found)
    return LogisticMinimum(
        theta=found.theta,
        gradient_norm=found.gradient_norm,
        gradient=found.gradient,
        n_iter=found.n_iter + before,
        last_move=last_move,
        near_move=near_move,
    )


def _intercept_curvature(hessian: torch.Tensor) -> torch.Tensor:
    """Sum of the curvatures: the intercept, which is the last parameter, has a row of ones."""
    return hessian[..., -1, -1]


def discriminant(gradient: torch.Tensor, hessian: torch.Tensor) -> torch.Tensor:
    r"""Linear discriminant of two classes, from the derivatives of the loss at zero.

    There every probability is one half, so that :math:`4 H` holds the second moments
    :math:`\sum \omega x x^T` and :math:`2 g = (\pi_0 \mu_0 - \pi_1 \mu_1, \pi_0 - \pi_1)`. A
    penalty in the Hessian widens the classes.

    Parameters
    ----------
    gradient : tensor, shape (..., n_params)
    hessian : tensor, shape (..., n_params, n_params)

    Returns
    -------
    tensor, shape (..., n_params)
        Not finite where it does not exist.

    Examples
    --------
    >>> x = torch.tensor([-2.0, 0.0, -1.0, 3.0])  # a class of two each, SD 1 and 2
    >>> signed = torch.stack([x, torch.ones(4)]) * torch.tensor([1, 1, -1, -1])
    >>> discriminant(signed.mean(dim=1) / 2, signed @ signed.mT / 16).tolist()  # 2 / 2.5, at zero
    [0.800000011920929, 0.0]
    """
    moment, difference = 4 * hessian, 2 * gradient
    of_class = torch.stack([moment[..., -1, :] + difference, moment[..., -1, :] - difference]) / 2
    share, mean = of_class[..., -1:], of_class[..., :-1] / of_class[..., -1:]
    within = moment[..., :-1, :-1] - ((share * mean)[..., None] * mean[..., None, :]).sum(dim=0)
    factor, _ = torch.linalg.cholesky_ex(within)
    slope = torch.cholesky_solve((mean[1] - mean[0])[..., None], factor)[..., 0]
    middle = (slope * mean.sum(dim=0)).sum(dim=-1, keepdim=True) / 2
    return torch.cat([slope, (share[1] / share[0]).log() - middle], dim=-1)


def _moves(
    design: torch.Tensor, offset: torch.Tensor | None, found: NewtonResult
) -> tuple[torch.Tensor, torch.Tensor]:
    """``last_move`` and ``near_move`` of a `LogisticMinimum`.

    On CPU the largest value of each row bounds them, which is mostly enough to see that they are
    small: what is so bounded is not looked at sample by sample.
    """
    last_move, near_move = [], []
    n_settings, n_samples = found.theta.shape[1], design.shape[-1]
    # One buffer for all runs: temporaries of each left holes in the heap, 0.8 GiB of 100 settings.
    room = design.new_empty(2, n_settings, n_samples)
    for run, (s, x) in enumerate(zip(found.step, design, strict=True)):
        if design.device.type == "cpu":
            most = s.abs() @ torch.linalg.vector_norm(x, torch.inf, dim=1)
            if bool((most <= SETTLED).all()):
                last_move.append(most)
                near_move.append(most)
                continue
        moves = torch.mm(s, x, out=room[0]).abs_()
        logits = torch.mm(found.theta[run], x, out=room[1])
        if offset is not None:
            logits += offset[run]
        last_move.append(moves.amax(dim=-1))
        near_move.append(moves.masked_fill_(logits.abs_() > CERTAIN, 0.0).amax(dim=-1))
    return torch.stack(last_move), torch.stack(near_move)


def _derivatives(
    design: torch.Tensor,
    weight: torch.Tensor,
    offset: torch.Tensor | None,
    penalty: torch.Tensor | None,
    shape: torch.Size,
) -> Derivatives:
    """Gradient (R, S, P) and Hessian (R, S, P, P) as functions of theta, summed over tiles."""
    n_runs, n_settings, n_params = shape
    n_samples = design.shape[-1]
    products = _products(design)
    rows = n_settings if products is not None else n_settings * n_params
    tiles = tiles_of(n_runs, n_samples, max(64, TILE_VALUES // rows), design.device)
    at_once, length = tiles[0][0].stop, min(tiles[0][1].stop, n_samples)
    scratch = design.new_empty(2, at_once, n_settings, length)
    scaled = design.new_empty(at_once, n_settings, n_params, length if products is None else 0)
    by_row = design.mT if products is None else products.mT
    # Views are taken once: in every evaluation of every tile they took as long as the arithmetic.
    views = [
        (
            runs,
            design[runs, :, part],
            design.mT[runs, part],
            by_row[runs, part],
            weight[runs, :, part],
            None if offset is None else offset[runs, :, part],
            *scratch[..., : part.stop - part.start],
            scaled[..., : part.stop - part.start],
        )
        for runs, part in tiles
    ]
    gradient = design.new_empty(shape)
    sums = design.new_empty(n_runs, rows, by_row.shape[-1])
    place = places_of_products(n_params).to(design.device)

    def evaluate(
        theta: torch.Tensor, active: list[bool], curved: list[bool]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        gradient.zero_()
        sums.zero_()
        for runs, x, samples, rows_of, w, o, wrong, pull, room in views:
            if not any(active[runs]):
                continue
            torch.bmm(theta[runs], x, out=wrong)
            if o is not None:
                wrong += o
            torch.sigmoid(wrong, out=wrong)
            torch.mul(w, wrong, out=pull)
            gradient[runs].baddbmm_(pull, samples)
            if not any(curved[runs]):
                continue
            bent = torch.addcmul(pull, pull, wrong, value=-1, out=wrong)
            if products is None:
                bent = torch.mul(x[:, None], bent[:, :, None], out=room).flatten(1, 2)
            sums[runs].baddbmm_(bent, rows_of)
        hessian = sums.view(*shape, n_params) if products is None else sums[..., place]
        if penalty is None:
            return gradient, hessian
        hessian.diagonal(dim1=-2, dim2=-1).add_(penalty)
        return gradient + penalty * theta, hessian

    return evaluate


def _products(design: torch.Tensor) -> torch.Tensor | None:
    """Products of every pair p <= q of parameters' rows, where they are few enough to be kept."""
    n_params = design.shape[1]
    if n_params > PAIRS_UP_TO:
        return None
    products = design.new_empty(len(design), n_params * (n_params + 1) // 2, design.shape[-1])
    products_of(design, products)
    return products


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
        (slice(run, run + 1), slice(first, min(first + size, n_samples)))
        for run in range(n_runs)
        for first in range(0, n_samples, size)
    ]
