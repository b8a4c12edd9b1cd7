"""Weights that a loss really has whose minibatches are divided by their own weights (E8)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, as_whole
from learnprop.equations.balance import class_mass as mass_of
from learnprop.equations.class_weights import check_class_count, check_class_weight


def minibatch_mean_class_weight(
    class_weight: ArrayLike, class_count: ArrayLike, batch_size: int
) -> FloatArray:
    r"""Weights that a loss really has whose minibatches are divided by their own weights.

    PyTorch's ``cross_entropy(weight=λ)`` divides by the weights in the minibatch. In i.i.d.
    minibatches of size B a sample of class k is weighted, on average, by

    .. math:: \lambda_k^{\mathrm{eff}} \propto \lambda_k\, E \frac{1}{\lambda_k + S_{B-1}}
        = \lambda_k \int_0^\infty e^{-t \lambda_k}
          \Big( \sum_c p_c e^{-t \lambda_c} \Big)^{B-1} dt,

    S the sum of the other B - 1 weights and :math:`p_c = N_c / N`. The integral is taken by the
    trapezoid rule in log t, which converges exponentially.

    Parameters
    ----------
    class_weight : array_like, shape (n_classes,)
    class_count : array_like, shape (n_classes,)
    batch_size : int
        B, at least 1. With 1 every sample weighs the same.

    Returns
    -------
    ndarray of float64, shape (n_classes,), scaled to sum to one

    Raises
    ------
    ValueError
        If a weight or count is not positive or B is below 1.

    Examples
    --------
    >>> count = [10000, 100]
    >>> weight = minibatch_mean_class_weight(1 / np.array(count), count, batch_size=64)
    >>> round(float(weight[1] / weight[0]), 1)  # not 100
    45.1
    """
    weight = check_class_weight(class_weight)
    mass = mass_of(weight, class_count)
    if mass.ndim != 1:
        raise BadArgument("class_weight", f"must be one-dimensional here, got shape {mass.shape}")
    batch_size = as_whole(batch_size, "batch_size", 1)
    scaled = weight / weight.sum()
    count = check_class_count(class_count)
    share = count / count.sum()
    # e^{-tλ} is 1 to 1e-16 below 1e-16 / max λ, and 0 above 750 / min λ.
    u = np.linspace(np.log(1e-18 / scaled.max()), np.log(1e3 / scaled.min()), 20_001)
    t = np.exp(u)
    decay = np.exp(-t * scaled[:, None])
    others = (share @ decay) ** (batch_size - 1)
    expected = (decay * others * t).sum(axis=1) * (u[1] - u[0])
    effective = scaled * expected
    return np.asarray(effective / effective.sum())
