"""What the machine allows: a study that fits into its memory, and as many workers as it holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from learnprop.exits import tell

if TYPE_CHECKING:
    from learnprop.simulations.engine.study import Study
    from learnprop.simulations.engine.workers import Workers

PER_CORE = 4
"""Workers for each core at most: more would take turns, each with its own memory."""


def within_machine(study: Study, workers: Workers, *, quiet: bool = False) -> Workers:
    """Refuse a study of which no block fits into memory, and limit workers to what is there.

    Parameters
    ----------
    study : Study
    workers : Workers
        Those of a cluster are left as they are: they compute elsewhere.
    quiet : bool
        Whether nothing is said of a limit.

    Returns
    -------
    Workers

    Raises
    ------
    BadArgument
        Naming the argument that takes most of the memory.
    """
    from joblib import cpu_count

    from learnprop.simulations.engine.footprint import (
        WORKER,
        available_memory,
        block_bytes,
        check_blocks,
        in_words,
    )
    from learnprop.simulations.engine.monte_carlo import all_blocks

    if workers.backend == "dask":
        return workers
    check_blocks(study)
    cores, memory = cpu_count(), available_memory()
    each = block_bytes(study) + (WORKER if workers.backend == "loky" else 0)
    room = max(1, int(memory / each)) if each else workers.jobs
    jobs = min(workers.jobs, PER_CORE * cores, room)
    if jobs < min(workers.jobs, len(all_blocks(study))) and not quiet:
        tell(
            f"{study.name}: {jobs} workers in place of {workers.jobs}: there are {cores} cores, "
            f"and {in_words(memory)} of memory, of which each takes about {in_words(each)}"
        )
    return replace(workers, jobs=jobs)


def mention_shared_device(study: Study, workers: Workers, n_groups: int) -> None:
    """Say where processes share a device: each has a context there, and contexts take turns.

    Parameters
    ----------
    study : Study
    workers : Workers
    n_groups : int
        How many things there are to compute: no more workers are busy.
    """
    import torch

    from learnprop.simulations.engine.devices import runs_many_at_once

    device, processes = study.design.get("device", "cpu"), min(workers.jobs, n_groups)
    if processes > 1 and workers.backend == "loky" and runs_many_at_once(torch.device(device)):
        tell(
            f"{study.name}: {processes} processes share one device, {device}, and slow each other: "
            "jobs 1 is faster"
        )
