"""The record of a distribution that can be sampled: what every simulation starts from.

A generator is a frozen record: it samples features given class sizes, and hands its distribution
over as quadratures and log densities so that limits can be computed instead of simulated. Labels
come sorted: class 0 first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument, instance_of, shown
from learnprop.equations.arrays import by_class, without_gradient
from learnprop.equations.limits.quadrature import Quadrature
from learnprop.equations.mean_proba import FloatArray, IntArray

Sample = tuple[FloatArray, IntArray]
"""Features (n_samples, n_features) and labels (n_samples,)."""


@dataclass(frozen=True)
class Generator:
    """K classes in R^d that can be sampled and integrated over.

    Attributes
    ----------
    name, reading : str
        Which family or set-up of the paper, and a description or, for the paper's, in which of
        its two possible readings.
    n_features, n_classes : int
    sample_class : callable ``(k, n, rng) -> (n, n_features)``
        Draws from P(x | y = k).
    quadrature : callable ``() -> tuple of Quadrature``
        P(x | y = k) as nodes and probabilities, built when asked for; raises ValueError where
        there are too many features for it.
    log_density : callable ``(x,) -> (n, n_classes)``, or None
        Log densities of all classes up to a common constant; None where the true posterior is
        not used (Sim1, whose model is misspecified on purpose).
    linear_log_odds : bool
        Whether those of every two classes are known to be linear in x, so that a linear softmax
        model holds the true posterior.
    """

    name: str
    reading: str
    n_features: int
    n_classes: int
    sample_class: Callable[[int, int, np.random.Generator], FloatArray]
    quadrature: Callable[[], tuple[Quadrature, ...]]
    log_density: Callable[[FloatArray], FloatArray] | None = None
    linear_log_odds: bool = False


def check_generator(generator: Generator) -> Generator:
    """Return a distribution that can be sampled; raise BadArgument where it is none."""
    found: Generator = instance_of(generator, "generator", Generator, "sim1()")
    return found


def check_rng(rng: np.random.Generator, name: str = "rng") -> None:
    """Raise BadArgument unless it is a generator of numpy's."""
    instance_of(rng, name, np.random.Generator, "numpy.random.default_rng(0)")


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
    >>> from learnprop.simulations.generators.paper import sim1
    >>> X, y = sample(sim1(), (2, 3), np.random.default_rng(0))
    >>> X.shape, y.tolist()
    ((5, 1), [0, 0, 1, 1, 1])
    """
    check_rng(rng)
    count = check_class_count(class_count, check_generator(generator).n_classes)
    X = np.concatenate([generator.sample_class(k, n, rng) for k, n in enumerate(count)])
    return X, np.repeat(np.arange(len(count)), count)


def empirical(
    generator: Generator, n_samples: int, rng: np.random.Generator
) -> Iterator[Quadrature]:
    """A sample of each class as a quadrature of equal probabilities, one class at a time.

    Parameters
    ----------
    generator : Generator
    n_samples : int
        Per class.
    rng : numpy.random.Generator

    Yields
    ------
    Quadrature

    Examples
    --------
    >>> from learnprop.simulations.generators.paper import sim2
    >>> [rule.nodes.shape for rule in empirical(sim2(), 5, np.random.default_rng(0))]
    [(5, 3), (5, 3)]
    """
    probability = np.full(n_samples, 1 / n_samples)
    for k in range(generator.n_classes):
        yield Quadrature(generator.sample_class(k, n_samples, rng), probability)


def check_class_count(
    class_count: ArrayLike, n_classes: int, name: str = "class_count"
) -> list[int]:
    """Return the sizes as a list of int if they are one positive integer per class.

    Examples
    --------
    >>> check_class_count((1000, 10000), 2)
    [1000, 10000]
    """
    count, given = by_class(class_count, name), np.asarray(without_gradient(class_count))
    whole = np.isfinite(count).all() and (count == np.floor(count)).all()
    if count.shape != (n_classes,) or not whole or not (count > 0).all():
        raise BadArgument(name, f"must be {n_classes} positive integers, got {shown(given)}")
    return [int(n) for n in count]
