r"""Refinement of a whole output layer on frozen features.

A convex problem, over the total mass:

.. math:: F(V, b) = \frac{1}{\sum w} \sum_i \lambda_{y_i} \ell(V h_i + b, y_i)
          + \frac{\alpha}{2} \|V\|^2 + \frac{\alpha_b}{2} \|b\|^2 .
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from learnprop.simulations.minimisation.newton import SETTLED
from learnprop.simulations.refinement.softmax_bias import refine_bias

HEAD_TOLERANCE = 1e-9
"""Gradient norm of the output layer at a finite minimum, as for the small networks."""

HEAD_ITERATIONS = 20
"""Newton iterations. With a penalty about twelve suffice; without one, features of a network that
nearly interpolates need many more, and end at a layer as far out as no training would reach."""

INNER_ITERATIONS = 200
"""Conjugate gradient iterations for one Newton step."""

LARGEST_LOGIT_MOVE = 20.0
"""Of any sample in one step: where there is no curvature left a step would be of any length."""

LEAST_ACCURACY = 1e-4
"""Of a Newton step, relative: what single precision supports."""

HALVINGS = 30

ROUNDING = 1e-14
"""Of a loss, relative: near a minimum a step may be seen to rise by it."""

NOTICED = 1e-3
"""Of the largest curvature of a sample: what is below it is left out of the preconditioner."""


@dataclass(frozen=True)
class Refined:
    """An output layer after refinement.

    Attributes
    ----------
    weight : tensor of float64, shape (n_classes, n_features)
    bias : tensor of float64, shape (n_classes,)
    gradient_norm : float
        Of what was refined, over the total mass.
    n_iter : int
        Evaluations of the gradient.
    settled : bool
        Whether that is a finite minimum.
    separated : bool
        Whether there is none, since the features part the classes: every sample is right. Parted
        but for ties, classes leave no minimum either, which is seen as not settled.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    gradient_norm: float
    n_iter: int
    settled: bool
    separated: bool


def refine_head(
    features: torch.Tensor,
    labels: torch.Tensor,
    class_share: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    *,
    penalty: float = 0.0,
    bias_penalty: float = 0.0,
) -> Refined:
    """Solve for the whole output layer on frozen features by Newton's method, then for its bias.

    Where the features part the classes and there is no penalty, the loss has no minimum, and which
    of the layers that part them is found means nothing: the iterations end, `separated` is true.

    Parameters
    ----------
    features : tensor of float64, shape (n_samples, n_features)
    labels : tensor of int, shape (n_samples,)
    class_share : tensor of float64, shape (n_classes,)
        λ over the total mass.
    weight : tensor of float64, shape (n_classes, n_features)
        Where to start, with `bias`.
    bias : tensor of float64, shape (n_classes,)
    penalty, bias_penalty : float
        α and α_b.

    Returns
    -------
    Refined
        ``gradient_norm`` is in features of unit mean square.

    Examples
    --------
    >>> h = torch.tensor([[0.0], [1.0], [2.0], [3.0]], dtype=torch.float64)
    >>> y, share = torch.tensor([0, 1, 0, 1]), torch.full((2,), 0.25, dtype=torch.float64)
    >>> start = torch.zeros(2, 1, dtype=torch.float64)
    >>> refined = refine_head(h, y, share, start, start[:, 0])
    >>> refined.settled, round(float(refined.weight[1] - refined.weight[0]), 6)  # scikit-learn's
    (True, 0.908184)
    """
    share = class_share[labels]
    scale = (share @ features**2).sqrt()
    scale = torch.maximum(scale, 1e-6 * scale.max())  # features that are always zero
    design = torch.cat([features / scale, torch.ones_like(features[:, :1])], dim=1)
    target = torch.zeros(len(labels), len(class_share), dtype=design.dtype, device=design.device)
    target.scatter_(1, labels[:, None], share[:, None])
    moments = target.mT @ design
    single = design.float()
    ridge = torch.cat([penalty / scale**2, scale.new_full((1,), bias_penalty)])

    def value(theta: torch.Tensor) -> torch.Tensor:
        z = design @ theta.mT
        nll = torch.logsumexp(z, dim=1) - z.gather(1, labels[:, None])[:, 0]
        return share @ nll + 0.5 * (ridge * theta**2).sum()

    theta = torch.cat([weight * scale, bias[:, None]], dim=1)
    unpenalised = penalty == 0 and bias_penalty == 0
    last_move, n_iter = float("inf"), 0
    loss, at_zero = _floats(value(theta), value(torch.zeros_like(theta)))
    if at_zero < loss:  # far from where the data would have it, and without curvature there
        theta, loss = torch.zeros_like(theta), at_zero
    while True:
        n_iter += 1
        logits = design @ theta.mT
        right = (logits.argmax(dim=1) == labels).all()
        proba = torch.softmax(logits, dim=1)
        gradient = (proba * share[:, None]).mT @ design - moments + ridge * theta
        norm, all_right = _floats(gradient.norm(), right)
        separated = unpenalised and bool(all_right) and _apart(design, theta, logits)
        settled = norm <= HEAD_TOLERANCE and last_move <= SETTLED
        if separated or settled or n_iter > HEAD_ITERATIONS:
            break
        step = _newton_step(single, proba.float(), share.float(), ridge.float(), gradient.float())
        step = step.double()
        slope, last_move = _floats((step * gradient).sum(), (design @ step.mT).abs().max())
        size = min(1.0, LARGEST_LOGIT_MOVE / max(last_move, 1e-300))
        for _ in range(HALVINGS):
            found = float(value(theta + size * step))
            if found <= loss + 1e-4 * size * slope + ROUNDING * loss:
                break
            size /= 2
        else:
            break
        theta, loss = theta + size * step, found
    refined = theta[:, :-1] / scale
    if separated:
        return Refined(refined, theta[:, -1], norm, n_iter, False, separated)
    z, start = (features @ refined.mT)[None], theta[None, :, -1]
    (b,), _ = refine_bias(z, labels, class_share[None], start, penalty=bias_penalty)
    return Refined(refined, b, norm, n_iter, settled, separated)


