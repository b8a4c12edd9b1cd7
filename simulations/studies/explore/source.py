"""Where the samples of a grid come from, and how many of each class there are at a ratio."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from learnprop.equations.arguments import BadArgument, renamed
from learnprop.equations.mean_proba import FloatArray, IntArray
from learnprop.simulations.generators.class_sizes import class_sizes
from learnprop.simulations.generators.family import generator_of
from learnprop.simulations.generators.generator import Generator
from learnprop.simulations.generators.user_data import DataFile
from learnprop.simulations.registry import Chosen

TRAIN_SIZE, TEST_SIZE = 10_000, 1000
TEST_SHARE = 0.2
"""Of each label's samples in a file, unless the test size is given."""

RATIO_TOLERANCE = 0.15
"""That sizes may be off their ratio, relatively: rounding of 3 samples or fewer can be more."""

Sizes = tuple[int, ...]
"""Samples of each class, class 0 the rarest."""


@dataclass(frozen=True)
class Source:
    """A distribution, or a file.

    Attributes
    ----------
    n_classes, dimension : int
    family : Chosen or None
        Of `FAMILIES`.
    file : DataFile or None
    """

    n_classes: int
    dimension: int
    family: Chosen | None = None
    file: DataFile | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in their order."""
        return self.file.labels if self.file else tuple(map(str, range(self.n_classes)))

    def distribution(self) -> Generator:
        """Distribution of the classes; a file has none."""
        assert self.family is not None
        return generator_of(self.family)


def sizes_at(
    source: Source, ratio: float, profile: str, train_size: int | None, test_size: int | None
) -> tuple[Sizes, Sizes]:
    """Training and test class sizes at an imbalance ratio.

    Parameters
    ----------
    source : Source
    ratio : float
        Largest over smallest training class.
    profile : {"exponential", "step"}
    train_size : int or None
        Samples of the largest class; by default `TRAIN_SIZE`, of a file all that the ratio allows.
    test_size : int or None
        Of each class; by default `TEST_SIZE`, of a file `TEST_SHARE`.

    Returns
    -------
    train, test : tuple of int

    Raises
    ------
    ValueError
        If a class would be empty, or a label has too few samples; naming the option.

    Examples
    --------
    >>> sizes_at(Source(2, 1), 100, "exponential", None, None)
    ((100, 10000), (1000, 1000))
    """
    rising = partial(_rising, source.n_classes, ratio=ratio, profile=profile)
    ours = partial(renamed, n_classes="classes", largest="train_size", ratio="ratios")
    if source.file is None:
        largest = train_size or TRAIN_SIZE
        if round(largest / ratio) < 1:
            raise BadArgument(
                "ratios",
                f"{ratio:g} leaves the rarest class empty: the largest has {largest} "
                "(`train_size`)",
            )
        with ours():
            train = rising(largest)
        _check_ratio(train, ratio)
        return train, (test_size or TEST_SIZE,) * source.n_classes
    counts = source.file.counts
    test = tuple(test_size or max(1, int(TEST_SHARE * n)) for n in counts)
    if train_size:
        with ours():
            train = rising(train_size)
    else:
        left = np.subtract(counts, test)
        train = _largest_sizes(left, ratio, profile)
        if not all(train) and left.min() > 0:
            short = int(np.argmin(left / _shares(len(left), ratio, profile)))
            raise BadArgument(
                "ratios",
                f"{ratio:g} leaves no sample of label {source.labels[0]!r} to train: of "
                f"label {source.labels[short]!r} {source.file.name} has {counts[short]}, of which "
                f"{test[short]} are to test",
            )
    for label, n, n_train, n_test in zip(source.labels, counts, train, test, strict=True):
        if n_train + n_test > n or n_train < 1:
            raise BadArgument(
                "ratios",
                f"{ratio:g} needs {max(n_train, 1)} samples of label {label!r} to train "
                f"and {n_test} to test, but {source.file.name} has {n}",
            )
    _check_ratio(train, ratio)
    return train, test


def _check_ratio(train: Sizes, ratio: float) -> None:
    """Refuse a handful of samples that would be called by a ratio that they do not have."""
    if not _has_ratio(train, ratio):
        raise BadArgument(
            "ratios",
            f"{ratio:g} cannot be had with whole samples where the largest class has "
            f"{max(train)} to train: the rarest would have {min(train)}; change `train_size`",
        )


def _has_ratio(train: Sizes, ratio: float) -> bool:
    return abs(max(train) / min(train) / ratio - 1) <= RATIO_TOLERANCE


def _rising(n_classes: int, largest: int, ratio: float, profile: str) -> Sizes:
    return class_sizes(n_classes, largest, ratio, profile)[::-1]


def _shares(n_classes: int, ratio: float, profile: str) -> FloatArray:
    """Size of each class, that of the largest being 1."""
    scale = 10**6
    return np.array(_rising(n_classes, scale, min(ratio, scale), profile)) / scale


def _largest_sizes(left: IntArray, ratio: float, profile: str) -> Sizes:
    """Sizes of this ratio, as large as what is left of each class allows; zeros if none are."""
    n_classes = len(left)
    largest = int((left / _shares(n_classes, ratio, profile)).min())
    while largest >= ratio / 2:  # rounding takes a step or two
        try:
            sizes = _rising(n_classes, largest, ratio, profile)
        except ValueError:  # the rarest class would be empty
            break
        if (np.array(sizes) <= left).all() and _has_ratio(sizes, ratio):
            return sizes
        largest -= 1
    return (0,) * n_classes
