"""What the command line says and how it ends: exit statuses, and one clear line."""

from __future__ import annotations

import os
import sys

import typer

DONE, VERDICT_FAILED, BAD_INPUT, STOPPED = 0, 1, 2, 3


class BadInput(typer.TyperException):
    """One clear line for the user; exit status 2."""


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
