"""What a study's report is made of, and how it becomes files: tables, figures, data frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from learnprop.reports.layout.console import Titled
from learnprop.reports.layout.files import write_text
from learnprop.reports.layout.fonts import mention_missing
from learnprop.reports.layout.grid import Grid, to_latex
from learnprop.reports.layout.numbers import LATEX, TEXT, Markup
from learnprop.reports.layout.style import Figure, draw_to
from learnprop.reports.protocols.ademp import Protocol, quick_look, to_markdown
from learnprop.simulations.engine.study import Study
from learnprop.simulations.records.store import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class NamedTable:
    """A table: the stem of its file, its caption, and how it is laid out in a markup."""

    name: str
    title: str
    grid: Callable[[Markup], Grid]
    on_console: bool = True


@dataclass(frozen=True)
class NamedFigure:
    """A figure: the stem of its files, its caption, and what draws it; nothing, it may be."""

    name: str
    title: str
    draw: Callable[[], Figure | None]


@dataclass(frozen=True)
class Contents:
    """All that is reported of a study.

    Attributes
    ----------
    frames : mapping of str to DataFrame
        Tidy tables by the stem of their CSV file; ``summary`` has a column ``verdict``.
    tables : tuple of NamedTable
    figures : tuple of NamedFigure
    """

    frames: Mapping[str, pd.DataFrame]
    tables: tuple[NamedTable, ...] = ()
    figures: tuple[NamedFigure, ...] = ()


def any_verdict_fails(contents: Contents) -> bool:
    """Whether any verdict of the summary is "fails"."""
    return bool((contents.frames["summary"]["verdict"] == "fails").any())


@dataclass(frozen=True)
class StudyReport:
    """How a study is reported.

    Attributes
    ----------
    title : str
    ademp : callable ``(study) -> Protocol``
    summarise : callable ``(study, store) -> summary``
        A pure function of what is stored.
    contents : callable ``(summary) -> Contents``
    predicted_gap_sd : callable ``(cell) -> dict``
        SD over runs of the gap by λ setting, as far as theory predicts it.
    failed : callable ``(contents) -> bool``
        Whether ``--strict`` shall exit with 1.
    shows_unfinished : bool
        Whether what was computed so far is reported where a study is not finished: its cells
        stand for themselves, and what is missing is shown as such.
    """

    title: str
    ademp: Callable[[Study], Protocol]
    summarise: Callable[[Study, Store], Any]
    contents: Callable[[Any], Contents]
    predicted_gap_sd: Callable[[Any], dict[str, float | None]] = lambda _: {}
    failed: Callable[[Contents], bool] = any_verdict_fails
    shows_unfinished: bool = False

    def reported(self, study: Study, store: Store) -> Contents:
        """Contents of what is stored; under every table and figure of a quick look it says so."""
        contents = self.contents(self.summarise(study, store))
        for words in quick_look(study):
            contents = _with_note(contents, words)
        return contents

    def protocol(self, study: Study, mcse: float | None = None) -> str:
        """Text of ``protocol.md``; `mcse` is the target of precision or None."""
        return to_markdown(self.ademp(study), study, mcse)


def _with_note(contents: Contents, words: str) -> Contents:
    def noted(grid: Callable[[Markup], Grid], markup: Markup) -> Grid:
        laid_out = grid(markup)
        return replace(laid_out, note="\n".join(filter(None, (laid_out.note, words))))

    return replace(
        contents,
        tables=tuple(replace(t, grid=partial(noted, t.grid)) for t in contents.tables),
        figures=tuple(replace(f, title=f"{f.title}. {words}") for f in contents.figures),
    )


def report_of(study: str) -> StudyReport:
    """Return how a study is reported, by its name: each has a folder beside this file.

    Examples
    --------
    >>> report_of("table1").title
    "The paper's Table 1: Eq. (10) on Sim1 and Sim2"
    """
    report: StudyReport = import_module(f"learnprop.reports.{study}.report").REPORT
    return report


@contextmanager
def loading_libraries() -> Iterator[None]:
    """Load what reports are written with while others compute: a second that nobody waits for.

    Not in a daemon: an interpreter that exits while a thread is in native code aborts.
    """

    def load() -> None:
        # What fails here fails again where it is used, and is dealt with there.
        for module in ("pandas", *(f"matplotlib.backends.backend_{of}" for of in ("agg", "pdf"))):
            with suppress(Exception):
                import_module(module)

    thread = Thread(target=load)
    thread.start()
    yield
    thread.join()


def write_contents(contents: Contents, out: Path) -> list[Titled]:
    """Write every data frame as CSV, every table as LaTeX, every figure as PDF and PNG.

    Parameters
    ----------
    contents : Contents
    out : Path
        Existing folder.

    Returns
    -------
    list of Titled
        The tables for the console.
    """
    for name, frame in contents.frames.items():
        write_text(out / f"{name}.csv", frame.to_csv(index=False))
    for table in contents.tables:
        write_text(out / f"{table.name}.tex", to_latex(table.grid(LATEX)))
    mention_missing(
        "".join(
            draw_to(figure.draw, [out / f"{figure.name}.pdf", out / f"{figure.name}.png"])
            for figure in contents.figures
        ),
        out,
    )
    return [Titled(t.title, t.grid(TEXT)) for t in contents.tables if t.on_console]
