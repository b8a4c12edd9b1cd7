"""The controls from the store: predicted residual, observed residual, verdict, power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from learnprop.equations.balance import class_mass, residual
from learnprop.equations.inference.simultaneous import max_t_critical
from learnprop.equations.mean_proba import FloatArray
from learnprop.equations.violations.minibatch_mean import minibatch_mean_class_weight
from learnprop.equations.violations.residuals import (
    label_smoothing_residual,
    penalised_bias_residual,
    torch_label_smoothing_residual,
)
from learnprop.reports.statistics.columns import (
    Columns,
    columns_of_balance,
    mean_and_mcse,
    relative_residual,
)
from learnprop.reports.statistics.evidence import (
    INCONCLUSIVE,
    Part,
    SettingEvidence,
    Terms,
    evidence_of,
    parts_of,
    read_cell,
)
from learnprop.reports.statistics.rows import class_rows
from learnprop.reports.statistics.runs import CONFIDENCE, mean_with_interval
from learnprop.reports.statistics.sides import (
    SIMULTANEOUS,
    SidesOverRuns,
    overall_verdict,
    rejections,
)
from learnprop.simulations.engine.study import Study
from learnprop.simulations.generators.posterior import posterior_balance
from learnprop.simulations.records.store import Store
from learnprop.simulations.studies.controls.study import (
    TRAIN_SIZE,
    Control,
    ControlsCell,
    control_named,
    weight_of,
)

if TYPE_CHECKING:
    import pandas as pd

OF_CLASSES = (
    "class", "observed", "observed_low", "observed_high", "train", "gap", "gap_low", "gap_high",
    "verdict", "predicted", "difference", "difference_mcse",
)  # fmt: skip
"""What is shown of the classes."""


@dataclass(frozen=True)
class Controls:
    """What the report of the controls is drawn from.

    Attributes
    ----------
    summary : DataFrame
        One row per control: verdict, what was expected, the verdict without the violation, power.
    classes : DataFrame
        One row per control and class: predicted and observed residual r_j / w_j, gap, verdict.
    """

    summary: pd.DataFrame
    classes: pd.DataFrame


def summarise(study: Study, store: Store) -> Controls:
    """Read the controls and compute everything that their reports show."""
    import pandas as pd

    (cell,) = study.cells
    fits, measured = read_cell(study, store, cell)
    terms = Terms(study.design["margin"], TRAIN_SIZE, ("test",))
    summary: list[dict[str, Any]] = []
    classes: list[dict[str, Any]] = []
    for setting in cell.settings:
        control = control_named(setting)
        evidence = evidence_of(study, cell, setting, fits, measured)
        row = {"control": setting, "without": control.without, "expected": control.expected}
        if not evidence.usable:
            summary.append(row | {"verdict": INCONCLUSIVE, "as_expected": False})
            summary[-1] |= evidence.counts
            continue
        found, of_classes = _of_control(cell, control, evidence, terms)
        summary.append(row | found | evidence.counts)
        classes += [
            {"control": setting} | {name: c[name] for name in OF_CLASSES if name in c}
            for c in of_classes
        ]
    verdicts = {row["control"]: row["verdict"] for row in summary}
    for row in summary:
        row["verdict_without"] = verdicts[row["without"]]
    return Controls(pd.DataFrame(summary), pd.DataFrame(classes))


def predicted_residual(cell: ControlsCell, control: Control, evidence: SettingEvidence) -> Any:
    r"""Residual r_j / w_j that theory says a control leaves on train (E8).

    Parameters
    ----------
    cell : ControlsCell
    control : Control
    evidence : SettingEvidence

    Returns
    -------
    ndarray or None
        Of shape (n_runs, n_classes) where it follows from what was fitted, (n_classes,) where it
        is known beforehand; None where only the direction is known.
    """
    mass, weight = evidence.mass, weight_of(control.weights)
    objective = control.objective
    if control.prediction == "zero":
        found: FloatArray = np.zeros_like(mass)
    elif control.prediction == "bias":
        found = penalised_bias_residual(objective.bias_penalty, evidence.models.bias)
    elif control.prediction == "smoothing":
        found = label_smoothing_residual(mass, objective.smoothing)
    elif control.prediction == "torch smoothing":
        P = evidence.split("train").mean_proba
        found = torch_label_smoothing_residual(P, weight, TRAIN_SIZE, objective.smoothing)
    elif control.prediction == "gradient":
        found = -evidence.models.bias_gradient * mass.sum()
    elif control.prediction in ("minibatch", "posterior"):
        if control.prediction == "minibatch":
            assert objective.batch_size is not None
            weight = minibatch_mean_class_weight(weight, TRAIN_SIZE, objective.batch_size)
        limit = posterior_balance(cell.generator(), class_mass(weight, TRAIN_SIZE))
        found = residual(limit.mean_proba, mass)
    else:
        return None
    return found / mass


def _of_control(
    cell: ControlsCell, control: Control, evidence: SettingEvidence, terms: Terms
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Row of the summary, and one row per class."""
    test, mass = parts_of(evidence, terms)["test"], evidence.mass
    on_train = relative_residual(evidence.split("train"), mass)
    predicted = predicted_residual(cell, control, evidence)

    def residuals(part: Part) -> Columns:
        return _residuals(relative_residual(part.rows, mass), on_train, predicted)

    about = {"class": range(len(mass))}
    classes = class_rows(evidence, terms, about, (residuals, columns_of_balance))
    verdict = overall_verdict(test.sides, terms.margin)
    found: dict[str, Any] = {
        "verdict": verdict,
        "as_expected": verdict == control.expected,
        "power": power(test.sides, control, predicted, terms.margin),
        **rejections(test.rows, mass, one_vs_all=False),
        "max_bias_gradient": evidence.max_bias_gradient,
    }
    if predicted is not None:
        found["max_difference_on_train"] = float(np.abs(on_train - predicted).max())
        found["max_z_difference"] = max(
            abs(c["difference"]) / max(c["difference_mcse"], 1e-300) for c in classes
        )
    return found, classes


