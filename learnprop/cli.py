"""The command line. Heavy libraries are imported by the commands that use them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from simulations.monte_carlo import Study
    from simulations.store import Store

DONE, VERDICT_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 3

app = typer.Typer(
    name="learnprop",
    help="Puts the learning property of logistic and softmax losses on trial.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _learnprop() -> None:
    """Put the learning property of logistic and softmax losses on trial."""


class BadInput(typer.TyperException):
    """One clear line for the user; exit status 2."""


@app.command()
def table1(
    runs: Annotated[int, typer.Option(help="Replications of every cell, at least 2.")] = 100,
    seed: Annotated[int, typer.Option(help="0 <= seed < 2**63.")] = 0,
    train_size: Annotated[
        tuple[int, int], typer.Option(metavar="N0 N1", help="Training samples per class.")
    ] = (1000, 10000),
    test_size: Annotated[
        tuple[int, int], typer.Option(metavar="N0 N1", help="Test samples per class.")
    ] = (1000, 1000),
    as_printed: Annotated[
        bool, typer.Option("--as-printed", help="λ0 as the paper's headings have it.")
    ] = False,
    sim1_reading: Annotated[
        str, typer.Option(metavar="sum|mixture", help="What N + U means.")
    ] = "sum",
    sim2_reading: Annotated[
        str, typer.Option(metavar="covariance|standard-deviation", help="What σ1 = 1.2 I means.")
    ] = "covariance",
    training: Annotated[
        str, typer.Option(metavar="bfgs|adam", help="How Sim2's network is trained.")
    ] = "bfgs",
    max_iter: Annotated[int, typer.Option(help="Iterations of BFGS at most.")] = 300,
    epochs: Annotated[int, typer.Option(help="Epochs of --training adam.")] = 20,
    margin: Annotated[
        float, typer.Option(help="The gap that still counts as none, declared beforehand.")
    ] = 0.05,
    out: Annotated[Path, typer.Option(help="Folder for the store and the reports.")] = Path(
        "results/table1"
    ),
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Put a store that is there aside and start over.")
    ] = False,
    jobs: Annotated[int, typer.Option(help="Workers; 0 means one per core.")] = 0,
    backend: Annotated[
        str, typer.Option(metavar="loky|threading|sequential", help="joblib's backend.")
    ] = "loky",
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda", help="Where the fitters compute.")
    ] = "cpu",
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no table.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if a verdict is 'fails'.")
    ] = False,
) -> None:
    """Reproduce Table 1: Eq. (10) for Sim1 and Sim2, predicted, observed and the paper's.

    A second call with the same --out resumes.
    """
    from reports.protocol import table1_protocol
    from reports.table1 import summarise
    from reports.table1_files import write_table1
    from simulations.studies.table1 import Options, make_study

    options = Options(
        runs=runs,
        seed=seed,
        train_size=train_size,
        test_size=test_size,
        as_printed=as_printed,
        sim1_reading=sim1_reading,
        sim2_reading=sim2_reading,
        training=training,
        max_iter=max_iter,
        epochs=epochs,
        margin=margin,
        device=device,
    )
    try:
        study = make_study(options)
    except ValueError as error:
        raise BadInput(str(error)) from None
    workers = _check_workers(jobs, backend)
    _run(
        study,
        out,
        protocol=table1_protocol(study),
        summarise=summarise,
        write=write_table1,
        workers=workers,
        backend=backend,
        fresh=fresh,
        quiet=quiet,
        strict=strict,
    )


def _check_workers(jobs: int, backend: str) -> int:
    from simulations.monte_carlo import BACKENDS

    if backend not in BACKENDS:
        raise BadInput(f"--backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    if jobs < 0:
        raise BadInput(f"--jobs must not be negative, got {jobs}")
    if jobs:
        return jobs
    from joblib import cpu_count

    return int(cpu_count())


def _check_out(out: Path, study: str) -> None:
    """Make the folder if need be, and see that it is this study's and can be written."""
    from tempfile import TemporaryFile

    from reports.provenance import study_of

    if out.exists() and not out.is_dir():
        raise BadInput(f"--out must be a folder, but {out} is a file")
    other = study_of(out)
    if other not in (None, study):
        raise BadInput(f"--out {out} holds another study: {other}; use another --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise BadInput(f"--out {out} cannot be written: {error.strerror}") from None


def _run(
    study: Study,
    out: Path,
    *,
    protocol: str,
    summarise: Callable[[Study, Store], Any],
    write: Callable[[Any, Path], list[Any]],
    workers: int,
    backend: str,
    fresh: bool,
    quiet: bool,
    strict: bool,
) -> None:
    """Run what is missing of a study, then report it."""
    from sqlite3 import OperationalError

    from rich.console import Console
    from rich.measure import Measurement

    from reports.provenance import now, write_provenance, write_text
    from simulations.store import FILE_NAME, StoreError, open_store

    _check_out(out, study.name)
    started = now()
    new = fresh or not (out / FILE_NAME).exists()
    try:
        with open_store(out, study.name, study.design, fresh=fresh) as store:
            if new:
                write_text(out / "protocol.md", protocol)
            _compute(study, store, workers=workers, backend=backend, quiet=quiet)
            result = summarise(study, store)
        shown = write(result, out)
        write_provenance(
            out / "provenance.json",
            study=study.name,
            design=study.design,
            started=started,
            runs=study.n_runs,
            workers=workers,
            backend=backend,
        )
    except StoreError as error:
        raise BadInput(str(error)) from None
    except KeyboardInterrupt:
        typer.echo(
            f"interrupted: every finished block is kept in {out}; the same command resumes",
            err=True,
        )
        raise typer.Exit(INTERRUPTED) from None
    except (OSError, OperationalError) as error:  # a full disk is either
        typer.echo(f"stopped: {error}; every finished block is kept in {out}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if not quiet:
        wide = Console(width=1000)
        width = max(Measurement.get(wide, wide.options, table).maximum for table in shown)
        console = Console(width=max(width, Console().width))
        for table in shown:
            console.print(table)
        typer.echo(f"Written to {out}/")
    if strict and (result.summary["verdict"] == "fails").any():
        raise typer.Exit(VERDICT_FAILED)


def _compute(study: Study, store: Store, *, workers: int, backend: str, quiet: bool) -> None:
    """Run the missing blocks; a bar on a terminal, a line per block elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from simulations.monte_carlo import block_runs, pending_blocks, run_study

    missing = len(pending_blocks(study, store))
    if not missing:
        return
    updates = run_study(study, store, jobs=min(workers, missing), backend=backend)
    console = Console(stderr=True, quiet=quiet)
    if quiet or not console.is_terminal:
        for step in updates:
            runs = block_runs(step.block.index)
            left = step.seconds / (step.done - step.total + missing) * (step.total - step.done)
            console.print(
                f"{study.name}: {step.done}/{step.total} blocks, {step.block.cell} runs "
                f"{runs.start}-{runs.stop - 1} took {step.block.seconds:.1f} s, "
                f"about {left:.0f} s left",
                highlight=False,
                soft_wrap=True,
            )
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} blocks"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(study.name, total=missing)
        for _ in updates:
            bar.advance(task)


def main() -> None:
    """Run the command line; a mistake of the user is one line on stderr and status 2."""
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False, prog_name="learnprop")
    except typer.TyperException as error:
        typer.echo(f"learnprop: {error.format_message()}{_rejected_value(error)}", err=True)
        status = BAD_INPUT
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status if isinstance(status, int) else DONE)


def _rejected_value(error: Exception) -> str:
    """What typer's conversion rejected; its own message names the option only."""
    details = getattr(error.__cause__, "errors", None)
    return f", got {details()[0]['input']!r}" if callable(details) else ""
