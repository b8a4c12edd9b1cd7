"""Study commands: each lays a study out from its options, and runs it or plans it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from learnprop import options as shared
from learnprop.exits import BadInput
from learnprop.running import Reporter, plan, run

PLAN = "plan"
"""Name of the group under which every study command plans instead of running."""


def table1(
    context: typer.Context,
    runs: shared.Runs = 100,
    seed: shared.Seed = 0,
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
    margin: shared.Margin = 0.05,
    device: shared.Device = "cpu",
    out: shared.Out = Path("results/table1"),
    fresh: shared.Fresh = False,
    jobs: shared.Jobs = 0,
    backend: shared.Backend = "loky",
    scheduler: shared.Scheduler = None,
    mcse: shared.Mcse = None,
    max_failures: shared.MaxFailures = 0.05,
    timeout: shared.TimeLimit = None,
    quiet: shared.Quiet = False,
    strict: shared.Strict = False,
) -> None:
    """Reproduce Table 1: Eq. (10) for Sim1 and Sim2, predicted, observed and the paper's.

    A second call with the same --out resumes.
    """
    from reports.protocol import table1_protocol
    from reports.table1 import predicted_gap_sd, summarise
    from reports.table1_files import write_table1
    from simulations.studies.table1 import Options, make_study

    chosen = Options(
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
        study = make_study(chosen)
    except ValueError as error:
        raise BadInput(str(error)) from None
    running = shared.Running(
        out=out,
        fresh=fresh,
        jobs=jobs,
        backend=backend,
        scheduler=scheduler,
        mcse=mcse,
        max_failures=max_failures,
        timeout=timeout,
        quiet=quiet,
        strict=strict,
    )
    reporter = Reporter(table1_protocol, summarise, write_table1, predicted_gap_sd)
    planned = context.parent is not None and context.parent.info_name == PLAN
    (plan if planned else run)(study, reporter, running)
