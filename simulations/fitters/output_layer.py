r"""Refinement of an output layer on frozen features: its bias alone, or all of it.

Both are convex problems of the objective over the total mass,

.. math:: F(V, b) = \frac{1}{\sum w} \sum_i \lambda_{y_i} \ell(V h_i + b, y_i)
          + \frac{\alpha}{2} \|V\|^2 + \frac{\alpha_b}{2} \|b\|^2 .

In the bias, :math:`\partial F / \partial b_j = (\text{right}_j - \text{left}_j) / \sum w +
\alpha_b b_j`: at its minimum Eq. (8) is exact (E6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from simulations.fitters.newton import SETTLED

LARGEST_MOVE = 2.0
"""Of a bias in one step: sides that differ by a factor of 60 are four of them apart."""

BIAS_TOLERANCE = 1e-13
"""Relative difference of the two sides of every class."""

BIAS_ITERATIONS = 100

LARGEST_SPREAD = 50.0
"""Of a sample's logits, for Newton steps in the bias: where probabilities are zero and one, the
curvature is zero and says nothing of how far to go."""

CONNECTED = 1e-14
"""Of the largest eigenvalue of a scaled Laplacian: below it is a part with no flow to others."""

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


def sides_of_sample(
    logits: torch.Tensor, labels: torch.Tensor, class_share: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Both sides of Eq. (8) on a sample, and the flow between classes.

    No side is a difference: each keeps its digits however close to zero it is.

    Parameters
    ----------
    logits : tensor of float64, shape (n_samples, n_classes)
    labels : tensor of int, shape (n_samples,)
    class_share : tensor, shape (n_classes,)
        λ over the total mass.

    Returns
    -------
    left, right : tensor, shape (n_classes,), over the total mass
    flow : tensor, shape (n_classes, n_classes)
        Sum over all samples of the share times f_j f_k, j ≠ k: minus the Hessian in the bias.
    """
    proba = torch.softmax(logits, dim=1)
    others = proba.clone()
    others.scatter_(1, labels[:, None], 0.0)
    share = class_share[labels]
    missed = share * others.sum(dim=1)
    left = torch.zeros_like(proba).scatter_(1, labels[:, None], missed[:, None]).sum(dim=0)
    right = share @ others
    flow = (proba * share[:, None]).mT @ proba
    flow.fill_diagonal_(0.0)
    return left, right, flow


def refine_bias(
    logits: torch.Tensor,
    labels: torch.Tensor,
    class_share: torch.Tensor,
    bias: torch.Tensor,
    *,
    penalty: float = 0.0,
) -> tuple[torch.Tensor, int]:
    """Solve for the output bias by damped Newton: both sides of Eq. (8) become equal.

    Logits that are far apart are divided first until they are not, and then by less and less.

    Parameters
    ----------
    logits : tensor of float64, shape (n_samples, n_classes)
        Without the bias; every class is present.
    labels : tensor of int, shape (n_samples,)
    class_share : tensor of float64, shape (n_classes,)
        λ over the total mass.
    bias : tensor of float64, shape (n_classes,)
        Where to start; without a penalty its mean is kept, as softmax training keeps it.
    penalty : float
        α_b, of the bias; 0 leaves Eq. (8) exact.

    Returns
    -------
    bias : tensor of float64, shape (n_classes,)
    n_iter : int

    Examples
    --------
    >>> logits = torch.zeros(4, 2, dtype=torch.float64)  # p of class 0 becomes its share, 3/4
    >>> share = torch.full((2,), 0.25, dtype=torch.float64)
    >>> b, _ = refine_bias(logits, torch.tensor([0, 0, 0, 1]), share, logits[0])
    >>> torch.softmax(b, dim=0).round(decimals=12).tolist()
    [0.75, 0.25]
    """
    b, n_iter = bias, 0
    spread = float((logits.amax(dim=1) - logits.amin(dim=1)).max())
    temperature = max(1.0, spread / LARGEST_SPREAD)
    while True:
        b, n = _newton_in_bias(
            logits / temperature, labels, class_share, b / temperature, penalty * temperature
        )
        b, n_iter = b * temperature, n_iter + n
        if temperature == 1:
            return b, n_iter
        temperature = max(1.0, temperature / 4)


def _newton_in_bias(
    logits: torch.Tensor,
    labels: torch.Tensor,
    class_share: torch.Tensor,
    bias: torch.Tensor,
    penalty: float,
) -> tuple[torch.Tensor, int]:
    b = bias.clone()
    best, least, n_iter = b, float("inf"), 0
    while n_iter < BIAS_ITERATIONS:
        n_iter += 1
        left, right, flow = sides_of_sample(logits + b, labels, class_share)
        gradient = right - left + penalty * b
        larger = torch.maximum(torch.maximum(left, right), abs(penalty * b))
        differs = float((gradient.abs() / larger.clamp(min=1e-300)).max())
        if differs < least:
            best, least = b, differs
        elif least < 1e-11:  # rounding
            break
        if differs <= BIAS_TOLERANCE:
            break
        step = _bias_step(gradient, flow, penalty)
        if penalty == 0:
            step -= step.mean()
        b = b + step * min(1.0, LARGEST_MOVE / max(float(step.abs().max()), 1e-300))
    return best, n_iter


