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

NEVER = -2000.0
"""Logarithm of a probability of zero, for the iteration: far below that of any float64, -745, and
still zero with any bias that is found between such."""

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

    with np.errstate(divide="ignore"):
        logits = torch.from_numpy(np.maximum(np.log(proba), NEVER))[None]
    y, weight = torch.from_numpy(classes), torch.from_numpy(sample_weight)
    of_class = np.bincount(classes, weights=sample_weight, minlength=len(labels))
    share = torch.from_numpy(class_mass / class_mass.sum() / of_class)[None]
    bias, _ = refine_bias(logits, y, share, torch.zeros_like(share), sample_weight=weight)
    left, right, _ = sides_of_sample(logits + bias[:, None], y, share, weight)
    apart = (left - right).abs() > BALANCED * torch.maximum(left, right)
    if apart.any():
        of = shown(labels[int(apart[0].int().argmax())])
        said = f"balances with no bias: it predicts class {of}, or any other of its samples, with a"
        raise BadArgument(
            "estimator", f"{said} probability of 0; with CalibratedClassifierCV(estimator) none is"
        )
    return np.asarray(bias[0].numpy())
