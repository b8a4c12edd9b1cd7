r"""The whole population of Gaussian classes, as a linear model sees it.

Features :math:`N(\mu_k, I)` have the logits :math:`N(B \mu_k + b, B B^T)`: normal in K - 1
dimensions however many features there are. A fixed set of points of equal weight stands for them,
so that every sample of it is the same, and practically the population.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from learnprop.equations.leave_one_out.response import contrasts
from learnprop.equations.mean_proba import FloatArray

LOG2_POINTS = 12
"""Of the points of a class. With means 2 apart and slopes up to three times those of the posterior,
P is within 5e-6 of quadrature for two classes, 2e-4 for three and 1e-3 for five."""


@cache
def normal_points(n_axes: int, log2_points: int = LOG2_POINTS) -> FloatArray:
    """Points of equal weight that stand for a standard normal distribution.

    Sobol points, each moved to the middle of its interval on every axis: there they are the
    mid-quantiles, and together they fill the space evenly.

    Parameters
    ----------
    n_axes : int
    log2_points : int

    Returns
    -------
    ndarray, shape (2**log2_points, n_axes)

    Examples
    --------
    >>> np.sort(normal_points(1, 2)[:, 0]).round(3).tolist()
    [-1.15, -0.319, 0.319, 1.15]
    """
    uniform = qmc.Sobol(n_axes, scramble=False).random_base2(log2_points)
    return np.asarray(ndtri(uniform + 0.5 / len(uniform)))


def logits_of_population(params: FloatArray, means: FloatArray) -> FloatArray:
    """Logits of a linear model on its whole population, class after class.

    Parameters
    ----------
    params : ndarray, shape (n_features + 1,) or (n_classes, n_features + 1)
        Of the logit of class 1, or of one logit per class; intercept last.
    means : ndarray, shape (n_classes, n_features)
        Of classes with unit covariance.

    Returns
    -------
    ndarray, shape (n_classes * n_points,) or (n_classes * n_points, n_classes)

    Examples
    --------
    >>> z = logits_of_population(np.array([3.0, 4.0, 1.0]), np.array([[0.0, 0.0], [1.0, 1.0]]))
    >>> z.reshape(2, -1).mean(axis=1).round(6).tolist(), z[: len(z) // 2].std().round(2).tolist()
    ([1.0, 8.0], 5.0)
    """
    n_classes, C = len(means), np.ones((1, 1)) if params.ndim == 1 else contrasts(len(means))
    told = C.T @ np.atleast_2d(params)  # all that softmax tells, in K - 1 dimensions
    slope, intercept = told[:, :-1], told[:, -1]
    root = np.linalg.qr(slope.T).R.T
    spread = normal_points(len(C.T)) @ root.T
    points = (means @ slope.T + intercept)[:, None] + spread
    logits = points.reshape(n_classes * len(spread), -1) @ C.T
    return logits[:, 0] if params.ndim == 1 else logits
