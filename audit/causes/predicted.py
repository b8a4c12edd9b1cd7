r"""The residual that an explanation predicts, in the stated weights, and the error of what is left.

Where an explanation keeps the stated masses it says the residual itself. One that acts upon other
weights says what P would be to balance: that of the same predictions with a bias b added. In the
flow between classes :math:`F_{jl} = \sum_k a_k E_k f_j f_l` the Laplacian
:math:`L_a = \mathrm{diag}(F 1) - F` is the change of (aP) with the bias; so an imbalance d is taken
away by :math:`L_a^+ d`, and the stated residual changes by :math:`L_w L_a^+ d`.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from learnprop.audit.causes.evidence import Evidence, Fitted
from learnprop.audit.inference.statistics import flow
from learnprop.audit.predictions.record import Kept, Predictions
from learnprop.equations.arrays import FloatArray

MANY = 64
"""Classes of which the bias is found to first order: its Hessian is K by K, per step."""


def predicted_residual(
    fit: Fitted,
    evidence: Evidence,
    predictions: Predictions,
    mass: FloatArray,
    observed: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Predicted residual, and standard error of observed minus predicted, each (n_classes,).

    Parameters
    ----------
    fit : Fitted
    evidence : Evidence
    predictions : Predictions
        Of the sample that the evidence is of.
    mass : ndarray, shape (n_classes,)
        w, as stated.
    observed : ndarray, shape (n_classes,)
        r.

    Returns
    -------
    predicted, error : ndarray of float64, shape (n_classes,)
        An explanation that leaves no imbalance predicts what is observed.
    """
    e, left = fit.explanation, fit.imbalance
    a = e.coefficient(fit.number)
    covariance = evidence.covariance(a)
    if np.allclose(e.mass, mass, rtol=1e-9):
        # PyTorch's smoothing takes the share ε of the stated equation away, ours does not.
        share = 1.0 if np.allclose(a, mass, rtol=1e-9) else 1 - e.smoothing(fit.number)
        return observed - left / share, np.sqrt(np.diagonal(covariance)) / share
    stated = _laplacian(flow(predictions, mass))
    moved = stated @ np.linalg.pinv(_laplacian(flow(predictions, a)), hermitian=True)
    error = np.sqrt(np.maximum(np.diagonal(moved @ covariance @ moved.T), 0))
    if len(mass) > MANY:
        return observed - moved @ left, error
    bias = balancing_bias(predictions.kept, a, left)
    before, after = (_mean_proba(predictions.kept, b) for b in (np.zeros_like(bias), bias))
    return observed + mass @ (before - after), error


def balancing_bias(kept: Kept, mass: FloatArray, imbalance: FloatArray) -> FloatArray:
    r"""Bias b by which :math:`(mP)_j` grows by an imbalance, (n_classes,), its mean zero.

    The minimum of the convex :math:`\sum_i m_{y_i} \omega_i \log \sum_j e^{z_{ij} + b_j} - t b`.

    Parameters
    ----------
    kept : Kept
    mass : ndarray, shape (n_classes,)
        m.
    imbalance : ndarray, shape (n_classes,), summing to zero

    Returns
    -------
    ndarray of float64, shape (n_classes,)

    Examples
    --------
    >>> kept = Kept(np.zeros((2, 2)), np.array([0, 1]), np.ones(2))
    >>> balancing_bias(kept, np.array([0.5, 0.5]), np.array([0.25, -0.25])).round(6).tolist()
    [0.549306, -0.549306]
    """
    weight = mass[kept.classes] * kept.weight
    target = weight @ softmax(kept.logits, axis=1) + imbalance

    def loss(free: FloatArray) -> tuple[float, FloatArray]:
        b = np.append(free, 0.0)
        z = kept.logits + b
        normaliser = logsumexp(z, axis=1, keepdims=True)
        gradient = weight @ np.exp(z - normaliser) - target
        return float(weight @ normaliser[:, 0] - target @ b), gradient[:-1]

    def hessian(free: FloatArray) -> FloatArray:
        proba = softmax(kept.logits + np.append(free, 0.0), axis=1)
        return _laplacian((proba * weight[:, None]).T @ proba)[:-1, :-1]

    # A minimiser that stops at rounding says so, and is there.
    found = minimize(
        loss, np.zeros(len(mass) - 1), jac=True, hess=hessian, method="trust-exact",
        options={"gtol": 1e-9 * float(mass.sum())},
    )  # fmt: skip
    bias = np.append(found.x, 0.0)
    return np.asarray(bias - bias.mean())


def _laplacian(between: FloatArray) -> FloatArray:
    found = -between
    np.fill_diagonal(found, 0.0)
    np.fill_diagonal(found, -found.sum(axis=1))
    return found


def _mean_proba(kept: Kept, bias: FloatArray) -> FloatArray:
    proba = softmax(kept.logits + bias, axis=1) * kept.weight[:, None]
    return np.stack([proba[kept.classes == k].sum(axis=0) for k in range(len(bias))])
