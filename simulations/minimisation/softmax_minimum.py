"""Minimum of many softmax losses at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from learnprop.simulations.minimisation.head_start import HEAD_START_FROM, head_start, in_single
from learnprop.simulations.minimisation.logistic_loss import tiles_of
from learnprop.simulations.minimisation.newton import CERTAIN, SETTLED, NoMinimum, newton
from learnprop.simulations.minimisation.softmax_loss import (
    SoftmaxLoss,
    derivatives_of,
)

COLLINEAR = 1e-4
"""Share of a feature's variance that the features before it leave, up to which there is no head
start: its rounding would choose among coefficients that are as good."""


@dataclass(frozen=True)
class SoftmaxMinimum:
    """Minimisers (n_runs, n_settings, n_classes, n_params), and what is known of them.

    ``gradient`` has the shape of `theta`; the others are (n_runs, n_settings); ``last_move`` is the
    largest change of a logit that one more full step would make, ``near_move`` the same of the
    samples whose probabilities are not yet zero and one; below `SETTLED` they may be bounds.
    """

    theta: torch.Tensor
    gradient: torch.Tensor
    gradient_norm: torch.Tensor
    n_iter: torch.Tensor
    last_move: torch.Tensor
    near_move: torch.Tensor


def minimise_softmax(
    loss: SoftmaxLoss,
    theta: torch.Tensor,
    *,
    own_ridge: bool = False,
    no_minimum: NoMinimum | None = None,
    from_discriminant: bool = False,
    max_iter: int = 100,
) -> SoftmaxMinimum:
    """Minimise a batch of softmax losses by Newton's method.

    Parameters
    ----------
    loss : SoftmaxLoss
    theta : tensor, shape (n_runs, n_settings, n_classes, n_params)
        Where to start; sums to zero over the classes.
    own_ridge : bool
    no_minimum : callable, optional
        See `newton`; its theta is flat.
    from_discriminant : bool
        Whether to get a head start (see `head_start`), where `theta` is zero and the loss has an
        intercept and no `target`.
    max_iter : int
        Evaluations of the gradient.

    Returns
    -------
    SoftmaxMinimum
    """
    shape, zero = theta.shape, theta.flatten(2)

    def curvature(hessian: torch.Tensor) -> torch.Tensor:
        return hessian.diagonal(dim1=-2, dim2=-1)[..., shape[3] - 1 :: shape[3]].sum(dim=-1)

    start, before = zero, torch.zeros(shape[:2], dtype=torch.int64, device=theta.device)
    head = from_discriminant and max_iter >= HEAD_START_FROM
    if head:
        single = _in_single(loss)
        start, before = head_start(
            derivatives_of(single, shape),
            discriminant(single).flatten(2),
            zero,
            curvature=curvature,
            own_ridge=own_ridge,
        )
        of_class = start.view(shape)
        start = (of_class - of_class.mean(dim=2, keepdim=True)).flatten(2)
    found = newton(
        derivatives_of(loss, shape),
        start,
        curvature=curvature,
        own_ridge=own_ridge,
        no_minimum=no_minimum,
        otherwise=zero if head else None,
        max_iter=max_iter,
    )
    theta = found.theta.view(shape)
    last_move, near_move = _moves(loss.design, theta, found.step.view(shape))
    return SoftmaxMinimum(
        theta=theta,
        gradient=found.gradient.view(shape),
        gradient_norm=found.gradient_norm,
        n_iter=found.n_iter + before,
        last_move=last_move,
        near_move=near_move,
    )


def _in_single(loss: SoftmaxLoss) -> SoftmaxLoss:
    return SoftmaxLoss(
        design=loss.design.float(),
        sample_mass=in_single(loss.sample_mass),
        target_moments=loss.target_moments.float(),
        penalty=loss.penalty.float(),
    )


def discriminant(loss: SoftmaxLoss) -> torch.Tensor:
    r"""Linear discriminant of the classes, whose moments are those of the target mass.

    With :math:`\pi_k = \sum_i T_{ik}`, :math:`\mu_k` the mean of class k and :math:`\Sigma` what is
    left of the second moments within classes, :math:`z_k = \mu_k^T \Sigma^{-1} x
    - \frac{1}{2} \mu_k^T \Sigma^{-1} \mu_k + \log \pi_k`: the minimum itself, but for sampling
    errors, of Gaussian classes of one covariance.

    Parameters
    ----------
    loss : SoftmaxLoss
        With an intercept.

    Returns
    -------
    tensor, shape (n_runs, n_settings, n_classes, n_params)
        Sums to zero over the classes; not finite where it does not exist.

    Examples
    --------
    >>> from learnprop.simulations.minimisation.softmax_loss import plain_loss
    >>> x = torch.tensor([[[-2.0, 0.0, 0.0, 2.0], [1.0, 1.0, 1.0, 1.0]]])
    >>> loss = plain_loss(x, torch.tensor([[[0.25, 0.25, 0, 0], [0, 0, 0.25, 0.25]]]))
    >>> discriminant(loss).tolist()  # means -1 and 1, variance 1
    [[[[-1.0, 0.0], [1.0, 0.0]]]]
    """
    share, mean = loss.target_moments[..., -1:], loss.target_moments[..., :-1]
    mean = mean / share
    second = [
        (mass[:, None] * x[:-1]) @ x[:-1].mT
        for mass, x in zip(loss.sample_mass, loss.design, strict=True)
    ]
    within = torch.stack(second) - (share * mean).mT @ mean
    within.diagonal(dim1=-2, dim2=-1).add_(
        loss.penalty.expand_as(loss.target_moments)[:, :, 0, :-1]
    )
    factor, _ = torch.linalg.cholesky_ex(within)
    own = factor.diagonal(dim1=-2, dim2=-1) ** 2 / within.diagonal(dim1=-2, dim2=-1)
    collinear = ~(own > COLLINEAR).all(dim=-1)
    slopes = torch.cholesky_solve(mean.mT, factor).mT
    intercepts = share.log() - 0.5 * (slopes * mean).sum(dim=-1, keepdim=True)
    theta = torch.cat([slopes, intercepts], dim=-1)
    theta = theta.masked_fill(collinear[..., None, None], torch.nan)
    return theta - theta.mean(dim=2, keepdim=True)


def _moves(
    design: torch.Tensor, theta: torch.Tensor, step: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """``last_move`` and ``near_move`` of a `SoftmaxMinimum`.

    No logit moves by more than the step times the largest of each feature; only where that is not
    `SETTLED` it is asked what each does, which takes as long as an evaluation.
    """
    reach = torch.maximum(design.amax(dim=2), -design.amin(dim=2))
    last_move = (step.abs() @ reach[:, None, :, None]).amax(dim=(2, 3))
    near_move = last_move.clone()
    n_settings, n_samples = theta.shape[1], design.shape[-1]
    # One setting at a time on CPU, as in `minimise_logistic`.
    each = tiles_of(n_settings, n_samples, n_samples, theta.device)
    for run in (~(last_move <= SETTLED)).any(dim=1).nonzero()[:, 0].tolist():
        for s, _ in each:
            moves = (step[run, s] @ design[run]).abs_().amax(dim=1)
            lead = -(theta[run, s] @ design[run]).topk(2, dim=1).values.diff(dim=1)[:, 0]
            last_move[run, s] = moves.amax(dim=1)
            near_move[run, s] = moves.masked_fill_(lead > CERTAIN, 0.0).amax(dim=1)
    return last_move, near_move
