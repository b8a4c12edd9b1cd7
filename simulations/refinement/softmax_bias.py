r"""Refinement of an output bias: where Eq. (8) is exact, whatever the features (E6).

A convex problem: with F the loss over the total mass and half the squares of the bias times α,
:math:`\partial F / \partial b_j = (\text{right}_j - \text{left}_j) / \sum w + \alpha b_j`.
"""

from __future__ import annotations

import torch

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
    """Newton steps from a start; the best point that was met."""
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
