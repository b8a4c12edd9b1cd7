"""Class-weighted softmax regression, batched over replications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument, instance_of
from learnprop.equations.arrays import FloatArray, IntArray, as_whole
from learnprop.equations.leave_one_out.logits import left_out_softmax_logits
from learnprop.simulations.fitters.fit import (
    Fit,
    check_enough,
    check_linear,
    check_rngs,
    check_samples,
)
from learnprop.simulations.fitters.fitter import one_fit, regression_memory
from learnprop.simulations.fitters.left_out import refined, samples_to_refine
from learnprop.simulations.fitters.objective import PLAIN, Objective, training_set
from learnprop.simulations.fitters.regression import (
    Attempt,
    Standardised,
    in_units,
    newton_status,
    norm_in,
    penalty_in,
    refit_outliers,
    standardise,
    with_separated,
)
from learnprop.simulations.generators import large_sample_limit
from learnprop.simulations.minimisation.newton import SETTLED, NoMinimum
from learnprop.simulations.minimisation.separation import separation_of
from learnprop.simulations.minimisation.softmax_loss import (
    SoftmaxLoss,
    loss_at,
    moments_of,
)
from learnprop.simulations.minimisation.softmax_minimum import minimise_softmax


def fit_softmax(
    X: ArrayLike,
    y: ArrayLike,
    class_weight: ArrayLike,
    *,
    objective: Objective = PLAIN,
    refine: str | None = None,
    rngs: Sequence[np.random.Generator] | None = None,
    device: str = "cpu",
    max_iter: int = 100,
) -> Fit:
    r"""Weighted softmax regression for every replication and every λ setting.

    Minimises Eq. (1), or what `objective` makes of it, to a gradient norm of 1e-12 of the total
    mass by Newton's method, in standardised features unless the bias is penalised, which an origin
    matters to. A constant may be added to the logits of all classes; the parameters returned sum
    to zero over the classes. A penalty is in the units of the features and of the loss L, on the
    coefficients of all K logits: scikit-learn's 1 / C, of three classes or more.

    Parameters
    ----------
    X : array_like, shape (n_runs, n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 .. n_classes-1
    class_weight : array_like, shape (n_settings, n_classes)
    objective : Objective
    refine : {"loo"}, optional
        Move the intercepts to where the leave-one-out predictions balance, instead of those of the
        sample itself (`loo_stage`): overfitting then leaves Eq. (9) true on fresh data. Of the
        plain loss, with or without a penalty on the coefficients. Of the result, ``loss``,
        ``bias_gradient`` and ``status`` are then those of the left-out predictions (`Fit`).
    rngs : sequence of numpy.random.Generator, optional
        One per replication, where the objective draws.
    device : {"cpu", "cuda", "auto"}
    max_iter : int
        Newton iterations, halvings included; few of them are early stopping.

    Returns
    -------
    Fit
        Parameters have shape (n_runs, n_settings, n_classes, n_features + 1), intercept last.
        Status "separated" where the loss has no minimum; those coefficients mean nothing.

    Raises
    ------
    ValueError
        If an argument does not fit (see `check_samples`) or, without a penalty,
        n_samples <= n_features + 1.

    Examples
    --------
    >>> X, y = np.array([[[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]]), [0, 1, 0, 2, 1, 2]
    >>> fit = fit_softmax(X, y, [[1.0, 1.0, 1.0]])
    >>> fit.status.tolist(), bool(fit.gradient_norm.max() <= 1e-12)
    ([['converged']], True)
    >>> fit.params.sum(axis=2).round(12).tolist()  # identified by a sum of zero over classes
    [[[0.0, 0.0]]]
    """
    data = check_samples(X, y, class_weight, device)
    n_runs, n_samples, n_features = data.features.shape
    max_iter = as_whole(max_iter, "max_iter", 0)
    instance_of(objective, "objective", Objective, "Objective(smoothing=0.1)")
    if refine is not None and replace(objective, weight_penalty=0.0) != PLAIN:
        said = (
            "is of the plain loss and its `weight_penalty`: of another objective nobody knows the"
        )
        raise BadArgument("refine", f"{said} leave-one-out logits")
    to_refine = samples_to_refine(refine, X, y, class_weight)
    if rngs is not None:
        check_rngs(rngs, n_runs)
    if not objective.is_penalised:
        check_enough(n_samples, n_features + 1)
    rows = training_set(objective, data, rngs)
    features = torch.as_tensor(rows.features.mT.copy(), device=data.device)
    by = standardise(features, centred=objective.fit_bias)
    if objective.bias_penalty:
        by = Standardised(features, torch.zeros_like(by.centre), torch.ones_like(by.spread))
    has_minimum = objective.weight_penalty > 0 or objective.smoothing > 0

    def support(run: int) -> tuple[IntArray, IntArray]:
        """Classes, and samples that are of them: a mixed sample is of two."""
        of_class, sample = np.nonzero(rows.target[run if len(rows.target) > 1 else 0, 0] > 0)
        return of_class, sample

    def samples_of(run: int) -> tuple[FloatArray, IntArray]:
        of_class, sample = support(run)
        return rows.features[run][sample], of_class

    intercept = objective.fit_bias and objective.bias_penalty == 0
    separated = separation_of(samples_of, intercept=intercept)

    def no_minimum(flat: torch.Tensor, searching: torch.Tensor, in_full: bool) -> torch.Tensor:
        hopeless = torch.zeros_like(searching)
        theta = flat.unflatten(2, (data.class_weight.shape[1], -1))
        if not objective.fit_bias:
            theta = torch.nn.functional.pad(theta, (0, 1))
        params = in_units(theta, by).cpu().numpy()
        for run in searching.any(dim=1).nonzero()[:, 0].tolist():
            z = theta[run, ..., :-1] @ by.features[run] + theta[run, ..., -1:]
            logits = z.cpu().numpy()
            of_class, sample = support(run)
            best = logits.max(axis=1)[:, sample]
            right = (logits[:, of_class, sample] >= best).all(axis=-1)
            if right.any() or in_full:
                hopeless[run] = separated(run, params[run, right | in_full], in_full)
        return hopeless

    attempt = _attempt(
        rows.target,
        data.mass,
        objective,
        by,
        by,
        no_minimum=None if has_minimum else no_minimum,
        max_iter=max_iter,
    )
    if not objective.bias_penalty:

        def again(run: int, columns: Standardised) -> Attempt:
            unit = Standardised(features, by.centre[run : run + 1], by.spread[run : run + 1])
            target = rows.target[run : run + 1] if len(rows.target) > 1 else rows.target
            return _attempt(target, data.mass, objective, columns, unit, max_iter=max_iter)

        attempt = refit_outliers(attempt, features, by, again, centred=objective.fit_bias)
    fit = attempt.fit
    if not has_minimum:
        fit = with_separated(attempt, lambda run: separated(run, attempt.fit.params[run], True))
    return refined(
        fit, to_refine, softmax_logits, partial(left_out_softmax, l2=objective.weight_penalty)
    )


def _attempt(
    target: FloatArray,
    mass: FloatArray,
    objective: Objective,
    by: Standardised,
    unit: Standardised,
    *,
    no_minimum: NoMinimum | None = None,
    max_iter: int,
) -> Attempt:
    """Fit in the columns `by`; the gradient's norm is that in those of `unit`."""
    design = by.features
    if objective.fit_bias:
        design = torch.cat([design, torch.ones_like(design[:, :1])], dim=1)
    loss = softmax_loss(design, target, mass, _penalty_in(by, objective, mass))
    if by is not unit:
        shares = torch.as_tensor(target / mass[:, None, None], device=design.device)
        loss = replace(loss, target=shares)
    start = torch.zeros_like(loss.target_moments)
    found = minimise_softmax(
        loss,
        start,
        own_ridge=by is not unit or objective.weight_penalty > 0,
        no_minimum=no_minimum,
        from_discriminant=by is unit and objective.fit_bias,
        max_iter=max_iter,
    )
    theta, gradient, norm = found.theta, found.gradient, found.gradient_norm
    if not objective.fit_bias:
        theta, gradient = (torch.nn.functional.pad(t, (0, 1)) for t in (theta, gradient))
    if by is not unit:
        norm = norm_in(unit, gradient, norm, by)
    params = in_units(theta, by).cpu().numpy()
    params -= params.mean(axis=2, keepdims=True)  # rounding, of the order of 1e-13
    fit = Fit(
        params=params,
        loss=loss_at(loss, found.theta).cpu().numpy() * mass,
        gradient_norm=norm.cpu().numpy(),
        bias=params[..., -1],
        bias_gradient=gradient[..., -1].cpu().numpy(),
        n_iter=found.n_iter.cpu().numpy(),
        status=newton_status(norm, found.near_move),
    )
    return Attempt(fit, found.last_move.cpu().numpy() <= SETTLED)


def _penalty_in(by: Standardised, objective: Objective, mass: FloatArray) -> torch.Tensor:
    """Penalty of an objective in the columns `by`, (n_runs, n_settings, n_params)."""
    penalty = penalty_in(by, objective.weight_penalty, mass)
    if not objective.fit_bias:
        return penalty[..., :-1]
    penalty[..., -1] = torch.as_tensor(objective.bias_penalty / mass, device=penalty.device)
    return penalty


def softmax_loss(
    design: torch.Tensor, target: FloatArray, mass: FloatArray, penalty: torch.Tensor
) -> SoftmaxLoss:
    """Lay the loss of a target mass out, divided by the total mass of the plain loss.

    Parameters
    ----------
    design : tensor, shape (n_runs, n_params, n_samples)
        The row of ones last, if the objective has a bias.
    target : ndarray, shape (n_runs or 1, n_settings, n_classes, n_samples)
    mass : ndarray, shape (n_settings,)
    penalty : tensor, shape (n_runs, n_settings, n_params)
        Over the total mass.

    Returns
    -------
    SoftmaxLoss
    """
    shares = torch.as_tensor(target / mass[:, None, None], device=design.device)
    return SoftmaxLoss(
        design=design,
        sample_mass=shares.sum(dim=2).expand(len(design), -1, -1),
        target_moments=moments_of(shares.expand(len(design), -1, -1, -1), design),
        penalty=penalty[:, :, None],
    )


def softmax_logits(X: ArrayLike, params: ArrayLike) -> FloatArray:
    """Logits of one data set and a batch of linear models.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
    params : array_like, shape (n_settings, n_classes, n_features + 1)

    Returns
    -------
    ndarray of float64, shape (n_settings, n_samples, n_classes)

    Examples
    --------
    >>> softmax_logits([[2.0]], [[[1.0, 0.5], [-1.0, 0.0]]]).tolist()
    [[[2.5, -2.0]]]
    """
    features, theta = check_linear(X, params, n_axes=3)
    return features @ theta[..., :-1].mT + theta[..., None, :, -1]


def _fit(
    X: ArrayLike, y: ArrayLike, class_weight: ArrayLike, *, l2: float = 0.0, device: str = "cpu"
) -> Fit:
    objective = Objective(weight_penalty=l2)
    return fit_softmax(X, y, class_weight, objective=objective, device=device)


def left_out_softmax(
    X: FloatArray, y: IntArray, params: FloatArray, class_weight: FloatArray, *, l2: float = 0.0
) -> FloatArray:
    """Leave-one-out logits for one data set and fits to it (E13).

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
    y : ndarray of int, shape (n_samples,)
    params : ndarray, shape (n_settings, n_classes, n_features + 1)
    class_weight : ndarray, shape (n_settings, n_classes)
    l2 : float

    Returns
    -------
    ndarray, shape (n_settings, n_samples, n_classes)
    """
    logits = softmax_logits(X, params)
    found = [
        left_out_softmax_logits(X, z, y, weight[y], l2)
        for z, weight in zip(logits, class_weight, strict=True)
    ]
    return np.stack(found) if found else logits


FITTER = one_fit(
    _fit,
    softmax_logits,
    title="softmax regression, Newton's method to a gradient norm of 1e-12 Σw",
    limit=large_sample_limit.SOFTMAX,
    memory=regression_memory(5.5, 8.0, 4.3, joint=True),  # measured
    left_out=left_out_softmax,
)
