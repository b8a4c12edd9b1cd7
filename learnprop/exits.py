"""What the command line says and how it ends: exit statuses, and one clear line."""

from __future__ import annotations

import math
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from learnprop.equations.arguments import Worded

if TYPE_CHECKING:
    from learnprop.reports.layout.console import Titled

DONE, VERDICT_FAILED, BAD_INPUT, STOPPED = 0, 1, 2, 3
INTERRUPTED = 130  # typer's, of a Ctrl-C that nobody caught


_IRREGULAR = {"file_format": "--format"}
"""Options that are not spelled as their argument in Python."""


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


def words_of_options(text: str) -> str:
    """Text in the words of the command line: options stand for arguments marked by backticks.

    Examples
    --------
    >>> words_of_options("`runs` is then the least.")
    '--runs is then the least.'
    """
    return Worded(text).spelled(option_of)


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


def say(line: str) -> None:
    """Print to stdout; where nobody reads on (``learnprop ... | head``), say nothing more."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell(line: str) -> None:
    """Print to stderr; typer's echo would write UTF-8 where the terminal is ASCII."""
    print(line, file=sys.stderr, flush=True)


def show_tables(tables: list[Titled], *, wide: bool = False) -> None:
    """Print tables within the width of the terminal.

    Without a terminal nothing is left out, unless ``COLUMNS`` says how wide the lines may be.

    Parameters
    ----------
    tables : list of Titled
    wide : bool
        Whether all columns are shown, whatever the width.
    """
    from learnprop.reports.layout.console import console_lines

    lines = console_lines(
        tables,
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
    """Raise `Terminated` here on SIGTERM and SIGHUP, as Ctrl-C raises KeyboardInterrupt."""

    def interrupt(*_: object) -> None:
        raise Terminated

    names = [n for n in ("SIGTERM", "SIGHUP") if hasattr(signal, n)]
    if threading.current_thread() is not threading.main_thread():
        names = []
    before = {n: signal.signal(getattr(signal, n), interrupt) for n in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
