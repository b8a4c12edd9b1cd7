"""Of how many runs there are left-out predictions, and why nothing is predicted where not."""

from __future__ import annotations

from collections.abc import Iterable

from learnprop.reports.statistics.evidence import SettingEvidence
from learnprop.reports.statistics.runs import MAX_FAILED
from learnprop.simulations.records.rows import LEFT_OUT


def are_enough(n_predicted: int, n_models: int) -> bool:
    """Whether means over the runs that have left-out predictions speak of all runs.

    Examples
    --------
    >>> are_enough(95, 100), are_enough(8, 10), are_enough(0, 0)
    (True, False, False)
    """
    return n_predicted >= max(2, (1 - MAX_FAILED) * n_models)


def not_predicted_note(named: Iterable[tuple[str, SettingEvidence]]) -> list[str]:
    """Say below a table why nothing is predicted, of a fitter that leaves samples out.

    Parameters
    ----------
    named : iterable of (name, SettingEvidence)
        Of the fits as they are.

    Returns
    -------
    list of str
        Empty where all is predicted that has a model.
    """
    few: list[str] = []
    none: set[str] = set()
    for name, evidence in named:
        n_models = int(evidence.fits.has_model.sum())
        n = len(evidence.split(LEFT_OUT)) if evidence.usable else 0
        if not evidence.usable or are_enough(n, n_models):
            continue
        if n:
            few.append(f"{name}: predicted of {n} of {n_models} runs only, which is too few")
        elif evidence.counts["runs_converged"]:
            none.add("measured before left-out predictions were stored")
        else:
            none.add("no output layer is at its minimum")
    return [*few, *(f"overfitting not predicted: {reason}" for reason in sorted(none))]
