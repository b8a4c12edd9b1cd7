"""One-vs-all logistic regression: K binary fits, each class against all others."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike

from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.leave_one_out.logits import left_out_logit
from learnprop.simulations.fitters.fit import Fit, Problem, check_samples, with_ones
from learnprop.simulations.fitters.fitter import one_fit
from learnprop.simulations.fitters.left_out import refined, samples_to_refine
from learnprop.simulations.fitters.logistic import MEMORY, fit_problem
from learnprop.simulations.fitters.softmax import softmax_logits
from learnprop.simulations.generators import large_sample_limit
from learnprop.simulations.records.rows import CONVERGED, DIVERGED, NOT_CONVERGED, SEPARATED


def fit_one_vs_all(
    X: ArrayLike,
    y: ArrayLike,
    class_weight: ArrayLike,
    *,
    l2: float = 0.0,
    refine: str | None = None,
    device: str = "cpu",
    max_iter: int = 100,
) -> Fit:
    r"""Weighted one-vs-all logistic regression for every replication and every λ setting.

    .. math:: L = \sum_i \lambda_{y_i} \sum_k \log(1 + e^{\mp z_k(x_i)})
              + \frac{\alpha}{2} \sum_k |\beta_k|^2,

    minus where :math:`y_i = k`: a sample keeps its own class's weight in all K problems, so that
    each output has its own equation (8), and the K of them are independent (E2).

    Parameters
    ----------
    X : array_like, shape (n_runs, n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 .. n_classes-1
    class_weight : array_like, shape (n_settings, n_classes)
    l2 : float
        α, in the units of the features and of the loss L.
    refine : {"loo"}, optional
        Move the intercepts to where the leave-one-out predictions balance, instead of those of the
        sample itself (`loo_stage`): overfitting then leaves Eq. (9) true on fresh data. Of the
        result, ``loss``, ``bias_gradient`` and ``status`` are then those of the left-out
        predictions (`Fit`).
    device : {"cpu", "cuda", "auto"}
    max_iter : int
        Newton iterations of each problem.

    Returns
    -------
    Fit
        Parameters have shape (n_runs, n_settings, n_classes, n_features + 1), intercept last.
        Loss and norms are over all K problems; a fit is as bad as the worst of them.

    Raises
    ------
    ValueError
        If an argument does not fit (see `check_samples`), l2 is negative or not finite or, without
        a penalty, n_samples <= n_features + 1.

    Examples
    --------
    >>> X, y = np.array([[[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]]), [0, 1, 0, 2, 1, 2]
    >>> fit = fit_one_vs_all(X, y, [[1.0, 1.0, 1.0]])
    >>> fit.status.tolist(), fit.params.shape
    ([['converged']], (1, 1, 3, 2))
    """
    data = check_samples(X, y, class_weight, device)
    to_refine = samples_to_refine(refine, X, y, class_weight)
    design = with_ones(data)
    weight = torch.as_tensor(
        (data.class_weight / data.mass[:, None])[:, data.labels], device=data.device
    )
    fits = []
    for k in range(data.class_weight.shape[1]):
        sign = torch.as_tensor(np.where(data.labels == k, -1.0, 1.0), device=data.device)
        problem = Problem(design=design, sign=sign, weight=weight, mass=data.mass)
        fits.append(fit_problem(problem, l2=l2, max_iter=max_iter))
    statuses = np.stack([f.status for f in fits])
    status = np.full(statuses.shape[1:], CONVERGED, dtype=statuses.dtype)
    for worse in (NOT_CONVERGED, SEPARATED, DIVERGED):
        status[(statuses == worse).any(axis=0)] = worse
    params = np.stack([f.params for f in fits], axis=2)
    together = Fit(
        params=params,
        loss=np.sum([f.loss for f in fits], axis=0),
        gradient_norm=np.linalg.norm([f.gradient_norm for f in fits], axis=0),
        bias=params[..., -1],
        bias_gradient=np.stack([f.bias_gradient[..., 1] for f in fits], axis=-1),
        n_iter=np.max([f.n_iter for f in fits], axis=0),
        status=status,
    )
    return refined(
        together, to_refine, softmax_logits, partial(left_out_one_vs_all, l2=l2), "sigmoid"
    )


def left_out_one_vs_all(
    X: FloatArray, y: IntArray, params: FloatArray, class_weight: FloatArray, *, l2: float = 0.0
) -> FloatArray:
    """Leave-one-out logits for one data set and fits to it (E13): of K binary fits.

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
        left_out_logit(X, z, y == k, class_weight[:, y], l2)
        for k, z in enumerate(np.moveaxis(logits, -1, 0))
    ]
    return np.stack(found, axis=-1)


FITTER = one_fit(
    fit_one_vs_all,
    softmax_logits,
    title="one-vs-all logistic regressions, Newton's method, each to 1e-12 Σw",
    activation="sigmoid",
    limit=large_sample_limit.ONE_VS_ALL,
    memory=MEMORY,
    left_out=left_out_one_vs_all,
)
