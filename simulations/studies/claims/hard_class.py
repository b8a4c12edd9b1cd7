r"""One hard class beside a target class, among easy ones: how many, where, and how rare it is.

The paper says that one-vs-all averages a hard class away among easy ones. Three factors are crossed
to see what does it:

======== ===================================================================================
factor   levels
======== ===================================================================================
n_easy   0, 1, 2, 6 classes (beside: up to 2, which is enough there), 3.5 apart on a line; without
         any, one-vs-all is softmax: K = 2
place    ``behind``: 3.5 beyond the hard class, which lies between them and the target;
         ``beside``: the same line turned by a right angle, 3.5 from target and hard class alike
sizes    ``rare``: the hard class has 300 samples, all others 1500; ``equal``: 1500 each
======== ===================================================================================

Class 0 is the target, class 1 the hard one. All are Gaussian with unit covariance, so that softmax
regression holds the true posterior and linear one-vs-all outputs do not.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from learnprop.simulations.generators.gaussian import gaussian_classes
from learnprop.simulations.generators.generator import Generator

N_EASY = {"behind": (0, 1, 2, 6), "beside": (0, 1, 2)}
"""Numbers of easy classes by place."""

HARD_SIZE = {"rare": 300, "equal": 1500}
OTHER_SIZE = 1500
EASY_DISTANCE = 3.5

PUBLISHED = "one hard class"
"""Name of the cell with six easy classes behind a rare hard one, where LGL-INR is tried too."""

BALANCED = "hard class, 6 easy behind, equal"
"""Name of that with equal sizes, where LGL-INR at β = 0 balances positives and negatives too."""

Levels = tuple[str, int, str]
"""Place, number of easy classes, sizes."""


def hard_class_cell(place: str, n_easy: int, sizes: str) -> str:
    """Name of the data cell of a combination of levels; without easy classes there is no place.

    Parameters
    ----------
    place : {"behind", "beside"}
    n_easy : int
    sizes : {"rare", "equal"}

    Returns
    -------
    str

    Examples
    --------
    >>> hard_class_cell("beside", 2, "rare"), hard_class_cell("behind", 6, "rare")
    ('hard class, 2 easy beside, rare', 'one hard class')
    >>> hard_class_cell("beside", 0, "equal") == hard_class_cell("behind", 0, "equal")
    True
    """
    if (place, n_easy, sizes) == ("behind", 6, "rare"):
        return PUBLISHED
    easy = f"{n_easy} easy {place}" if n_easy else "0 easy"
    return f"hard class, {easy}, {sizes}"


def hard_and_easy(n_easy: int, place: str) -> Generator:
    """Make the distribution: the target at the origin, the hard class 2 to its right, easy ones.

    Parameters
    ----------
    n_easy : int
    place : {"behind", "beside"}

    Returns
    -------
    Generator

    Examples
    --------
    >>> [hard_and_easy(n, "behind").n_classes for n in (0, 6)]
    [2, 8]
    """
    along = EASY_DISTANCE * (np.arange(n_easy) - (n_easy - 1) / 2)
    if place == "behind":
        easy = np.column_stack([np.full(n_easy, 2.0 + EASY_DISTANCE), along])
    else:
        easy = np.column_stack([1.0 + along, np.full(n_easy, EASY_DISTANCE)])
    return gaussian_classes(np.vstack([[[0.0, 0.0], [2.0, 0.0]], easy]))


def train_size(n_easy: int, sizes: str) -> tuple[int, ...]:
    """Class sizes of training.

    Examples
    --------
    >>> train_size(1, "rare")
    (1500, 300, 1500)
    """
    return (OTHER_SIZE, HARD_SIZE[sizes], *[OTHER_SIZE] * n_easy)


LEVELS: dict[str, Levels] = {
    hard_class_cell(place, n_easy, sizes): (place, n_easy, sizes)
    for place, sizes in product(N_EASY, HARD_SIZE)
    for n_easy in N_EASY[place]
}
"""Levels of every data cell. Those without easy classes are of both places, and are listed once."""
