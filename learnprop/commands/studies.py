"""Study commands, made from the options that studies declare."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING
from typing import Annotated, Any

import typer

from learnprop.arguments import as_text, check_path, from_text
from learnprop.exits import bad_input, option_of, words_of_options
from learnprop.run_options import CommandOptions, PlanOptions
from learnprop.simulations.studies import STUDIES, options_type
from learnprop.simulations.studies.option import Declared, declared_options

LONGEST_METAVAR = 24
"""Of choices: on 80 columns longer ones break within words."""


def run_command(study: str) -> Callable[..., None]:
    """Make the command that runs a study.

    Parameters
    ----------
    study : str
        Its name.

    Returns
    -------
    callable
        With the study's own options and those of `CommandOptions`.
    """
    from learnprop.running import run

    out = f"results/{study}"
    defaults = {"out": out, "max_failures": STUDIES[study].max_failures}
    text = f"{help_of(study)} With --quick it is {quick_folder(out)} by default."
    return _command(study, run, CommandOptions, defaults, text)


def plan_command(study: str) -> Callable[..., None]:
    """Make the command that plans a study.

    Parameters
    ----------
    study : str

    Returns
    -------
    callable
        With the study's own options and those of `PlanOptions`.
    """
    from learnprop.running import plan

    return _command(study, plan, PlanOptions, {}, help_of(study).partition("\n")[0])


def help_of(study: str) -> str:
    """What the command line says of a study: what its options say, and how it resumes."""
    about = inspect.cleandoc(options_type(study).__doc__ or "").partition("\nExamples\n")[0]
    return words_of_options(f"{about.strip()}\n\nA second call with the same `out` resumes.")


def quick_folder(out: str) -> str:
    """Where a quick look goes whose `out` is not given: beside the study's own design.

    Examples
    --------
    >>> quick_folder("results/table1")
    'results/table1-quick'
    """
    return f"{out}-quick"


def number_lists(study: str) -> set[str]:
    """Options of a study that take lists of numbers, as they are written on the command line."""
    known = declared_options(options_type(study)).values()
    return {option_of(d.name) for d in known if d.several and d.kind in (int, float)}


def _command(
    study: str,
    carry_out: Callable[[str, dict[str, Any], Any], None],
    how: type,
    defaults: dict[str, Any],
    text: str,
) -> Callable[..., None]:
    """Read a study's own options and those that say how; carry it out."""
    own, common = declared_options(options_type(study)), declared_options(how)

    def command(context: typer.Context, **written: Any) -> None:
        given = {n for n in written if _is_given(context, n)}
        with bad_input():
            values = {n: value_of(declared, written[n]) for n, declared in (own | common).items()}
        chosen = {name: values[name] for name in own if name in given}
        common_chosen = {name: values[name] for name in common}
        if chosen.get("quick") and "out" in common and "out" not in given:
            common_chosen["out"] = quick_folder(values["out"])
        carry_out(study, chosen, how(**common_chosen))

    options = [parameter_of(d, defaults.get(d.name, d.default)) for d in (own | common).values()]
    # A context beside them says which of them were given.
    context = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    parameters = [context, *options]
    # typer reads names, defaults and help from the signature, types from the annotations.
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": None}
    command.__name__, command.__doc__ = study, text
    return command


def _is_given(context: typer.Context, option: str) -> bool:
    source = context.get_parameter_source(option)
    return source is not None and source.name != "DEFAULT"


def value_of(declared: Declared, written: Any) -> Any:
    """Value of an option as typer hands it over; raises BadArgument."""
    if declared.several:
        return from_text(declared, written or ())
    if declared.option.is_path:
        return declared.default if written is None else check_path(declared.name, written)
    return written


def parameter_of(declared: Declared, default: Any) -> inspect.Parameter:
    """Parameter of a function from which typer makes a declared option."""
    option = declared.option
    kind: Any = list[str] | None if declared.several else declared.kind
    if not declared.several and (declared.may_be_none or declared.option.is_path):
        kind = kind | None
    flag = option_of(declared.name)
    if declared.kind is bool and declared.may_be_none:
        flag = f"{flag}/--no-{flag[2:]}"
    told, metavar = option.help, option.metavar or "|".join(option.words)
    if option.words and (declared.several or len(metavar) > LONGEST_METAVAR):
        words = ", ".join(option.words)
        told += (
            f" Any of {words}, with commas between." if declared.several else f" One of {words}."
        )
        metavar = "NAME,..." if declared.several else "NAME"
    described = typer.Option(
        flag,
        help=words_of_options(told),
        metavar=metavar or None,
        rich_help_panel=option.panel or None,
    )
    return inspect.Parameter(
        declared.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=_shown(declared, default),
        annotation=Annotated[kind, described],
    )


def _shown(declared: Declared, default: Any) -> Any:
    """Default as typer has it: of a list its text, which is read as what a user writes.

    That no path is none: an empty one that is written shall be seen.
    """
    if default is MISSING:
        return inspect.Parameter.empty
    if declared.several:
        return [as_text(default)] if default else None
    return None if declared.option.is_path and default == "" else default
