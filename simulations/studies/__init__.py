"""Studies: a folder each, whose ``study`` reads like the paper's set-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from learnprop.equations.arguments import BadArgument

if TYPE_CHECKING:
    from learnprop.simulations.engine.study import Study


@dataclass(frozen=True)
class StudyEntry:
    """What a study is run with, where that is its own.

    Attributes
    ----------
    max_failures : float
        Share of the replications that may fail before it stops.
    takes_arrays : bool
        Whether it is also given a user's features and labels as arrays.
    """

    max_failures: float = 0.05
    takes_arrays: bool = False


STUDIES = {
    "table1": StudyEntry(),
    "multiclass": StudyEntry(),
    "controls": StudyEntry(),
    "claims": StudyEntry(),
    "explore": StudyEntry(max_failures=1.0, takes_arrays=True),
    "cnn": StudyEntry(),
    "losses": StudyEntry(),
    "fresh": StudyEntry(max_failures=1.0),
}
"""By name, which is the name of the folder: ``options.Options`` is what a user can choose (light),
``study.make_study`` lays it out, and ``reports`` has a folder of the same name."""


def options_type(name: str) -> type:
    """Return the dataclass of a study's options; loads nothing heavy.

    Parameters
    ----------
    name : str

    Returns
    -------
    type

    Raises
    ------
    BadArgument
        If there is no such study.

    Examples
    --------
    >>> options_type("table1")().train_size
    (1000, 10000)
    """
    found: type = _module(name, "options").Options
    return found


def study_module(name: str) -> ModuleType:
    """Return the module of a study, with its ``make_study(options)``."""
    return _module(name, "study")


def _module(name: str, of: str) -> ModuleType:
    if name not in STUDIES:
        raise BadArgument("study", f"must be one of {', '.join(STUDIES)}, got {name!r}")
    return import_module(f"learnprop.simulations.studies.{name}.{of}")


def no_minimum_of(study: Study) -> str:
    """Say, before anything is computed, where it is known that no fit has a minimum.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str
        Options are marked by backticks; empty where there is nothing to say.
    """
    return _remark("no_minimum_of", study)


def left_out_of(study: Study) -> str:
    """Say what of its default design a study goes without, as `no_minimum_of` says its."""
    return _remark("left_out_of", study)


def _remark(of: str, study: Study) -> str:
    remark = getattr(study_module(study.name), of, lambda _: "")
    return str(remark(study))


def used_of(name: str, design: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out of a design the options that are of nothing that was chosen.

    Parameters
    ----------
    name : str
        Of the study.
    design : mapping

    Returns
    -------
    mapping
    """
    module = study_module(name)
    used: Mapping[str, Any] = module.used_of(design) if hasattr(module, "used_of") else design
    return used


def stored_study(
    name: str, design: Mapping[str, Any], n_runs: int, inputs: Mapping[str, str] | None = None
) -> Study:
    """Lay a study out again from what its store says of it.

    Parameters
    ----------
    name : str
    design : mapping
    n_runs : int
    inputs : mapping, optional
        Where its files are, as in `Study`; needed to compute, not to report.

    Returns
    -------
    Study
        With the current code version; the caller compares.

    Raises
    ------
    ValueError
        If there is no such study, or it asks for a device that is not here.
    """
    from learnprop.simulations.studies.option import (
        from_design,  # a list of studies needs no option
    )

    options, module = options_type(name), study_module(name)
    renamed = getattr(module, "RENAMED", {})
    design = {renamed.get(option, option): value for option, value in design.items()}
    chosen = from_design(options, used_of(name, design), runs=n_runs, **(inputs or {}))
    known = module.known_from(design, inputs or {}) if hasattr(module, "known_from") else {}
    study: Study = module.make_study(chosen, **known)
    return study
