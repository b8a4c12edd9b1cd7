"""Class-weighted logistic regression, batched over replications, and separation."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.optimize import linprog
from torch.nn.functional import logsigmoid

from equations.mean_proba import FloatArray
from simulations.fitters.fit import (
    CONVERGED,
    DIVERGED,
    NOT_CONVERGED,
    SEPARATED,
    Fit,
    check_problem,
)
from simulations.fitters.newton import GRADIENT_TOLERANCE, SETTLED, newton


def is_separated(features: ArrayLike, y: ArrayLike) -> bool:
    r"""Whether a hyperplane separates the classes, completely or quasi-completely.

    Then the unpenalised loss has no finite minimiser. Decided by the linear programme

    .. math:: \max_{|\theta_j| \le 1} \sum_i -s_i x_i^T \theta
              \quad \text{subject to} \quad -s_i x_i^T \theta \ge 0 \text{ for all } i,

    whose optimum is positive exactly for separated data.

    Parameters
    ----------
    features : array_like, shape (n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 and 1

    Returns
    -------
    bool

    References
    ----------
    Albert and Anderson (1984), Biometrika 71, 1-10; the programme: Konis (2007), DPhil thesis,
    University of Oxford.

    Examples
    --------
    >>> is_separated([[0.0], [1.0], [2.0]], [0, 1, 1])
    True
    >>> is_separated([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])
    False
    """
    x = np.asarray(features, dtype=np.float64)
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    oriented = np.column_stack([x, np.ones(len(x))]) * (2 * np.asarray(y) - 1)[:, None]
    tolerances = ("primal_feasibility_tolerance", "dual_feasibility_tolerance")
    answer = linprog(
        -oriented.mean(axis=0),
        A_ub=-oriented,
        b_ub=np.zeros(len(x)),
        bounds=(-1, 1),
        options=dict.fromkeys(tolerances, 1e-10),
    )
    return bool(answer.status == 0 and -answer.fun > 1e-9)


def fit_logistic(
    X: ArrayLike,
    y: ArrayLike,
    class_weight: ArrayLike,
    *,
    device: str = "cpu",
    max_iter: int = 100,
) -> Fit:
    r"""Weighted logistic regression for every replication and every λ setting.

    Minimises Eq. (1) with K = 2, unpenalised, to a gradient norm of 1e-12 of the total mass, in
    standardised features (each centred and divided by its SD): the fit depends neither on their
    units nor on their origin. `gradient_norm` is that norm.

    Parameters
    ----------
    X : array_like, shape (n_runs, n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 and 1
    class_weight : array_like, shape (n_settings, 2)
    device : {"cpu", "cuda", "auto"}
    max_iter : int
        Newton iterations, halvings included.

    Returns
    -------
    Fit
        Parameters are the coefficients, then the intercept. Status "separated" where a hyperplane
        separates the classes; those coefficients mean nothing.

    Raises
    ------
    ValueError
        If an argument does not fit (see `check_problem`) or n_samples <= n_features + 1.

    Examples
    --------
    >>> X, y = np.array([[[0.0], [1.0], [2.0], [3.0]]]), [0, 1, 0, 1]
    >>> fit = fit_logistic(X, y, [[0.5, 0.5]])
    >>> fit.params.round(6).tolist(), fit.status.tolist()
    ([[[0.908184, -1.362276]]], [['converged']])
    """
    problem = check_problem(X, y, class_weight, device)
    n_runs, n_samples, n_params = problem.design.shape
    if n_samples <= n_params:
        raise ValueError(
            f"X has {n_samples} samples for {n_params} parameters: an unpenalised fit needs more"
        )
    start = problem.design.new_zeros(n_runs, len(problem.weight), n_params)
    # In standardised features, so that neither their units nor their origin matter.
    design = problem.design.mT.contiguous()
    features = design[:, :-1]
    centre = features.mean(dim=2, keepdim=True)
    features.sub_(centre)
    spread = torch.linalg.vector_norm(features, dim=2, keepdim=True) / (n_samples - 1) ** 0.5
    spread = torch.where(spread <= 1e-12 * centre.abs(), 1, spread)  # a constant feature
    features.div_(spread)
    design.mul_(problem.sign)
    weight = problem.weight.expand(n_runs, -1, -1)
    result = newton(design, weight, start, max_iter=max_iter)
    slopes = result.theta[..., :-1] / spread.mT
    intercept = result.theta[..., -1:] - (slopes * centre.mT).sum(dim=-1, keepdim=True)
    loss = torch.stack(
        [
            -(problem.weight * logsigmoid(-(t @ x))).sum(-1)
            for t, x in zip(result.theta, design, strict=True)
        ]
    )
    norm, move = result.gradient_norm.cpu().numpy(), result.last_move.cpu().numpy()
    return Fit(
        params=torch.cat([slopes, intercept], dim=-1).cpu().numpy(),
        loss=loss.cpu().numpy() * problem.mass,
        gradient_norm=norm,
        bias_gradient=result.bias_gradient.cpu().numpy(),
        n_iter=result.n_iter.cpu().numpy(),
        status=_status(np.asarray(X), y, norm, move),
    )


def _status(
    features: FloatArray, y: ArrayLike, gradient_norm: FloatArray, last_move: FloatArray
) -> np.ndarray:
    """Status of each fit; the linear programme runs only where Newton did not settle."""
    settled = last_move <= SETTLED
    status = np.where(gradient_norm <= GRADIENT_TOLERANCE, CONVERGED, NOT_CONVERGED)
    status = np.where(np.isfinite(gradient_norm), status, DIVERGED).astype("<U16")
    status[~settled] = NOT_CONVERGED
    for run in np.flatnonzero(~settled.all(axis=1)):
        if is_separated(features[run], y):
            status[run] = SEPARATED
    return status
