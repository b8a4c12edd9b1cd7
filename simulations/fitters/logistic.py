"""Class-weighted logistic regression, batched over replications."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.nn.functional import logsigmoid

from learnprop.equations.arrays import FloatArray, IntArray, as_whole
from learnprop.equations.leave_one_out.logits import left_out_logit
from learnprop.simulations.fitters.fit import (
    Fit,
    Problem,
    check_enough,
    check_linear,
    check_problem,
    of_both_classes,
)
from learnprop.simulations.fitters.fitter import one_fit, regression_memory
from learnprop.simulations.fitters.left_out import refined, samples_to_refine
from learnprop.simulations.fitters.regression import (
    Attempt,
    Standardised,
    check_penalty,
    in_units,
    newton_status,
    norm_in,
    penalty_in,
    refit_outliers,
    standardise,
    with_separated,
)
from learnprop.simulations.generators import large_sample_limit
from learnprop.simulations.minimisation.logistic_loss import (
    PAIRS_UP_TO,
    minimise_logistic,
    tiles_of,
)
from learnprop.simulations.minimisation.newton import SETTLED, NoMinimum
from learnprop.simulations.minimisation.separation import separation_of


def fit_logistic(
    X: ArrayLike,
    y: ArrayLike,
    class_weight: ArrayLike,
    *,
    l2: float = 0.0,
    refine: str | None = None,
    device: str = "cpu",
    max_iter: int = 100,
) -> Fit:
    r"""Weighted logistic regression for every replication and every λ setting.

    Minimises Eq. (1) with K = 2, plus :math:`\frac{\alpha}{2} |\beta|^2` of the coefficients but
    not of the intercept, to a gradient norm of 1e-12 of the total mass, in standardised features
    (each centred and divided by its SD). Without a penalty the fit depends neither on their units
    nor on their origin; with one, on their units. `gradient_norm` is that norm.

    Parameters
    ----------
    X : array_like, shape (n_runs, n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 and 1
    class_weight : array_like, shape (n_settings, 2)
    l2 : float
        α, in the units of the features and of the loss L: scikit-learn's 1 / C.
    refine : {"loo"}, optional
        Move the intercepts to where the leave-one-out predictions balance, instead of those of the
        sample itself (`loo_stage`): overfitting then leaves Eq. (9) true on fresh data. Of the
        result, ``loss``, ``bias_gradient`` and ``status`` are then those of the left-out
        predictions (`Fit`).
    device : {"cpu", "cuda", "auto"}
    max_iter : int
        Newton iterations, halvings included; fewer than 24 are early stopping, from zero.

    Returns
    -------
    Fit
        Parameters are the coefficients, then the intercept. Status "separated" where a hyperplane
        separates the classes and there is no penalty; those coefficients mean nothing.

    Raises
    ------
    ValueError
        If an argument does not fit (see `check_problem`), l2 is negative or not finite or, without
        a penalty, n_samples <= n_features + 1.

    Examples
    --------
    >>> X, y = np.array([[[0.0], [1.0], [2.0], [3.0]]]), [0, 1, 0, 1]
    >>> fit = fit_logistic(X, y, [[0.5, 0.5]])
    >>> fit.params.round(6).tolist(), fit.status.tolist()
    ([[[0.908184, -1.362276]]], [['converged']])
    >>> fit_logistic(X, [0, 0, 1, 1], [[1.0, 1.0]], l2=1.0).params.round(6).tolist()
    [[[0.958286, -1.437429]]]
    """
    problem = check_problem(X, y, class_weight, device)
    to_refine = samples_to_refine(refine, X, y, class_weight)
    fit = fit_problem(problem, l2=l2, max_iter=max_iter)
    return refined(fit, to_refine, logistic_logits, partial(left_out_logistic, l2=l2))


def fit_problem(problem: Problem, *, l2: float = 0.0, max_iter: int = 100) -> Fit:
    """Weighted logistic regression of a checked problem, whose weights are those of its samples.

    Parameters
    ----------
    problem : Problem
    l2 : float
    max_iter : int

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If l2 is negative or not finite or, without a penalty, n_samples <= n_features + 1.
    """
    check_penalty(l2)
    n_samples, n_params = problem.design.shape[1:]
    max_iter = as_whole(max_iter, "max_iter", 0)
    if not l2:
        check_enough(n_samples, n_params)
    features = problem.design[..., :-1].mT.contiguous()
    by = standardise(features)
    labels = (problem.sign < 0).cpu().numpy().astype(np.int64)
    separated = separation_of(lambda run: (features[run].mT.cpu().numpy(), labels))

    def no_minimum(theta: torch.Tensor, searching: torch.Tensor, in_full: bool) -> torch.Tensor:
        hopeless = torch.zeros_like(searching)
        params = of_classes(in_units(theta, by))
        for run in searching.any(dim=1).nonzero()[:, 0].tolist():
            logits = (theta[run, :, :-1] @ by.features[run] + theta[run, :, -1:]) * problem.sign
            right = (logits < 0).all(dim=-1).cpu().numpy()
            if right.any() or in_full:
                hopeless[run] = separated(run, params[run, right | in_full], in_full)
        return hopeless

    first = _attempt(
        problem, by, by, l2=l2, no_minimum=None if l2 else no_minimum, max_iter=max_iter
    )

    def again(run: int, columns: Standardised) -> Attempt:
        unit = Standardised(features, by.centre[run : run + 1], by.spread[run : run + 1])
        return _attempt(problem, columns, unit, l2=l2, max_iter=max_iter)

    attempt = refit_outliers(first, features, by, again)
    if l2:
        return attempt.fit
    params = of_classes(torch.as_tensor(attempt.fit.params))
    return with_separated(attempt, lambda run: separated(run, params[run], True))


def of_classes(params: torch.Tensor) -> FloatArray:
    """Parameters of both classes' logits, from those of the logit of class 1.

    Parameters
    ----------
    params : tensor, shape (..., n_params)

    Returns
    -------
    ndarray, shape (..., 2, n_params)
    """
    return torch.stack([torch.zeros_like(params), params], dim=-2).cpu().numpy()


def _attempt(
    problem: Problem,
    by: Standardised,
    unit: Standardised,
    *,
    l2: float,
    no_minimum: NoMinimum | None = None,
    max_iter: int,
) -> Attempt:
    """Fit in the columns `by`; the gradient's norm is that in those of `unit`."""
    n_runs, n_features, n_samples = by.features.shape
    n_params = n_features + 1
    design = by.features.new_empty(n_runs, n_params, n_samples)
    torch.mul(by.features, problem.sign, out=design[:, :-1])
    design[:, -1] = problem.sign
    weight = problem.weight.expand(n_runs, -1, -1)
    start = design.new_zeros(n_runs, len(problem.weight), n_params)
    penalty = penalty_in(by, l2, problem.mass)
    found = minimise_logistic(
        design,
        weight,
        start,
        penalty=penalty if l2 else None,
        own_ridge=by is not unit or l2 > 0,
        no_minimum=no_minimum,
        from_discriminant=by is unit,
        max_iter=max_iter,
    )
    norm = found.gradient_norm
    if by is not unit:
        norm = norm_in(unit, found.gradient, norm, by)
    room = design.new_empty(weight.shape[1:]), torch.empty_like(problem.weight)
    loss = torch.stack(
        [_losses(t, problem.weight, x, room) for t, x in zip(found.theta, design, strict=True)]
    )
    loss += 0.5 * (penalty * found.theta**2).sum(-1)
    params = in_units(found.theta, by).cpu().numpy()
    fit = Fit(
        params=params,
        loss=loss.cpu().numpy() * problem.mass,
        gradient_norm=norm.cpu().numpy(),
        bias=np.stack([np.zeros_like(params[..., -1]), params[..., -1]], axis=-1),
        bias_gradient=of_both_classes(found.gradient[..., -1].cpu().numpy()),
        n_iter=found.n_iter.cpu().numpy(),
        status=newton_status(norm, found.near_move),
    )
    return Attempt(fit, found.last_move.cpu().numpy() <= SETTLED)


def _losses(
    theta: torch.Tensor,
    weight: torch.Tensor,
    x: torch.Tensor,
    room: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """Losses of one run over the total mass, (n_settings,); `room` is for its temporaries.

    Those of each run left holes in the heap. The second is laid out as the weights are, which are
    taken from those of classes sample by sample: the order of sums is theirs.
    """
    terms = torch.mm(theta, x, out=room[0])
    for s, _ in tiles_of(len(terms), x.shape[1], x.shape[1], x.device):
        terms[s] = logsigmoid(-terms[s])
    return -torch.mul(weight, terms, out=room[1]).sum(-1)


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
    features, theta = check_linear(X, params, n_axes=2)
    return np.asarray(theta[:, :-1] @ features.T + theta[:, -1:])


def left_out_logistic(
    X: FloatArray, y: IntArray, params: FloatArray, class_weight: FloatArray, *, l2: float = 0.0
) -> FloatArray:
    """Leave-one-out logits of class 1 for one data set and fits to it (E13).

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
    y : ndarray of int, shape (n_samples,)
    params : ndarray, shape (n_settings, n_features + 1)
    class_weight : ndarray, shape (n_settings, 2)
    l2 : float

    Returns
    -------
    ndarray, shape (n_settings, n_samples)
    """
    return left_out_logit(X, logistic_logits(X, params), y == 1, class_weight[:, y], l2)


MEMORY = regression_memory(7.5, 5.0, 11.0, pairs_up_to=PAIRS_UP_TO)
"""Measured at 1 to 20 features, 3 and 100 settings; that of Hessians at up to 600 features."""

FITTER = one_fit(
    fit_logistic,
    logistic_logits,
    title="logistic regression, Newton's method to a gradient norm of 1e-12 Σw",
    limit=large_sample_limit.LOGISTIC,
    memory=MEMORY,
    left_out=left_out_logistic,
)
