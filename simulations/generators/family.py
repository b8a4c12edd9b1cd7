"""The record of a family of distributions: what studies with a choice of generator build from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from learnprop.simulations.generators.generator import Generator
from learnprop.simulations.registry import Chosen


@dataclass(frozen=True)
class Family:
    """Distributions that are chosen by name and by options.

    Attributes
    ----------
    build : callable ``(**options) -> Generator``
        Raises `BadArgument`, naming the option.
    sentence : callable ``(**options) -> str``
        What protocols say of it.
    memory : callable ``(**options) -> float``
        Bytes that `build` takes.
    """

    build: Callable[..., Generator]
    sentence: Callable[..., str]
    memory: Callable[..., float] = lambda **_: 0.0


def generator_of(chosen: Chosen) -> Generator:
    """Build what was chosen of `FAMILIES`.

    Examples
    --------
    >>> from learnprop.simulations.generators import FAMILIES
    >>> from learnprop.simulations.registry import choose
    >>> generator_of(choose(FAMILIES, "gaussian", {"classes": 4})).reading
    '4 classes in 2 features'
    """
    family: Family = chosen.record
    return family.build(**chosen.options)
