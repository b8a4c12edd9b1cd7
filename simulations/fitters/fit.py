"""What every fitter returns, and the checks and weights that every fitter starts with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import as_finite, as_numbers
from learnprop.equations.balance import class_mass
from learnprop.equations.class_weights import check_class_weight
from learnprop.equations.labels import check_labels, class_count
from learnprop.equations.mean_proba import Activation, FloatArray, IntArray
from learnprop.simulations.engine.devices import chosen_device
from learnprop.simulations.generators.generator import check_rng
from learnprop.simulations.records.rows import CONVERGED

LeftOut = Callable[[FloatArray, IntArray, int, NDArray[np.bool_]], FloatArray]
"""``(X, y, run, which) -> logits``, see `Fitted`."""


def last(params: FloatArray) -> FloatArray:
    """The last parameter of each logit, as a view: of linear models the intercept."""
    return params[..., -1]


@dataclass(frozen=True)
class Fitted:
    """A batch of fits under several λ settings, and how to predict with them.

    Attributes
    ----------
    settings : tuple of str
    epoch : int
    stage : str
    fit : Fit
        Of every run of the block.
    logits_of : callable ``(X, params) -> logits``
        Features (n_samples, n_features) and the parameters of several settings of one run; logits
        (n_settings, n_samples) or (n_settings, n_samples, n_classes).
    activation : {"softmax", "sigmoid"}
    samples : mapping of split to name
        Which sample each split is measured on; by default that of its own name.
    left_out : callable ``(X, y, run, which) -> logits``, optional
        What each training sample of a run of the block would be predicted, had it been left out of
        the fit (E13), under the settings of which `which` (n_settings,) is true: logits as those of
        `logits_of`. NaN where that is not known.
    biases_of : callable ``(params) -> view``
        The output biases among the parameters: (...) of one logit, else (..., n_classes).
    """

    settings: tuple[str, ...]
    epoch: int
    stage: str
    fit: Fit
    logits_of: Callable[[FloatArray, FloatArray], FloatArray]
    activation: Activation = "softmax"
    samples: Mapping[str, str] | None = None
    left_out: LeftOut | None = None
    biases_of: Callable[[FloatArray], FloatArray] = last


@dataclass(frozen=True)
class Fit:
    """A batch of fits. Every array has leading shape (n_runs, n_settings).

    Attributes
    ----------
    params : ndarray, shape (n_runs, n_settings, ...)
        As the fitter lays them out; coefficients, intercept last.
    loss : ndarray
        Sum-form loss L, with all that the objective adds to it.
    gradient_norm : ndarray
        Euclidean norm of the gradient in all parameters, over the total mass Σw (regressions: in
        standardised features).
    bias : ndarray, shape (n_runs, n_settings, n_classes)
        Output bias of each class; for one logit of class 1, (0, b).
    bias_gradient : ndarray, shape (n_runs, n_settings, n_classes)
        ∂/∂b of the objective over Σw: the premise of Eq. (8) is that this is zero. Of fits with
        ``refine="loo"`` and of stage "loo" it is of the left-out predictions instead, minus their
        residual of Eq. (9): on the sample itself the bias is no longer at the minimum.
    n_iter : ndarray of int
        Iterations of the training.
    status : ndarray of str
        "converged", "not converged", "separated" (no finite minimiser exists) or "diverged"
        (parameters or gradient are not finite). Of stage "loo", "converged" says that the fit was
        and that its left-out predictions balance.
    """

    params: FloatArray
    loss: FloatArray
    gradient_norm: FloatArray
    bias: FloatArray
    bias_gradient: FloatArray
    n_iter: IntArray
    status: NDArray[np.str_]

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Which fits meet their fitter's criterion, e.g. that of `fit_logistic` or `fit_mlp`."""
        return np.asarray(self.status == CONVERGED)


def of_both_classes(binary: FloatArray) -> FloatArray:
    """Gradient with respect to the biases of both classes, from that of the one logit of class 1.

    Examples
    --------
    >>> of_both_classes(np.array([0.25])).tolist()
    [[-0.25, 0.25]]
    """
    return np.stack([-binary, binary], axis=-1)


@dataclass(frozen=True)
class Samples:
    """Checked data and weights of a batch of fits.

    Attributes
    ----------
    features : ndarray of float64, shape (n_runs, n_samples, n_features)
    labels : ndarray of int64, shape (n_samples,)
    class_weight : ndarray of float64, shape (n_settings, n_classes)
    mass : ndarray of float64, shape (n_settings,)
        Total mass Σw.
    device : torch.device
    """

    features: FloatArray
    labels: IntArray
    class_weight: FloatArray
    mass: FloatArray
    device: torch.device


