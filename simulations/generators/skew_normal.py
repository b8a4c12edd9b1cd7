r"""Skew-normal classes: the paper's remark on skewness, with mean and SD held fixed."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr, ndtr

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import as_number, as_numbers
from learnprop.equations.limits.quadrature import Quadrature, standard_normal_quadrature
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.generators.family import Family
from learnprop.simulations.generators.gaussian import (
    check_means,
    class_means,
    describe,
    placed,
    quadrature_step,
    renamed_placing,
)
from learnprop.simulations.generators.generator import Generator

SKEW_NORMAL_STEP = {1: 0.02, 2: 0.04}
"""Finer: where the shape is 10, a density falls from full to nothing within a fifth of an SD."""
MAX_QUADRATURE_SHAPE = 10.0
MAX_SKEWNESS = 0.99
"""That of a half normal distribution, 0.9953, is that of no shape."""


def skew_normal_classes(means: ArrayLike, shape: ArrayLike, scale: float = 1.0) -> Generator:
    r"""Classes with independent skew-normal features: only the skewness depends on `shape`.

    .. math:: g(x) = \frac{2}{\omega}\, \varphi(z)\, \Phi(\alpha z), \qquad
              z = \frac{x - \xi}{\omega}, \qquad \delta = \frac{\alpha}{\sqrt{1 + \alpha^2}}

    with :math:`\omega = s / \sqrt{1 - 2\delta^2/\pi}` and
    :math:`\xi = \mu - \omega \delta \sqrt{2/\pi}`, so that mean and SD are μ and s for any shape.
    Sampled as :math:`z = \delta |u_0| + \sqrt{1 - \delta^2}\, u_1` with standard normal u.

    Parameters
    ----------
    means : array_like, shape (n_classes, n_features)
        μ.
    shape : array_like, shape (n_classes, n_features) or (n_classes,)
        α, per feature or for all features of a class; 0 is the normal distribution.
    scale : float
        s, the SD of every feature, positive.

    Returns
    -------
    Generator
        Its quadrature exists for one or two features and shapes within ±10.

    Raises
    ------
    ValueError
        If a shape is wrong or a number is out of range.

    References
    ----------
    Azzalini (1985), Scandinavian Journal of Statistics 12, 171-178.

    Examples
    --------
    >>> generator = skew_normal_classes([[0.0], [2.0]], shape=[0.0, 8.0])
    >>> rule = generator.quadrature()[1]
    >>> mean = rule.mean(rule.nodes[:, 0])
    >>> float(mean.round(9)), float(rule.mean((rule.nodes[:, 0] - mean) ** 2).round(9))
    (2.0, 1.0)
    """
    centres = check_means(means)
    n_classes, n_features = centres.shape
    alpha, scale = as_numbers(shape, "shape"), as_number(scale, "scale")
    if alpha.shape not in ((n_classes,), centres.shape):
        raise BadArgument(
            "shape", f"must have shape {(n_classes,)} or {centres.shape}, got {alpha.shape}"
        )
    if not np.isfinite(alpha).all():
        raise BadArgument("shape", f"must be finite, got {shown(alpha)}")
    if not (np.isfinite(scale) and scale > 0):
        raise BadArgument("scale", f"must be positive and finite, got {scale}")
    alpha = np.array(np.broadcast_to(alpha.reshape(n_classes, -1), centres.shape))
    delta = alpha / np.hypot(1.0, alpha)
    omega = scale / np.sqrt(1 - 2 * delta**2 / np.pi)
    law = (centres - omega * delta * np.sqrt(2 / np.pi), omega, alpha)
    return Generator(
        name="skew-normal",
        reading=describe(n_classes, n_features),
        n_features=n_features,
        n_classes=n_classes,
        sample_class=partial(_sample_skew_normal, *law),
        quadrature=partial(_skew_normal_quadrature, *law),
        log_density=partial(_skew_normal_log_density, *law),
    )


def shape_of_skewness(skewness: float) -> float:
    r"""Shape α of a skew-normal distribution of this skewness.

    .. math:: \gamma = \frac{4 - \pi}{2}
              \left( \frac{\delta \sqrt{2/\pi}}{\sqrt{1 - 2\delta^2/\pi}} \right)^3

    Parameters
    ----------
    skewness : float
        γ, within ±0.99.

    Returns
    -------
    float

    Raises
    ------
    BadArgument
        If it is out of range.

    Examples
    --------
    >>> from scipy.stats import skewnorm
    >>> round(float(skewnorm.stats(shape_of_skewness(-0.9), moments="s")), 9)
    -0.9
    """
    if not abs(skewness) <= MAX_SKEWNESS:
        raise BadArgument("skewness", f"must be within ±{MAX_SKEWNESS:g}, got {skewness:g}")
    ratio = np.cbrt(2 * skewness / (4 - np.pi))  # δ√(2/π) over the SD of z
    delta = np.sqrt(np.pi / 2) * ratio / np.hypot(1.0, ratio)
    return float(delta / np.sqrt(1 - delta**2))


def _build(
    *, classes: int, dimension: int, means: str, separation: float, skewness: float
) -> Generator:
    with renamed_placing():
        centres = class_means(means, classes, dimension, separation)
    return skew_normal_classes(centres, [shape_of_skewness(skewness)] * classes)


def _sentence(*, skewness: float, **placing: Any) -> str:
    return (
        f"{placing['classes']} skew-normal {placed(**placing)}; independent features of SD 1 and "
        f"skewness {skewness:g}."
    )


FAMILY = Family(_build, _sentence)


def _sample_skew_normal(
    location: FloatArray,
    omega: FloatArray,
    alpha: FloatArray,
    k: int,
    n: int,
    rng: np.random.Generator,
) -> FloatArray:
    u0, u1 = rng.standard_normal((2, n, location.shape[1]))
    z = (alpha[k] * np.abs(u0) + u1) / np.hypot(1.0, alpha[k])  # sqrt(1 - δ²) = 1/sqrt(1 + α²)
    return location[k] + omega[k] * z


def _skew_normal_quadrature(
    location: FloatArray, omega: FloatArray, alpha: FloatArray
) -> tuple[Quadrature, ...]:
    step = quadrature_step(SKEW_NORMAL_STEP, location.shape[1])
    largest = float(np.abs(alpha).max())
    if largest > MAX_QUADRATURE_SHAPE:
        raise ValueError(
            f"quadrature needs shapes within ±{MAX_QUADRATURE_SHAPE:g}, got {largest:g}: "
            "use Monte Carlo"
        )
    rule = standard_normal_quadrature(location.shape[1], step)
    classes = []
    for xi, w, a in zip(location, omega, alpha, strict=True):
        probability = rule.probability * ndtr(a * rule.nodes).prod(axis=1)
        kept = probability > 1e-30 * probability.max()  # half of each axis, where the shape is 10
        probability = probability[kept]
        classes.append(Quadrature(xi + w * rule.nodes[kept], probability / probability.sum()))
    return tuple(classes)


def _skew_normal_log_density(
    location: FloatArray, omega: FloatArray, alpha: FloatArray, x: FloatArray
) -> FloatArray:
    log_density = np.empty((len(x), len(location)))
    for k, (xi, w, a) in enumerate(zip(location, omega, alpha, strict=True)):
        z = (x - xi) / w
        log_density[:, k] = (log_ndtr(a * z) - 0.5 * z**2 - np.log(w)).sum(axis=1)
    return log_density
