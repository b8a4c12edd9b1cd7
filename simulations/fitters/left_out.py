"""Fits whose bias is refined on left-out predictions: stage "loo"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.balance import class_mass, residual
from learnprop.equations.losses.one_vs_all import equal_log_weights
from learnprop.equations.mean_proba import Activation, FloatArray, IntArray
from learnprop.simulations.fitters.fit import Fit, Fitted, LeftOut, Samples, check_samples
from learnprop.simulations.fitters.fitter import left_out_by
from learnprop.simulations.minimisation.newton import GRADIENT_TOLERANCE
from learnprop.simulations.records.measure import measure
from learnprop.simulations.records.rows import CONVERGED, NOT_CONVERGED
from learnprop.simulations.refinement.sigmoid_bias import refine_sigmoid_bias
from learnprop.simulations.refinement.softmax_bias import refine_bias


def loo_stage(fitted: Fitted, X: ArrayLike, y: IntArray, class_weight: FloatArray) -> Fitted:
    """Move the output biases to where the left-out predictions balance: stage "loo" (E13).

    Fitted as they are, models balance on their own sample and on no other; each predicted without
    itself, the sample stands for a fresh one.

    Parameters
    ----------
    fitted : Fitted
        With ``left_out``.
    X : array_like, shape (n_runs, n_samples, n_features)
    y : ndarray of int, shape (n_samples,)
    class_weight : ndarray, shape (n_settings, n_classes)

    Returns
    -------
    Fitted
        ``bias_gradient`` and ``loss`` are those of the left-out predictions; a fit is "converged"
        where it was and they balance. NaN, and as bad as it was, where a sample cannot be left out.
    """
    assert fitted.left_out is not None
    fit, features = fitted.fit, np.asarray(X, dtype=np.float64)
    moved = {name: np.array(getattr(fit, name)) for name in ("params", "bias", "loss", "status")}
    gradient = np.full_like(fit.bias_gradient, np.nan)
    biases = fitted.biases_of(moved["params"])
    shifts = np.zeros_like(biases)
    mass = class_mass(class_weight, np.bincount(y))
    for run, of_run in enumerate(features):
        usable = np.isin(fit.status[run], (CONVERGED, NOT_CONVERGED))
        z = fitted.left_out(of_run, y, run, usable)
        for setting, logits in zip(np.flatnonzero(usable), z, strict=True):
            at, w = (run, setting), mass[setting]
            if np.isnan(logits).any():
                moved["status"][at] = NOT_CONVERGED
                continue
            shifts[at] = shift = left_out_shift(logits, y, w, fitted.activation)
            balanced = measure(y, logits + shift, fitted.activation)
            biases[at] += shift
            moved["bias"][at] += [0.0, float(shift)] if logits.ndim == 1 else shift
            moved["loss"][at] = (w / balanced.class_count) @ balanced.log_loss
            r = residual(balanced.mean_proba, w, balanced.miss_proba)
            gradient[at] = -r / w.sum()
            if np.abs(gradient[at]).max() > GRADIENT_TOLERANCE:
                moved["status"][at] = NOT_CONVERGED
    none = np.full_like(fit.gradient_norm, np.nan)
    return replace(
        fitted,
        stage="loo",
        fit=replace(fit, **moved, bias_gradient=gradient, gradient_norm=none),
        left_out=_shifted(fitted.left_out, shifts),
    )


def samples_to_refine(
    refine: str | None, X: ArrayLike, y: ArrayLike, class_weight: ArrayLike
) -> Samples | None:
    """Samples that a fit is to be refined on, checked before it is fitted; None for no refinement.

    Parameters
    ----------
    refine : {"loo"}, optional
    X, y, class_weight
        As in `check_samples`.

    Raises
    ------
    BadArgument
        If it is no refinement, or a class has one sample.
    """
    if refine is None:
        return None
    if not (isinstance(refine, str) and refine == "loo"):
        raise BadArgument("refine", f"must be None or 'loo', got {shown(refine)}")
    data = check_samples(X, y, class_weight, "cpu")
    check_twice(data.labels, data.class_weight.shape[1])
    return data


def refined(
    fit: Fit,
    data: Samples | None,
    logits_of: Callable[[FloatArray, FloatArray], FloatArray],
    left_out: Callable[..., FloatArray],
    activation: Activation = "softmax",
) -> Fit:
    """A fit with the intercepts of `loo_stage`, or as it is where there are no samples to refine.

    Parameters
    ----------
    fit : Fit
    data : Samples, optional
    logits_of : callable ``(X, params) -> logits``
    left_out : callable ``(X, y, params, class_weight) -> logits``
    activation : {"softmax", "sigmoid"}

    Returns
    -------
    Fit
    """
    if data is None:
        return fit
    weight = data.class_weight
    names = tuple(f"setting {k}" for k in range(len(weight)))
    known = left_out_by(left_out, fit, weight)
    as_fitted = Fitted(names, 0, "raw", fit, logits_of, activation, left_out=known)
    return loo_stage(as_fitted, data.features, data.labels, weight).fit


def check_twice(y: IntArray, n_classes: int) -> None:
    """Refuse a class of one sample, of which none is left when it is left out, or of none.

    Parameters
    ----------
    y : ndarray of int, shape (n_samples,)
    n_classes : int

    Raises
    ------
    BadArgument
    """
    count = np.bincount(y, minlength=n_classes)
    if count.min() < 2:
        said = f"must hold at least 2 samples of every class to leave one out, got {shown(count)}"
        raise BadArgument("y", said)


def _shifted(left_out: LeftOut, shifts: FloatArray) -> LeftOut:
    def logits(X: FloatArray, y: IntArray, run: int, which: NDArray[np.bool_]) -> FloatArray:
        return left_out(X, y, run, which) + shifts[run][which][:, None]

    return logits


def left_out_shift(
    logits: FloatArray, y: IntArray, mass: FloatArray, activation: Activation = "softmax"
) -> FloatArray:
    """Change of the biases that makes left-out predictions balance.

    Parameters
    ----------
    logits : ndarray, shape (n_samples,) or (n_samples, n_classes)
        Left out.
    y : ndarray of int, shape (n_samples,)
    mass : ndarray, shape (n_classes,)
        w = λN.
    activation : {"softmax", "sigmoid"}

    Returns
    -------
    ndarray, shape () or (n_classes,)
        Of softmax the one that sums to zero.

    Examples
    --------
    >>> shift = left_out_shift(np.zeros(4), np.array([0, 0, 0, 1]), np.array([3.0, 1.0]))
    >>> round(float(np.exp(shift)), 12)
    0.333333333333
    """
    z = np.stack([np.zeros_like(logits), logits], axis=1) if logits.ndim == 1 else logits
    stack, labels = torch.as_tensor(z[None]), torch.as_tensor(y)
    start = torch.zeros(1, z.shape[1], dtype=torch.float64)
    if activation == "sigmoid" and logits.ndim == 2:
        log_mass = np.log(mass)
        found, _ = refine_sigmoid_bias(stack, labels, log_mass, equal_log_weights(log_mass), start)
        return np.asarray(found[0].numpy())
    share = torch.as_tensor(mass / mass.sum() / np.bincount(y))[None]
    bias = refine_bias(stack, labels, share, start)[0][0].numpy()
    return np.asarray(bias[1] - bias[0] if logits.ndim == 1 else bias - bias.mean())
