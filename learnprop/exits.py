"""What the command line says and how it ends: exit statuses, and one clear line."""

from __future__ import annotations

import math
import os
import shutil
import signal
import sys
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

import typer

import learnprop
from learnprop.equations.arguments import Worded

if TYPE_CHECKING:
    from learnprop.reports.layout.console import Titled

DONE, VERDICT_FAILED, BAD_INPUT, STOPPED = 0, 1, 2, 3
INTERRUPTED = 130  # typer's, of a Ctrl-C that nobody caught


_IRREGULAR = {"file_format": "--format", "file": "FILE"}
"""What is not spelled as its argument in Python."""


class BadInput(typer.TyperException):
    """One clear line for the user; exit status 2."""


def option_of(argument: str) -> str:
    """Option of the command line that sets an argument.

    Parameters
    ----------
    argument : str
        Its Python name.

    Returns
    -------
    str

    Examples
    --------
    >>> option_of("train_size"), option_of("file_format")
    ('--train-size', '--format')
    """
    return _IRREGULAR.get(argument, f"--{argument.replace('_', '-')}")


def in_options(error: Exception) -> str:
    """Message of an error in the words of the command line.

    Parameters
    ----------
    error : Exception
        Options stand for the arguments that a `Worded` one names.

    Returns
    -------
    str

    Examples
    --------
    >>> from learnprop.equations.arguments import BadArgument
    >>> in_options(BadArgument("sizes", "takes the place of `train_size`"))
    '--sizes takes the place of --train-size'
    """
    return error.spelled(option_of) if isinstance(error, Worded) else str(error)


def words_of_options(text: str, known: Collection[str] | None = None) -> str:
    """Text in the words of the command line: options stand for arguments marked by backticks.

    Parameters
    ----------
    text : str
    known : collection of str, optional
        Arguments that the command has; other marked names are not its options, but Python's. By
        default all are options.

    Returns
    -------
    str

    Examples
    --------
    >>> words_of_options("`runs` is then the least.")
    '--runs is then the least.'
    >>> words_of_options("Give `train`, or use `reweight`.", {"train"})
    'Give --train, or use learnprop.reweight.'
    """

    def spell(name: str) -> str:
        if known is None or name in known:
            return option_of(name)
        return f"learnprop.{name}" if name in learnprop.__all__ else name

    return Worded(text).spelled(spell)


def named_path(text: str) -> Path:
    """Read the name of a file or a folder from the command line.

    Raises
    ------
    typer.BadParameter
        If it is empty or blank, as that of an unset variable is.

    Examples
    --------
    >>> named_path("results/table1").name
    'table1'
    """
    if not text.strip():
        raise typer.BadParameter(f"must name a file or a folder, got {text!r}")
    return Path(text)


@contextmanager
def bad_input() -> Iterator[None]:
    """Let a ValueError raised within be bad input, in the words of the command line.

    Raises
    ------
    BadInput

    Examples
    --------
    >>> from learnprop.equations.arguments import BadArgument
    >>> with bad_input():
    ...     raise BadArgument("train_size", "must be positive, got 0")
    Traceback (most recent call last):
    learnprop.exits.BadInput: --train-size must be positive, got 0
    """
    try:
        yield
    except ValueError as error:
        raise BadInput(in_options(error)) from None


def stopped(line: str) -> typer.Exit:
    """Say why a study stopped; exit status 3."""
    tell(line)
    return typer.Exit(STOPPED)


def tell(line: str) -> None:
    """Print to stderr; where that cannot be written, the exit status says it alone.

    Not by typer's echo, which would write UTF-8 where the terminal is ASCII.
    """
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _let_go(sys.stderr)


def say(line: str) -> None:
    """Print to stdout; where nobody reads on (``learnprop ... | head``), say nothing more.

    Raises
    ------
    typer.Exit
        With status 3 where it cannot be written, e.g. to a full disk.
    """
    try:
        print(line, flush=True)
    except BrokenPipeError:
        _let_go(sys.stdout)
    except OSError as error:
        raise unwritten(error) from None


def unwritten(error: OSError) -> typer.Exit:
    """Say that stdout or stderr cannot be written; exit status 3."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _let_go(stream)
    return stopped(f"stopped: the output cannot be written: {error.strerror or error}")


def _let_go(stream: TextIO) -> None:
    """Let a stream lead nowhere: what it still holds would fail again, and change the status."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def stdout_of_bytes() -> Iterator[BinaryIO]:
    """Stdout for a table; where nobody reads on, the rest is written nowhere.

    Raises
    ------
    typer.Exit
        With status 3 where it cannot be written, e.g. to a full disk.
    """
    sys.stdout.flush()
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _let_go(sys.stdout)
    except OSError as error:
        raise unwritten(error) from None


def show_tables(
    tables: list[Titled], *, wide: bool = False, known: Collection[str] | None = None
) -> None:
    """Print tables within the width of the terminal.

    Without a terminal nothing is left out, unless ``COLUMNS`` says how wide the lines may be.

    Parameters
    ----------
    tables : list of Titled
    wide : bool
        Whether all columns are shown, whatever the width.
    known : collection of str, optional
        As `words_of_options` has it, of the notes below the tables.
    """
    from learnprop.reports.layout.console import console_lines

    notes = [words_of_options(table.grid.note, known) for table in tables]
    lines = console_lines(
        [replace(t, grid=replace(t.grid, note=n)) for t, n in zip(tables, notes, strict=True)],
        math.inf if wide else width_of_stdout(),
        encoding=sys.stdout.encoding or "utf-8",
        more=f"{option_of('wide')} shows them",
    )
    say("\n".join(styled(lines) if sys.stdout.isatty() else [text for text, _ in lines]) + "\n")


def say_lines(lines: Iterable[str]) -> None:
    """Print sentences, broken at blanks where the terminal is narrower; commands stay in one."""
    from learnprop.reports.layout.fitting import HANGING, wrapped

    for line in lines:
        command = "learnprop " in line
        width = math.inf if command else width_of_stdout()
        for part in wrapped(line, width, hanging=HANGING):
            say(part)


def width_of_stdout() -> float:
    """Columns of the terminal, or those that ``COLUMNS`` says; infinite of a file or a pipe."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    return math.inf


def styled(lines: Sequence[tuple[str, str]]) -> list[str]:
    """Lines with the codes of their styles, as far as the terminal has any."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    found = []
    for text, style in lines:
        with console.capture() as written:
            console.print(Text(text, style=style), soft_wrap=True)
        found.append(written.get().rstrip("\n"))
    return found


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: the batch system or the closed terminal wants us gone."""


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Raise `Terminated` here on SIGTERM and SIGHUP, as Ctrl-C raises KeyboardInterrupt.

    A signal that is ignored stays so: under ``nohup`` a study outlives its terminal.
    """

    def interrupt(*_: object) -> None:
        raise Terminated

    known = [n for n in ("SIGTERM", "SIGHUP") if hasattr(signal, n)]
    names = [n for n in known if signal.getsignal(getattr(signal, n)) != signal.SIG_IGN]
    if threading.current_thread() is not threading.main_thread():
        names = []
    before = {n: signal.signal(getattr(signal, n), interrupt) for n in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
