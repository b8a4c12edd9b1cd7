r"""The equations of the fixed point of softmax regression, and their Jacobian.

The left-out logits of a sample of class k are :math:`\zeta = b + B m_k + L n`, n standard normal
and :math:`m_k` the mean of the class; u and D are as in `softmax_fields`, with the leverage
:math:`\Gamma = \kappa R`. In sums over classes with their shares π,

.. math::
    0 &= \sum \pi E[u], \qquad B = -R \sum \pi E[u] m^T, \qquad
    L L^T = B B^T + \kappa R \Big( \sum \pi E[u u^T] \Big) R, \\
    R^{-1} &= \sum \pi E[D] = \sum \pi E[u n^T] L^{-1},

the last by Stein's lemma. All derivatives are moments of D too: a change of b, B, L and Γ moves u
by :math:`D (db + dB\, m + dL\, n - d\Gamma\, u)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learnprop.equations.arrays import FloatArray
from learnprop.equations.limits.quadrature import Quadrature
from learnprop.equations.limits.state_evolution.softmax_fields import fields


@dataclass(frozen=True)
class Classes:
    """Shares π and weights ω (K,), means (K, r), contrasts between classes (K, p = K - 1)."""

    share: FloatArray
    weight: FloatArray
    mean: FloatArray
    contrast: FloatArray


@dataclass(frozen=True)
class Order:
    """b (p,), B (p, r), L (p, p) lower triangular, R (p, p) symmetric."""

    bias: FloatArray
    slope: FloatArray
    root: FloatArray
    inverse: FloatArray


@dataclass(frozen=True)
class Moments:
    """Times the share of a class, with v = (1, n, u): E[u v'] and E[D v v'], each per class."""

    first: FloatArray
    second: FloatArray


def flat(order: Order) -> FloatArray:
    """Parameters as one vector; of matrices that are symmetric or triangular, the lower part."""
    low = np.tril_indices(len(order.bias))
    return np.concatenate(
        [order.bias, order.slope.ravel(), order.root[low], order.inverse[low]]
    )


def order_of(vector: FloatArray, like: Order) -> Order:
    """Undo `flat`."""
    low = np.tril_indices(len(like.bias))
    ends = np.cumsum([like.bias.size, like.slope.size, len(low[0])])
    bias, slope, root, inverse = np.split(vector, ends)
    lower, half = np.zeros_like(like.root), np.zeros_like(like.root)
    lower[low], half[low] = root, inverse
    return Order(bias, slope.reshape(like.slope.shape), lower, half + np.tril(half, -1).T)


def left_out_logits(classes: Classes, order: Order, nodes: FloatArray) -> list[FloatArray]:
    """ζ of each class, (n_nodes, p); `nodes` may have fewer columns than L if its last are zero."""
    noise = nodes @ order.root[:, : nodes.shape[1]].T
    return [order.bias + order.slope @ m + noise for m in classes.mean]


def moments_of(
    classes: Classes,
    kappa: float,
    order: Order,
    rule: Quadrature,
    start: list[FloatArray] | None = None,
) -> tuple[Moments, list[FloatArray]]:
    """Moments by quadrature, and the fitted logits of each class, a start for the next time."""
    n_free = len(order.bias)
    constant = np.ones((len(rule.nodes), 1))
    upper = np.triu_indices(1 + 2 * n_free)
    first, second, fitted = [], [], []
    for k, zeta in enumerate(left_out_logits(classes, order, rule.nodes)):
        found = fields(
            zeta,
            kappa * order.inverse,
            classes.contrast,
            k,
            classes.weight[k],
            None if start is None else start[k],
        )
        v = np.hstack([constant, rule.nodes, found.gradient])
        probability = classes.share[k] * rule.probability[:, None]
        first.append(found.gradient.T @ (v * probability))
        pairs = v[:, upper[0]] * (v * probability)[:, upper[1]]
        of_pairs = found.response.reshape(len(v), -1).T @ pairs
        both = np.empty((n_free**2, v.shape[1], v.shape[1]))
        both[:, upper[0], upper[1]] = both[:, upper[1], upper[0]] = of_pairs
        second.append(both.reshape(n_free, n_free, *both.shape[1:]))
        fitted.append(found.fitted)
    return Moments(np.stack(first), np.stack(second)), fitted


@dataclass(frozen=True)
class _Sums:
    """Over classes: E[u], E[u] m', E[u n'], E[u u'], or changes of them."""

    total: FloatArray
    on_means: FloatArray
    on_noise: FloatArray
    square: FloatArray


def _sums(classes: Classes, first: FloatArray) -> _Sums:
    n_free = first.shape[1]
    summed = first.sum(axis=0)
    return _Sums(
        summed[:, 0],
        first[:, :, 0].T @ classes.mean,
        summed[:, 1 : 1 + n_free],
        summed[:, 1 + n_free :],
    )


def _symmetric(matrix: FloatArray) -> FloatArray:
    return (matrix + matrix.T) / 2


def residuals(classes: Classes, kappa: float, order: Order, moments: Moments) -> list[FloatArray]:
    """Left side minus right side of the four equations, matrices whole."""
    sums, R, L = _sums(classes, moments.first), order.inverse, order.root
    return [
        sums.total,
        order.slope + R @ sums.on_means,
        L @ L.T - order.slope @ order.slope.T - kappa * R @ sums.square @ R,
        _symmetric(sums.on_noise @ np.linalg.inv(L)) - np.linalg.inv(R),
    ]


def error_of(order: Order, parts: list[FloatArray]) -> float:
    """Largest residual, relative to the scale of its equation: gradient, logits, their square."""
    L = order.root
    scales = [1.0, np.abs(L).max(), np.abs(L @ L.T).max(), 1 / np.abs(order.inverse).max()]
    return max(float(np.abs(e).max(initial=0.0)) / s for e, s in zip(parts, scales, strict=True))


def as_vector(parts: list[FloatArray]) -> FloatArray:
    """Residuals in the order of `flat`, each equation once."""
    return flat(Order(*parts))


def jacobian(classes: Classes, kappa: float, order: Order, moments: Moments) -> FloatArray:
    """Derivatives of `as_vector` of the residuals in the parameters of `flat`."""
    sums, R, L, B = _sums(classes, moments.first), order.inverse, order.root, order.slope
    n_classes, n_free = len(classes.share), len(L)
    L_inverse, R_inverse = np.linalg.inv(L), np.linalg.inv(R)
    columns = []
    for unit in np.eye(len(flat(order))):
        d = order_of(unit, order)
        in_class = (d.bias + classes.mean @ d.slope.T)[:, :, None]
        in_all = np.hstack([d.root, -kappa * d.inverse])[None].repeat(n_classes, axis=0)
        moved = np.concatenate([in_class, in_all], axis=2)
        change = _sums(classes, np.einsum("kabij,kbi->kaj", moments.second, moved))
        square = change.square + change.square.T
        of_noise = (change.on_noise - sums.on_noise @ L_inverse @ d.root) @ L_inverse
        parts = [
            change.total,
            d.slope + d.inverse @ sums.on_means + R @ change.on_means,
            2 * _symmetric(d.root @ L.T - d.slope @ B.T)
            - kappa * (2 * _symmetric(d.inverse @ sums.square @ R) + R @ square @ R),
            _symmetric(of_noise) + R_inverse @ d.inverse @ R_inverse,
        ]
        columns.append(as_vector(parts))
    assert n_free == len(order.bias)
    return np.stack(columns, axis=1)
