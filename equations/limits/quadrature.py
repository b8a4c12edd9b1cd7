"""Distributions as nodes and probabilities, so that expectations are computed, not simulated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.equations.mean_proba import FloatArray


@dataclass(frozen=True)
class Quadrature:
    """A distribution as nodes (n_nodes, n_features) and probabilities (n_nodes,) summing to 1."""

    nodes: FloatArray
    probability: FloatArray

    def mean(self, values: FloatArray) -> FloatArray:
        """Expectation of `values`, shape (n_nodes, ...)."""
        return np.tensordot(self.probability, values, axes=1)


def standard_normal_quadrature(
    n_features: int, step: float = 0.25, reach: float = 9.0
) -> Quadrature:
    r"""Trapezoid rule for the standard normal, a product over features, on ±`reach`.

    For a density that decays like this the trapezoid rule converges exponentially in 1/step: an
    integrand with its nearest pole at imaginary distance d has error about
    :math:`e^{-2 \pi d / step}`.

    Parameters
    ----------
    n_features : int
    step : float
        Distance between nodes, in standard deviations.
    reach : float
        In standard deviations; more than 9 for means that come from farther out.

    Returns
    -------
    Quadrature

    Raises
    ------
    ValueError
        If `n_features` is not 1, 2 or 3 (the product grid would not fit) or `step` not in (0, 1].

    Examples
    --------
    >>> rule = standard_normal_quadrature(1)
    >>> rule.mean(rule.nodes[:, 0] ** 4).round(12).item()
    3.0
    """
    if n_features not in (1, 2, 3):
        raise BadArgument("n_features", f"must be 1, 2 or 3, got {n_features}")
    if not 0 < step <= 1:
        raise BadArgument("step", f"must be in (0, 1], got {step}")
    n = int(np.ceil(reach / step))
    axis = step * np.arange(-n, n + 1)
    weight = np.exp(-0.5 * axis**2)
    weight /= weight.sum()
    nodes = np.stack(np.meshgrid(*[axis] * n_features, indexing="ij"), axis=-1)
    probability = weight
    for _ in range(n_features - 1):
        probability = np.multiply.outer(probability, weight)
    return Quadrature(nodes.reshape(-1, n_features), probability.ravel())


def normal_ball_quadrature(
    n_features: int, step: float, radius: float, *, shift: float = 0.0
) -> Quadrature:
    r"""Trapezoid rule for the standard normal, on the nodes of the product grid inside a ball.

    The corners of a product grid hold most of its nodes and next to none of its probability: in
    four dimensions a ball of radius 6 has an eleventh of the cube's nodes.

    Parameters
    ----------
    n_features : int
    step : float
        Distance between nodes along an axis, in standard deviations.
    radius : float
        In standard deviations. What lies outside is given to the nodes inside, in proportion.
    shift : float
        Of the grid along every axis, in steps. By half a step the leading error of the rule changes
        its sign, so that two rules tell how large it is.

    Returns
    -------
    Quadrature

    Examples
    --------
    >>> rule = normal_ball_quadrature(4, step=1.0, radius=5.0)
    >>> len(rule.nodes), rule.mean(rule.nodes[:, 0] ** 2).round(3).item()
    (3121, 1.0)
    """
    n = int(radius / step) + 1
    axis = step * (np.arange(-n, n + 1) + shift)
    axis = axis[np.abs(axis) <= radius]
    weight = np.exp(-0.5 * axis**2)
    nodes, probability = np.zeros((1, 0)), np.ones(1)
    for _ in range(n_features):
        nodes = np.hstack([np.repeat(nodes, len(axis), 0), np.tile(axis, len(nodes))[:, None]])
        probability = np.multiply.outer(probability, weight).ravel()
        inside = (nodes**2).sum(axis=1) <= radius**2
        nodes, probability = nodes[inside], probability[inside]
    return Quadrature(nodes, probability / probability.sum())


def uniform_quadrature(low: float, high: float, n_nodes: int = 16) -> Quadrature:
    """Gauss-Legendre rule for the uniform distribution on [low, high].

    Parameters
    ----------
    low, high : float
    n_nodes : int

    Returns
    -------
    Quadrature, one feature

    Examples
    --------
    >>> uniform_quadrature(0.0, 0.5).mean(uniform_quadrature(0.0, 0.5).nodes[:, 0]).round(12).item()
    0.25
    """
    x, weight = np.polynomial.legendre.leggauss(n_nodes)
    nodes = low + (high - low) * (x + 1) / 2
    return Quadrature(nodes[:, None], weight / 2)
