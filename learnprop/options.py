"""Options that the study commands share, each declared once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

RUNNING, PLANNING = "How it is run", "What is planned"

Runs = Annotated[int, typer.Option(help="Replications of every cell, at least 2.")]
Seed = Annotated[int, typer.Option(help="0 <= seed < 2**63.")]
Margin = Annotated[
    float, typer.Option(help="The gap that still counts as none, declared beforehand.")
]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where the fitters compute.")]
Mcse = Annotated[
    float | None,
    typer.Option(
        help="Add blocks until the Monte Carlo standard error of every gap (losses: of every "
        "accuracy) is at most this; --runs is then the least.",
        rich_help_panel=RUNNING,
    ),
]
Target = Annotated[
    float,
    typer.Option(
        "--mcse",
        help="Monte Carlo standard error that every gap (losses: every accuracy) shall have, e.g. "
        "0.01.",
        rich_help_panel=PLANNING,
    ),
]
Out = Annotated[
    Path, typer.Option(help="Folder for the store and the reports.", rich_help_panel=RUNNING)
]
Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh", help="Put a store that is there aside and start over.", rich_help_panel=RUNNING
    ),
]
Jobs = Annotated[int, typer.Option(help="Workers; 0 means one per core.", rich_help_panel=RUNNING)]
Backend = Annotated[
    str,
    typer.Option(
        metavar="loky|threading|sequential|dask",
        help="joblib's backend: processes, threads, none, or a cluster.",
        rich_help_panel=RUNNING,
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="tcp://HOST:PORT", help="Dask's scheduler.", rich_help_panel=RUNNING),
]
MaxFailures = Annotated[
    float,
    typer.Option(
        help="Share of the replications that may fail before the study stops.",
        rich_help_panel=RUNNING,
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        help="Seconds that a block of replications may take; longer is recorded as failed.",
        rich_help_panel=RUNNING,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="No progress, no table.", rich_help_panel=RUNNING)
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Exit with 1 if a verdict is 'fails'.", rich_help_panel=RUNNING),
]


@dataclass(frozen=True)
class Running:
    """How a study is run, as chosen on the command line: nothing here changes a number."""

    out: Path
    fresh: bool
    jobs: int
    backend: str
    scheduler: str | None
    mcse: float | None
    max_failures: float
    timeout: float | None
    quiet: bool
    strict: bool


@dataclass(frozen=True)
class Planning:
    """What precision to plan for, and who computes the pilot."""

    mcse: float
    jobs: int
    backend: str
    scheduler: str | None
