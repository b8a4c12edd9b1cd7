"""The command line. Heavy libraries are imported by the commands that use them."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Collection
from typing import Annotated, Any

import typer

from learnprop import __version__
from learnprop.commands import listed
from learnprop.commands.listed import LISTED, Listed
from learnprop.exits import (
    BAD_INPUT,
    DONE,
    INTERRUPTED,
    STOPPED,
    say,
    signals_interrupt,
    tell,
    unwritten,
)
from learnprop.reports.layout.spelling import SPELT
from learnprop.simulations.studies import STUDIES

ABOUT = "Puts the learning property of logistic and softmax losses on trial."
FIRST_STEPS = f"""{ABOUT}

What can be done first:

  learnprop table1
      the paper's Table 1: predicted, observed and printed
  learnprop explore
      what a weight does to each class, by imbalance ratio
  learnprop explore --data FILE.csv --label COLUMN
      the same on your own data
  learnprop check FILE.csv --class-weight inverse
      which class weights your classifier acts upon, and why not those
  learnprop losses
      the paper's losses compared, on images that need no download
  learnprop report results/table1 --out paper
      tables and figures of what was computed, for a paper

learnprop --help lists all commands, learnprop COMMAND --help its options."""
_COMPLETION = "_LEARNPROP_COMPLETE"
"""Variable in which a shell asks what a word could be."""


def command_line(spelled: Collection[str] | None = None) -> Any:
    """Make the command line.

    Parameters
    ----------
    spelled : collection of str, optional
        Commands that are loaded, the others being listed; by default all.

    Returns
    -------
    click's group of commands
    """

    def is_spelled(name: str) -> bool:
        return spelled is None or name in spelled

    app = typer.Typer(name="learnprop", help=ABOUT, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True)(_first)
    plans = typer.Typer(
        name="plan",
        help="Say how many replications --mcse needs. Takes a study's own options; writes nothing.",
    )
    for study in STUDIES:
        _add_study(app, plans, study, is_spelled(study))
    app.add_typer(plans, rich_help_panel=listed.STUDIES)
    for name in [name for name in LISTED if name not in STUDIES]:
        if LISTED[name].panel == listed.DATA:
            below = LISTED[name].load() if is_spelled(name) else typer.Typer()
            about = LISTED[name].about
            app.add_typer(below, name=name, help=about, rich_help_panel=listed.DATA)
        else:
            _add(app, name, LISTED[name].load() if is_spelled(name) else _listed, LISTED[name])
    group = typer.main.get_command(app)
    _show_no_type_of_flags(group)
    return group


def _add_study(app: typer.Typer, plans: typer.Typer, study: str, is_spelled: bool) -> None:
    if is_spelled or study not in LISTED:
        from learnprop.commands.studies import plan_command, run_command

        run, plan = run_command(study), plan_command(study)
    else:
        run = plan = _listed
    for commands, command in ((app, run), (plans, plan)):
        _add(commands, study, command, LISTED.get(study) or Listed(_first_line(run)))


def _add(app: typer.Typer, name: str, command: Callable[..., None], known: Listed) -> None:
    app.command(name, short_help=known.about, rich_help_panel=known.panel)(command)


def _listed() -> None:
    """Stand for a command in a list."""
    raise NotImplementedError("it is listed, not called")


def _first_line(command: Callable[..., None]) -> str:
    """First line of what a command says of itself; typer would end it at "Eq."."""
    return (command.__doc__ or "").partition("\n")[0]


def _first(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    if version:
        say(f"learnprop {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        say(FIRST_STEPS)


def _show_no_type_of_flags(command: Any) -> None:
    """Let the help of a command and of those below it say ``--quiet``, not ``--quiet <bool>``."""
    for parameter in command.get_params(typer.Context(command)):
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    for below in getattr(command, "commands", {}).values():
        _show_no_type_of_flags(below)


def main() -> None:
    """Run the command line; a mistake of the user is one line on stderr and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that has no λ shows "lambda"
            stream.reconfigure(errors=SPELT)
    try:
        with signals_interrupt():
            arguments = sys.argv[1:]
            words = [word for word in arguments if not word.startswith("-")]
            named = words[:2]  # [plan] STUDY
            for study in [word for word in named if word in STUDIES]:
                arguments = _with_commas(arguments, study)
            group = command_line(None if _COMPLETION in os.environ else named)
            status = group.main(arguments, prog_name="learnprop", standalone_mode=False)
    except typer.TyperException as error:
        tell(f"learnprop: {error.format_message()}{_rejected_value(error)}")
        status = BAD_INPUT
    except KeyboardInterrupt:  # before a command began
        status = INTERRUPTED
    except SystemExit:  # of rich, where nobody reads its help on; of what completes a word
        status = DONE
    except OSError as error:  # files have their own lines: it is the output
        status = unwritten(error).exit_code
    except MemoryError as error:
        tell(f"stopped: out of memory: {error}")
        status = STOPPED
    except Exception:  # a mistake of ours; Python's 1 would say that a verdict failed
        traceback.print_exc()
        status = STOPPED
    if status == INTERRUPTED:
        tell("interrupted")
        status = STOPPED
    # An interruption within exec or eval, as of dataclasses, stays noted in CPython, which then
    # ends by the signal whatever the status; the next evaluation forgets it.
    eval("0")
    sys.exit(status if isinstance(status, int) else DONE)


def _with_commas(arguments: list[str], study: str) -> list[str]:
    """Let lists of numbers be written with spaces."""
    from learnprop.arguments import spaces_to_commas
    from learnprop.commands.studies import number_lists

    return spaces_to_commas(arguments, number_lists(study))


def _rejected_value(error: Exception) -> str:
    """What typer's conversion rejected; its own message names the option only."""
    details = getattr(error.__cause__, "errors", None)
    return f", got {details()[0]['input']!r}" if callable(details) else ""
