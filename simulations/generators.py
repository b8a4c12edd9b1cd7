r"""Synthetic data of known distribution: the paper's Sim1 and Sim2.

A generator is a frozen record: it samples features given class sizes, and hands its distribution
over as quadratures and log densities so that limits can be computed instead of simulated. Labels
come sorted: class 0 first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from equations.mean_proba import FloatArray, IntArray
from equations.quadrature import Quadrature, standard_normal_quadrature, uniform_quadrature

SIM1_MEAN = (1.5, -1.5)
SIM1_UNIFORM = ((-0.5, 0.0), (0.0, 0.5))
SIM2_MEAN = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
SIM2_SIGMA = (1.0, 1.2)

SIM1_READINGS = ("sum", "mixture")
SIM2_READINGS = ("covariance", "standard-deviation")


@dataclass(frozen=True)
class Generator:
    """Two classes in R^d that can be sampled and integrated over.

    Attributes
    ----------
    name, reading : str
        Which set-up of the paper, in which of its two possible readings.
    n_features, n_classes : int
    sample_class : callable ``(k, n, rng) -> (n, n_features)``
        Draws from P(x | y = k).
    quadrature : callable ``() -> tuple of Quadrature``
        P(x | y = k) as nodes and probabilities, built when asked for.
    log_density : callable ``(x,) -> (n, 2)``, or None
        Log densities of both classes up to a common constant; None where the true posterior is
        not used (Sim1, whose model is misspecified on purpose).
    """

    name: str
    reading: str
    n_features: int
    n_classes: int
    sample_class: Callable[[int, int, np.random.Generator], FloatArray]
    quadrature: Callable[[], tuple[Quadrature, ...]]
    log_density: Callable[[FloatArray], FloatArray] | None = None


def sample(
    generator: Generator, class_count: ArrayLike, rng: np.random.Generator
) -> tuple[FloatArray, IntArray]:
    """Draw a data set with the given class sizes.

    Parameters
    ----------
    generator : Generator
    class_count : array_like, shape (n_classes,)
        Samples per class, positive.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    X : ndarray of float64, shape (n_samples, n_features)
    y : ndarray of int64, shape (n_samples,), sorted

    Raises
    ------
    ValueError
        If a size is not a positive integer or the number of sizes is not the number of classes.

    Examples
    --------
    >>> X, y = sample(sim1(), (2, 3), np.random.default_rng(0))
    >>> X.shape, y.tolist()
    ((5, 1), [0, 0, 1, 1, 1])
    """
    count = check_class_count(class_count, generator.n_classes)
    X = np.concatenate([generator.sample_class(k, n, rng) for k, n in enumerate(count)])
    return X, np.repeat(np.arange(len(count)), count)


def check_class_count(
    class_count: ArrayLike, n_classes: int, name: str = "class_count"
) -> list[int]:
    """Return the sizes as a list of int if they are one positive integer per class.

    Examples
    --------
    >>> check_class_count((1000, 10000), 2)
    [1000, 10000]
    """
    count = np.asarray(class_count)
    if count.shape != (n_classes,) or count.dtype.kind not in "iu" or not (count > 0).all():
        raise ValueError(
            f"{name} must be {n_classes} positive integers, got {np.asarray(class_count).tolist()}"
        )
    return [int(n) for n in count]


def sim1(reading: str = "sum") -> Generator:
    r"""Sim1: a normal plus a uniform in one dimension.

    .. math:: x \mid y{=}1 \sim N(-1.5, 1) + U(0, 0.5), \qquad
              x \mid y{=}0 \sim N(1.5, 1) + U(-0.5, 0)

    Parameters
    ----------
    reading : {"sum", "mixture"}
        "+" as a sum of independent variables (ours), or as an even mixture of the two laws
        (docs/errata.md, 2).

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
    if reading not in SIM1_READINGS:
        raise ValueError(f"reading must be one of {', '.join(SIM1_READINGS)}, got {reading!r}")
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
        1.2 as the variance (ours) or as the standard deviation (docs/errata.md, 3).

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
    if reading not in SIM2_READINGS:
        raise ValueError(f"reading must be one of {', '.join(SIM2_READINGS)}, got {reading!r}")
    means = np.array(SIM2_MEAN)
    sd = np.array(SIM2_SIGMA)
    if reading == "covariance":
        sd = np.sqrt(sd)
    return Generator(
        name="sim2",
        reading=reading,
        n_features=3,
        n_classes=2,
        sample_class=partial(_sample_spherical, means, sd),
        quadrature=partial(_spherical_quadrature, means, sd),
        log_density=partial(_spherical_log_density, means, sd),
    )


def _sample_spherical(
    means: FloatArray, sd: FloatArray, k: int, n: int, rng: np.random.Generator
) -> FloatArray:
    return means[k] + sd[k] * rng.standard_normal((n, means.shape[1]))


def _spherical_quadrature(means: FloatArray, sd: FloatArray) -> tuple[Quadrature, ...]:
    rule = standard_normal_quadrature(means.shape[1], step=0.4)
    return tuple(
        Quadrature(m + s * rule.nodes, rule.probability) for m, s in zip(means, sd, strict=True)
    )


def _spherical_log_density(means: FloatArray, sd: FloatArray, x: FloatArray) -> FloatArray:
    squared = ((x[:, None, :] - means) ** 2).sum(axis=-1)
    return np.asarray(-0.5 * squared / sd**2 - means.shape[1] * np.log(sd))


GENERATORS: dict[str, Callable[[str], Generator]] = {"sim1": sim1, "sim2": sim2}
