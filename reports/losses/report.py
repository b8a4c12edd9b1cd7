"""How the comparison of losses is reported."""

from __future__ import annotations

from functools import partial

from learnprop.reports.losses.balance import by_balance
from learnprop.reports.losses.figures import confusion_panels, draw_confusion, draw_curves
from learnprop.reports.losses.paper import TABLE_3, TABLE_4, TABLE_5_PANEL, printed_beside
from learnprop.reports.losses.paper_tables import table3_grid, table4_grid, table5_grid, table5_rows
from learnprop.reports.losses.protocol import losses_protocol
from learnprop.reports.losses.statements_text import statements_grid
from learnprop.reports.losses.summary import Comparison, summarise
from learnprop.reports.losses.text import balance_grid, differences_grid, is_resplit, overview_grid
from learnprop.reports.study_report import Contents, NamedFigure, NamedTable, StudyReport
from learnprop.simulations.dataset_catalogue import dataset_named


def losses_contents(table: Comparison) -> Contents:
    """Tables, figures and data frames of the comparison of losses."""
    tables = [
        NamedTable(
            "losses", "Top-1 accuracy at the last epoch, by loss", partial(overview_grid, table)
        )
    ]
    if not table.differences.empty:
        tables.append(
            NamedTable(
                "losses_differences",
                "Differences of test accuracies in pairs, with intervals over runs"
                + ("; corrected: for new data too" if is_resplit(table) else ""),
                partial(differences_grid, table),
            )
        )
    if not table.balance.empty:
        tables.append(
            NamedTable(
                "losses_balance",
                "What each loss leaves in balance: "
                + ", ".join(
                    f"{balance.name} of {' and '.join(loss.label for loss in losses)}"
                    for balance, losses in by_balance().items()
                ),
                partial(balance_grid, table),
            )
        )
    if not table.statements.empty:
        tables.append(
            NamedTable(
                "losses_statements",
                "The paper's statements about its losses",
                partial(statements_grid, table),
            )
        )
    figures = [
        NamedFigure(
            "accuracy",
            "Test accuracy over the training (the paper's Fig. 2), mean over runs; bands: least to "
            "largest run at one learning rate; dashed: at the softmax loss's gradient norm at the "
            "start",
            partial(draw_curves, table),
        ),
        *(
            NamedFigure(
                f"confusion_{dataset}_{model}",
                f"Confusion matrices on {dataset_named(dataset).title}'s test images (the paper's "
                "Fig. 1)",
                partial(draw_confusion, table, (dataset, model)),
            )
            for dataset, model in confusion_panels(table)
        ),
    ]
    return Contents(
        frames={
            "summary": table.summary,
            "differences": table.differences,
            "epochs": table.epochs,
            "confusion": table.confusion,
            "balance": table.balance,
            **({} if table.statements.empty else {"statements": table.statements}),
        },
        tables=(*tables, *_paper_tables(table)),
        figures=tuple(figures),
    )


def _paper_tables(table: Comparison) -> list[NamedTable]:
    """Return those of Tables 3, 4 and 5 that the study has a part of, trained as the paper says."""
    found = []
    for number, printed, grid in ((3, TABLE_3, table3_grid), (4, TABLE_4, table4_grid)):
        if printed_beside(printed, table.as_paper):
            title = f"The paper's Table {number}: top-1 accuracy on the standard test sets"
            found.append(NamedTable(f"table{number}", title, partial(grid, table)))
    if TABLE_5_PANEL in table.as_paper and len(table5_rows(table)) > 1:
        title = "The paper's Table 5: LGL-INR at several β, CNN2C on KMNIST"
        found.append(NamedTable("table5", title, partial(table5_grid, table)))
    return found


def balance_fails(contents: Contents) -> bool:
    """Whether a balance fails on train with the output bias refined: it cannot."""
    balance = contents.frames["balance"]
    if "verdict" not in balance:
        return False
    refined = balance.query("stage == 'bias' and split == 'train'")
    return bool((refined["verdict"] == "fails").any())


REPORT = StudyReport(
    title="The paper's losses compared",
    ademp=losses_protocol,
    summarise=summarise,
    contents=losses_contents,
    failed=balance_fails,
    shows_unfinished=True,
)
