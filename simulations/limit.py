"""Where a fitter ends as its samples grow: the population curve of P against the class mass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from equations.mean_proba import FloatArray
from equations.population import logistic_mean_proba, logistic_minimiser
from equations.quadrature import Quadrature
from simulations.generator import Generator
from simulations.posterior import posterior_balance

N_SAMPLES = 50_000
"""Per class, where there are too many features for quadrature."""


@dataclass(frozen=True)
class Limit:
    """P in the limit of large samples.

    Attributes
    ----------
    basis : {"population minimiser", "true posterior"}
        Of the linear model's loss, whether or not the model is true; or what every model ends at
        that is rich enough to hold it.
    mean_proba : callable ``(class_mass) -> (n_classes, n_classes)``
        P under priors proportional to w = λN.
    """

    basis: str
    mean_proba: Callable[[ArrayLike], FloatArray]


def limit_of(generator: Generator, fitter: str, rng: np.random.Generator) -> Limit | None:
    """Return the limit of a fitter on a distribution, where we can compute it.

    For two classes, linear fitters end at the minimiser of the population loss. For more, softmax
    regression ends at the true posterior where the classes share a covariance, and a network where
    it is rich enough; one-vs-all regressions have no such limit.

    Parameters
    ----------
    generator : Generator
    fitter : {"logistic", "softmax", "one-vs-all", "mlp"}
    rng : numpy.random.Generator
        For Monte Carlo in more features than quadrature takes.

    Returns
    -------
    Limit or None

    Examples
    --------
    >>> from simulations.generators import sim1
    >>> limit = limit_of(sim1(), "logistic", np.random.default_rng(0))
    >>> P = limit.mean_proba([1.0, 10.0])
    >>> limit.basis, round(float(P[0, 1] / P[1, 0]), 9)  # Eq. (10)
    ('population minimiser', 10.0)
    """
    if fitter != "mlp" and generator.n_classes == 2:
        classes = _classes(generator, rng)

        def of_linear_model(class_mass: ArrayLike) -> FloatArray:
            return logistic_mean_proba(classes, logistic_minimiser(classes, class_mass))

        return Limit("population minimiser", of_linear_model)
    if fitter == "one-vs-all" or generator.log_density is None:
        return None
    seed = int(rng.integers(2**63))  # every mass on the same samples: a smooth curve

    def of_posterior(class_mass: ArrayLike) -> FloatArray:
        again = np.random.default_rng(seed)
        return posterior_balance(generator, class_mass, rng=again, n_samples=N_SAMPLES).mean_proba

    return Limit("true posterior", of_posterior)


def _classes(generator: Generator, rng: np.random.Generator) -> tuple[Quadrature, ...]:
    try:
        return generator.quadrature()
    except ValueError:  # too many features
        share = np.full(N_SAMPLES, 1 / N_SAMPLES)
        return tuple(
            Quadrature(generator.sample_class(k, N_SAMPLES, rng), share)
            for k in range(generator.n_classes)
        )
