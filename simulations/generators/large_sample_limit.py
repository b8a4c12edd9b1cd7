"""Where a fitter ends as its samples grow: P against the class mass, in the population."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from equations.balance import off_diagonal
from equations.mean_proba import FloatArray
from equations.minimisers import linear_mean_proba, one_vs_all_minimiser, softmax_minimiser
from equations.quadrature import Quadrature
from simulations.generators.generator import Generator, empirical
from simulations.generators.posterior import PosteriorBalance, posterior_of

N_SAMPLES = 50_000
"""Per class, where there are too many features for quadrature."""

N_BATCHES = 10
"""Of these samples: each has a minimiser of its own, and their spread gives the MCSE."""


@dataclass(frozen=True)
class LimitProba:
    """P in the limit of large samples, under one choice of class masses.

    Attributes
    ----------
    mean_proba : ndarray, shape (n_classes, n_classes)
    miss_proba : ndarray, shape (n_classes,)
        1 - P_kk, never by subtraction.
    mcse : ndarray, shape (n_classes, n_classes)
        Monte Carlo standard errors of `mean_proba`; zeros for quadrature.
    """

    mean_proba: FloatArray
    miss_proba: FloatArray
    mcse: FloatArray


@dataclass(frozen=True)
class Limit:
    """Where a fitter ends on a distribution.

    Attributes
    ----------
    basis : {"population minimiser", "true posterior"}
        Of the linear model's loss, whether or not the model is true; or what every model ends at
        that is rich enough to hold it.
    at : callable ``(class_mass) -> LimitProba``
        Under class masses w = λN; raises `NoMinimiser` where the loss has none.
    """

    basis: str
    at: Callable[[ArrayLike], LimitProba]


def limit_of(generator: Generator, fitter: str, rng: np.random.Generator) -> Limit | None:
    """Return the limit of a fitter on a distribution, where we can compute it.

    Linear fitters end at the minimiser of the population loss. Where the log odds of the classes
    are linear, that of softmax and logistic regression is the true posterior. A network ends at the
    posterior where it is rich enough.

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
    >>> from simulations.generators.paper import sim1
    >>> limit = limit_of(sim1(), "logistic", np.random.default_rng(0))
    >>> P = limit.at([1.0, 10.0]).mean_proba
    >>> limit.basis, round(float(P[0, 1] / P[1, 0]), 9)  # Eq. (10)
    ('population minimiser', 10.0)
    """
    holds_posterior = fitter == "mlp" or (generator.linear_log_odds and fitter != "one-vs-all")
    if not holds_posterior:
        batches = _populations(generator, rng)
        return Limit("population minimiser", lambda mass: _minimiser(batches, mass, fitter))
    if generator.log_density is None:
        return None
    posterior = posterior_of(generator, rng=rng, n_samples=N_SAMPLES)
    return Limit("true posterior", lambda mass: _posterior(posterior(mass)))


def _posterior(found: PosteriorBalance) -> LimitProba:
    return LimitProba(found.mean_proba, off_diagonal(found.mean_proba).sum(axis=1), found.mcse)


def _minimiser(
    batches: Sequence[tuple[Quadrature, ...]], class_mass: ArrayLike, fitter: str
) -> LimitProba:
    """Mean over batches; one batch is the distribution itself."""
    found = [_of_linear_model(batch, class_mass, fitter) for batch in batches]
    P, miss = (np.stack(arrays) for arrays in zip(*found, strict=True))
    spread = P.std(axis=0, ddof=1) if len(found) > 1 else np.zeros_like(P[0])
    return LimitProba(P.mean(axis=0), miss.mean(axis=0), spread / np.sqrt(len(found)))


def _of_linear_model(
    classes: tuple[Quadrature, ...], class_mass: ArrayLike, fitter: str
) -> tuple[FloatArray, FloatArray]:
    """P and 1 - P_kk of the minimiser of a linear model's loss."""
    if fitter == "one-vs-all":
        theta = one_vs_all_minimiser(classes, class_mass)
        miss = linear_mean_proba(classes, -theta, "sigmoid").diagonal()
        return linear_mean_proba(classes, theta, "sigmoid"), miss
    P = linear_mean_proba(classes, softmax_minimiser(classes, class_mass))
    return P, off_diagonal(P).sum(axis=1)


def _populations(generator: Generator, rng: np.random.Generator) -> list[tuple[Quadrature, ...]]:
    """The distribution by quadrature, or batches of samples of it."""
    try:
        return [generator.quadrature()]
    except ValueError:  # too many features
        size = N_SAMPLES // N_BATCHES
        return [tuple(empirical(generator, size, rng)) for _ in range(N_BATCHES)]
