r"""P of the true posterior: where every classifier that is rich enough must end.

With priors proportional to the class mass the posterior satisfies Eq. (9), and, which no fitted
classifier must, detailed balance besides (E7): ``diag(w) P`` is symmetric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import as_whole
from learnprop.equations.class_weights import check_class_weight
from learnprop.equations.limits.predictions import posterior_mean_proba
from learnprop.equations.limits.quadrature import Quadrature
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.generators.generator import (
    Generator,
    check_generator,
    check_rng,
    empirical,
)


@dataclass(frozen=True)
class PosteriorBalance:
    """P of the true posterior, with its Monte Carlo standard errors.

    Attributes
    ----------
    mean_proba : ndarray, shape (n_classes, n_classes)
        P, rows by true class.
    second_moment : ndarray, shape (n_classes, n_classes, n_classes)
        ``second_moment[i, a, b]`` is the mean of f_a f_b over class i.
    mcse : ndarray, shape (n_classes, n_classes)
        Of `mean_proba`; zeros for quadrature. Different rows are independent.
    method : {"quadrature", "monte carlo"}
    n_samples : int
        Per class, 0 for quadrature.
    """

    mean_proba: FloatArray
    second_moment: FloatArray
    mcse: FloatArray
    method: Literal["quadrature", "monte carlo"]
    n_samples: int


def posterior_balance(
    generator: Generator,
    class_mass: ArrayLike,
    *,
    rng: np.random.Generator | None = None,
    n_samples: int = 100_000,
) -> PosteriorBalance:
    r"""P of the true posterior under priors proportional to the class mass.

    .. math:: P_{ij} = E_{x \mid y = i} \frac{w_j\, g_j(x)}{\sum_k w_k\, g_k(x)}

    by quadrature where the generator has one, else by Monte Carlo, where

    .. math:: \mathrm{mcse}_{ij} = \sqrt{(M_{ijj} - P_{ij}^2) / (n - 1)}

    with M the second moments.

    Parameters
    ----------
    generator : Generator
        With a log density.
    class_mass : array_like, shape (n_classes,)
        w = λN, positive.
    rng : numpy.random.Generator, optional
        Needed for Monte Carlo only.
    n_samples : int
        Per class, for Monte Carlo only.

    Returns
    -------
    PosteriorBalance

    Raises
    ------
    ValueError
        If the generator has no log density, there is not one positive mass per class, or Monte
        Carlo is needed and `rng` is missing or `n_samples` below 2.

    References
    ----------
    Eq. (9) of the paper; detailed balance is E7 of the design.

    Examples
    --------
    >>> from learnprop.simulations.generators.gaussian import class_means, gaussian_classes
    >>> balance = posterior_balance(gaussian_classes(class_means("ring", 3, 2, 2.0)), [1, 2, 4])
    >>> flow = np.array([[1], [2], [4]]) * balance.mean_proba
    >>> balance.method, bool(np.abs(flow - flow.T).max() < 1e-10)
    ('quadrature', True)
    """
    return posterior_of(generator, rng=rng, n_samples=n_samples)(class_mass)


def posterior_of(
    generator: Generator, *, rng: np.random.Generator | None = None, n_samples: int = 100_000
) -> Callable[[ArrayLike], PosteriorBalance]:
    """As `posterior_balance`, for many class masses: nodes or samples are made once.

    Parameters
    ----------
    generator : Generator
        With a log density.
    rng : numpy.random.Generator, optional
        Needed for Monte Carlo only.
    n_samples : int
        Per class, for Monte Carlo only.

    Returns
    -------
    callable ``(class_mass) -> PosteriorBalance``

    Raises
    ------
    ValueError
        As `posterior_balance`; for the masses when it is called.

    Examples
    --------
    >>> from learnprop.simulations.generators.paper import sim2
    >>> balance = posterior_of(sim2())
    >>> [round(float(balance([1, w]).mean_proba[1, 1]), 4) for w in (1, 10)]
    [0.7193, 0.9327]
    """
    log_density = check_generator(generator).log_density
    if log_density is None:
        raise BadArgument(
            "generator", f"{generator.name!r} has no log_density: no posterior is known"
        )
    if rng is not None:
        check_rng(rng)
    exact = True
    try:
        rules: Iterable[Quadrature] = generator.quadrature()
    except ValueError as error:
        if rng is None:
            raise BadArgument("rng", f"is needed: {error}") from None
        n_samples = as_whole(n_samples, "n_samples", 2)
        exact, rules = False, empirical(generator, n_samples, rng)
    # Of the nodes, only the densities are kept; they are large in many features.
    kept = [(rule.probability, log_density(rule.nodes)) for rule in rules]
    classes = [Quadrature(np.empty((len(p), 0)), p) for p, _ in kept]
    densities = [density for _, density in kept]

    def balance(class_mass: ArrayLike) -> PosteriorBalance:
        mass = check_class_weight(class_mass, "class_mass")
        if mass.shape != (generator.n_classes,):
            raise BadArgument(
                "class_mass", f"must have shape ({generator.n_classes},), got {mass.shape}"
            )
        P, M = posterior_mean_proba(classes, densities, mass)
        if exact:
            return PosteriorBalance(P, M, np.zeros_like(P), "quadrature", 0)
        variance = np.maximum(np.diagonal(M, axis1=1, axis2=2) - P**2, 0.0)
        mcse = np.sqrt(variance / (n_samples - 1))
        return PosteriorBalance(P, M, mcse, "monte carlo", n_samples)

    return balance