def _floats(*scalars: torch.Tensor) -> list[float]:
    """Scalars on the host, in one copy."""
    found: list[float] = torch.stack([scalar.double() for scalar in scalars]).tolist()
    return found


def _apart(design: torch.Tensor, theta: torch.Tensor, logits: torch.Tensor) -> bool:
    """Whether every sample's largest logit is ahead of all others by more than rounding."""
    first, second = logits.topk(2, dim=1).values.unbind(dim=1)
    rounding = 4 * (design.shape[1] + 2) * torch.finfo(logits.dtype).eps
    size = (design.abs() @ theta.abs().mT).amax(dim=1)
    return bool((first - second > rounding * size).all())


def _newton_step(
    design: torch.Tensor,
    proba: torch.Tensor,
    share: torch.Tensor,
    ridge: torch.Tensor,
    gradient: torch.Tensor,
) -> torch.Tensor:
    """Newton step by preconditioned conjugate gradients, in single precision throughout.

    Every step is inexact; the gradient that it starts from is not, so that only the number of steps
    is at stake. What an iteration says of itself is waited for once.
    """
    factors = _class_factors(design, proba, share, ridge)

    def curvature(direction: torch.Tensor) -> torch.Tensor:
        pulled = proba * (design @ direction.mT)
        pulled -= proba * pulled.sum(dim=1, keepdim=True)
        pulled *= share[:, None]
        return pulled.mT @ design + ridge * direction

    def preconditioned(residual: torch.Tensor) -> torch.Tensor:
        return torch.cholesky_solve(residual[:, :, None], factors)[:, :, 0]

    norm = gradient.norm()
    enough = norm.double().sqrt().clamp(LEAST_ACCURACY, 0.1)
    step, residual = torch.zeros_like(gradient), -gradient / norm
    direction = preconditioned(residual)
    square = (residual * direction).sum().double()
    for _ in range(INNER_ITERATIONS):
        bent = curvature(direction)
        along = (direction * bent).sum().double()
        ahead = step + (square / along) * direction
        residual = residual - (square / along) * bent
        bends, done = _floats(along, residual.norm() <= enough)
        if not bends > 0:
            break
        step = ahead
        if done:
            break
        nearer = preconditioned(residual)
        before, square = square, (residual * nearer).sum().double()
        direction = nearer + (square / before) * direction
    return step * norm


def _class_factors(
    design: torch.Tensor, proba: torch.Tensor, share: torch.Tensor, ridge: torch.Tensor
) -> torch.Tensor:
    """Cholesky factors of the Hessian's diagonal blocks, (n_classes, P, P).

    With them a step takes 20 to 60 iterations; with whitened features as many thousands.
    """
    bends = (share[:, None] * proba * (1 - proba)).mT.contiguous()
    noticed = bends > NOTICED * bends.amax(dim=1, keepdim=True)
    rows_of = noticed.nonzero()[:, 1].split(noticed.sum(dim=1).tolist())
    blocks = []
    for bend, rows in zip(bends, rows_of, strict=True):
        part = design[rows] * bend[rows].sqrt()[:, None]
        block = part.mT @ part
        rounding = 4 * torch.finfo(block.dtype).eps * block.diagonal().sum()
        block.diagonal().add_(ridge + rounding + torch.finfo(block.dtype).tiny)
        blocks.append(block)
    return torch.linalg.cholesky(torch.stack(blocks))
