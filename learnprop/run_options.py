"""How a study is run or planned: options that change no number, each declared once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.engine import BACKENDS
from learnprop.simulations.studies.option import Option

RUNNING, PLANNING = "How it is run", "What is planned"

Jobs = Annotated[int, Option("Workers; 0 means one per core.", panel=RUNNING)]
Backend = Annotated[
    str,
    Option(
        "joblib's backend: processes, threads, none, or a cluster.",
        choices=BACKENDS,
        panel=RUNNING,
    ),
]
Scheduler = Annotated[
    str | None, Option("Dask's scheduler.", metavar="tcp://HOST:PORT", panel=RUNNING)
]
WIDE = "Show all columns of tables, however narrow the terminal."
Wide = Annotated[bool, Option(WIDE, panel=RUNNING)]


@dataclass(frozen=True)
class RunOptions:
    """How a study is run; nothing here changes a number."""

    out: Annotated[
        str,
        Option("Folder for the store and the reports.", metavar="DIR", panel=RUNNING, is_path=True),
    ]
    fresh: Annotated[
        bool, Option("Put a store that is there aside and start over.", panel=RUNNING)
    ] = False
    jobs: Jobs = 0
    backend: Backend = "loky"
    scheduler: Scheduler = None
    mcse: Annotated[
        float | None,
        Option(
            "Add blocks until the Monte Carlo standard error of every gap (losses: of every "
            "accuracy) is at most this; `runs` is then the least.",
            panel=RUNNING,
        ),
    ] = None
    max_failures: Annotated[
        float,
        Option("Share of the replications that may fail before the study stops.", panel=RUNNING),
    ] = 0.05
    timeout: Annotated[
        float | None,
        Option(
            "Seconds that a block of replications may take; longer is recorded as failed.",
            panel=RUNNING,
        ),
    ] = None

    @property
    def shows_progress(self) -> bool:
        """Whether to say on stderr how far the study is, and what is out of the ordinary."""
        return False


@dataclass(frozen=True)
class CommandOptions(RunOptions):
    """How a study is run from the command line, which ends with a status."""

    quiet: Annotated[bool, Option("No progress, no table.", panel=RUNNING)] = False
    strict: Annotated[bool, Option("Exit with 1 if a verdict is 'fails'.", panel=RUNNING)] = False
    wide: Wide = False

    @property
    def shows_progress(self) -> bool:
        """Unless it is quiet."""
        return not self.quiet


@dataclass(frozen=True)
class CallOptions(RunOptions):
    """How a study is run from Python."""

    progress: Annotated[
        bool,
        Option(
            "Show on stderr, in a notebook below the cell, how far it is and how long it takes.",
            panel=RUNNING,
        ),
    ] = False

    @property
    def shows_progress(self) -> bool:
        """Where it was asked for."""
        return self.progress


@dataclass(frozen=True)
class PlanOptions:
    """What precision to plan for, and who computes the pilot."""

    mcse: Annotated[
        float,
        Option(
            "Monte Carlo standard error that every gap (losses: every accuracy) shall have, e.g. "
            "0.01.",
            panel=PLANNING,
        ),
    ]
    jobs: Jobs = 0
    backend: Backend = "loky"
    scheduler: Scheduler = None
    quiet: Annotated[bool, Option("No progress.", panel=PLANNING)] = False
    wide: Wide = False


LEAST_MCSE = 1e-6
"""No study reaches less: at an SD of 0.1 it would be 10^10 runs."""


def check_mcse(mcse: float) -> None:
    """Raise BadArgument unless a target of precision can be reached."""
    if not LEAST_MCSE <= mcse < math.inf:
        raise BadArgument("mcse", f"must be finite and at least {LEAST_MCSE:g}, got {mcse:g}")
