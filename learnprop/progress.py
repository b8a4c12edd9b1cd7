"""Progress of a study: a bar on a terminal, a line per block elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from learnprop.run_options import RunOptions

if TYPE_CHECKING:
    from learnprop.simulations.engine.study import Study
    from learnprop.simulations.engine.workers import Workers
    from learnprop.simulations.records.store import Store


def run_missing(study: Study, store: Store, workers: Workers, how: RunOptions) -> None:
    """Run the missing blocks of a study and show how far they are."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from learnprop.simulations.engine.monte_carlo import pending_blocks, run_study
    from learnprop.simulations.engine.study import block_runs

    missing = len(pending_blocks(study, store, how.timeout))
    updates = run_study(study, store, workers, timeout=how.timeout, max_failures=how.max_failures)
    console = Console(stderr=True, quiet=how.quiet)
    if how.quiet or not console.is_terminal:
        for step in updates:
            runs = block_runs(step.block.index, study.block_size)
            which = f"run {runs.start}" if len(runs) == 1 else f"runs {runs.start}-{runs.stop - 1}"
            console.print(
                f"{study.name}: {step.done}/{step.total} blocks, {step.block.cell} {which} "
                f"took {step.block.seconds:.1f} s, "
                f"about {step.seconds_left:.0f} s left",
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
