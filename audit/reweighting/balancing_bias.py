r"""The bias with which predictions balance, whoever made them.

Equation (9) for masses :math:`w_k = \lambda_k N_k` on one sample, for
:math:`f_j \propto p_j e^{b_j}`: the minimum over b of a convex function, found by the Newton
iteration that refines output layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.balance import is_interpolated

NEVER = -50.0
"""Logarithm that stands for that of a probability of zero while a bias is looked for, or the
smallest that there is: what is found is tried with zeros."""

BALANCED = 1e-8
"""Relative difference of the sides of each class up to which they balance."""


def balancing_bias(
    proba: FloatArray,
    classes: IntArray,
    class_mass: FloatArray,
    sample_weight: FloatArray,
    labels: list[Any],
) -> FloatArray:
    r"""Bias, to be added to logarithms of probabilities, for which Eq. (9) holds on a sample.

    Parameters
    ----------
    proba : ndarray of float64, shape (n_samples, n_classes)
        Rows sum to one.
    classes : ndarray of int64, shape (n_samples,)
        Every class is present.
    class_mass : ndarray of float64, shape (n_classes,)
        w, up to a factor.
    sample_weight : ndarray of float64, shape (n_samples,)
        Not negative, in no class zero throughout. Only its ratios within a class matter.
    labels : list
        The label of each class, for errors.

    Returns
    -------
    ndarray of float64, shape (n_classes,), summing to zero
        Zeros where the predictions balance already, or are never wrong.

    Raises
    ------
    BadArgument
        If none balances, which probabilities of exactly zero can cause: no bias moves them.

    Examples
    --------
    >>> p = np.full((4, 2), 0.5)
    >>> b = balancing_bias(p, np.array([0, 0, 0, 1]), np.array([3.0, 1.0]), np.ones(4), [0, 1])
    >>> np.exp(b[0] - b[1]).round(9)  # everyone is of class 0 with probability 3/4
    np.float64(3.0)
    """
    import torch

    from learnprop.simulations.refinement.softmax_bias import refine_bias, sides_of_sample

    mass = class_mass / class_mass.sum()
    of_class = np.bincount(classes, weights=sample_weight, minlength=len(labels))
    share = torch.from_numpy(mass / of_class)[None]
    y, weight = torch.from_numpy(classes), torch.from_numpy(sample_weight)
    with np.errstate(divide="ignore"):
        exact = torch.from_numpy(np.log(proba))[None]

    def is_apart(bias: torch.Tensor) -> np.ndarray:
        left, right, _ = (s[0].numpy() for s in sides_of_sample(exact + bias, y, share, weight))
        larger = np.maximum(left, right)
        return (abs(left - right) > BALANCED * larger) & ~is_interpolated(larger, mass)

    start = torch.zeros_like(share)
    if not is_apart(start).any():
        return np.zeros(len(labels))
    smallest = float(exact[exact > -torch.inf].min())
    logits = exact.clamp(min=min(NEVER, smallest))
    bias, _ = refine_bias(logits, y, share, start, sample_weight=weight)
    apart = is_apart(bias[:, None])
    if apart.any():
        of = shown(labels[int(apart.argmax())])
        said = f"predicts so many probabilities of exactly 0 that no bias balances class {of}"
        raise BadArgument("estimator", f"{said}: CalibratedClassifierCV(estimator) predicts none")
    return np.asarray(bias[0].numpy())
