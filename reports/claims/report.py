"""How the paper's other statements are reported."""

from __future__ import annotations

from functools import partial

from learnprop.reports.claims.crossing import crossing_grid
from learnprop.reports.claims.protocol import claims_protocol
from learnprop.reports.claims.summary import Claims, summarise
from learnprop.reports.claims.text import claims_grid
from learnprop.reports.study_report import Contents, NamedTable, StudyReport


def claims_contents(table: Claims) -> Contents:
    """Tables and data frames of the claims."""
    grid, crossed = partial(claims_grid, table), partial(crossing_grid, table.hard_class)
    return Contents(
        frames={"summary": table.summary, "hard_class": table.hard_class},
        tables=(
            NamedTable("claims", "The paper's other statements", grid),
            NamedTable("claims_hard_class", "A hard class among easy ones", crossed),
        ),
    )


REPORT = StudyReport(
    title="The paper's other statements",
    ademp=claims_protocol,
    summarise=summarise,
    contents=claims_contents,
)