def _residuals(on_test: FloatArray, on_train: FloatArray, predicted: Any) -> Columns:
    """Observed and predicted residuals r_j / w_j by class, and their difference."""
    observed = [mean_with_interval(of_class) for of_class in on_test.T]
    columns: Columns = {
        "observed": [e.value for e in observed],
        "observed_low": [e.low for e in observed],
        "observed_high": [e.high for e in observed],
        "train": [float(of_class.mean()) for of_class in on_train.T],
    }
    if predicted is not None:
        of_classes = np.broadcast_to(predicted, on_test.shape)
        columns |= {"predicted": [float(of_class.mean()) for of_class in of_classes.T]}
        columns |= mean_and_mcse("difference", on_test - of_classes)
    return columns


def power(sides: SidesOverRuns, control: Control, predicted: Any, margin: float) -> float:
    r"""Probability that a study of this size ends as expected of the control.

    With the standard error s_j of a gap over runs and the gap g_j that is predicted (observed,
    where only the direction is known), normal approximation:

    - ``fails``: the largest over classes of :math:`\Phi((|g_j| - \delta) / s_j - c)`, c the
      simultaneous critical value: a lower bound, since any class may fail;
    - ``holds``: :math:`1 - \sum_j (1 - p_j)` with
      :math:`p_j = \max(0, 2 \Phi(\delta / s_j - t) - 1)` at a gap of zero: a lower bound, too.

    Parameters
    ----------
    sides : SidesOverRuns
    control : Control
    predicted : ndarray or None
        r_j / w_j, as `predicted_residual`.
    margin : float

    Returns
    -------
    float
        1 for a control that must end as not converged: that is no matter of chance.
    """
    if control.expected == "not converged":
        return 1.0
    n = len(sides.left)
    left, right = sides.left.mean(axis=0), sides.right.mean(axis=0)
    d = (sides.left - left / right * sides.right) / right
    covariance = np.cov(d, rowvar=False)
    spread = np.sqrt(np.diagonal(covariance) / n)
    if control.expected == "holds":
        t = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)
        each = np.maximum(0.0, 2 * stats.norm.cdf(margin / spread - t) - 1)
        return float(max(0.0, 1 - (1 - each).sum()))
    gap = left / right - 1
    if predicted is not None:
        # left - right = r, and left + (sum of the rest of the row) is w: with r_j / w_j = q_j and
        # left_j as observed, right_j = left_j - q_j w_j.
        q = np.broadcast_to(predicted, sides.left.shape).mean(axis=0)
        share = _mass_share(control)
        gap = left / (left - q * share) - 1
    correlation = covariance / n / np.outer(spread, spread)
    c = max_t_critical(correlation, level=SIMULTANEOUS, df=n - 1)
    return float(stats.norm.cdf((np.abs(gap) - margin) / spread - c).max())


def _mass_share(control: Control) -> FloatArray:
    mass = class_mass(weight_of(control.claimed or control.weights), TRAIN_SIZE)
    return np.asarray(mass / mass.sum())
