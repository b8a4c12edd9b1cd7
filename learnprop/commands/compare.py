"""Holds a folder against another: whether a result was reproduced."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from learnprop.commands.data import Wide
from learnprop.commands.stored import Folder
from learnprop.equations.arguments import BadArgument
from learnprop.exits import VERDICT_FAILED, BadInput, bad_input, named_path, say_lines, show_tables


def compare(
    folder: Folder,
    reference: Annotated[
        Path,
        typer.Argument(
            parser=named_path,
            metavar="REFERENCE",
            help="Another of the same study, e.g. published.",
        ),
    ],
    within: Annotated[
        float | None,
        typer.Option(help="With --strict: relative difference up to which a value is the same."),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit with 1 if a verdict differs, something is missing, or a value differs by "
            "more than --within.",
        ),
    ] = False,
    wide: Wide = False,
) -> None:
    """Say whether a folder has the results of another: verdicts, largest difference, machines.

    Every table is compared that both hold as CSV, whatever the study; numbers of 1e-11 or less are
    zero but for rounding, and count as zero. Nothing is written.

    Example: learnprop compare reproduced/table1 results/table1
    """
    from learnprop.reports.folders.compared import NotComparable, compare_folders
    from learnprop.reports.folders.compared_text import compared_text, machines

    with bad_input():
        if within is not None and not 0 <= within < math.inf:
            raise BadArgument("within", f"must be finite and not negative, got {within:g}")
        if within is not None and not strict:
            raise BadArgument("within", "goes with `strict` only")
    try:
        found = compare_folders(folder, reference)
    except NotComparable as error:
        raise BadInput(str(error)) from None
    show_tables([machines(found)], wide=wide)
    say_lines(compared_text(found))
    if strict and not found.is_reproduced(math.inf if within is None else within):
        raise typer.Exit(VERDICT_FAILED)
