"""Run a study from the command line: check, compute what is missing, report, stop cleanly."""

from __future__ import annotations

import math
import os
import shlex
import socket
from dataclasses import replace
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import TYPE_CHECKING, Any

import typer

from equations.arguments import BadArgument
from learnprop.exits import (
    VERDICT_FAILED,
    BadInput,
    Terminated,
    bad_input,
    in_options,
    say,
    show_tables,
    stopped,
)
from learnprop.options import Planning, Running
from learnprop.progress import run_missing

if TYPE_CHECKING:
    from datetime import datetime

    from reports.study_report import Contents
    from simulations.monte_carlo import Study
    from simulations.tables import Store
    from simulations.workers import Workers

LEAST_MCSE = 1e-6
"""No study reaches less: at an SD of 0.1 it would be 10^10 runs."""


def run(study: Study, running: Running) -> None:
    """Run what is missing of a study, then report it.

    Parameters
    ----------
    study : Study
    running : Running
    """
    import sqlite3

    from reports.provenance import now, write_text
    from reports.study_report import report_of
    from simulations.blocks import StudyError
    from simulations.store import StoreError, open_store

    report, out = report_of(study.name), running.out
    with bad_input():
        workers = _check(running)
        check_out(out, study.name)
    started = now()
    kept = f"every finished block is kept in {out}"
    try:
        with open_store(out, study.name, study.design, fresh=running.fresh) as store:
            if running.fresh or not (out / "protocol.md").exists():
                write_text(out / "protocol.md", report.protocol(study, running.mcse))
            try:
                study = _compute(study, store, workers, running)
            except (KeyboardInterrupt, Terminated):
                if report.shows_unfinished:
                    _write(study, store, workers, running, started)
                raise
            _mention_more_runs(study, store, running)
            contents, shown = _write(study, store, workers, running, started)
    except StoreError as error:
        raise BadInput(in_options(error)) from None
    except StudyError as error:
        see = shlex.join(["learnprop", "status", str(out)])
        raise stopped(f"stopped: {in_options(error)}; {kept}; see: {see}") from None
    except Terminated:
        raise stopped(f"terminated: {kept}; the same command resumes") from None
    except KeyboardInterrupt:
        raise stopped(f"interrupted: {kept}; the same command resumes") from None
    except (OSError, sqlite3.Error) as error:  # a full disk is either
        raise stopped(f"stopped: {error}; {kept}; the same command resumes") from None
    if not running.quiet:
        show_tables(shown)
        say(f"Written to {out}/")
    if running.strict and report.failed(contents):
        raise typer.Exit(VERDICT_FAILED)


def _write(
    study: Study, store: Store, workers: Workers, running: Running, started: datetime
) -> tuple[Contents, list[Any]]:
    """Write tables, figures and provenance of what is stored; the tables are for the console."""
    from reports.provenance import write_provenance
    from reports.study_report import report_of, write_contents
    from simulations.tables import read_session

    report = report_of(study.name)
    contents = report.contents(report.summarise(study, store))
    shown = write_contents(contents, running.out)
    write_provenance(
        running.out / "provenance.json",
        study=study.name,
        design=study.design,
        started=started,
        inputs=dict(study.inputs),
        runs=dict(study.cell_runs) or study.n_runs,
        mcse=running.mcse,
        workers=workers.jobs,
        backend=workers.backend,
        processors=read_session(store)["processors"],
    )
    return contents, shown


def plan(study: Study, planning: Planning) -> None:
    """Say how many replications a target of precision needs; nothing is written.

    Parameters
    ----------
    study : Study
    planning : Planning
    """
    from reports.plan import plan_study, plan_table
    from reports.study_report import report_of
    from simulations.blocks import StudyError

    with bad_input():
        _check_mcse(planning.mcse)
        workers = _check_workers(planning)
    try:
        planned = plan_study(study, planning.mcse, report_of(study.name).predicted_gap_sd, workers)
    except StudyError as error:
        raise stopped(f"stopped: {in_options(error)}") from None
    table, lines = plan_table(planned, planning.mcse, workers.jobs)
    show_tables([table])
    for line in lines:
        say(line)


