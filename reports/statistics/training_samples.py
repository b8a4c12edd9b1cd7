"""Whether runs on a data set train with the same images, and what their intervals then leave out.

A class that trains with all images that there are has the same ones in every run, unless each run
draws its test sample first. No interval over runs contains the error of that part of the sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

GIVEN_SAMPLE = "no interval, standard error or test over runs contains that sample's error"
"""What follows where all runs train with the same images."""


class _Cell(Protocol):
    @property
    def train_size(self) -> tuple[int, ...]: ...

    @property
    def shares_test_set(self) -> bool: ...


def same_in_all_runs(cell: _Cell, supply: Sequence[int]) -> tuple[int, ...]:
    """Classes whose training images are the same in every run.

    Parameters
    ----------
    cell : CnnCell or LossCell
    supply : sequence of int
        Training images that the data set has of each class.

    Returns
    -------
    tuple of int
        None where runs draw their test samples, and so what is left to train with.
    """
    if not cell.shares_test_set:
        return ()
    return tuple(
        k for k, (n, all_) in enumerate(zip(cell.train_size, supply, strict=True)) if n == all_
    )


def training_sample(cell: _Cell, supply: Sequence[int]) -> str:
    """Say what the replications of a cell train with."""
    same, n_classes = same_in_all_runs(cell, supply), len(cell.train_size)
    if len(same) == n_classes:
        return "all images that there are to train with, the same in every replication"
    if same:
        return f"a fresh subsample per replication, but {_of(same)} all images, in every one"
    if tuple(supply) == tuple(cell.train_size):
        return "all images that are not of the replication's test sample"
    return "a fresh subsample per replication"


def same_sample_note(same: Mapping[str, Sequence[int]], n_classes: int) -> str:
    """Say below a table which training images all runs share, and what follows, a line each.

    Parameters
    ----------
    same : mapping of str to sequence of int
        `same_in_all_runs` of each cell.
    n_classes : int

    Returns
    -------
    str
        Empty where every run draws all of its sample.

    Examples
    --------
    >>> print(same_sample_note({"imbalance 1": (0, 1), "imbalance 10": ()}, 2))
    all runs train with the same images at imbalance 1
    no interval, standard error or test over runs contains that sample's error
    """
    shared: dict[str, list[str]] = {}
    for name, classes in same.items():
        if classes:
            which = "" if len(classes) == n_classes else f" {_of(classes)}"
            shared.setdefault(which, []).append(name)
    lines = [
        f"all runs train with the same images{which} at {', '.join(names)}"
        for which, names in shared.items()
    ]
    return "\n".join([*lines, GIVEN_SAMPLE]) if lines else ""


def _of(classes: Sequence[int]) -> str:
    one = len(classes) == 1
    return f"of class{'' if one else 'es'} {', '.join(map(str, classes))}"
