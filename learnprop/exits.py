"""What the command line says and how it ends: exit statuses, and one clear line."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import typer

from learnprop.equations.arguments import Worded

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
    typer.echo(line, err=True)
    return typer.Exit(STOPPED)


def say(line: str) -> None:
    """Print to stdout; where nobody reads on (``learnprop ... | head``), say nothing more."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise stopped(f"stopped: the output cannot be written: {error.strerror}") from None


def show_tables(tables: list[Any]) -> None:
    """Print rich tables at one width, wide enough for each, captions in the words of options."""
    from rich.console import Console
    from rich.measure import Measurement

    for table in tables:
        if table.caption:
            table.caption = words_of_options(table.caption)
    wide = Console(width=1000)
    width = max(Measurement.get(wide, wide.options, table).maximum for table in tables)
    console = Console(width=max(width, Console().width))
    with console.capture() as text:
        for table in tables:
            console.print(table)
    say(text.get().rstrip("\n"))


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