def _bias_step(gradient: torch.Tensor, flow: torch.Tensor, penalty: float) -> torch.Tensor:
    """Newton step: a Laplacian, scaled to a diagonal of one; without a penalty one bias is held."""
    diagonal = flow.sum(dim=1) + penalty
    hessian = torch.diag(diagonal) - flow
    free = diagonal > 1e-290  # a class whose probability is zero everywhere does not move
    if penalty == 0:
        free[diagonal.argmax()] = False
    scale = diagonal[free].rsqrt()
    matrix = scale[:, None] * hessian[free][:, free] * scale
    step = torch.zeros_like(gradient)
    if len(scale):
        # By eigenvectors: parts of the classes between which nothing flows are no trouble, and
        # lstsq, which would do, does not give the same bits twice.
        values, vectors = torch.linalg.eigh(matrix)
        kept = values > CONNECTED * values[-1]
        projected = vectors[:, kept].mT @ (scale * gradient[free])
        step[free] = -scale * (vectors[:, kept] @ (projected / values[kept]))
    return step


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
    scale = scale.clamp(min=1e-6 * float(scale.max()))  # features that are always zero
    design = torch.cat([features / scale, torch.ones_like(features[:, :1])], dim=1)
    target = torch.zeros(len(labels), len(class_share), dtype=design.dtype, device=design.device)
    target.scatter_(1, labels[:, None], share[:, None])
    moments = target.mT @ design
    single = design.float()
    ridge = torch.cat([penalty / scale**2, scale.new_tensor([bias_penalty])])

    def value(theta: torch.Tensor) -> float:
        z = design @ theta.mT
        nll = torch.logsumexp(z, dim=1) - z.gather(1, labels[:, None])[:, 0]
        return float(share @ nll + 0.5 * (ridge * theta**2).sum())

    theta = torch.cat([weight * scale, bias[:, None]], dim=1)
    unpenalised = penalty == 0 and bias_penalty == 0
    norm, last_move, loss, n_iter = float("inf"), float("inf"), value(theta), 0
    at_zero = value(torch.zeros_like(theta))
    if at_zero < loss:  # far from where the data would have it, and without curvature there
        theta, loss = torch.zeros_like(theta), at_zero
    while True:
        n_iter += 1
        logits = design @ theta.mT
        separated = unpenalised and bool((logits.argmax(dim=1) == labels).all())
        proba = torch.softmax(logits, dim=1)
        gradient = (proba * share[:, None]).mT @ design - moments + ridge * theta
        norm = float(gradient.norm())
        settled = norm <= HEAD_TOLERANCE and last_move <= SETTLED
        if separated or settled or n_iter > HEAD_ITERATIONS:
            break
        step = _newton_step(single, proba.float(), share.float(), ridge.float(), gradient.float())
        step = step.double()
        slope = float((step * gradient).sum())
        last_move = float((design @ step.mT).abs().max())
        size = min(1.0, LARGEST_LOGIT_MOVE / max(last_move, 1e-300))
        for _ in range(HALVINGS):
            found = value(theta + size * step)
            if found <= loss + 1e-4 * size * slope + ROUNDING * loss:
                break
            size /= 2
        else:
            break
        theta, loss = theta + size * step, found
    refined = theta[:, :-1] / scale
    if separated:
        return Refined(refined, theta[:, -1], norm, n_iter, False, separated)
    b, _ = refine_bias(
        features @ refined.mT, labels, class_share, theta[:, -1], penalty=bias_penalty
    )
    return Refined(refined, b, norm, n_iter, settled, separated)


def _newton_step(
    design: torch.Tensor,
    proba: torch.Tensor,
    share: torch.Tensor,
    ridge: torch.Tensor,
    gradient: torch.Tensor,
) -> torch.Tensor:
    """Newton step by preconditioned conjugate gradients, in single precision throughout.

    Every step is inexact; the gradient that it starts from is not, so that only the number of steps
    is at stake.
    """
    factors = _class_factors(design, proba, share, ridge)

    def curvature(direction: torch.Tensor) -> torch.Tensor:
        pulled = proba * (design @ direction.mT)
        pulled -= proba * pulled.sum(dim=1, keepdim=True)
        pulled *= share[:, None]
        return pulled.mT @ design + ridge * direction

    def preconditioned(residual: torch.Tensor) -> torch.Tensor:
        return torch.cholesky_solve(residual[:, :, None], factors)[:, :, 0]

    norm = float(gradient.norm())
    enough = max(LEAST_ACCURACY, min(0.1, np.sqrt(norm)))
    step, residual = torch.zeros_like(gradient), -gradient / norm
    direction = preconditioned(residual)
    square = float((residual * direction).sum())
    for _ in range(INNER_ITERATIONS):
        bent = curvature(direction)
        along = float((direction * bent).sum())
        if not along > 0:
            break
        step = step + (square / along) * direction
        residual = residual - (square / along) * bent
        if float(residual.norm()) <= enough:
            break
        nearer = preconditioned(residual)
        before, square = square, float((residual * nearer).sum())
        direction = nearer + (square / before) * direction
    return step * norm


def _class_factors(
    design: torch.Tensor, proba: torch.Tensor, share: torch.Tensor, ridge: torch.Tensor
) -> torch.Tensor:
    """Cholesky factors of the Hessian's diagonal blocks, (n_classes, P, P).

    With them a step takes 20 to 60 iterations; with whitened features as many thousands.
    """
    blocks = []
    for f in proba.mT:
        bend = share * f * (1 - f)
        rows = bend > NOTICED * bend.max()
        part = design[rows] * bend[rows].sqrt()[:, None]
        block = part.mT @ part
        rounding = 4 * torch.finfo(block.dtype).eps * block.diagonal().sum()
        block.diagonal().add_(ridge + rounding + torch.finfo(block.dtype).tiny)
        blocks.append(block)
    return torch.linalg.cholesky(torch.stack(blocks))
