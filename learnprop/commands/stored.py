"""Commands that read a folder written by ``--out``: status, replay, report, export."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from learnprop.commands.data import Wide
from learnprop.equations.arguments import BadArgument
from learnprop.exits import (
    VERDICT_FAILED,
    BadInput,
    bad_input,
    in_options,
    named_path,
    say,
    say_lines,
    show_tables,
    stdout_of_bytes,
    stopped,
    tell,
    words_of_options,
)

if TYPE_CHECKING:
    from learnprop.simulations.records.store import Store

Folder = Annotated[
    Path, typer.Argument(parser=named_path, metavar="DIR", help="Folder written by --out.")
]


@contextmanager
def _reading(folder: Path) -> Iterator[Store]:
    from learnprop.simulations.records.store_file import StoreError, read_store

    try:
        with read_store(folder) as store:
            yield store
    except (StoreError, OSError) as error:
        raise BadInput(in_options(error)) from None


def status(folder: Folder, wide: Wide = False) -> None:
    """Say how far a study is: done, running, failed, time left. Also while it runs."""
    from learnprop.reports.folders.status import status_text, study_status

    with _reading(folder) as store:
        table, lines = status_text(study_status(store), folder)
    show_tables([table], wide=wide)
    say_lines(map(words_of_options, lines))


def replay(
    folder: Folder,
    cell: Annotated[str, typer.Option(help="Name of the data cell, as status lists it.")],
    run: Annotated[int, typer.Option(help="Replication, counted from 0.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if any bit differs.")
    ] = False,
) -> None:
    """Compute a replication's block again from its key and compare every bit with the store."""
    from learnprop.reports.folders.replay import replay_text
    from learnprop.simulations.engine.replay import replay as compute_again
    from learnprop.simulations.records.design_changes import changes
    from learnprop.simulations.records.store import read_inputs
    from learnprop.simulations.studies import stored_study

    with _reading(folder) as store:
        try:
            study = stored_study(
                store.study, store.design, n_runs=max(run + 1, 2), inputs=read_inputs(store)
            )
        except ValueError as error:
            raise BadInput(f"{folder} cannot be replayed: {in_options(error)}") from None
        answer = compute_again(study, store, cell, run)
        different = changes(store.design.get("code"), study.design["code"], ".code")
    for line in replay_text(answer, cell, run, different):
        say(line)
    if strict and answer.differences:
        raise typer.Exit(VERDICT_FAILED)


def report(
    folders: Annotated[
        list[Path],
        typer.Argument(parser=named_path, metavar="DIR", help="Folders written by --out."),
    ],
    out: Annotated[
        Path, typer.Option(parser=named_path, metavar="FOLDER", help="Folder to write into.")
    ],
    pdf: Annotated[
        bool,
        typer.Option(
            "--pdf", help="Compile report.tex, with latexmk or else pdflatex; exit 3 if it fails."
        ),
    ] = False,
    html: Annotated[
        bool,
        typer.Option("--html", help="Write report.html too: the same report in one file to share."),
    ] = False,
) -> None:
    """Write tables, figures and a report.tex of all of them, for a paper. Nothing is fitted again.

    Each table is a fragment to input that needs booktabs and siunitx only. The page has no script
    and asks nobody for anything.
    """
    from learnprop.reports.folders.document import write_document
    from learnprop.reports.folders.html_document import write_html
    from learnprop.reports.folders.parts import read_parts
    from learnprop.reports.folders.pdf import NotCompiled, compile_report

    with bad_input():
        if out.exists() and not out.is_dir():
            raise BadArgument("out", f"must be a folder, but {out} is a file")
        parts = read_parts(folders)
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_document(parts, out)
        page = write_html(parts, out) if html else None
    except OSError as error:
        with bad_input():
            raise BadArgument("out", f"{out} cannot be written: {error.strerror}") from None
    for part in parts:
        if part.note:
            tell(f"{part.source}: {part.note}")
    say(f"Written to {out}/report.tex")
    if page:
        say(f"Written to {page}")
    if pdf:
        try:
            say(f"Written to {compile_report(out)}")
        except NotCompiled as reason:
            raise stopped(f"--pdf: {reason}") from None


def export(
    folder: Folder,
    out: Annotated[
        Path,
        typer.Option(
            parser=named_path,
            metavar="FILE",
            help="File to write: .csv, .parquet or .json, text also .gz; - is stdout.",
        ),
    ],
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="csv|parquet|json",
            help="By default as FILE ends, on stdout csv. Numbers keep every bit; infinite ones "
            "are text in json.",
        ),
    ] = None,
    table: Annotated[
        str,
        typer.Option(
            metavar="measurements|fits",
            help="A row per pair of classes of every measurement; or a row per fit, with the "
            "reason where it failed.",
        ),
    ] = "measurements",
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if it is there.")
    ] = False,
) -> None:
    """Write what a study measured as one tidy table, for R, pandas or anything else."""
    from learnprop.reports.folders.export import export as write
    from learnprop.reports.folders.export import format_of
    from learnprop.simulations.records.store import failed_runs

    path = None if out == Path("-") else out
    with bad_input():
        if path is not None:
            _check_file(path)
        format_of(path, file_format, table)
        if path is not None and path.exists() and not force:
            raise BadArgument("out", f"{path} is there; `force` replaces it")
        with _reading(folder) as store:
            if path is None:
                with stdout_of_bytes() as stdout:
                    write(store, stdout, file_format=file_format, table=table)
            else:
                n_rows = write(store, path, file_format=file_format, table=table)
                say(f"{n_rows} rows written to {path}")
            n_failed = sum(len(runs) for runs in failed_runs(store).values())
    if n_failed and table == "measurements":
        tell(
            f"{n_failed} {'replication' if n_failed == 1 else 'replications'} failed, in part or "
            f"whole, and {'has' if n_failed == 1 else 'have'} no measurements there: "
            "--table fits says why"
        )


def _check_file(path: Path) -> None:
    """Raise `BadArgument` where `export` must not, or cannot, write."""
    if path.is_dir():
        raise BadArgument("out", f"{path} is a folder")
    if not path.parent.is_dir():
        raise BadArgument("out", f"{path} cannot be written: no such folder")
    if path.suffix == ".sqlite":
        raise BadArgument("out", f"{path} is not written: the name is a store's")
