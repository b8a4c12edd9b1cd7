"""Which imbalance ratios a grid has: those that its source allows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.registry import Chosen
from learnprop.simulations.studies.cells import check_enough
from learnprop.simulations.studies.explore.options import Options, Unnamed
from learnprop.simulations.studies.explore.source import Sizes, Source, sizes_at

MOST_TRIED = 1000
"""Ratios that are tried where one is refused: half a second at most."""


def check_ratios(ratios: Sequence[float]) -> None:
    """Raise BadArgument unless ratios are at least one, finite and distinct."""
    if not ratios:
        raise BadArgument("ratios", "must hold at least one ratio")
    for ratio in ratios:
        if not (np.isfinite(ratio) and ratio >= 1):
            raise BadArgument("ratios", f"must be finite and at least 1, got {ratio:g}")
    names = [f"{ratio:g}" for ratio in ratios]
    for name in names:
        if names.count(name) > 1:
            raise BadArgument("ratios", f"must be distinct, got {name} twice")


def grid_of(
    o: Options, source: Source, fitter: Chosen, left_out: Sequence[float]
) -> tuple[dict[float, tuple[Sizes, Sizes]], Sequence[float]]:
    """Sizes by ratio, and the ratios without: of a file those that nobody named and it lacks."""
    found: dict[float, tuple[Sizes, Sizes]] = {}
    lacking: dict[float, BadArgument] = {}
    for ratio in o.ratios:
        try:
            found[ratio] = sizes_of(vars(o), source, fitter, ratio)
        except BadArgument as refused:
            lacking[ratio] = refused
    if lacking and not (found and source.file and isinstance(o.ratios, Unnamed)):
        ratio, first = next(iter(lacking.items()))
        raise BadArgument(first.argument, f"{first.problem}{_would_do(o, source, fitter, ratio)}")
    return found, [*left_out, *lacking]


def sizes_of(
    chosen: Mapping[str, Any], source: Source, fitter: Chosen, ratio: float
) -> tuple[Sizes, Sizes]:
    """Sizes at a ratio, enough for the fitter; raises BadArgument."""
    sizes = sizes_at(source, ratio, *(chosen[k] for k in ("profile", "train_size", "test_size")))
    if fitter.name != "estimator":
        at, stages = f"at ratio {ratio:g}", chosen.get("stage", ())
        check_enough(sizes[0], source.dimension, fitter, at, stages=stages)
    return sizes


def _would_do(o: Options, source: Source, fitter: Chosen, ratio: float) -> str:
    """The largest whole ratio of a file, below one that it cannot have."""
    for lower in range(min(math.ceil(ratio) - 1, MOST_TRIED), 0, -1) if source.file else ():
        with suppress(BadArgument):
            sizes_of(vars(o), source, fitter, lower)
            return f"; ratio {lower} would do"
    return ""
