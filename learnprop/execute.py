"""The one sequence behind the command line and Python: check, compute what is missing, report."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import TYPE_CHECKING, Any

from learnprop.equations.arguments import BadArgument, Worded
from learnprop.exits import tell
from learnprop.machine import mention_shared_device, within_machine
from learnprop.progress import run_missing
from learnprop.run_options import PlanOptions, RunOptions, check_mcse
from learnprop.simulations.studies import left_out_of, no_minimum_of, options_type, study_module
from learnprop.simulations.studies.option import with_defaults

if TYPE_CHECKING:
    from learnprop.reports.study_report import Contents
    from learnprop.simulations.engine.study import Study
    from learnprop.simulations.engine.workers import Workers
    from learnprop.simulations.records.store import Store


def lay_out(name: str, chosen: Mapping[str, Any], **known: Any) -> Study:
    """Lay a study out from what was chosen; nothing is written.

    Parameters
    ----------
    name : str
        Of the study.
    chosen : mapping
        Its options, as far as they were given; what is missing has its default.
    **known
        What its ``make_study`` takes besides, e.g. the ``file`` of a user's arrays.

    Returns
    -------
    Study

    Raises
    ------
    BadArgument
        Naming the option and its value.
    """
    options = with_defaults(options_type(name), chosen)
    study: Study = study_module(name).make_study(options, **known)
    return study


@dataclass(frozen=True)
class Caller:
    """What the command line and Python do differently.

    Attributes
    ----------
    deliver : callable ``(contents) -> None``
        What is done with a report, before its provenance is written.
    command : sequence of str, optional
        How the study was called; by default as the process was.
    files : mapping of str to bytes
        What workers read, by name in the folder.
    spell : callable
        What the caller calls an argument.
    without_model : callable ``(line) -> None``
        What is done, once all is reported, where no run of the study has a model.
    left_out : callable ``(line) -> None``, optional
        What is done, before anything is computed, where the study goes without a part of its
        default design; by default it is told as progress is.
    """

    deliver: Callable[[Contents], None] = lambda _: None
    command: Sequence[str] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    spell: Callable[[str], str] = str
    without_model: Callable[[str], None] = lambda _: None
    left_out: Callable[[str], None] | None = None


def execute(study: Study, how: RunOptions, caller: Caller) -> tuple[Study, Contents]:
    """Compute what is missing of a study, and report it.

    Parameters
    ----------
    study : Study
    how : RunOptions
    caller : Caller

    Returns
    -------
    study : Study
        With as many runs as ``mcse`` took.
    contents : Contents

    Raises
    ------
    BadArgument, StoreError
        Before anything is written: if something cannot be, or the folder holds another study.
    StudyError, OSError, KeyboardInterrupt
        Every finished block is kept.
    """
    from learnprop.reports.folders.provenance import now
    from learnprop.reports.layout.files import write_bytes, write_text
    from learnprop.reports.study_report import report_of
    from learnprop.simulations.records.store_file import open_store

    workers, report, out = check_run(how), report_of(study.name), Path(how.out)
    if not _is_complete(study, out, how):
        workers = within_machine(study, workers, quiet=not how.shows_progress)
    started = now()
    check_out(out, study.name)
    with open_store(out, study.name, study.design, fresh=how.fresh) as store:
        for name, content in caller.files.items():
            write_bytes(out / name, content)
        if how.fresh or not (out / "protocol.md").exists():
            write_text(out / "protocol.md", report.protocol(study, how.mcse))

        def reported(computed: Study) -> Contents:
            contents = report.reported(computed, store)
            caller.deliver(contents)
            _write_provenance(computed, store, workers, how, caller.command, started)
            return contents

        if said := left_out_of(study):
            left_out = caller.left_out or (tell if how.shows_progress else str)
            left_out(f"{study.name}: {Worded(said).spelled(caller.spell)}")
        if how.shows_progress and (said := no_minimum_of(study)):
            tell(f"{study.name}: {Worded(said).spelled(caller.spell)}")
        try:
            study = _compute(study, store, workers, how)
        except KeyboardInterrupt:
            if report.shows_unfinished:
                reported(study)
            raise
        _mention_more_runs(study, store, how)
        contents = reported(study)
        _mention_no_model(study, store, how, caller)
        return study, contents


def _is_complete(study: Study, out: Path, how: RunOptions) -> bool:
    """Whether the folder holds all that was asked for: then no memory is needed for blocks."""
    from learnprop.simulations.engine.monte_carlo import pending_blocks
    from learnprop.simulations.records.store_file import FILE_NAME, StoreError, read_store

    if how.fresh or how.mcse is not None or not (out / FILE_NAME).is_file():
        return False
    with suppress(StoreError), read_store(out) as store:
        return not pending_blocks(study, store, how.timeout)
    return False  # said where the store is opened to be written


def check_run(how: RunOptions) -> Workers:
    """Check how to run, before anything is written.

    Parameters
    ----------
    how : RunOptions

    Returns
    -------
    Workers

    Raises
    ------
    BadArgument
    """
    if how.mcse is not None:
        check_mcse(how.mcse)
    if not 0 <= how.max_failures <= 1:
        raise BadArgument("max_failures", f"must be a share from 0 to 1, got {how.max_failures}")
    if how.timeout is not None and not 0 < how.timeout <= TIMEOUT_MAX:
        raise BadArgument(
            "timeout", f"must be positive and at most {TIMEOUT_MAX:g}, got {how.timeout:g}"
        )
    return workers_of(how)


def workers_of(chosen: RunOptions | PlanOptions) -> Workers:
    """Check who computes; raises BadArgument."""
    from learnprop.simulations.engine.workers import Workers, check_workers

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
    BadArgument
        Naming the folder.
    """
    from tempfile import TemporaryFile

    from learnprop.reports.folders.provenance import study_of

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


