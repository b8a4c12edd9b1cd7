"""What every study command shares: how it is run, and how ``plan`` plans it instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from learnprop import options as shared
from learnprop.exits import bad_input
from learnprop.running import plan, run

if TYPE_CHECKING:
    from simulations.monte_carlo import Study

_FOR_TYPE_CHECKERS = {"Study": object}
"""Names in annotations that are imported for type checkers only."""


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


def _planning_options(
    mcse: shared.Target,
    jobs: shared.Jobs = 0,
    backend: shared.Backend = "loky",
    scheduler: shared.Scheduler = None,
) -> None:
    """Options of `shared.Planning`, each with its default."""


@dataclass(frozen=True)
class StudyCommand:
    """What ``learnprop STUDY`` calls, and what ``learnprop plan STUDY`` calls."""

    run: Callable[..., None]
    plan: Callable[..., None]


def study_command(out: str, **defaults: Any) -> Callable[[Callable[..., Study]], StudyCommand]:
    """Make commands of a function that lays a study out from its own options.

    They take those options and the ones that say how a study is run or planned; a ValueError of
    the function is bad input.

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

    def decorate(lay_out: Callable[..., Study]) -> StudyCommand:
        return StudyCommand(
            run=_command(lay_out, run, shared.Running, _running_options, out=Path(out), **defaults),
            plan=_command(lay_out, plan, shared.Planning, _planning_options),
        )

    return decorate


def _command(
    lay_out: Callable[..., Study],
    carry_out: Callable[[Study, Any], None],
    how: Callable[..., Any],
    options: Callable[..., None],
    **defaults: Any,
) -> Callable[..., None]:
    """Lay a study out from its own options, and carry it out as the common `options` say."""
    own, common = inspect.signature(lay_out).parameters, inspect.signature(options).parameters

    @wraps(lay_out)
    def command(**chosen: Any) -> None:
        chosen_how = how(**{name: chosen.pop(name) for name in common})
        with bad_input():
            study = lay_out(**chosen)
        carry_out(study, chosen_how)

    hints = {
        name: hint
        for of in (lay_out, options)
        for name, hint in get_type_hints(
            of, localns=_FOR_TYPE_CHECKERS, include_extras=True
        ).items()
    }
    hints["return"] = type(None)
    # typer reads names, defaults and help from the signature, types from the annotations.
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            p.replace(
                annotation=hints[p.name],
                default=defaults.get(p.name, p.default),
                kind=inspect.Parameter.KEYWORD_ONLY,
            )
            for p in (*own.values(), *common.values())
        ]
    )
    command.__annotations__ = hints
    return command
