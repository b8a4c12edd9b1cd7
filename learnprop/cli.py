"""The command line. Heavy libraries are imported by the commands that use them."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from learnprop import data, networks, stores, studies
from learnprop.exits import BAD_INPUT, DONE, INTERRUPTED, STOPPED, signals_interrupt

app = typer.Typer(
    name="learnprop",
    help="Puts the learning property of logistic and softmax losses on trial.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
plans = typer.Typer(
    name="plan",
    help="Say how many replications --mcse needs. Takes a study's own options; writes nothing.",
)
for study in (
    studies.table1,
    studies.multiclass,
    studies.controls,
    studies.claims,
    studies.explore,
    networks.cnn,
    networks.losses,
):
    app.command(rich_help_panel="Studies")(study.run)
    plans.command()(study.plan)
app.add_typer(plans, rich_help_panel="Studies")
app.add_typer(data.app, rich_help_panel="Data")
stored: list[Callable[..., None]] = [stores.status, stores.replay, stores.report, stores.export]
for command in stored:
    app.command(rich_help_panel="Stored studies")(command)


def main() -> None:
    """Run the command line; a mistake of the user is one line on stderr and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that has no λ shows a ? and loses nothing
            stream.reconfigure(errors="replace")
    try:
        with signals_interrupt():
            status = app(sys.argv[1:] or ["--help"], standalone_mode=False, prog_name="learnprop")
    except typer.TyperException as error:
        typer.echo(f"learnprop: {error.format_message()}{_rejected_value(error)}", err=True)
        status = BAD_INPUT
    if status == INTERRUPTED:
        typer.echo("interrupted", err=True)
        status = STOPPED
    sys.exit(status if isinstance(status, int) else DONE)


def _rejected_value(error: Exception) -> str:
    """What typer's conversion rejected; its own message names the option only."""
    details = getattr(error.__cause__, "errors", None)
    return f", got {details()[0]['input']!r}" if callable(details) else ""
