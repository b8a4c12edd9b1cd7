"""What every fitter returns, and the checks and weights that every fitter starts with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from equations.balance import class_mass
from equations.class_weights import check_class_weight
from equations.mean_proba import FloatArray, IntArray, check_labels, class_count

CONVERGED, NOT_CONVERGED, SEPARATED, DIVERGED = (
    "converged",
    "not converged",
    "separated",
    "diverged",
)
REASONS = {
    SEPARATED: "separated: a hyperplane parts the classes, so the loss has no minimum",
    DIVERGED: "diverged: the loss or a gradient is not finite",
}
"""Why a fit has no model to measure."""


@dataclass(frozen=True)
class Fit:
    """A batch of fits. Every array has leading shape (n_runs, n_settings).

    Attributes
    ----------
    params : ndarray, shape (n_runs, n_settings, n_params)
        Coefficients, intercept last.
    loss : ndarray
        Sum-form loss L.
    gradient_norm : ndarray
        Euclidean norm of the gradient in all parameters, over the total mass Σw (logistic
        regression: in standardised features).
    bias_gradient : ndarray
        abs(∂L/∂b) over Σw: the premise of Eq. (8) is that this is zero.
    n_iter : ndarray of int
        Iterations of the training.
    status : ndarray of str
        "converged", "not converged", "separated" (no finite minimiser exists) or "diverged"
        (parameters or gradient are not finite).
    """

    params: FloatArray
    loss: FloatArray
    gradient_norm: FloatArray
    bias_gradient: FloatArray
    n_iter: IntArray
    status: NDArray[np.str_]

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Which fits meet their fitter's criterion: see `fit_logistic` and `fit_mlp`."""
        return np.asarray(self.status == CONVERGED)


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
        If a shape does not fit, X is not finite, a class is absent, a weight is not positive or
        the device is not there.
    """
    features = np.asarray(X, dtype=np.float64)
    if features.ndim != 3:
        raise ValueError(f"X must have shape (n_runs, n_samples, n_features), got {features.shape}")
    if not np.isfinite(features).all():
        raise ValueError("X holds a number that is not finite")
    labels = check_labels(y, 2, "y")
    if len(labels) != features.shape[1]:
        raise ValueError(f"y has {len(labels)} samples, X has {features.shape[1]}")
    count = class_count(labels, 2)
    if (count == 0).any():
        raise ValueError(f"y must hold both classes, got counts {count.tolist()}")
    weight = check_class_weight(class_weight)
    if weight.ndim != 2 or weight.shape[1] != 2:
        raise ValueError(f"class_weight must have shape (n_settings, 2), got {weight.shape}")
    mass = class_mass(weight, count).sum(axis=1)
    place = check_device(device)
    design = np.concatenate([features, np.ones((*features.shape[:2], 1))], axis=2)
    return Problem(
        design=torch.as_tensor(design, device=place),
        sign=torch.as_tensor(1.0 - 2.0 * labels, device=place),
        weight=torch.as_tensor((weight / mass[:, None])[:, labels], device=place),
        mass=mass,
    )


def check_device(device: str) -> torch.device:
    """Return the torch device called `device`; "auto" is CUDA where there is one.

    Raises
    ------
    ValueError
        If the name is unknown, or CUDA is asked for and absent.

    Examples
    --------
    >>> check_device("cpu")
    device(type='cpu')
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, got {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda' was asked for, but torch finds no CUDA device")
    return torch.device(device)
