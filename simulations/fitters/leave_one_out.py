"""A user's sample: fits of it, and what each of its samples would be predicted without itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument, one_of, renamed
from learnprop.equations.arrays import FloatArray, IntArray, as_finite
from learnprop.equations.balance import class_mass, gap, left_side, residual, right_side
from learnprop.equations.class_weights import check_class_weight
from learnprop.equations.labels import check_same_index, class_of
from learnprop.equations.leave_one_out.errors import errors_of_prediction, spread_of_models
from learnprop.equations.leave_one_out.influence import (
    influence_on_binary_sides,
    influence_on_sides,
)
from learnprop.equations.mean_proba import Activation
from learnprop.simulations.fitters import FITTERS, PENALTY, FitterLine
from learnprop.simulations.fitters.fit import Fit, Fitted
from learnprop.simulations.fitters.fitter import Batch
from learnprop.simulations.fitters.left_out import check_twice
from learnprop.simulations.fitters.regression import check_penalty
from learnprop.simulations.records.measure import measure
from learnprop.simulations.records.rows import CONVERGED, SEPARATED


@dataclass(frozen=True)
class LeaveOneOut:
    r"""What fits predict of each training sample as of a fresh one, and the gaps that follow.

    Leading axes, here ..., are those of the samples and of the weights that were given: none,
    (n_runs,), (n_settings,) or (n_runs, n_settings). Residual and gap are those of Eq. (9), of P
    with the class mass of the whole sample, and in its unit.

    Attributes
    ----------
    logits : ndarray, shape (..., n_samples) or (..., n_samples, n_classes)
        Of each sample by the fit to all others; of "logistic" the one of class 1.
    mean_proba : ndarray, shape (..., n_classes, n_classes)
        P of these: in expectation that of the population.
    miss_proba : ndarray, shape (..., n_classes)
        ``1 - P[k, k]``, not by subtraction.
    residual, gap : ndarray, shape (..., n_classes)
        As predicted for fresh data. The model itself has a residual of zero on its own sample. A
        gap, and what is said of it, is NaN where its right side is interpolated (`gap`).
    residual_error, gap_error : ndarray, shape (..., n_classes)
        Standard errors of the predictions, as estimates of residual and gap of P *meaned over
        training samples*: what the prediction scatters by from one sample to another. That gap is a
        ratio of mean sides; the mean of the models' gaps is another, by the order of 1/N. To first
        order: in the designs of ``fresh.md`` the scatter was 0.6 to 1.2 times the mean
        `residual_error`, and 0.7 to 1.8 times the mean `gap_error`, which is too small where the
        smallest class has few samples or lies far from the others.
    residual_sd, gap_sd : ndarray, shape (..., n_classes)
        How far residual and gap of *the one model that was fitted*, on all fresh data, scatter
        about the prediction: larger, of the order of N^(-1/2), since no leave-one-out can tell
        which way its own training sample has moved a model.
    accuracy, log_loss : ndarray, shape (..., n_classes)
        Of each class, on average over its left-out samples; the loss in nats, of "one-vs-all" the
        sum over the K outputs.
    fit : Fit
        The fits themselves, with leading axes (n_runs, n_settings) always.
    """

    logits: FloatArray
    mean_proba: FloatArray
    miss_proba: FloatArray
    residual: FloatArray
    gap: FloatArray
    residual_error: FloatArray
    gap_error: FloatArray
    residual_sd: FloatArray
    gap_sd: FloatArray
    accuracy: FloatArray
    log_loss: FloatArray
    fit: Fit

    def __repr__(self) -> str:
        *leading, n_classes = self.gap.shape
        size = f"{self.logits.shape[len(leading)]} samples, {n_classes} classes"
        each = zip(*(a.reshape(-1, n_classes) for a in (self.gap, self.gap_error)), strict=True)
        gaps = [", ".join(map("{:+.1%} ± {:.1%}".format, *fit)) for fit in each]
        more = f"; and {len(gaps) - 3} more" if len(gaps) > 3 else ""
        return f"<LeaveOneOut: {size}; gap {'; '.join(gaps[:3])}{more}>"


def leave_one_out(
    X: ArrayLike,
    y: ArrayLike,
    class_weight: ArrayLike,
    *,
    fitter: str = "logistic",
    penalty: float = 0.0,
    labels: ArrayLike | None = None,
) -> LeaveOneOut:
    r"""Predict the gap of a weighted regression on fresh data, from its training sample alone.

    A model fitted to a minimum satisfies Eq. (9) on its own sample, and not on fresh data: it
    overfits. A sample that was left out of the fit is fresh to it, so that the mean probabilities
    of all samples, each predicted without itself, have the expectation of the population's (E13):
    the gap that a user should expect. Nothing is fitted again: all of them come from the one fit,
    to first order, with an error of the order of 1/N² (`learnprop.equations.leave_one_out.logits`).

    It knows of overfitting alone. What changes P(x|y) between the sample and the data that the
    model is used on is not predicted.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features) or (n_runs, n_samples, n_features)
        Features, also as a DataFrame; without a column of ones.
    y : array_like, shape (n_samples,)
        Labels 0 .. n_classes-1, or strings; with `labels` any of those.
    class_weight : array_like, shape (n_classes,) or (n_settings, n_classes)
        λ.
    fitter : {"logistic", "softmax", "one-vs-all"}
        Logistic regression is of two classes.
    penalty : float
        α of (α/2) Σ coef², added to the weighted sum of losses: scikit-learn's 1 / C (softmax: of
        the coefficients of all K logits). Of separated classes a tiny one is below what a fit
        resolves: misses were right to 3e-5 at 1e-8, to 1 % at 1e-10.
    labels : array_like, shape (n_classes,), optional
        The label of each class, in their order.

    Returns
    -------
    LeaveOneOut

    Raises
    ------
    ValueError
        If an argument does not fit; without a penalty, if there are too few samples or a fit has no
        minimum; if a class has one sample, or a sample alone determines its logits.

    Examples
    --------
    Twelve features and sixty samples of the smaller class, under inverse weights:

    >>> rng, y = np.random.default_rng(0), np.repeat([0, 1], [60, 600])
    >>> X = rng.normal(size=(660, 12)) + 0.5 * y[:, None]
    >>> found = leave_one_out(X, y, [1 / 60, 1 / 600])
    >>> [f"{number[0]:.1%}" for number in (found.gap, found.gap_error, found.gap_sd)]
    ['15.9%', '1.5%', '15.9%']

    The bias that takes the gap back, for the fit that is used from here on:

    >>> from learnprop.simulations.fitters.logistic import fit_logistic
    >>> fit = fit_logistic(X[None], y, [[1 / 60, 1 / 600]], refine="loo")
    >>> (fit.bias[0, 0, 1] - found.fit.bias[0, 0, 1]).round(3).item()
    -0.164
    """
    check_penalty(penalty, "penalty")
    features, weight = _check_shapes(X, class_weight)
    line = _choose(fitter, weight.shape[-1])
    check_same_index(y, X, "y", "X")
    with renamed(y_true="y"):
        classes = class_of(y, weight.shape[-1], labels)
    stack = features if features.ndim == 3 else features[None]
    settings = np.atleast_2d(weight)
    if len(classes) != stack.shape[1]:
        raise BadArgument("y", f"has {len(classes)} samples, `X` has {stack.shape[1]}")
    check_twice(classes, weight.shape[-1])
    names = tuple(f"setting {k}" for k in range(len(settings)))
    batch = Batch(stack, classes, names, list(settings), "cpu", lambda _: [])
    (fitted,) = line.record.fit(batch, l2=penalty)
    found = _of_fits(fitted, batch, penalty)
    leading = (*features.shape[:-2], *weight.shape[:-1])
    arrays = {
        name: np.reshape([one[name] for one in found], (*leading, *found[0][name].shape))
        for name in found[0]
    }
    return LeaveOneOut(**arrays, fit=fitted.fit)


def _check_shapes(X: ArrayLike, class_weight: ArrayLike) -> tuple[FloatArray, FloatArray]:
    features, weight = as_finite(X, "X"), check_class_weight(class_weight)
    if features.ndim not in (2, 3) or 0 in features.shape:
        said = "must have shape (n_samples, n_features) or (n_runs, n_samples, n_features), got"
        raise BadArgument("X", f"{said} {features.shape}")
    if weight.ndim > 2 or not len(weight):
        said = "must have shape (n_classes,) or (n_settings, n_classes), got"
        raise BadArgument("class_weight", f"{said} {weight.shape}")
    return features, weight


def _choose(fitter: str, n_classes: int) -> FitterLine:
    """Line of a regression that is for so many classes."""
    choices = {name: line for name, line in FITTERS.items() if line.parameters is PENALTY}
    line = choices[one_of(fitter, "fitter", choices)]
    if not line.fits(n_classes):
        others = " or ".join(name for name, other in choices.items() if other.fits(n_classes))
        said = f"must be {others}: `class_weight` is of {n_classes} classes, got {fitter!r}"
        raise BadArgument("fitter", said)
    return line


def _of_fits(fitted: Fitted, batch: Batch, penalty: float) -> list[dict[str, FloatArray]]:
    """Fields of each fit's result, run by run."""
    found = []
    settings = np.asarray(batch.values)
    every = np.ones(len(settings), dtype=bool)
    for run, X in enumerate(batch.X):
        for k, status in enumerate(fitted.fit.status[run]):
            _check_status(str(status), _place(batch, run, k))
        assert fitted.left_out is not None
        each = fitted.left_out(X, batch.y, run, every)
        fits = zip(fitted.logits_of(X, fitted.fit.params[run]), each, settings, strict=True)
        for k, (logits, left_out, weight) in enumerate(fits):
            lost = np.isnan(left_out.reshape(len(X), -1)).any(axis=1)
            if lost.any():
                i = int(lost.argmax())
                said = (
                    f"does not say without sample {i}, of class {batch.y[i]}, what its logits are"
                    f"{_place(batch, run, k)}: 1 - h ω p (1 - p) is not positive"
                )
                raise BadArgument("X", said + _WITH_PENALTY * (not penalty))
            found.append(_fields(X, batch.y, weight, logits, left_out, fitted.activation, penalty))
    return found


