"""From how many features on two Gaussian classes are separable, and no fit has a minimum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import ndtr

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray
from learnprop.equations.limits.state_evolution.geometry import check_class_share, means_at

SIDE = np.array([-1.0, 1.0])
"""Signs of the two means, -μ and μ."""


def separability_threshold(*, class_share: ArrayLike, separation: ArrayLike) -> float:
    r"""Where the minimiser of two Gaussian classes ceases to exist, in features per sample.

    .. math:: \kappa_c = \min_{t, b} \sum_k \pi_k \,
              E \big( \sqrt{1 + t^2} Z - t |\mu| - s_k b \big)_+^2

    As n_samples and n_features = κ n_samples grow, samples of :math:`N(s_k \mu, I)`,
    :math:`s_k = \mp 1`, are separable by a hyperplane if κ is above it, and not if below, with
    probability tending to one. Weights do not matter: what separates the classes does so under
    any. For :math:`\mu = 0` and equal shares it is 1/2 (Cover 1965).

    Parameters
    ----------
    class_share : array_like, shape (2,)
        π, of the training samples in each class.
    separation : float or array_like, shape (2, 2)
        2 |μ|, in standard deviations of a feature.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument does not fit; of more than two classes no such formula is known to us.

    References
    ----------
    Candès and Sur, The phase transition for the existence of the maximum likelihood estimate in
    high-dimensional logistic regression, Annals of Statistics 48, 2020: their Theorem 1, with the
    two Gaussian classes in place of the logistic model.

    Examples
    --------
    >>> round(separability_threshold(class_share=[0.9, 0.1], separation=2.0), 6)
    0.1441
    """
    share = check_class_share(class_share)
    if len(share) != 2:
        raise BadArgument("class_share", f"must hold two shares, got {len(share)}")
    return threshold_of(share, half_distance(means_at(separation, 2)))


def half_distance(means: FloatArray) -> float:
    """|μ| of two means.

    Examples
    --------
    >>> half_distance(np.array([[0.0], [3.0]]))
    1.5
    """
    return float(np.hypot.reduce(means[1] - means[0]) / 2)


def threshold_of(share: FloatArray, size: float) -> float:
    """κ_c of shares π and of |μ| = `size`; the sum is convex in (t, b), and minimised as its log.

    Above |μ| = 36 it is about exp(-|μ|²/2), less than float64 has numbers for: zero.

    Examples
    --------
    >>> threshold_of(np.array([0.5, 0.5]), 0.0)
    0.5
    """
    if size > 36:
        return 0.0

    def log_loss(at: FloatArray) -> tuple[float, FloatArray]:
        t, b = at
        sd, mean = np.hypot(1.0, t), -t * size - SIDE * b
        x = mean / sd
        above, density = ndtr(x), np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
        loss = share @ (sd**2 * ((1 + x**2) * above + x * density))
        by_mean = share * 2 * sd * (x * above + density)  # d/dmean E(Y)_+^2 = 2 E(Y)_+
        by_sd = share @ (2 * sd * above)  # and d/dsd by Stein's identity
        gradient = np.array([by_sd * t / sd - by_mean.sum() * size, -by_mean @ SIDE])
        return np.log(loss), gradient / loss

    found = minimize(log_loss, [size, 0.0], jac=True, method="BFGS", options={"gtol": 1e-9})
    return float(np.exp(found.fun))
