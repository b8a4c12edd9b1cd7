"""How the gap on fresh data is reported."""

from __future__ import annotations

from functools import partial

from learnprop.reports.fresh.figures import draw_gaps
from learnprop.reports.fresh.protocol import fresh_protocol
from learnprop.reports.fresh.summary import Fresh, summarise
from learnprop.reports.fresh.text import claims_grid, gap_grid, shifted_grid
from learnprop.reports.study_report import Contents, NamedFigure, NamedTable, StudyReport


def fresh_contents(table: Fresh) -> Contents:
    """Tables, figure and data frames of the study."""
    gaps = [
        NamedTable(
            "fresh" if i == 0 else f"fresh_{n_classes}_classes",
            f"Gap on fresh data of {n_classes} classes: predicted, observed, repaired",
            partial(gap_grid, table, n_classes),
        )
        for i, n_classes in enumerate(table.threshold)
    ]
    return Contents(
        frames={"summary": table.summary, "claims": table.claims, "theory": table.theory},
        tables=(
            *gaps,
            NamedTable(
                "fresh_shifted",
                "Control: fresh data that are not those of training",
                partial(shifted_grid, table),
            ),
            NamedTable(
                "fresh_claims", "Statements, put to every cell", partial(claims_grid, table)
            ),
        ),
        figures=(
            NamedFigure(
                "gap",
                "Gap on fresh data by features per training sample: predicted, observed, repaired",
                partial(draw_gaps, table),
            ),
        ),
    )


REPORT = StudyReport(
    title="The gap on fresh data",
    ademp=fresh_protocol,
    summarise=summarise,
    contents=fresh_contents,
)