_WITH_PENALTY = "; with a `penalty` above 0 it would"


def _place(batch: Batch, run: int, setting: int) -> str:
    """Which fit of several it is."""
    of_run = f" in run {run}" if len(batch.X) > 1 else ""
    return of_run + (f" under setting {setting}" if len(batch.settings) > 1 else "")


def _check_status(status: str, place: str) -> None:
    """Refuse a fit that is not at its minimum."""
    if status == SEPARATED:
        said = (
            f"separates the classes{place}, and the loss has no minimum: with a `penalty` above 0"
        )
        raise BadArgument("X", f"{said} it has one")
    if status != CONVERGED:
        raise BadArgument("X", f"has a fit{place} that is {status}: no minimum was reached")


def _fields(
    X: FloatArray,
    y: IntArray,
    weight: FloatArray,
    logits: FloatArray,
    left_out: FloatArray,
    activation: Activation,
    penalty: float,
) -> dict[str, FloatArray]:
    """All but the fit of a `LeaveOneOut` of one fit."""
    measured = measure(y, left_out, activation)
    count, P, miss = measured.class_count, measured.mean_proba, measured.miss_proba
    mass = class_mass(weight, count)
    influence = _influence(X, y, weight[y], logits, activation, penalty)
    sides = left_side(P, mass, miss), right_side(P, mass)
    residual_error, gap_error = errors_of_prediction(influence, y, *sides, mass)
    residual_sd, gap_sd = spread_of_models(P, measured.second_moment, count, mass, miss)
    return {
        "logits": left_out,
        "mean_proba": P,
        "miss_proba": miss,
        "residual": residual(P, mass, miss),
        "gap": gap(P, mass, miss),
        "residual_error": residual_error,
        "gap_error": gap_error,
        "residual_sd": residual_sd,
        "gap_sd": gap_sd,
        "accuracy": np.diagonal(measured.confusion) / count,
        "log_loss": measured.log_loss / count,
    }


def _influence(
    X: FloatArray,
    y: IntArray,
    weight: FloatArray,
    logits: FloatArray,
    activation: Activation,
    penalty: float,
) -> FloatArray:
    """Influence on both sides of each class's equation, (2, n_classes, n_samples)."""
    if logits.ndim == 1:
        return influence_on_binary_sides(X, logits, y == 1, weight, penalty)
    if activation == "softmax":
        return influence_on_sides(X, logits, y, weight, penalty)
    each = [
        influence_on_binary_sides(X, z, y == k, weight, penalty)[:, 1]
        for k, z in enumerate(logits.T)
    ]
    return np.stack(each, axis=1)
