"""Where a fitter ends as its samples grow: P against the class mass, in the population."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.balance import off_diagonal
from learnprop.equations.limits.minimisers import (
    linear_mean_proba,
    of_both_logits,
    one_vs_all_minimiser,
    softmax_minimiser,
)
from learnprop.equations.limits.quadrature import Quadrature
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.generators.generator import Generator, empirical
from learnprop.simulations.generators.posterior import PosteriorBalance, posterior_of

Minimum = Callable[[tuple[Quadrature, ...], ArrayLike], tuple[FloatArray, FloatArray]]
"""P and 1 - P_kk of the minimiser of a loss, on classes that are quadratures, by class mass."""

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
    basis : {"population minimiser", "penalised minimiser", "true posterior"}
        Of the linear model's loss, whether or not the model is true; or what every model ends at
        that is rich enough to hold it.
    at : callable ``(class_mass) -> LimitProba``
        Under class masses w = λN; raises `NoMinimiser` where the loss has none.
    by_ratios : bool
        Whether only ratios of masses matter: beside a penalty their sum does.
    """

    basis: str
    at: Callable[[ArrayLike], LimitProba]
    by_ratios: bool = True


@dataclass(frozen=True)
class LargeSampleLimit:
    """What a fitter knows of where it ends.

    Attributes
    ----------
    where : str
        For protocols.
    of : callable ``(generator, rng) -> Limit or None``
        None where it is not known; `rng` is for Monte Carlo in more features than quadrature takes.
    penalised : callable ``(l2) -> LargeSampleLimit``, optional
        Where it ends under a penalty (α/2) Σ coef², of α > 0.
    """

    where: str
    of: Callable[[Generator, np.random.Generator], Limit | None]
    penalised: Callable[[float], LargeSampleLimit] | None = None


def posterior_limit(generator: Generator, rng: np.random.Generator) -> Limit | None:
    """Return the true posterior, where every model ends that is rich enough; None if not known."""
    if generator.log_density is None:
        return None
    posterior = posterior_of(generator, rng=rng, n_samples=N_SAMPLES)
    return Limit("true posterior", lambda mass: _posterior(posterior(mass)))


def minimiser_limit(generator: Generator, rng: np.random.Generator, minimum: Minimum) -> Limit:
    """Return the minimiser of a population loss, by quadrature or as the mean over batches.

    Parameters
    ----------
    generator : Generator
    rng : numpy.random.Generator
    minimum : callable ``(classes, class_mass) -> (P, 1 - P_kk)``
        Of the minimiser's predictions on classes that are quadratures.

    Returns
    -------
    Limit
    """
    batches = _populations(generator, rng)
    return Limit("population minimiser", lambda mass: _mean(batches, mass, minimum))


def softmax_limit(generator: Generator, rng: np.random.Generator) -> Limit | None:
    """Return where linear softmax ends: at the posterior where the log odds are linear.

    Examples
    --------
    >>> from learnprop.simulations.generators.paper import sim1
    >>> limit = softmax_limit(sim1(), np.random.default_rng(0))
    >>> P = limit.at([1.0, 10.0]).mean_proba
    >>> limit.basis, round(float(P[0, 1] / P[1, 0]), 9)  # Eq. (10)
    ('population minimiser', 10.0)
    """
    if generator.linear_log_odds:
        return posterior_limit(generator, rng)
    return minimiser_limit(generator, rng, _softmax_minimum)


def one_vs_all_limit(generator: Generator, rng: np.random.Generator) -> Limit:
    """Return where linear one-vs-all ends: at the minimiser of its K losses."""
    return minimiser_limit(generator, rng, _one_vs_all_minimum)


def _posterior(found: PosteriorBalance) -> LimitProba:
    return LimitProba(found.mean_proba, off_diagonal(found.mean_proba).sum(axis=1), found.mcse)


def _mean(
    batches: Sequence[tuple[Quadrature, ...]], class_mass: ArrayLike, minimum: Minimum
) -> LimitProba:
    """Mean over batches; one batch is the distribution itself."""
    found = [minimum(batch, class_mass) for batch in batches]
    P, miss = (np.stack(arrays) for arrays in zip(*found, strict=True))
    spread = P.std(axis=0, ddof=1) if len(found) > 1 else np.zeros_like(P[0])
    return LimitProba(P.mean(axis=0), miss.mean(axis=0), spread / np.sqrt(len(found)))


def _softmax_minimum(
    classes: tuple[Quadrature, ...], class_mass: ArrayLike, l2: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    P = linear_mean_proba(classes, softmax_minimiser(classes, class_mass, l2))
    return P, off_diagonal(P).sum(axis=1)


def _logistic_minimum(
    classes: tuple[Quadrature, ...], class_mass: ArrayLike, l2: float
) -> tuple[FloatArray, FloatArray]:
    return _softmax_minimum(classes, class_mass, of_both_logits(l2))


def _one_vs_all_minimum(
    classes: tuple[Quadrature, ...], class_mass: ArrayLike, l2: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    theta = one_vs_all_minimiser(classes, class_mass, l2)
    miss = linear_mean_proba(classes, -theta, "sigmoid").diagonal()
    return linear_mean_proba(classes, theta, "sigmoid"), miss


def _populations(generator: Generator, rng: np.random.Generator) -> list[tuple[Quadrature, ...]]:
    """The distribution by quadrature, or batches of samples of it."""
    try:
        return [generator.quadrature()]
    except ValueError:  # too many features
        size = N_SAMPLES // N_BATCHES
        return [tuple(empirical(generator, size, rng)) for _ in range(N_BATCHES)]


def _penalised(
    minimum: Callable[..., tuple[FloatArray, FloatArray]],
) -> Callable[[float], LargeSampleLimit]:
    """Where a regression ends beside a penalty: not at the posterior, though that be linear."""

    def limit(l2: float, generator: Generator, rng: np.random.Generator) -> Limit:
        found = minimiser_limit(generator, rng, partial(minimum, l2=l2))
        return replace(found, basis="penalised minimiser", by_ratios=False)

    where = (
        "the minimiser of the population loss, at the total mass Σw of the study's own training "
        "samples, plus the penalty"
    )
    return lambda l2: LargeSampleLimit(where, partial(limit, l2))


_MINIMISER = "the minimiser of the population loss, whether or not the model is true"
LOGISTIC = LargeSampleLimit(_MINIMISER, softmax_limit, _penalised(_logistic_minimum))
SOFTMAX = LargeSampleLimit(_MINIMISER, softmax_limit, _penalised(_softmax_minimum))
ONE_VS_ALL = LargeSampleLimit(_MINIMISER, one_vs_all_limit, _penalised(_one_vs_all_minimum))
RICH_MODEL = LargeSampleLimit(
    "the true posterior under priors proportional to w, where it is known; a network ends there if "
    "it is rich enough",
    posterior_limit,
)