def _write_provenance(
    study: Study,
    store: Store,
    workers: Workers,
    how: RunOptions,
    command: Sequence[str] | None,
    started: Any,
) -> None:
    from learnprop.reports.folders.provenance import write_provenance
    from learnprop.simulations.records.store import read_session

    write_provenance(
        Path(how.out) / "provenance.json",
        study=study.name,
        design=study.design,
        started=started,
        **({} if command is None else {"command": list(command)}),
        inputs=dict(study.inputs),
        runs=dict(study.cell_runs) or study.n_runs,
        mcse=how.mcse,
        workers=workers.jobs,
        backend=workers.backend,
        processors=read_session(store)["processors"],
    )


def _compute(study: Study, store: Store, workers: Workers, how: RunOptions) -> Study:
    """Compute what is missing; with a target in rounds, until every estimand is precise enough."""
    from learnprop.reports.statistics.precision import estimand_of, more_runs, study_precision
    from learnprop.reports.study_report import loading_libraries
    from learnprop.simulations.engine.monte_carlo import pending_blocks
    from learnprop.simulations.engine.tasks import count_groups

    while True:
        pending = pending_blocks(study, store, how.timeout)
        n_groups, largest = count_groups(study, pending.by_cell())
        if how.shows_progress:
            mention_shared_device(study, workers, n_groups)
        note_session(study, store, workers, largest, quiet=not how.shows_progress)
        with loading_libraries() if n_groups and workers.jobs > 1 else nullcontext():
            run_missing(study, store, workers, how)
        if how.mcse is None:
            return study
        cell_runs = more_runs(study, store, how.mcse)
        if not cell_runs:
            estimand = estimand_of(study.cells[0])
            for p in study_precision(study, store):
                if not p.can_be_precise:
                    tell(
                        f"{study.name}: {p.cell}, {p.setting}: no {estimand} to make precise; "
                        f"{p.n_models} of {p.n_runs} runs have a model"
                    )
            return study
        study = replace(study, cell_runs=cell_runs)
        if how.shows_progress:
            wanted = ", ".join(f"{runs} runs of {cell}" for cell, runs in cell_runs.items())
            said = f"{study.name}: an MCSE of {how.mcse:g} is not reached: {wanted}"
            tell(said)


def note_session(
    study: Study, store: Store, workers: Workers, at_once: int = 1, *, quiet: bool = True
) -> None:
    """Note in the store who computes what; say so where the processor is another.

    Parameters
    ----------
    study : Study
    store : Store
    workers : Workers
    at_once : int
        Blocks that a worker computes as one.
    quiet : bool
    """
    from learnprop.reports.folders.provenance import now, processor
    from learnprop.simulations.records.store import finished_runs, read_session, write_session

    here = processor()
    processors = read_session(store).get("processors", []) if finished_runs(store) else []
    if processors and here not in processors and not quiet:
        tell(
            f"{study.name}: begun on {processors[0]}, goes on on {here}: the last digits of new "
            "blocks may differ from what one machine gives"
        )
    session = {
        "runs": {cell.name: study.runs_of(cell.name) for cell in study.cells},
        "inputs": dict(study.inputs),
        "workers": workers.jobs,
        "blocks_at_once": at_once,
        "backend": workers.backend,
        "started": now().isoformat(timespec="seconds"),
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "processors": [*processors, *([] if here in processors else [here])],
    }
    write_session(store, session)


def _mention_no_model(study: Study, store: Store, how: RunOptions, caller: Caller) -> None:
    from learnprop.reports.folders.status import cells_without_model, no_model_line

    without = cells_without_model(study, store)
    if not without:
        return
    line = Worded(no_model_line(study, without)).spelled(caller.spell)
    if len(without) == len(study.cells):
        caller.without_model(line)
    elif how.shows_progress:
        tell(line)


def _mention_more_runs(study: Study, store: Store, how: RunOptions) -> None:
    from learnprop.simulations.records.store import finished_runs

    held: dict[str, int] = {}
    for (cell, _), runs in finished_runs(store, timeout=0.0).items():
        held[cell] = held.get(cell, 0) + runs
    used = [
        f"{study.runs_of(cell)} of {runs} ({cell})"
        for cell, runs in held.items()
        if runs > study.runs_of(cell)
    ]
    if used and how.shows_progress:
        tell(
            f"{study.name}: the store holds more runs; these reports use the first "
            + ", ".join(used)
        )
