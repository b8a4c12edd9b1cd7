"""How Table 1 is reported."""

from __future__ import annotations

from functools import partial

from learnprop.reports.study_report import Contents, NamedFigure, NamedTable, StudyReport
from learnprop.reports.table1.figure import draw_table1
from learnprop.reports.table1.intervals import LEVEL
from learnprop.reports.table1.protocol import table1_protocol
from learnprop.reports.table1.summary import Table1, predicted_gap_sd, summarise
from learnprop.reports.table1.text import depth_grid, main_grid
from learnprop.reports.table1.zip_figure import draw_zip
from learnprop.simulations.studies.table1.study import POPULATION


def table1_contents(table: Table1) -> Contents:
    """Tables, figure and data frames of Table 1; those by depth where the network has several."""
    frames = {"summary": table.summary}
    if not table.coverage.empty:
        frames["coverage"] = table.coverage
    tables = [
        NamedTable(
            "table1",
            "The paper's Table 1, Eq. (10): left side, mean (SD) over runs",
            partial(main_grid, table),
        )
    ]
    if not table.depth.empty:
        frames["depth"] = table.depth
        tables.append(
            NamedTable(
                "table1_depth",
                "Sim2's gap by training depth, output layer refined",
                partial(depth_grid, table),
            )
        )
    figures = (
        NamedFigure(
            "table1",
            "Left side of Eq. (10) on test data over runs, with what theory predicts and the "
            "paper's",
            partial(draw_table1, table),
        ),
        NamedFigure(
            "zip",
            f"Each run's {100 * LEVEL:.0f} % interval of the gap, ranked by how many of its arms "
            "it is from zero. Above: how many have zero inside, with Monte Carlo standard error "
            f"(predicted). Population: {POPULATION:,} fresh samples of each class. On train "
            "Eq. (10) is an identity",
            partial(draw_zip, table),
        ),
    )
    return Contents(frames, tuple(tables), figures)


REPORT = StudyReport(
    title="The paper's Table 1: Eq. (10) on Sim1 and Sim2",
    ademp=table1_protocol,
    summarise=summarise,
    contents=table1_contents,
    predicted_gap_sd=predicted_gap_sd,
)
