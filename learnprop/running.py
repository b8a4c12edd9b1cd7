"""Run or plan a study from the command line: exit statuses, and one clear line where it stops."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import typer

from learnprop.equations.arguments import BadArgument
from learnprop.execute import Caller, execute, lay_out, workers_of
from learnprop.exits import (
    VERDICT_FAILED,
    BadInput,
    Terminated,
    bad_input,
    in_options,
    option_of,
    say,
    say_lines,
    show_tables,
    stopped,
)
from learnprop.machine import mention_shared_device, within_machine
from learnprop.progress import watched
from learnprop.run_options import CommandOptions, PlanOptions, check_mcse


def run(name: str, chosen: dict[str, Any], how: CommandOptions) -> None:
    """Run what is missing of a study, then report it.

    Parameters
    ----------
    name : str
        Of the study.
    chosen : dict
        Its own options.
    how : CommandOptions
    """
    from learnprop.reports.study_report import report_of, write_contents

    shown: list[Any] = []
    no_model: list[str] = []

    def deliver(contents: Any) -> None:
        shown[:] = write_contents(contents, Path(how.out))

    with bad_input():
        study = lay_out(name, chosen)
    with _statuses(how.out):
        caller = Caller(deliver, spell=option_of, without_model=no_model.append)
        _, contents = execute(study, how, caller)
    if not how.quiet:
        show_tables(shown, wide=how.wide)
        say(f"Written to {how.out}/")
    if no_model:
        raise stopped(no_model[0])
    if how.strict and report_of(name).failed(contents):
        raise typer.Exit(VERDICT_FAILED)


def plan(name: str, chosen: dict[str, Any], how: PlanOptions) -> None:
    """Say how many replications a target of precision needs; nothing is written.

    Parameters
    ----------
    name : str
        Of the study.
    chosen : dict
        Its own options.
    how : PlanOptions
    """
    from learnprop.reports.folders.plan import plan_study, plan_table
    from learnprop.reports.study_report import report_of
    from learnprop.simulations.engine.study import StudyError

    with bad_input():
        study = lay_out(name, chosen)
        check_mcse(how.mcse)
        workers = within_machine(study, workers_of(how), quiet=how.quiet)
    if not how.quiet:
        mention_shared_device(study, workers, len(study.cells))
    watch = partial(watched, f"plan {name}", shown=not how.quiet)
    try:
        planned = plan_study(study, how.mcse, report_of(name).predicted_gap_sd, workers, watch)
    except StudyError as error:
        raise stopped(f"stopped: {in_options(error)}") from None
    table, lines = plan_table(planned, how.mcse, workers.jobs)
    show_tables([table], wide=how.wide)
    say_lines(lines)


def _kept(out: str) -> str:
    """What a study that stopped leaves in its folder."""
    import sqlite3

    from learnprop.simulations.records.store import seconds_of_blocks
    from learnprop.simulations.records.store_file import StoreError, read_store

    try:
        with read_store(Path(out)) as store:
            if not seconds_of_blocks(store):
                return "no block had finished"
    except (StoreError, OSError, sqlite3.Error):  # a full disk may leave none that can be read
        pass
    return f"every finished block is kept in {out}"


@contextmanager
def _statuses(out: str) -> Iterator[None]:
    """Let whatever stops a study be one line that says what is kept, and an exit status."""
    import sqlite3

    from learnprop.simulations.engine.study import StudyError
    from learnprop.simulations.records.store_file import StoreError

    try:
        yield
    except (BadArgument, StoreError) as error:
        raise BadInput(in_options(error)) from None
    except StudyError as error:
        see = shlex.join(["learnprop", "status", out])
        raise stopped(f"stopped: {in_options(error)}; {_kept(out)}; see: {see}") from None
    except Terminated:
        raise stopped(f"terminated: {_kept(out)}; the same command resumes") from None
    except KeyboardInterrupt:
        raise stopped(f"interrupted: {_kept(out)}; the same command resumes") from None
    except MemoryError as error:
        raise stopped(
            f"stopped: out of memory: {error}; {_kept(out)}; the same command resumes"
        ) from None
    except (OSError, sqlite3.Error) as error:  # a full disk is either
        raise stopped(f"stopped: {error}; {_kept(out)}; the same command resumes") from None
