"""Progress of a study: a bar on a terminal and in a notebook, a line now and then elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from learnprop.run_options import RunOptions
from learnprop.simulations.engine.time_left import TimeLeft

if TYPE_CHECKING:
    from rich.console import Console

    from learnprop.simulations.engine.study import Study
    from learnprop.simulations.engine.workers import Workers
    from learnprop.simulations.records.store import Store

LINE_EVERY = 30.0
"""Seconds between two lines where there is no bar; the first block has one, too, and the last."""

MOST_TOLD = 8
"""Blocks under a bar."""

Advance = Callable[[int, TimeLeft], None]
"""``(done, left)``: blocks that are done, and how long the others take."""


def run_missing(study: Study, store: Store, workers: Workers, how: RunOptions) -> None:
    """Run the missing blocks of a study and show how far they are."""
    from learnprop.simulations.engine.monte_carlo import all_blocks, pending_blocks, run_study
    from learnprop.simulations.engine.within import FOLDER, listening

    total, left = len(all_blocks(study)), len(pending_blocks(study, store, how.timeout))
    with (
        listening(store.path.parent / FOLDER) as running,
        watched(study.name, running, total - left, total, shown=how.shows_progress) as advance,
    ):
        for step in run_study(
            study,
            store,
            workers,
            timeout=how.timeout,
            max_failures=how.max_failures,
            running=running,
        ):
            advance(step.done, step.left)


@contextmanager
def watched(
    name: str, running: Path, done: int, total: int, *, shown: bool = True
) -> Iterator[Advance]:
    """Show on stderr how far blocks are: those that are done, and what others tell meanwhile.

    Parameters
    ----------
    name : str
        What they are of.
    running : Path
        Folder into which they tell (`learnprop.simulations.engine.within.listening`).
    done, total : int
        Blocks.
    shown : bool
        False shows nothing.

    Yields
    ------
    callable ``(done, left) -> None``
        To be called whenever a block is done.
    """
    from rich.console import Console

    if not shown:
        yield lambda _done, _left: None
        return
    console = Console(stderr=True)
    state = _State(name, running, done, total)
    drawn = _bar if console.is_terminal or console.is_jupyter else _lines
    with drawn(state, console):
        yield state.advance


class _State:
    """What is shown, changed by the study and read by the thread that shows it."""

    def __init__(self, name: str, running: Path, done: int, total: int) -> None:
        self.name, self.running, self.done, self.total = name, running, done, total
        self.left, self.since = TimeLeft(math.nan), 0.0
        self.at_first: Callable[[], None] = lambda: None

    def advance(self, done: int, left: TimeLeft) -> None:
        """Note that a block is done."""
        first = math.isnan(self.left.seconds)
        self.done, self.left, self.since = done, left, time.monotonic()
        if first and done < self.total:
            self.at_first()

    def time(self) -> str:
        """Say how long it will take; nothing where that is unknown, or was said and is over."""
        from learnprop.reports.layout.numbers import time_text

        seconds = self.left.seconds - (time.monotonic() - self.since)
        if not seconds >= 1:
            return ""
        return f"time left: {time_text(TimeLeft(round(seconds), self.left.unseen))}"

    def told(self) -> list[str]:
        """What blocks told last, those that are too many left out."""
        from learnprop.simulations.engine.within import told

        lines = told(self.running)
        more = len(lines) - MOST_TOLD
        return lines[:MOST_TOLD] + ([f"and {more} more"] if more > 0 else [])


@contextmanager
def _bar(state: _State, console: Console) -> Iterator[None]:
    from rich.console import Group
    from rich.live import Live
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.text import Text

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} blocks"),
        TimeElapsedColumn(),
    )
    task = bar.add_task(state.name, total=state.total)

    def drawn() -> Any:
        bar.update(task, completed=state.done)
        said = [state.time()] if state.time() else []
        lines = [
            Text(f"  {line}", overflow="ellipsis", no_wrap=True) for line in said + state.told()
        ]
        return Group(bar, *lines)

    with Live(get_renderable=drawn, console=console, refresh_per_second=4, transient=True):
        yield


@contextmanager
def _lines(state: _State, console: Console) -> Iterator[None]:
    over, said = Event(), state.done

    def say() -> None:
        nonlocal said
        said = state.done
        parts = [f"{said}/{state.total} blocks", state.time(), *state.told()[:1]]
        console.print(
            f"{state.name}: {'; '.join(filter(None, parts))}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    def now_and_then() -> None:
        while not over.wait(LINE_EVERY):
            say()

    state.at_first = say
    thread = Thread(target=now_and_then, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        if state.done > said:
            say()
