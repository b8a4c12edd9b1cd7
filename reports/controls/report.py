"""How the controls are reported."""

from __future__ import annotations

from functools import partial

from learnprop.reports.controls.figure import draw_controls
from learnprop.reports.controls.protocol import controls_protocol
from learnprop.reports.controls.summary import Controls, summarise
from learnprop.reports.controls.text import controls_grid
from learnprop.reports.study_report import Contents, NamedFigure, NamedTable, StudyReport


def controls_contents(table: Controls) -> Contents:
    """Table, figure and data frames of the controls."""
    return Contents(
        frames={"summary": table.summary, "classes": table.classes},
        tables=(
            NamedTable(
                "controls",
                "Controls: residual r_j/w_j on test data, of the class where it is largest",
                partial(controls_grid, table),
            ),
        ),
        figures=(
            NamedFigure(
                "controls",
                "Predicted and observed residuals of the controls",
                partial(draw_controls, table),
            ),
        ),
    )


def _not_as_expected(contents: Contents) -> bool:
    return not bool(contents.frames["summary"]["as_expected"].all())


REPORT = StudyReport(
    title="Negative and positive controls",
    ademp=controls_protocol,
    summarise=summarise,
    contents=controls_contents,
    failed=_not_as_expected,
)
