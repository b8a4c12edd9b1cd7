r"""Gaussian classes in any number of classes and features.

The means come from an arrangement (`class_means`), the covariances from a kind
(`class_covariances`), or both from you. Because the densities are known, so are the true posterior
and its P (`learnprop.simulations.generators.posterior`). Shapes: means (K, d), covariances (K, d,
d).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import helmert, solve_triangular
from scipy.spatial.distance import pdist

from learnprop.equations.arguments import BadArgument, one_of, renamed, shown
from learnprop.equations.arrays import as_number, as_numbers, as_whole
from learnprop.equations.limits.quadrature import Quadrature, standard_normal_quadrature
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.generators import ARRANGEMENTS, COVARIANCES
from learnprop.simulations.generators.family import Family
from learnprop.simulations.generators.generator import Generator

GAUSSIAN_STEP = {1: 0.05, 2: 0.125, 3: 0.4}
"""Quadrature step in SDs by number of features. A posterior whose log odds have slope s per SD has
its poles at π/s, so the error is of the order exp(-2π²/(s step)): for s = 5, 1e-14 in two features.
In three, where a fine grid would not fit, it is 1e-10 for s = 2 and some 1e-6 for s = 5."""


def class_means(
    arrangement: str, n_classes: int, n_features: int, separation: float, seed: int = 0
) -> FloatArray:
    r"""Class means whose nearest neighbours are `separation` apart.

    Parameters
    ----------
    arrangement : {"simplex", "ring", "random"}
        Simplex: all distances are equal, features beyond the first K - 1 are zero. Ring: equally
        spaced on a circle in the first two features, of radius s / (2 sin(π/K)). Random: standard
        normal points, scaled so that the smallest distance is `separation`. The first two are
        centred at the origin.
    n_classes : int
        K, at least 2.
    n_features : int
        d, at least K - 1 for a simplex, 2 for a ring, 1 for random points.
    separation : float
        In the units of the features, positive.
    seed : int
        Of the random points.

    Returns
    -------
    ndarray of float64, shape (n_classes, n_features)

    Raises
    ------
    ValueError
        If the arrangement is unknown, does not fit, or a number is out of range.

    Examples
    --------
    >>> class_means("simplex", 2, 3, separation=2.0).round(12).tolist()
    [[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]
    """
    one_of(arrangement, "arrangement", ARRANGEMENTS)
    n_classes, n_features = _check_sizes(n_classes, n_features)
    separation, seed = as_number(separation, "separation"), as_whole(seed, "seed", 0)
    if not (np.isfinite(separation) and separation > 0):
        raise BadArgument("separation", f"must be positive and finite, got {separation}")
    needed = {"simplex": n_classes - 1, "ring": 2, "random": 1}[arrangement]
    if n_features < needed:
        raise BadArgument(
            "arrangement",
            f"{arrangement!r} of {n_classes} classes need at least {needed} features, "
            f"got {n_features}",
        )
    if arrangement == "random":
        points = np.random.default_rng(seed).standard_normal((n_classes, n_features))
        return points * (separation / pdist(points).min())
    means = np.zeros((n_classes, n_features))
    if arrangement == "simplex":
        # The unit vectors of R^K, sqrt(2) apart, in a basis of the plane that holds them all.
        means[:, : n_classes - 1] = separation / np.sqrt(2) * helmert(n_classes).T
    else:
        angle = 2 * np.pi * np.arange(n_classes) / n_classes
        radius = separation / (2 * np.sin(np.pi / n_classes))
        means[:, :2] = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return means


def class_covariances(kind: str, n_classes: int, n_features: int, seed: int = 0) -> FloatArray:
    r"""Class covariances: the identity for all, or a random one for each class.

    .. math:: \Sigma_k = Q_k \,\mathrm{diag}(e_k)\, Q_k^T, \qquad \mathrm{tr}\,\Sigma_k = d,
              \qquad \mathrm{cond}\,\Sigma_k \le 9

    with Q random orthogonal and e log-uniform in [1/3, 3], then scaled to the trace. In one
    feature the variance is log-uniform in [1/3, 3] and not scaled, so that classes differ.

    Parameters
    ----------
    kind : {"shared", "per-class"}
    n_classes, n_features : int
    seed : int
        Of the random covariances.

    Returns
    -------
    ndarray of float64, shape (n_classes, n_features, n_features)

    Raises
    ------
    ValueError
        If the kind is unknown or a size is out of range.

    Examples
    --------
    >>> np.trace(class_covariances("per-class", 3, 2), axis1=1, axis2=2).round(12).tolist()
    [2.0, 2.0, 2.0]
    """
    one_of(kind, "kind", COVARIANCES)
    n_classes, n_features = _check_sizes(n_classes, n_features)
    seed = as_whole(seed, "seed", 0)
    if kind == "shared":
        return np.tile(np.eye(n_features), (n_classes, 1, 1))
    rng = np.random.default_rng(seed)
    covariances = np.empty((n_classes, n_features, n_features))
    for k in range(n_classes):
        eigenvalues = 3 ** rng.uniform(-1, 1, n_features)
        if n_features > 1:
            eigenvalues *= n_features / eigenvalues.sum()
        basis = np.linalg.qr(rng.standard_normal((n_features, n_features))).Q
        covariance = (basis * eigenvalues) @ basis.T
        covariances[k] = (covariance + covariance.T) / 2
    return covariances


def gaussian_classes(means: ArrayLike, covariances: ArrayLike | None = None) -> Generator:
    r"""Gaussian classes, :math:`x \mid y{=}k \sim N(\mu_k, \Sigma_k)`.

    Parameters
    ----------
    means : array_like, shape (n_classes, n_features)
    covariances : array_like, shape (n_classes, n_features, n_features), optional
        The identity by default.

    Returns
    -------
    Generator
        Its quadrature exists for up to three features (see `GAUSSIAN_STEP` for its error).

    Raises
    ------
    ValueError
        If a shape is wrong, a number is not finite, or a covariance is not symmetric and positive
        definite.

    Examples
    --------
    >>> generator = gaussian_classes([[0.0, 0.0], [1.0, 2.0], [4.0, 0.0]])
    >>> generator.name, generator.reading
    ('gaussian', '3 classes in 2 features')
    >>> rule = generator.quadrature()[1]
    >>> rule.mean(rule.nodes).round(9).tolist()
    [1.0, 2.0]
    """
    centres = check_means(means)
    n_classes, n_features = centres.shape
    if covariances is None:
        covariances = class_covariances("shared", n_classes, n_features)
    roots = _cholesky(covariances, n_classes, n_features)
    return Generator(
        name="gaussian",
        reading=describe(n_classes, n_features),
        n_features=n_features,
        n_classes=n_classes,
        sample_class=partial(_sample_gaussian, centres, roots),
        quadrature=partial(_gaussian_quadrature, centres, roots),
        log_density=partial(_gaussian_log_density, centres, roots),
        linear_log_odds=bool((roots == roots[0]).all()),
    )


def _sample_gaussian(
    means: FloatArray, roots: FloatArray, k: int, n: int, rng: np.random.Generator
) -> FloatArray:
    return means[k] + rng.standard_normal((n, means.shape[1])) @ roots[k].T


def _gaussian_quadrature(means: FloatArray, roots: FloatArray) -> tuple[Quadrature, ...]:
    n_features = means.shape[1]
    rule = standard_normal_quadrature(n_features, quadrature_step(GAUSSIAN_STEP, n_features))
    return tuple(
        Quadrature(mean + rule.nodes @ root.T, rule.probability)
        for mean, root in zip(means, roots, strict=True)
    )


def _gaussian_log_density(means: FloatArray, roots: FloatArray, x: FloatArray) -> FloatArray:
    log_density = np.empty((len(x), len(means)))
    for k, (mean, root) in enumerate(zip(means, roots, strict=True)):
        z = solve_triangular(root, (x - mean).T, lower=True)
        log_density[:, k] = -0.5 * (z**2).sum(axis=0) - np.log(np.diag(root)).sum()
    return log_density


def describe(n_classes: int, n_features: int) -> str:
    """Say how many classes and features there are.

    Examples
    --------
    >>> describe(3, 1)
    '3 classes in 1 feature'
    """
    return f"{n_classes} classes in {n_features} feature{'s' if n_features > 1 else ''}"


def quadrature_step(steps: dict[int, float], n_features: int) -> float:
    """Quadrature step for so many features; ValueError where there is none.

    Examples
    --------
    >>> quadrature_step(GAUSSIAN_STEP, 2)
    0.125
    """
    if n_features not in steps:
        raise ValueError(
            f"quadrature needs at most {max(steps)} features, got {n_features}: use Monte Carlo"
        )
    return steps[n_features]


def _check_sizes(n_classes: int, n_features: int) -> tuple[int, int]:
    return as_whole(n_classes, "n_classes", 2), as_whole(n_features, "n_features", 1)


def check_means(means: ArrayLike) -> FloatArray:
    """Return class means as float64, shape (K >= 2, d >= 1), if they are finite.

    Examples
    --------
    >>> check_means([[0], [1]]).tolist()
    [[0.0], [1.0]]
    """
    centres = as_numbers(means, "means").copy()
    if centres.ndim != 2 or centres.shape[0] < 2 or centres.shape[1] < 1:
        raise BadArgument(
            "means", f"must have shape (n_classes >= 2, n_features >= 1), got {centres.shape}"
        )
    if not np.isfinite(centres).all():
        raise BadArgument("means", f"must be finite, got {shown(centres)}")
    return centres


def _cholesky(covariances: ArrayLike, n_classes: int, n_features: int) -> FloatArray:
    matrices = as_numbers(covariances, "covariances")
    expected = (n_classes, n_features, n_features)
    if matrices.shape != expected:
        raise BadArgument("covariances", f"must have shape {expected}, got {matrices.shape}")
    if not np.isfinite(matrices).all():
        raise BadArgument("covariances", "must be finite")
    for k, matrix in enumerate(matrices):
        if np.abs(matrix - matrix.T).max() > 1e-12 * np.abs(matrix).max():
            raise BadArgument("covariances", f"must be symmetric: that of class {k} is not")
        eigenvalues = np.linalg.eigvalsh(matrix)
        if eigenvalues[0] <= n_features * np.finfo(np.float64).eps * abs(eigenvalues[-1]):
            raise BadArgument("covariances", f"must be positive definite: that of class {k} is not")
    return np.asarray(np.linalg.cholesky(matrices), dtype=np.float64)


def _build(
    *, classes: int, dimension: int, means: str, separation: float, covariance: str
) -> Generator:
    with renamed(kind="covariance"), renamed_placing():
        return gaussian_classes(
            class_means(means, classes, dimension, separation),
            class_covariances(covariance, classes, dimension),
        )


def renamed_placing() -> AbstractContextManager[None]:
    """Let what `class_means` says of its arguments name a family's options."""
    return renamed(arrangement="means", n_classes="classes", n_features="dimension")


def placed(classes: int, dimension: int, means: str, separation: float) -> str:
    """Say where the means of a family's classes are.

    Examples
    --------
    >>> placed(3, 1, "random", 2.0)
    'classes in 1 feature; means: random, nearest ones 2 apart'
    """
    where = describe(classes, dimension).partition(" ")[2]
    return f"{where}; means: {means}, nearest ones {separation:g} apart"


def _sentence(*, covariance: str, **placing: Any) -> str:
    said = "the identity" if covariance == "shared" else "one per class, seeded"
    return f"{placing['classes']} Gaussian {placed(**placing)}; covariance: {said}."


def _memory(*, classes: int, dimension: int, **_: Any) -> float:
    """Bytes of the covariances, their copies and their roots; and of the distances of the means."""
    return 8.0 * (dimension**2 * (2 * classes + 6) + classes * (2 * dimension + classes))


FAMILY = Family(_build, _sentence, _memory)
