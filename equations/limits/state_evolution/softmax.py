r"""State evolution of softmax regression with class weights: K Gaussian classes of one covariance.

Features are :math:`x = \mu_y + g`, g standard normal; n_features / n_samples tends to κ.
Leave one sample out: its logits ζ are normal, its fitted ones z solve

.. math:: z + \Gamma u = \zeta, \qquad u = \omega_y (f(z) - e_y),

Γ being the limit of the blocks of :math:`x^T H^{-1} x`, H the Hessian of the loss of the others
(E13 with a deterministic leverage). The Hessian acts on a feature as N A with
:math:`A = E[du/d\zeta]`, hence :math:`\Gamma = \kappa A^{-1}`. In the directions of the means, the
gradient's rows :math:`\sum_i u_i x_i^T = 0` and Stein's lemma give the slopes
:math:`B = -A^{-1} E[u \mu^T]`; in all others, the slopes are :math:`A^{-1}` times a sum of
independent terms, which adds :math:`\kappa A^{-1} E[u u^T] A^{-1}` to the covariance
:math:`B B^T` of the logits. The intercept's row is :math:`E[u] = 0`: Eq. (9) on the training
sample. `softmax_equations` has all four, and their Jacobian.

The population minimiser, at κ = 0, is known in closed form: the posterior under priors in
proportion to weight times share. From there Newton's method follows the solution to κ.

References
----------
Loureiro, Sicuro, Gerbelot, Pacco, Krzakala, Zdeborová (2021), Learning Gaussian mixtures with
generalised linear models, NeurIPS 34; Mignacco, Krzakala, Lu, Urbani, Zdeborová (2020), ICML;
Sur and Candès (2019), PNAS 116, 14516-14525.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray
from learnprop.equations.limits.quadrature import Quadrature, normal_ball_quadrature
from learnprop.equations.limits.state_evolution.record import StateEvolution, state_of
from learnprop.equations.limits.state_evolution.softmax_equations import (
    Classes,
    Order,
    as_vector,
    error_of,
    flat,
    jacobian,
    left_out_logits,
    moments_of,
    order_of,
    residuals,
)
from learnprop.equations.limits.state_evolution.softmax_fields import Lost, contrasts, fields


@dataclass(frozen=True)
class Rule:
    """Trapezoid rules in K - 1 dimensions: steps, of which the spread of the logits chooses one."""

    finest: float
    coarsest: float
    radius: float
    finest_for_proba: float


RULES = {
    1: Rule(0.01, 0.25, 8.0, 0.01),
    2: Rule(0.1, 0.5, 6.5, 0.02),
    3: Rule(0.25, 0.6, 6.0, 0.15),
    4: Rule(0.55, 0.75, 5.5, 0.45),
    5: Rule(0.85, 0.95, 5.0, 0.7),
}
"""By K - 1. The largest have 50,000 nodes per class, or 150,000 for P, which solves no equation."""

RESOLVED = 5.0
"""Largest SD of a difference of logits, times the step of the rule, that is accepted. Gaps of three
classes at κ = 0.165 were then right to 4e-5 (to 3e-6 at 4, to 8e-4 at 8)."""

ACCEPTED = 1e-3
"""Largest error on the nodes between: gaps were right to about as much."""

SOLVED = 1e-9
"""Largest residual, relative to the scale of its equation."""


def softmax_state(
    kappa: float, class_share: FloatArray, class_weight: FloatArray, means: FloatArray
) -> StateEvolution:
    r"""State evolution of weighted softmax regression on Gaussian classes.

    Parameters
    ----------
    kappa : float
        n_features / n_samples, not negative.
    class_share : ndarray, shape (n_classes,)
        π, shares of the training samples, positive, of sum one.
    class_weight : ndarray, shape (n_classes,)
        λ, positive.
    means : ndarray, shape (n_classes, n_dims)
        In any arrangement, in standard deviations of a feature.

    Returns
    -------
    StateEvolution
        ``error`` is that of the equations on nodes half a step away from those that they were
        solved on: it includes the error of the quadrature.

    Raises
    ------
    BadArgument
        If there are more than six classes, the means lie too far apart for the quadrature, or κ
        is too close to the separability of the classes, or beyond.

    Examples
    --------
    >>> state = softmax_state(
    ...     0.05, np.array([0.9, 0.1]), np.array([1 / 0.9, 10.0]), np.array([[-1.0], [1.0]])
    ... )
    >>> (1 + state.gap[1]).round(3).item(), state.error < 1e-9
    (1.505, True)
    """
    if len(class_share) - 1 not in RULES:
        raise BadArgument(
            "class_share",
            f"must be of at most {1 + max(RULES)} classes, whose logits are integrated over, "
            f"got {len(class_share)}",
        )
    scale = float(class_share @ class_weight)
    classes = Classes(
        class_share, class_weight / scale, _in_their_span(means), contrasts(len(class_share))
    )
    limit = population(classes)
    widest = RESOLVED / _rule(classes).finest
    if spread_of(classes, limit) > widest:
        problem = f"must be at most {widest:.2g} between {len(class_share)} classes"
        raise BadArgument("separation", f"{problem}, got {spread_of(classes, limit):.4g}")
    if kappa == 0:
        order, error = limit, 0.0
    else:
        order, error = polished(classes, kappa, followed(classes, kappa, limit))
    C = classes.contrast
    signal = float((limit.slope**2).sum())
    return state_of(
        kappa=kappa,
        class_share=class_share,
        class_weight=class_weight,
        mean_proba=_mean_proba(classes, order, of_means=kappa == 0),
        inflation=float((order.slope * limit.slope).sum()) / signal if signal else np.nan,
        bias=C @ order.bias,
        logit_mean=(classes.mean @ order.slope.T + order.bias) @ C.T,
        logit_covariance=C @ order.root @ order.root.T @ C.T,
        leverage=C @ order.inverse @ C.T * kappa / scale,
        error=error,
    )


def _in_their_span(means: FloatArray) -> FloatArray:
    """Means around their centroid, (n_classes, rank): other directions hold no signal."""
    left, size, _ = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
    return (left * size)[:, size > 1e-12 * size.max(initial=0.0)]


def _rule(classes: Classes) -> Rule:
    return RULES[len(classes.share) - 1]


def population(classes: Classes) -> Order:
    """Order at κ = 0: the posterior under priors in proportion to weight times share.

    L is then B, of as many columns as the means have dimensions, and zeros.
    """
    C, m = classes.contrast, classes.mean
    n_free, n_dims = C.shape[1], m.shape[1]
    bias = C.T @ (np.log(classes.share * classes.weight) - (m**2).sum(axis=1) / 2)
    slope = C.T @ m
    none = np.zeros((n_free, n_free))
    order = Order(bias, slope, np.pad(slope, ((0, 0), (0, n_free - n_dims))), none)
    _, curvature = _at_start(classes, order)
    try:
        return replace(order, inverse=np.asarray(np.linalg.inv(curvature)))
    except np.linalg.LinAlgError:
        problem = "is too large for float64: there are two classes that do not overlap"
        raise BadArgument("separation", problem) from None


def _at_start(classes: Classes, limit: Order) -> tuple[FloatArray, FloatArray]:
    """E[u u'] and E[D] at κ = 0, where fitted logits are the left-out ones."""
    rule = normal_ball_quadrature(classes.mean.shape[1], 0.8, 5.0)
    square = curvature = np.zeros_like(limit.root)
    for k, zeta in enumerate(left_out_logits(classes, limit, rule.nodes)):
        found = fields(zeta, 0 * limit.root, classes.contrast, k, classes.weight[k])
        u = found.gradient
        square = square + classes.share[k] * (u.T * rule.probability) @ u
        curvature = curvature + classes.share[k] * rule.mean(found.response)
    return square, curvature


def spread_of(classes: Classes, order: Order) -> float:
    """Largest standard deviation of a difference of two logits within a class."""
    of_logits = classes.contrast @ order.root
    return max(float(np.linalg.norm(of_logits - row, axis=1).max()) for row in of_logits)


def _step(classes: Classes, order: Order, resolution: float, coarsest: float) -> float:
    return float(np.clip(resolution / spread_of(classes, order), _rule(classes).finest, coarsest))


def followed(classes: Classes, kappa: float, limit: Order) -> Order:
    """Order at κ to about 1 %, on coarse rules, from κ = 0 in steps: halved where Newton fails."""
    square, _ = _at_start(classes, limit)
    noise = limit.inverse @ square @ limit.inverse
    signal = limit.slope @ limit.slope.T
    order, path, step = limit, [(0.0, spread_of(classes, limit))], kappa
    while (solved := path[-1][0]) < kappa:
        target = min(kappa, solved + step)
        if not solved:
            order = replace(limit, root=np.asarray(np.linalg.cholesky(signal + target * noise)))
        try:
            order = _on_coarse_rules(classes, target, order)
        except (Lost, np.linalg.LinAlgError):
            step = (target - solved) / 2
            if step < 0.05 * max(solved, 0.01 * kappa):
                raise _not_below(kappa, path) from None
        else:
            path.append((target, spread_of(classes, order)))
    return order


def _on_coarse_rules(classes: Classes, kappa: float, order: Order) -> Order:
    """Order at κ, found on ever finer rules until one resolves the logits."""
    while True:
        h = _step(classes, order, RESOLVED / 2, 1.0)
        order = newton(classes, kappa, order, normal_ball_quadrature(len(order.bias), h, 4.5), h)
        spread = spread_of(classes, order)
        if spread * h <= RESOLVED:
            return order
        if spread * _rule(classes).finest > RESOLVED:
            raise Lost


def _not_below(kappa: float, path: list[tuple[float, float]]) -> BadArgument:
    """Refuse κ, with the threshold where the inverse of the spread, going on so, is zero."""
    (before, wide), (solved, wider) = path[-2:] if len(path) > 1 else (path[0], path[0])
    problem = "must be smaller for these classes"
    problem += f": it was solved up to {solved:.3g}" if solved else ", it was not solved near 0"
    if wider > wide:
        at = solved + (solved - before) / (wider / wide - 1)
        problem += f", they become separable at about {at:.2g}"
    return BadArgument("kappa", f"{problem}, got {shown(kappa)}")


def polished(classes: Classes, kappa: float, order: Order) -> tuple[Order, float]:
    """Order on a fine rule, and its error on the nodes between those of the rule."""
    n_free, radius = len(order.bias), _rule(classes).radius
    h = _step(classes, order, 3.0, _rule(classes).coarsest)
    try:
        order = newton(classes, kappa, order, normal_ball_quadrature(n_free, h, radius), h, SOLVED)
    except (Lost, np.linalg.LinAlgError):
        problem = f"is too close to separability to be solved, got {shown(kappa)}"
        raise BadArgument("kappa", problem) from None
    between = normal_ball_quadrature(n_free, h, radius, shift=0.5)
    moments, _ = moments_of(classes, kappa, order, between)
    error = error_of(order, residuals(classes, kappa, order, moments))
    if error > ACCEPTED:
        raise BadArgument("separation", f"is too large for the quadrature: it errs by {error:.1g}")
    return order, error


def newton(
    classes: Classes,
    kappa: float,
    order: Order,
    rule: Quadrature,
    step: float,
    tolerance: float = 1e-5,
) -> Order:
    """Solve the equations at κ on the nodes of a rule.

    Raises
    ------
    Lost
        If that takes more than 20 steps, or leads to logits that the rule does not resolve.
    """
    fitted = None
    for _ in range(20):
        moments, fitted = moments_of(classes, kappa, order, rule, fitted)
        parts = residuals(classes, kappa, order, moments)
        if error_of(order, parts) <= tolerance:
            return order
        move = np.linalg.solve(jacobian(classes, kappa, order, moments), as_vector(parts))
        size = 1.0
        while not _is_order(moved := order_of(flat(order) - size * move, order)):
            size /= 2
            if size < 1e-3:
                raise Lost
        order = moved
        if spread_of(classes, order) * step > 4 * RESOLVED:
            break
    raise Lost


def _is_order(order: Order) -> bool:
    """Whether L is a Cholesky factor, and R positive definite."""
    return bool(order.root.diagonal().min() > 0 and np.linalg.eigvalsh(order.inverse)[0] > 0)


def _mean_proba(classes: Classes, order: Order, *, of_means: bool) -> FloatArray:
    """P on fresh samples; without noise their logits vary in the dimensions of the means alone."""
    rule = _rule(classes)
    h = max(rule.finest_for_proba, min(0.5, 1 / max(spread_of(classes, order), 1.0)))
    n_dims = classes.mean.shape[1] if of_means else len(order.bias)
    fresh = normal_ball_quadrature(n_dims, h, rule.radius + 0.5)
    logits = left_out_logits(classes, order, fresh.nodes)
    return np.stack([fresh.mean(softmax(z @ classes.contrast.T, axis=1)) for z in logits])
