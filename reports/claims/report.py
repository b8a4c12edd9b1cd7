"""How the paper's other statements are reported."""

from __future__ import annotations

from functools import partial

from reports.claims.protocol import claims_protocol
from reports.claims.summary import Claims, summarise
from reports.claims.text import claims_grid
from reports.study_report import Contents, NamedTable, StudyReport


def claims_contents(table: Claims) -> Contents:
    """Table and data frame of the claims.

    Parameters
    ----------
    table : Claims

    Returns
    -------
    Contents
    """
    grid = partial(claims_grid, table)
    return Contents(
        frames={"summary": table.summary},
        tables=(NamedTable("claims", "The paper's other statements", grid),),
    )


REPORT = StudyReport(
    title="The paper's other statements",
    protocol=claims_protocol,
    summarise=summarise,
    contents=claims_contents,
)