def check_samples(X: ArrayLike, y: ArrayLike, class_weight: ArrayLike, device: str) -> Samples:
    """Check the arguments that every fitter takes.

    Parameters
    ----------
    X : array_like, shape (n_runs, n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 .. n_classes-1
    class_weight : array_like, shape (n_settings, n_classes)
        Says how many classes there are.
    device : str

    Returns
    -------
    Samples

    Raises
    ------
    ValueError
        If a shape does not fit, X is not finite, a class is absent, a weight is not positive or
        the device is not there.
    """
    features = as_numbers(X, "X")
    if features.ndim != 3:
        raise BadArgument(
            "X", f"must have shape (n_runs, n_samples, n_features), got {features.shape}"
        )
    as_finite(features, "X")
    weight = check_class_weight(class_weight)
    if weight.ndim != 2:
        raise BadArgument(
            "class_weight", f"must have shape (n_settings, n_classes), got {weight.shape}"
        )
    n_classes = weight.shape[1]
    labels = check_labels(y, n_classes, "y")
    if len(labels) != features.shape[1]:
        raise BadArgument("y", f"has {len(labels)} samples, `X` has {features.shape[1]}")
    count = class_count(labels, n_classes)
    if (count == 0).any():
        raise BadArgument("y", f"must hold every one of {n_classes} classes, got {count.tolist()}")
    mass = class_mass(weight, count).sum(axis=1)
    return Samples(features, labels, weight, mass, chosen_device(device))


def check_rngs(rngs: Sequence[np.random.Generator], n_runs: int) -> None:
    """Raise BadArgument unless there is one generator of numpy's for each replication."""
    if not isinstance(rngs, Sequence) or len(rngs) != n_runs:
        raise BadArgument(
            "rngs", f"must hold {n_runs} generators, one per replication, got {shown(rngs)}"
        )
    for rng in rngs:
        check_rng(rng, "rngs")


def check_linear(X: ArrayLike, params: ArrayLike, n_axes: int) -> tuple[FloatArray, FloatArray]:
    """Features and parameters of linear models as float64, if they go together.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
    params : array_like, shape (..., n_features + 1)
    n_axes : int
        Of the parameters.

    Returns
    -------
    X, params : ndarray of float64

    Raises
    ------
    BadArgument
    """
    features, theta = check_features(X), as_numbers(params, "params")
    if theta.ndim != n_axes or theta.shape[-1] != features.shape[1] + 1:
        raise BadArgument(
            "params",
            f"must have {n_axes} axes, the last of n_features + 1 = {features.shape[1] + 1}, got "
            f"shape {theta.shape}",
        )
    return features, theta


def check_features(X: ArrayLike) -> FloatArray:
    """Features of one data set as float64, shape (n_samples, n_features)."""
    features = as_numbers(X, "X")
    if features.ndim != 2:
        raise BadArgument("X", f"must have shape (n_samples, n_features), got {features.shape}")
    return features


def check_enough(n_samples: int, n_params: int) -> None:
    """Raise ValueError where an unpenalised fit has too few samples: n_samples <= n_features + 1.

    Parameters
    ----------
    n_samples : int
    n_params : int
        Of one logit.
    """
    if n_samples <= n_params:
        raise BadArgument(
            "X", f"has {n_samples} samples for {n_params} parameters: an unpenalised fit needs more"
        )


@dataclass(frozen=True)
class Problem:
    """Checked data of a batch of binary fits, as tensors on the device.

    Attributes
    ----------
    design : tensor, shape (n_runs, n_samples, n_features + 1)
        Features and a column of ones.
    sign : tensor, shape (n_samples,)
        +1 for class 0 and -1 for class 1: ``sign * logit`` is the logit of the wrong class.
    weight : tensor, shape (n_settings, n_samples)
        λ of each sample's class, over the total mass.
    mass : ndarray, shape (n_settings,)
        Total mass Σw.
    """

    design: torch.Tensor
    sign: torch.Tensor
    weight: torch.Tensor
    mass: FloatArray


def check_problem(X: ArrayLike, y: ArrayLike, class_weight: ArrayLike, device: str) -> Problem:
    """Check the arguments of a binary fitter and lay them out on the device.

    Parameters
    ----------
    X : array_like, shape (n_runs, n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 and 1
    class_weight : array_like, shape (n_settings, 2)
    device : str

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        As `check_samples`, or if there are more than two classes.
    """
    data = check_samples(X, y, class_weight, device)
    if data.class_weight.shape[1] != 2:
        raise BadArgument(
            "class_weight", f"must have shape (n_settings, 2), got {data.class_weight.shape}"
        )
    weight = np.take(data.class_weight / data.mass[:, None], data.labels, axis=1)
    return Problem(
        design=with_ones(data),
        sign=torch.as_tensor(1.0 - 2.0 * data.labels, device=data.device),
        weight=torch.as_tensor(weight, device=data.device),
        mass=data.mass,
    )


def with_ones(data: Samples) -> torch.Tensor:
    """Features and a column of ones, shape (n_runs, n_samples, n_features + 1), on the device."""
    design = np.concatenate([data.features, np.ones((*data.features.shape[:2], 1))], axis=2)
    return torch.as_tensor(design, device=data.device)
