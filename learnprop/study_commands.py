"""What every study command shares: how it is run, and that ``plan`` plans it instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

from learnprop import options as shared
from learnprop.exits import BadInput
from learnprop.running import plan, run

if TYPE_CHECKING:
    from simulations.monte_carlo import Study

_FOR_TYPE_CHECKERS = {"Study": object}
"""Names in annotations that are imported for type checkers only."""

PLAN = "plan"
"""Name of the group under which every study command plans instead of running."""


def _running_options(
    out: shared.Out = Path(),
    fresh: shared.Fresh = False,
    jobs: shared.Jobs = 0,
    backend: shared.Backend = "loky",
    scheduler: shared.Scheduler = None,
    mcse: shared.Mcse = None,
    max_failures: shared.MaxFailures = 0.05,
    timeout: shared.TimeLimit = None,
    quiet: shared.Quiet = False,
    strict: shared.Strict = False,
) -> None:
    """Options of `shared.Running`, each with its default."""


def study_command(
    out: str, **defaults: Any
) -> Callable[[Callable[..., Study]], Callable[..., None]]:
    """Make a command of a function that lays a study out from its own options.

    The command takes those options and the ones that say how a study is run; a ValueError of the
    function is bad input.

    Parameters
    ----------
    out : str
        Default of ``--out``.
    **defaults
        Of other options that say how a study is run, where they are this study's own.

    Returns
    -------
    callable
        Decorator of ``(**options) -> study``.
    """

    def decorate(lay_out: Callable[..., Study]) -> Callable[..., None]:
        @wraps(lay_out)
        def command(context: typer.Context, **chosen: Any) -> None:
            running = shared.Running(**{f.name: chosen.pop(f.name) for f in fields(shared.Running)})
            try:
                study = lay_out(**chosen)
            except ValueError as error:
                raise BadInput(str(error)) from None
            planned = context.parent is not None and context.parent.info_name == PLAN
            (plan if planned else run)(study, running)

        own, common = inspect.signature(lay_out), inspect.signature(_running_options)
        first = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        hints = {
            name: hint
            for of in (lay_out, _running_options)
            for name, hint in get_type_hints(
                of, localns=_FOR_TYPE_CHECKERS, include_extras=True
            ).items()
        }
        hints |= {"context": typer.Context, "return": type(None)}
        parameters = [first, *own.parameters.values(), *common.parameters.values()]
        # typer reads names, defaults and help from the signature, types from the annotations.
        command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                p.replace(
                    annotation=hints[p.name],
                    default={"out": Path(out), **defaults}.get(p.name, p.default),
                )
                for p in parameters
            ]
        )
        command.__annotations__ = hints
        return command

    return decorate
