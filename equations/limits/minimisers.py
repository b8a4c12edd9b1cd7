r"""Minimisers of the population loss of linear models: where fits end as their samples grow.

A distribution is given by one `Quadrature` per class. Parameters of a linear model are one row per
logit: coefficients, then the intercept. Every minimiser satisfies Eq. (9), which is the intercept's
row of the gradient, whether or not the model is true.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from learnprop.equations.limits.quadrature import Quadrature
from learnprop.equations.mean_proba import Activation, FloatArray, proba_from_logits


class NoMinimiser(ValueError):
    """The population loss has no finite minimiser, to float64: the classes do not overlap."""


def with_intercept(nodes: FloatArray) -> FloatArray:
    """Append a column of ones."""
    return np.hstack([nodes, np.ones((len(nodes), 1))])


def standardised(classes: Sequence[Quadrature]) -> tuple[list[Quadrature], FloatArray, FloatArray]:
    """Move and scale the classes together: what linear models find depends on neither.

    Of features far from zero, or in units far from their spread, the sums of Newton's method lose
    the digits that matter.

    Parameters
    ----------
    classes : sequence of K Quadrature

    Returns
    -------
    classes : list of K Quadrature
        Of ``(x - centre) / scale``.
    centre, scale : ndarray of float64, shape (n_features,)
        Mean and standard deviation of a feature where all classes are as likely; a scale of one for
        a feature that is constant.

    Examples
    --------
    >>> rule = Quadrature(np.array([[1e6 - 1], [1e6 + 1]]), np.array([0.5, 0.5]))
    >>> moved, centre, scale = standardised([rule])
    >>> moved[0].nodes.ravel().tolist(), centre.tolist(), scale.tolist()
    ([-1.0, 1.0], [1000000.0], [1.0])
    """
    centre = np.mean([c.mean(c.nodes) for c in classes], axis=0)
    scale = np.sqrt(np.mean([c.mean((c.nodes - centre) ** 2) for c in classes], axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    return [Quadrature((c.nodes - centre) / scale, c.probability) for c in classes], centre, scale


def softmax_minimiser(
    classes: Sequence[Quadrature], mass: ArrayLike, l2: float = 0.0
) -> FloatArray:
    r"""Minimiser of the population loss of weighted softmax regression.

    .. math:: \theta^* = \arg\min_\theta \; \sum_k w_k E_k \Big( \log \sum_j e^{z_j} - z_k \Big)
              + \frac{\alpha}{2} \sum_j |\beta_j - \bar\beta|^2,
              \qquad z_j = \beta_j^T x + b_j, \quad z_0 = 0

    by Newton's method with step halving, to a gradient of 1e-14 of the total mass in standardised
    features. The penalty is the least :math:`\sum_j |\beta_j|^2` of the same probabilities: the
    same vector may be added to every :math:`\beta_j`. For two classes this is logistic regression,
    with a penalty of α/2.

    Parameters
    ----------
    classes : sequence of K Quadrature
        P(x | y = k).
    mass : array_like, shape (n_classes,)
        w = λN.
    l2 : float
        α, in the units of the features; with it the total mass matters.

    Returns
    -------
    ndarray of float64, shape (n_classes, n_features + 1)
        β and b of each logit; those of class 0 are zero.

    Raises
    ------
    NoMinimiser
        If Newton's method does not converge.

    Examples
    --------
    >>> from learnprop.equations.limits.quadrature import standard_normal_quadrature
    >>> rule = standard_normal_quadrature(1, step=0.1)
    >>> classes = [Quadrature(rule.nodes + m, rule.probability) for m in (0.0, 1.0, 3.0)]
    >>> theta = softmax_minimiser(classes, [1.0, 1.0, 1.0])  # z_k = m_k x - m_k² / 2
    >>> (theta.round(9) + 0.0).tolist()
    [[0.0, 0.0], [1.0, -0.5], [3.0, -4.5]]
    """
    w = np.asarray(mass, dtype=np.float64) / np.sum(mass)
    moved, centre, scale = standardised(classes)
    parts = [_without_tails(c) for c in moved]
    X = with_intercept(np.concatenate([c.nodes for c in parts]))
    weight = np.concatenate([w[k] * c.probability for k, c in enumerate(parts)])
    label = np.repeat(np.arange(len(w)), [len(c.nodes) for c in parts])
    row, free = np.arange(len(label)), range(1, len(w))
    # Of |β_j - mean|², and so of the penalty, in the free rows; β = θ / scale.
    from_mean = np.eye(len(free)) - 1 / len(w)
    ridge = np.append(l2 / np.sum(mass) / scale**2, 0.0)

    def logits_at(theta: FloatArray) -> FloatArray:
        # Class by class in memory: sums over classes are three times as fast.
        return np.vstack([np.zeros(len(X)), theta @ X.T]).T

    def loss_of(z: FloatArray, theta: FloatArray) -> float:
        penalty = (from_mean @ theta * theta).sum(axis=0) @ ridge / 2
        # The own logit first: at a loss far below the logits their difference has few digits.
        return float(weight @ logsumexp(z - z[row, label, None], axis=1) + penalty)

    theta = np.zeros((len(free), X.shape[1]))
    z = logits_at(theta)
    loss = loss_of(z, theta)
    for _ in range(100):
        proba = proba_from_logits(z)
        # 1 - p, never by subtraction
        rest = np.stack([np.delete(proba, k, axis=1).sum(axis=1) for k in range(len(w))], axis=1)
        error = proba.copy()
        error[row, label] = -rest[row, label]
        gradient = (weight[:, None] * error[:, 1:]).T @ X + from_mean @ theta * ridge
        hessian = np.empty((*theta.shape, *theta.shape))
        for a in free:
            for b in range(1, a + 1):
                curvature = proba[:, a] * (rest[:, a] if a == b else -proba[:, b])
                block = (X.T * (weight * curvature)) @ X
                block[np.diag_indices_from(block)] += from_mean[a - 1, b - 1] * ridge
                hessian[a - 1, :, b - 1, :] = hessian[b - 1, :, a - 1, :] = block
        try:
            step = np.linalg.solve(hessian.reshape(theta.size, -1), gradient.ravel())
        except np.linalg.LinAlgError:
            break
        step = step.reshape(theta.shape)
        # Without overlap the gradient vanishes on the way to infinity, but the steps do not.
        if np.abs(gradient).max() <= 1e-14 and np.abs(X @ step.T).max() <= 1e-6:
            coef = theta[:, :-1] / scale
            theta = np.column_stack([coef, theta[:, -1] - coef @ centre])
            return np.vstack([np.zeros_like(theta[:1]), theta])
        size, before = 1.0, loss
        while True:
            z = logits_at(theta - size * step)
            loss = loss_of(z, theta - size * step)
            if loss <= before * (1 + 1e-14) or size <= 1e-6:
                break
            size /= 2
        theta = theta - size * step
    raise NoMinimiser("classes do not overlap enough: the population loss has no finite minimiser")


def _without_tails(distribution: Quadrature) -> Quadrature:
    """A product of three rules has most of its nodes in corners that change no digit."""
    kept = distribution.probability > 1e-18
    return Quadrature(distribution.nodes[kept], distribution.probability[kept])


def logistic_minimiser(
    classes: Sequence[Quadrature], mass: ArrayLike, l2: float = 0.0
) -> FloatArray:
    """Minimiser of the population loss of weighted logistic regression.

    Parameters
    ----------
    classes : sequence of 2 Quadrature
        P(x | y = 0) and P(x | y = 1).
    mass : array_like, shape (2,)
        w = λN.
    l2 : float
        α of (α/2) |β|²; with it the total mass matters.

    Returns
    -------
    ndarray of float64, shape (n_features + 1,)
        β, then the intercept b.

    Raises
    ------
    NoMinimiser
        If the classes do not overlap.

    Examples
    --------
    >>> from learnprop.equations.limits.quadrature import standard_normal_quadrature
    >>> rule = standard_normal_quadrature(1)
    >>> classes = [Quadrature(rule.nodes + m, rule.probability) for m in (-1.0, 1.0)]
    >>> logistic_minimiser(classes, [1.0, 1.0]).round(12).tolist()  # the log odds are 2 x
    [2.0, -0.0]
    """
    return softmax_minimiser(classes, mass, of_both_logits(l2))[1]


def of_both_logits(l2: float) -> float:
    """Penalty of two logits ±β/2 that is (α/2) |β|² of their difference."""
    return 2 * l2


def one_vs_all_minimiser(
    classes: Sequence[Quadrature], mass: ArrayLike, l2: float = 0.0
) -> FloatArray:
    """Minimisers of the population losses of one logistic regression per class, against the rest.

    Parameters
    ----------
    classes : sequence of K Quadrature
        P(x | y = k).
    mass : array_like, shape (n_classes,)
        w = λN.
    l2 : float
        α of (α/2) |β|² in each of them; with it the total mass matters.

    Returns
    -------
    ndarray of float64, shape (n_classes, n_features + 1)

    Raises
    ------
    NoMinimiser
        If a class does not overlap with the rest.

    Examples
    --------
    >>> from learnprop.equations.limits.quadrature import standard_normal_quadrature
    >>> rule = standard_normal_quadrature(1)
    >>> classes = [Quadrature(rule.nodes + m, rule.probability) for m in (-1.0, 1.0)]
    >>> one_vs_all_minimiser(classes, [1.0, 1.0])[:, 0].round(12).tolist()
    [-2.0, 2.0]
    """
    w = np.asarray(mass, dtype=np.float64)
    rows = []
    for k, own in enumerate(classes):
        others = [j for j in range(len(classes)) if j != k]
        rest = Quadrature(
            np.concatenate([classes[j].nodes for j in others]),
            np.concatenate([w[j] * classes[j].probability for j in others]) / w[others].sum(),
        )
        rows.append(logistic_minimiser([rest, own], [w[others].sum(), w[k]], l2))
    return np.stack(rows)


def linear_mean_proba(
    classes: Sequence[Quadrature], theta: ArrayLike, activation: Activation = "softmax"
) -> FloatArray:
    """P of a linear model, by quadrature.

    Parameters
    ----------
    classes : sequence of K Quadrature
    theta : array_like, shape (n_features + 1,) or (n_classes, n_features + 1)
        Coefficients, then the intercept: of the log odds of class 1, or of each logit.
    activation : {"softmax", "sigmoid"}
        Of several logits.

    Returns
    -------
    ndarray of float64, shape (n_classes, n_classes)

    Examples
    --------
    >>> from learnprop.equations.limits.quadrature import standard_normal_quadrature
    >>> rule = standard_normal_quadrature(1)
    >>> linear_mean_proba([rule, rule], [0.0, 0.0]).round(12).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    parameters = np.asarray(theta, dtype=np.float64).T
    return np.stack(
        [
            c.mean(proba_from_logits(with_intercept(c.nodes) @ parameters, activation))
            for c in classes
        ]
    )
