"""Commands that read a folder written by ``--out``: status, replay, report, export."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from learnprop.data import Wide
from learnprop.equations.arguments import BadArgument
from learnprop.exits import (
    VERDICT_FAILED,
    BadInput,
    bad_input,
    in_options,
    say,
    say_lines,
    show_tables,
    stopped,
    tell,
)

if TYPE_CHECKING:
    from learnprop.simulations.records.store import Store

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder written by --out.")]


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
    say_lines(lines)


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
        list[Path], typer.Argument(metavar="DIR...", help="Folders written by --out.")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to write into.")],
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Compile report.tex with latexmk, where it is installed.")
    ] = False,
) -> None:
    """Write tables, figures and a report.tex of all of them, for a paper. Nothing is fitted again.

    Each table is a fragment to input that needs booktabs and siunitx only.
    """
    from learnprop.reports.folders.document import read_parts, write_document

    with bad_input():
        if out.exists() and not out.is_dir():
            raise BadArgument("out", f"must be a folder, but {out} is a file")
        parts = read_parts(folders)
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_document(parts, out)
    except OSError as error:
        with bad_input():
            raise BadArgument("out", f"{out} cannot be written: {error.strerror}") from None
    for part in parts:
        if part.note:
            tell(f"{part.source}: {part.note}")
    say(f"Written to {out}/report.tex")
    if pdf:
        _compile(out)


def _compile(out: Path) -> None:
    if shutil.which("latexmk") is None:
        tell("--pdf: latexmk is not installed; pdflatex report.tex, twice, will do")
        return
    command = ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    answer = subprocess.run(command, cwd=out, capture_output=True, text=True, check=False)
    if answer.returncode:
        complaint = next((line for line in answer.stdout.splitlines() if line.startswith("!")), "")
        raise stopped(f"--pdf: latexmk failed: {complaint}; see {out}/report.log")
    say(f"Written to {out}/report.pdf")


def export(
    folder: Folder,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")],
    file_format: Annotated[
        str, typer.Option("--format", metavar="csv|parquet|json", help="Numbers keep every bit.")
    ] = "csv",
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
    from learnprop.reports.folders.export import check_format
    from learnprop.reports.folders.export import export as write
    from learnprop.simulations.records.store import failed_runs

    with bad_input():
        if out.exists() and (out.is_dir() or not force):
            kind = "a folder" if out.is_dir() else "there; `force` replaces it"
            raise BadArgument("out", f"{out} is {kind}")
        if not out.parent.is_dir():
            raise BadArgument("out", f"{out} cannot be written: no such folder")
        if out.suffix == ".sqlite":
            raise BadArgument("out", f"{out} is not written: the name is a store's")
        check_format(file_format, table)
        with _reading(folder) as store:
            n_rows = write(store, out, file_format=file_format, table=table)
            n_failed = sum(len(runs) for runs in failed_runs(store).values())
    say(f"{n_rows} rows written to {out}")
    if n_failed and table == "measurements":
        tell(
            f"{n_failed} replications failed, in part or whole, and have no measurements there: "
            "--table fits says why"
        )
