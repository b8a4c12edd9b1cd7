"""The paper's other statements from the store: what was measured, and a verdict on each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import reduce
from typing import TYPE_CHECKING

from learnprop.equations.inference.estimates import Verdict
from learnprop.equations.losses.hardness import in_negative_sides
from learnprop.reports.claims.crossing import crossing
from learnprop.reports.claims.readings import Evidence
from learnprop.reports.claims.verdicts import CLAIMS
from learnprop.reports.statistics.claim import Claim
from learnprop.reports.statistics.evidence import SettingEvidence, evidence_of, read_cell
from learnprop.reports.statistics.sides import overall_verdict, sides_from, sides_over_runs
from learnprop.simulations.engine.study import Study
from learnprop.simulations.records.store import Store
from learnprop.simulations.studies.claims.study import LGL_INR

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Claims:
    """All claims, one row each, and the hard class at every combination of levels."""

    summary: pd.DataFrame
    hard_class: pd.DataFrame


def summarise(study: Study, store: Store) -> Claims:
    """Read the designs and put every statement to them."""
    import pandas as pd

    test, train, balanced = {}, {}, {}
    margin = study.design["margin"]
    counts: dict[str, dict[str, int]] = {}
    for cell in study.cells:
        fits, measured = read_cell(study, store, cell)
        for setting in cell.settings:
            found = evidence_of(study, cell, setting, fits, measured)
            counts[cell.name] = _worst(counts.get(cell.name, found.counts), found.counts)
            if found.usable:
                key = cell.name, setting
                test[key], train[key] = found.split("test"), found.split("train")
                balanced[key] = _balance(setting, found, margin)
    evidence = Evidence(test, train, balanced, margin)
    rows = []
    for name, claim in CLAIMS.items():
        try:
            found_claim = claim(evidence)
        except KeyError as error:  # a design without two models says nothing
            (design, _), nan = error.args[0], float("nan")
            found_claim = Claim(name, design, "-", "-", nan, nan, nan, nan, "inconclusive")
        rows.append(asdict(found_claim) | _counts_of(found_claim.design, counts))
    return Claims(pd.DataFrame(rows), crossing(evidence, counts))


def _counts_of(designs: str, counts: dict[str, dict[str, int]]) -> dict[str, int]:
    """Counts over the designs that a claim reads; none where it is computed."""
    read = [counts[design] for design in designs.split("; ") if design in counts]
    return reduce(_worst, read) if read else {}


def _balance(setting: str, found: SettingEvidence, margin: float) -> Verdict:
    """Verdict on the equations of a setting on test: E10 under LGL-INR, else Eq. (9)."""
    rows = found.split("test")
    if setting in LGL_INR:
        left, right = in_negative_sides(rows.mean_proba, rows.miss_proba, LGL_INR[setting])
        sides = sides_from(left, right, margin=margin, converged=found.converged)
    else:
        sides = sides_over_runs(rows, found.mass, margin=margin, converged=found.converged)
    return overall_verdict(sides, margin)


def _worst(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    """Counts of two settings or designs: fewest converged, most failed."""
    return {
        name: (max if name == "runs_failed" else min)(first[name], second[name]) for name in first
    }
