r"""Limits by quadrature: what Table 1 must converge to, and how far 100 runs scatter around it.

A distribution is given by its `Quadrature`: nodes and probabilities per class. From it follow

- the mean and the standard deviation of the left side of Eq. (10) over repeated training and test
  samples of finite size (`predict_logistic_ratio`);
- P of the true posterior under priors proportional to the class mass, the limit of any classifier
  that is rich enough (`posterior_mean_proba`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, softmax

from learnprop.equations.arguments import BadArgument, renamed, shown
from learnprop.equations.balance import binary_ratio, class_mass
from learnprop.equations.class_weights import check_class_count, check_class_weight
from learnprop.equations.limits.minimisers import logistic_minimiser, standardised, with_intercept
from learnprop.equations.limits.quadrature import Quadrature
from learnprop.equations.mean_proba import FloatArray


@dataclass(frozen=True)
class RatioPrediction:
    """Predicted left side of Eq. (10): its limit, and mean and SD over runs of finite size."""

    limit: float
    mean: float
    sd: float


def predict_logistic_ratio(
    classes: Sequence[Quadrature],
    class_weight: ArrayLike,
    train_count: ArrayLike,
    test_count: ArrayLike | None = None,
) -> RatioPrediction:
    r"""Mean and SD over runs of the left side of Eq. (10), for fitted logistic regressions.

    With A the mean of p(1|x) over test class 0 and B the mean of p(0|x) over test class 1, the
    left side is A/B. Training samples of fixed class sizes N_k give an estimator with, to order
    1/N, variance V (the stratified sandwich) and bias β,

    .. math::
        H &= \sum_k w_k E_k[p q\, x x^T], \qquad
        V = H^{-1} \Big( \sum_k N_k \lambda_k^2\, \mathrm{Cov}_k(s) \Big) H^{-1}, \\
        \beta &= H^{-1} \Big( \sum_k N_k \lambda_k^2\, \mathrm{Cov}_k(\partial s, H^{-1} s)
                 - \tfrac12 T : V \Big),

    where s = (p - y) x is the gradient of one sample's loss, ∂s = p q x xᵀ its Hessian, and
    T = Σ w_k E_k[p q (q - p) x⊗x⊗x]. Then

    .. math::
        E[A] &= A + \nabla A^T \beta + \tfrac12 \mathrm{tr}(\nabla^2 A\, V), \qquad
        \mathrm{Var}(A) = \nabla A^T V \nabla A + \mathrm{Var}_0(p) / n_0, \\
        \mathrm{Cov}(A, B) &= \nabla A^T V \nabla B, \\
        E[A/B] &= \frac{A}{B} \Big( 1 + \frac{E[A] - A}{A} - \frac{E[B] - B}{B}
                 + \frac{\mathrm{Var}(B)}{B^2} - \frac{\mathrm{Cov}(A, B)}{AB} \Big), \\
        \mathrm{SD}(A/B)^2 &= \frac{A^2}{B^2} \Big( \frac{\mathrm{Var}(A)}{A^2}
                 + \frac{\mathrm{Var}(B)}{B^2} - 2 \frac{\mathrm{Cov}(A, B)}{AB} \Big).

    To the lowest order in 1/N. The SD is low by about twice the square of SD / limit, relatively:
    by 2 per cent where that is a tenth (the paper's sizes), by 9 where it is a fifth.

    Parameters
    ----------
    classes : sequence of 2 Quadrature
    class_weight : array_like, shape (2,)
        λ.
    train_count : array_like, shape (2,)
        N, the training class sizes.
    test_count : array_like, shape (2,), optional
        Test class sizes; the whole population by default.

    Returns
    -------
    RatioPrediction

    Raises
    ------
    ValueError
        If weights or counts are not positive, or the classes do not overlap.

    References
    ----------
    Sandwich: White (1982), Econometrica 50, 1-25. Second-order bias of an M-estimator: Cox and
    Snell (1968), JRSS B 30, 248-275; here with fixed class sizes, hence within-class covariances.

    Examples
    --------
    >>> from learnprop.equations.limits.quadrature import standard_normal_quadrature
    >>> rule = standard_normal_quadrature(1)
    >>> classes = [Quadrature(rule.nodes + m, rule.probability) for m in (1.25, -1.25)]
    >>> prediction = predict_logistic_ratio(classes, [0.5, 0.5], [1000, 10000], [1000, 1000])
    >>> round(prediction.limit, 9), round(prediction.mean, 2), round(prediction.sd, 2)
    (10.0, 10.08, 0.97)
    """
    weight = check_class_weight(class_weight)
    if weight.shape != (2,):
        raise BadArgument("class_weight", f"must have shape (2,), got {weight.shape}")
    with renamed(class_count="train_count"):
        count = check_class_count(train_count, 2)
    pair = isinstance(classes, Sequence) and len(classes) == 2
    if not pair or not all(isinstance(rule, Quadrature) for rule in classes):
        said = f"must be 2 quadratures, as sim1().quadrature() returns, got {shown(classes)}"
        raise BadArgument("classes", said)
    mass = class_mass(weight, count)
    classes, _, _ = standardised(classes)  # nothing below depends on place and unit
    theta = logistic_minimiser(classes, mass)
    n_parameters = len(theta)
    hessian = np.zeros((n_parameters, n_parameters))
    meat = np.zeros_like(hessian)
    third = np.zeros((n_parameters,) * 3)
    curvature_score = np.zeros((n_parameters,) * 3)  # Σ N λ² Cov(∂s_ij, s_k)
    mean, test_variance = np.empty(2), np.empty(2)
    gradient, second = np.empty((2, n_parameters)), np.empty((2, n_parameters, n_parameters))
    for k, c in enumerate(classes):
        x = with_intercept(c.nodes)
        sign = 1.0 if k == 0 else -1.0
        z = x @ theta
        wrong, right = expit(sign * z), expit(-sign * z)
        xx = x[:, :, None] * x[:, None, :]
        score = sign * wrong[:, None] * x
        score_hessian = (wrong * right)[:, None, None] * xx
        # Under a change of sign of z, p q is even and p q (q - p) is odd.
        skew = sign * wrong * right * (right - wrong)
        centred = score - c.mean(score)
        hessian += mass[k] * c.mean(score_hessian)
        third += mass[k] * c.mean((skew[:, None, None] * xx)[..., None] * x[:, None, None, :])
        scale = count[k] * weight[k] ** 2
        meat += scale * (centred.T * c.probability) @ centred
        curvature_score += scale * c.mean(score_hessian[..., None] * centred[:, None, None, :])
        mean[k] = c.mean(wrong)
        test_variance[k] = c.mean((wrong - mean[k]) ** 2)
        gradient[k] = c.mean(sign * (wrong * right)[:, None] * x)
        second[k] = c.mean((sign * skew)[:, None, None] * xx)
    inverse = np.linalg.inv(hessian)
    variance = inverse @ meat @ inverse
    bias = inverse @ (
        np.einsum("ijk,jk->i", curvature_score, inverse)
        - 0.5 * np.einsum("ijk,jk->i", third, variance)
    )
    shift = (gradient @ bias + 0.5 * np.einsum("kij,ij->k", second, variance)) / mean
    covariance = gradient @ variance @ gradient.T
    if test_count is not None:
        with renamed(class_count="test_count"):
            covariance += np.diag(test_variance / check_class_count(test_count, 2))
    relative = covariance / np.outer(mean, mean)
    limit = mean[0] / mean[1]
    return RatioPrediction(
        limit=float(limit),
        mean=float(limit * (1 + shift[0] - shift[1] + relative[1, 1] - relative[0, 1])),
        sd=float(limit * np.sqrt(relative[0, 0] + relative[1, 1] - 2 * relative[0, 1])),
    )


def posterior_mean_proba(
    classes: Sequence[Quadrature], log_density: Sequence[FloatArray], mass: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    r"""P and the second moments of the true posterior under priors proportional to `mass`.

    .. math:: f_j(x) = \frac{w_j\, g_j(x)}{\sum_k w_k\, g_k(x)}

    with g_k the density of class k. It satisfies Eq. (9) exactly, and detailed balance besides:
    ``diag(w) P`` is symmetric (E7).

    Parameters
    ----------
    classes : sequence of K Quadrature
    log_density : sequence of K arrays, shape (n_nodes, n_classes)
        Log densities of every class at the nodes of class i, up to one constant for all.
    mass : array_like, shape (n_classes,)

    Returns
    -------
    mean_proba : ndarray of float64, shape (n_classes, n_classes)
    second_moment : ndarray of float64, shape (n_classes, n_classes, n_classes)

    Examples
    --------
    >>> from learnprop.equations.limits.quadrature import standard_normal_quadrature
    >>> rule = standard_normal_quadrature(1)
    >>> P, _ = posterior_mean_proba([rule, rule], [np.zeros((len(rule.nodes), 2))] * 2, [1.0, 3.0])
    >>> P.round(12).tolist()
    [[0.25, 0.75], [0.25, 0.75]]
    """
    log_mass = np.log(np.asarray(mass, dtype=np.float64))
    mean, second = [], []
    for c, density in zip(classes, log_density, strict=True):
        proba = softmax(density + log_mass, axis=1)
        mean.append(c.mean(proba))
        second.append((proba.T * c.probability) @ proba)
    return np.stack(mean), np.stack(second)


def predict_fixed_ratio(
    mean_proba: FloatArray, second_moment: FloatArray, test_count: ArrayLike
) -> RatioPrediction:
    r"""Mean and SD over test samples of the left side of Eq. (10), for one *fixed* model.

    The spread of training is not in it: for the true posterior, which is not fitted, this is all
    there is; for a fitted classifier it is the part that test sampling contributes.

    Parameters
    ----------
    mean_proba : ndarray, shape (2, 2)
        Population P of the model.
    second_moment : ndarray, shape (2, 2, 2)
        Its population second moments.
    test_count : array_like, shape (2,)
        Test class sizes.

    Returns
    -------
    RatioPrediction

    Examples
    --------
    >>> P, M = np.array([[0.9, 0.1], [0.2, 0.8]]), np.zeros((2, 2, 2))
    >>> M[0, 1, 1], M[1, 0, 0] = 0.1**2 + 0.04, 0.2**2 + 0.16
    >>> predict_fixed_ratio(P, M, [400, 400])  # relative variances 0.04/0.01/400, 0.16/0.04/400
    RatioPrediction(limit=0.5, mean=0.505, sd=0.07071067811865475)
    """
    n0, n1 = np.asarray(test_count, dtype=np.float64)
    a, b = mean_proba[0, 1], mean_proba[1, 0]
    relative_a = (second_moment[0, 1, 1] - a**2) / n0 / a**2
    relative_b = (second_moment[1, 0, 0] - b**2) / n1 / b**2
    limit = float(binary_ratio(mean_proba))
    return RatioPrediction(
        limit=limit,
        mean=limit * float(1 + relative_b),
        sd=limit * float(np.sqrt(relative_a + relative_b)),
    )
