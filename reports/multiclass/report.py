"""How a K-class study is reported."""

from __future__ import annotations

from functools import partial

from learnprop.reports.layout.cells import has_predicted
from learnprop.reports.multiclass.figures import draw_mean_proba, draw_sides
from learnprop.reports.multiclass.protocol import multiclass_protocol
from learnprop.reports.multiclass.summary import Multiclass, summarise
from learnprop.reports.multiclass.text import class_grid, joint_grid, terms_grid
from learnprop.reports.study_report import Contents, NamedFigure, NamedTable, StudyReport


def _predicted(table: Multiclass) -> str:
    """What a caption adds where gaps are predicted."""
    if not has_predicted(table.summary):
        return ""
    return "; diamonds: the gap that left-out training samples predict"


def _terms(table: Multiclass) -> list[NamedTable]:
    """The residual by its terms, where any setting has numbers."""
    if "optimisation" not in table.summary:
        return []
    title = (
        "Residual of Eq. (9) on test data by its terms, in per cent of the class's own mass ± "
        "Monte Carlo standard error"
    )
    return [NamedTable("multiclass_terms", title, partial(terms_grid, table))]


def multiclass_contents(table: Multiclass) -> Contents:
    """Tables, figures and data frames of a K-class study."""
    return Contents(
        frames={"summary": table.summary, "joint": table.joint},
        tables=(
            NamedTable(
                "multiclass",
                "Eq. (9) on test data, in per cent of the total mass; train: largest difference",
                partial(class_grid, table),
            ),
            *_terms(table),
            NamedTable("multiclass_joint", "All equations at once", partial(joint_grid, table)),
        ),
        figures=(
            NamedFigure(
                "mean_proba",
                "Mean predicted probabilities on test data, and the residual of each class",
                partial(draw_mean_proba, table),
            ),
            NamedFigure(
                "sides",
                "Both sides of Eq. (9) on test data by class, and their gap, with 90 % intervals"
                f"{_predicted(table)}",
                partial(draw_sides, table),
            ),
        ),
    )


REPORT = StudyReport(
    title="Eq. (9) for K classes",
    ademp=multiclass_protocol,
    summarise=summarise,
    contents=multiclass_contents,
)
