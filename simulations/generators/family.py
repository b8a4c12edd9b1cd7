"""The record of a family of distributions: what studies with a choice of generator build from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulations.generators.generator import Generator


@dataclass(frozen=True)
class Family:
    """Distributions that are chosen by name and by options.

    Attributes
    ----------
    build : callable ``(**options) -> Generator``
        Raises `BadArgument`, naming the option.
    sentence : callable ``(**options) -> str``
        What protocols say of it.
    """

    build: Callable[..., Generator]
    sentence: Callable[..., str]
