"""The protocol of the gap on fresh data."""

from __future__ import annotations

from learnprop.reports.protocols.ademp import EQ_9, Protocol, decision, fitted_by, items, no_minimum
from learnprop.simulations.engine.study import Study


def fresh_protocol(study: Study) -> Protocol:
    """Protocol of the gap on fresh data."""
    design, by_classes = study.design, {len(c.train_size): c for c in study.cells}
    margin = f"±{100 * design['margin']:g} %"
    return Protocol(
        title="the gap on fresh data, predicted, observed and repaired",
        aims=(
            f"Fitted models satisfy Eq. (9), {EQ_9}, on their training sample and not on fresh "
            "data. Is the gap there, left / right - 1, predicted by the training sample alone, and "
            "for Gaussian classes before there is one? Can it be repaired?",
        ),
        mechanisms=items(
            f"Gaussian classes of unit covariance, any two means {design['separation']:g} apart; "
            "κ is the number of features over that of training samples.",
            *(_sizes(study, n_classes) for n_classes in by_classes),
        ),
        estimands=items(
            "Observed: the gap on the population, of which a linear model has "
            f"{design['population']} points of equal weight for each class.",
            "Leave-one-out: the gap on the training sample, each sample predicted as if it had "
            "been left out of the fit (E13).",
            "State evolution: the gap for many samples and features in this proportion (E14), "
            "which draws nothing.",
            "Repaired: the gap on the population once the biases are moved to where the left-out "
            "predictions balance, stage `loo`.",
            f"Control: a population whose class 0 is {design['shift']:g} SDs nearer to the others. "
            "P(x|y) is not that of training, and no left-out prediction knows it.",
        ),
        methods=items(*(fitted_by(cell) for cell in by_classes.values())),
        performance=items(
            "Prediction against observation: (1 + observed gap) / (1 + predicted gap) - 1, of "
            "ratios of means over runs. For leave-one-out, paired by run, with the jackknife's "
            "90 % interval; for state evolution with Fieller's of the observed gap. Put to "
            f"{margin}: `holds`, `fails`, `inconclusive`.",
            f"What is left after the repair: {decision(design['margin'])}",
            "A setting of a cell has no numbers where more than 5 % of its runs have no model; "
            "their reason stands in the place of verdicts.",
            *no_minimum(study),
        ),
    )


def _sizes(study: Study, n_classes: int) -> str:
    cells = [cell for cell in study.cells if len(cell.train_size) == n_classes]
    features = ", ".join(str(cell.n_features) for cell in cells)
    return f"{n_classes} classes: train {cells[0].train_size}; features {features}."
