"""The paper's synthetic data, Sim1 and Sim2: in one dimension, and in three."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from learnprop.equations.arguments import one_of
from learnprop.equations.limits.quadrature import (
    Quadrature,
    standard_normal_quadrature,
    uniform_quadrature,
)
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.generators import SIM1_READINGS, SIM2_READINGS
from learnprop.simulations.generators.family import Family
from learnprop.simulations.generators.gaussian import gaussian_classes
from learnprop.simulations.generators.generator import Generator

SIM1_MEAN = (1.5, -1.5)
SIM1_UNIFORM = ((-0.5, 0.0), (0.0, 0.5))
SIM2_MEAN = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
SIM2_SIGMA = (1.0, 1.2)


def sim1(reading: str = "sum") -> Generator:
    r"""Sim1: a normal plus a uniform in one dimension.

    .. math:: x \mid y{=}1 \sim N(-1.5, 1) + U(0, 0.5), \qquad
              x \mid y{=}0 \sim N(1.5, 1) + U(-0.5, 0)

    Parameters
    ----------
    reading : {"sum", "mixture"}
        "+" as a sum of independent variables (ours), or as an even mixture of the two laws
        (docs/explanation/errata.md, 2).

    Returns
    -------
    Generator

    Raises
    ------
    ValueError
        If the reading is unknown.

    References
    ----------
    "Simulations for Eq. (10)" in the paper.

    Examples
    --------
    >>> class1 = sim1().quadrature()[1]
    >>> class1.mean(class1.nodes).round(12).tolist()
    [-1.25]
    """
    one_of(reading, "reading", SIM1_READINGS)
    mixture = reading == "mixture"
    return Generator(
        name="sim1",
        reading=reading,
        n_features=1,
        n_classes=2,
        sample_class=_sample_sim1_mixture if mixture else _sample_sim1_sum,
        quadrature=partial(_sim1_quadrature, _mixture_quadrature if mixture else _sum_quadrature),
    )


def _sample_sim1_sum(k: int, n: int, rng: np.random.Generator) -> FloatArray:
    return (rng.normal(SIM1_MEAN[k], 1.0, n) + rng.uniform(*SIM1_UNIFORM[k], n))[:, None]


def _sample_sim1_mixture(k: int, n: int, rng: np.random.Generator) -> FloatArray:
    normal, uniform = rng.normal(SIM1_MEAN[k], 1.0, n), rng.uniform(*SIM1_UNIFORM[k], n)
    return np.where(rng.random(n) < 0.5, normal, uniform)[:, None]


def _sim1_quadrature(
    combine: Callable[[float, float, float], Quadrature],
) -> tuple[Quadrature, ...]:
    return tuple(
        combine(mean, *bounds) for mean, bounds in zip(SIM1_MEAN, SIM1_UNIFORM, strict=True)
    )


def _sum_quadrature(mean: float, low: float, high: float) -> Quadrature:
    normal, uniform = standard_normal_quadrature(1), uniform_quadrature(low, high)
    nodes = mean + normal.nodes[:, None, :] + uniform.nodes[None, :, :]
    return Quadrature(
        nodes.reshape(-1, 1), np.outer(normal.probability, uniform.probability).ravel()
    )


def _mixture_quadrature(mean: float, low: float, high: float) -> Quadrature:
    normal, uniform = standard_normal_quadrature(1), uniform_quadrature(low, high)
    return Quadrature(
        np.concatenate([mean + normal.nodes, uniform.nodes]),
        np.concatenate([normal.probability, uniform.probability]) / 2,
    )


def sim2(reading: str = "covariance") -> Generator:
    r"""Sim2: two spherical Gaussians in three dimensions.

    .. math:: x \mid y{=}1 \sim N(0, 1.2\, I), \qquad x \mid y{=}0 \sim N((1, 1, 1), I)

    Parameters
    ----------
    reading : {"covariance", "standard-deviation"}
        1.2 as the variance (ours) or as the standard deviation (docs/explanation/errata.md, 3).

    Returns
    -------
    Generator

    Raises
    ------
    ValueError
        If the reading is unknown.

    References
    ----------
    "Simulations for Eq. (10)" in the paper.

    Examples
    --------
    >>> class1 = sim2().quadrature()[1]
    >>> class1.mean(class1.nodes**2).round(9).tolist()
    [1.2, 1.2, 1.2]
    """
    one_of(reading, "reading", SIM2_READINGS)
    sigma = np.array(SIM2_SIGMA)
    variance = sigma if reading == "covariance" else sigma**2
    gaussian = gaussian_classes(SIM2_MEAN, variance[:, None, None] * np.eye(3))
    return replace(gaussian, name="sim2", reading=reading)


_SAID = {
    "sum": "the sum of the two independent variables",
    "mixture": "an even mixture of the two laws",
    "covariance": "the variance of each feature",
    "standard-deviation": "the standard deviation of each feature",
}


def _sentence_of_sim1(*, reading: str | None) -> str:
    return (
        "Sim1: x | y=1 from N(-1.5, 1) + U(0, 0.5), x | y=0 from N(1.5, 1) + U(-0.5, 0); + read as "
        f"{_SAID[reading or SIM1_READINGS[0]]}."
    )


def _sentence_of_sim2(*, reading: str | None) -> str:
    return (
        "Sim2: x | y=1 from N((0, 0, 0), 1.2 I), x | y=0 from N((1, 1, 1), I); 1.2 read as "
        f"{_SAID[reading or SIM2_READINGS[0]]}."
    )


SIM1 = Family(lambda *, reading: sim1(reading or SIM1_READINGS[0]), _sentence_of_sim1)
SIM2 = Family(lambda *, reading: sim2(reading or SIM2_READINGS[0]), _sentence_of_sim2)
