"""Class-weighted logistic regression, batched over replications."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.nn.functional import logsigmoid

from equations.mean_proba import FloatArray
from simulations.fitters.fit import Fit, Problem, check_enough, check_problem, of_both_classes
from simulations.fitters.logistic_loss import minimise_logistic
from simulations.fitters.regression import in_units, newton_status, standardise
from simulations.fitters.separation import is_separated


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
    return fit_problem(check_problem(X, y, class_weight, device), max_iter=max_iter)


def fit_problem(problem: Problem, *, max_iter: int = 100) -> Fit:
    """Weighted logistic regression of a checked problem, whose weights are those of its samples.

    Parameters
    ----------
    problem : Problem
    max_iter : int

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If n_samples <= n_features + 1.
    """
    n_runs, n_samples, n_params = problem.design.shape
    check_enough(n_samples, n_params)
    start = problem.design.new_zeros(n_runs, len(problem.weight), n_params)
    by = standardise(problem.design[..., :-1].mT.contiguous())
    design = torch.cat([by.features, torch.ones_like(by.features[:, :1])], dim=1)
    design.mul_(problem.sign)
    weight = problem.weight.expand(n_runs, -1, -1)
    found = minimise_logistic(design, weight, start, max_iter=max_iter)
    loss = torch.stack(
        [
            -(problem.weight * logsigmoid(-(t @ x))).sum(-1)
            for t, x in zip(found.theta, design, strict=True)
        ]
    )
    params = in_units(found.theta, by).cpu().numpy()

    def separated(run: int) -> bool:
        features = problem.design[run, :, :-1].cpu().numpy()
        return is_separated(features, (problem.sign < 0).cpu().numpy().astype(int))

    return Fit(
        params=params,
        loss=loss.cpu().numpy() * problem.mass,
        gradient_norm=found.gradient_norm.cpu().numpy(),
        bias=np.stack([np.zeros_like(params[..., -1]), params[..., -1]], axis=-1),
        bias_gradient=of_both_classes(found.bias_gradient.cpu().numpy()),
        n_iter=found.n_iter.cpu().numpy(),
        status=newton_status(found.gradient_norm, found.last_move, separated),
    )


def logistic_logits(X: ArrayLike, params: ArrayLike) -> FloatArray:
    """Logits of class 1 for one data set and a batch of linear models.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
    params : array_like, shape (n_settings, n_features + 1)

    Returns
    -------
    ndarray of float64, shape (n_settings, n_samples)

    Examples
    --------
    >>> logistic_logits([[2.0]], [[1.0, 0.5]])
    array([[2.5]])
    """
    theta = np.asarray(params, dtype=np.float64)
    return np.asarray(theta[:, :-1] @ np.asarray(X, dtype=np.float64).T + theta[:, -1:])
