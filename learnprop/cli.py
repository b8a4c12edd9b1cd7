"""The command line. Heavy libraries are imported by the commands that use them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection

import typer

from learnprop import data, stores
from learnprop.arguments import spaces_to_commas
from learnprop.commands import mention, number_lists, plan_command, run_command
from learnprop.exits import BAD_INPUT, DONE, INTERRUPTED, STOPPED, signals_interrupt, tell
from learnprop.reports.layout.spelling import SPELT
from learnprop.simulations.studies import STUDIES


def command_line(spelled: Collection[str] = STUDIES) -> typer.Typer:
    """Make the command line.

    Parameters
    ----------
    spelled : collection of str
        Studies whose options are wanted: those of all take a sixth of the time of ``--help``.

    Returns
    -------
    typer.Typer
    """
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
    for study in STUDIES:
        run, plan = (run_command, plan_command) if study in spelled else (mention, mention)
        for commands, command in ((app, run(study)), (plans, plan(study))):
            commands.command(study, short_help=_summary(command), rich_help_panel="Studies")(
                command
            )
    app.add_typer(plans, rich_help_panel="Studies")
    app.add_typer(data.app, rich_help_panel="Data")
    stored: list[Callable[..., None]] = [
        stores.status, stores.replay, stores.report, stores.export,
    ]  # fmt: skip
    for command in stored:
        app.command(short_help=_summary(command), rich_help_panel="Stored studies")(command)
    return app


def _summary(command: Callable[..., None]) -> str:
    """First line of what a command says of itself; typer would end it at "Eq."."""
    return (command.__doc__ or "").partition("\n")[0]


def main() -> None:
    """Run the command line; a mistake of the user is one line on stderr and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that has no λ shows "lambda"
            stream.reconfigure(errors=SPELT)
    try:
        with signals_interrupt():
            arguments = sys.argv[1:] or ["--help"]
            words = [word for word in arguments if not word.startswith("-")]
            named = [word for word in words[:2] if word in STUDIES]  # [plan] STUDY
            for study in named:
                arguments = spaces_to_commas(arguments, number_lists(study))
            app = command_line(named)
            status = app(arguments, standalone_mode=False, prog_name="learnprop")
    except typer.TyperException as error:
        tell(f"learnprop: {error.format_message()}{_rejected_value(error)}")
        status = BAD_INPUT
    if status == INTERRUPTED:
        tell("interrupted")
        status = STOPPED
    sys.exit(status if isinstance(status, int) else DONE)


def _rejected_value(error: Exception) -> str:
    """What typer's conversion rejected; its own message names the option only."""
    details = getattr(error.__cause__, "errors", None)
    return f", got {details()[0]['input']!r}" if callable(details) else ""