def _check(running: Running) -> Workers:
    """Check how to run before anything is written."""
    if running.mcse is not None:
        _check_mcse(running.mcse)
    if not 0 <= running.max_failures <= 1:
        raise BadArgument(
            "max_failures", f"must be a share from 0 to 1, got {running.max_failures}"
        )
    if running.timeout is not None and not 0 < running.timeout <= TIMEOUT_MAX:
        raise BadArgument(
            "timeout", f"must be positive and at most {TIMEOUT_MAX:g}, got {running.timeout:g}"
        )
    return _check_workers(running)


def _check_mcse(mcse: float) -> None:
    if not LEAST_MCSE <= mcse < math.inf:
        raise BadArgument("mcse", f"must be finite and at least {LEAST_MCSE:g}, got {mcse:g}")


def _check_workers(chosen: Running | Planning) -> Workers:
    from simulations.workers import Workers, check_workers

    return check_workers(Workers(chosen.jobs, chosen.backend, chosen.scheduler))


def check_out(out: Path, study: str) -> None:
    """Make the folder if need be, and see that it is this study's and can be written.

    Parameters
    ----------
    out : Path
    study : str
        Its name.

    Raises
    ------
    ValueError
        Naming the folder.
    """
    from tempfile import TemporaryFile

    from reports.provenance import study_of

    if out.exists() and not out.is_dir():
        raise BadArgument("out", f"must be a folder, but {out} is a file")
    other = study_of(out)
    if other not in (None, study):
        raise BadArgument("out", f"{out} holds another study: {other}; use another `out`")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise BadArgument("out", f"{out} cannot be written: {error.strerror}") from None


def _compute(study: Study, store: Store, workers: Workers, running: Running) -> Study:
    """Compute what is missing; with --mcse in rounds, until every estimand is precise enough."""
    from reports.precision import estimand_of, more_runs, study_precision

    while True:
        note_session(study, store, workers, quiet=running.quiet)
        run_missing(study, store, workers, running)
        if running.mcse is None:
            return study
        cell_runs = more_runs(study, store, running.mcse)
        if not cell_runs:
            estimand = estimand_of(study.cells[0])
            for p in study_precision(study, store):
                if not p.can_be_precise:
                    typer.echo(
                        f"{study.name}: {p.cell}, {p.setting}: no {estimand} to make precise; "
                        f"{p.n_models} of {p.n_runs} runs have a model",
                        err=True,
                    )
            return study
        study = replace(study, cell_runs=cell_runs)
        if not running.quiet:
            wanted = ", ".join(f"{cell} {runs}" for cell, runs in cell_runs.items())
            typer.echo(
                f"{study.name}: --mcse {running.mcse:g} not reached, runs: {wanted}", err=True
            )


def note_session(study: Study, store: Store, workers: Workers, *, quiet: bool = True) -> None:
    """Note in the store who computes what; say so where the processor is another."""
    from reports.provenance import now, processor
    from simulations.tables import finished_runs, read_session, write_session

    here = processor()
    processors = read_session(store).get("processors", []) if finished_runs(store) else []
    if processors and here not in processors and not quiet:
        typer.echo(
            f"{study.name}: begun on {processors[0]}, goes on on {here}: the last digits of new "
            "blocks may differ from what one machine gives",
            err=True,
        )
    session = {
        "runs": {cell.name: study.runs_of(cell.name) for cell in study.cells},
        "inputs": dict(study.inputs),
        "workers": workers.jobs,
        "backend": workers.backend,
        "started": now().isoformat(timespec="seconds"),
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "processors": [*processors, *([] if here in processors else [here])],
    }
    write_session(store, session)


def _mention_more_runs(study: Study, store: Store, running: Running) -> None:
    from simulations.tables import finished_runs

    held: dict[str, int] = {}
    for (cell, _), runs in finished_runs(store, timeout=0.0).items():
        held[cell] = held.get(cell, 0) + runs
    used = [
        f"{study.runs_of(cell)} of {runs} ({cell})"
        for cell, runs in held.items()
        if runs > study.runs_of(cell)
    ]
    if used and not running.quiet:
        typer.echo(
            f"{study.name}: the store holds more runs; these reports use the first "
            + ", ".join(used),
            err=True,
        )
