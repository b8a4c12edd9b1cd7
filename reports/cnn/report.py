"""How trained networks are reported."""

from __future__ import annotations

from functools import partial

from learnprop.reports.cnn.figures import draw_epochs, draw_mean_proba, draw_stages
from learnprop.reports.cnn.overfitting import overfitting_grid
from learnprop.reports.cnn.protocol import cnn_protocol
from learnprop.reports.cnn.summary import Networks, summarise
from learnprop.reports.cnn.text import STAGE_NAMES, joint_grid, overview_grid, stage_grid
from learnprop.reports.study_report import Contents, NamedFigure, NamedTable, StudyReport

_ALSO = {
    "heldout": "; the same gap with the output bias refined on images held out of training "
    "(heldout), and what their number lets expect",
    "head": "; the same gap with the whole output layer refined (head), where it is at a minimum",
    "loo": "; and with its bias where its left-out predictions balance (repaired)",
}


def cnn_contents(table: Networks) -> Contents:
    """Tables, figures and data frames of trained networks."""
    shared = (
        ", the shared test set's own error included"
        if table.shares_test_set
        else " over seeds and splits and, corrected, for new data"
    )
    given = (
        ", given the test set" if table.shares_test_set else ", seeds and splits of one data set"
    )
    return Contents(
        frames={"summary": table.summary, "joint": table.joint, "epochs": table.epochs},
        tables=(
            NamedTable(
                "cnn",
                f"Eq. (9) by class, {table.title}: left over right side as trained (raw), from run "
                "to run; with the output bias refined (bias) the largest relative difference on "
                f"train and the gap on test with its 90 % interval{shared}"
                + "".join(_ALSO[stage] for stage in table.stages if stage in _ALSO),
                partial(overview_grid, table),
            ),
            *(
                [
                    NamedTable(
                        "cnn_overfitting",
                        "Overfitting with the whole output layer refined (head), residual over "
                        "class mass: observed, and the output layer's share of it as predicted "
                        "from its training images",
                        partial(overfitting_grid, table),
                    )
                ]
                if table.predicted
                else []
            ),
            NamedTable("cnn_joint", "All equations at once, by stage", partial(joint_grid, table)),
            *(
                NamedTable(
                    f"cnn_{stage}",
                    f"Both sides of Eq. (9), {words}, in per cent of the total mass",
                    partial(stage_grid, table, stage),
                    on_console=False,
                )
                for stage, words in STAGE_NAMES.items()
                if stage in table.stages
            ),
        ),
        figures=(
            NamedFigure(
                "stages",
                "Left over right side of Eq. (9) by class and stage, with 90 % intervals, "
                + ("" if table.shares_test_set else "over seeds and splits, ")
                + "which are cut off far from all marks, dotted where unbounded; "
                + (
                    "dashes: the gap with the output layer refined as its training images predict "
                    "it, the output layer's share only; "
                    if table.predicted
                    else ""
                )
                + "pale: from the least to the largest run, as trained, as "
                "far as the scale goes",
                partial(draw_stages, table),
            ),
            NamedFigure(
                "epochs",
                "Residual of each class over the training, as trained, 90 % intervals over runs"
                + given,
                partial(draw_epochs, table),
            ),
            NamedFigure(
                "mean_proba",
                "Mean predicted probabilities on test data, "
                + ("output bias refined" if table.headline == "bias" else "as trained")
                + ", and the residual of each class",
                partial(draw_mean_proba, table),
            ),
        ),
    )


REPORT = StudyReport(
    title="Eq. (9) for trained networks",
    ademp=cnn_protocol,
    summarise=summarise,
    contents=cnn_contents,
)
