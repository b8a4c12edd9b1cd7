"""Studies: each one short file that reads like the paper's set-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulations.monte_carlo import Study

_HOME = {
    "table1": "simulations.studies.table1",
    "multiclass": "simulations.studies.multiclass",
    "controls": "simulations.studies.controls",
    "claims": "simulations.studies.claims",
    "explore": "simulations.studies.explore",
    "cnn": "simulations.studies.cnn",
    "losses": "simulations.studies.losses",
}


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
    if name not in _HOME:
        raise ValueError(f"no study is called {name!r}, only {', '.join(_HOME)}")
    module = import_module(_HOME[name])
    renamed = getattr(module, "RENAMED", {})
    design = {renamed.get(option, option): value for option, value in design.items()}
    chosen = {
        f.name: tuple(design[f.name]) if isinstance(design[f.name], list) else design[f.name]
        for f in fields(module.Options)
        if f.name in design
    }
    chosen |= inputs or {}
    known = module.known_from(design, inputs or {}) if hasattr(module, "known_from") else {}
    study: Study = module.make_study(module.Options(runs=n_runs, **chosen), **known)
    return study
