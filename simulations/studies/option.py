"""How an option of a study is declared: once, beside its field.

A study's ``Options`` is a frozen dataclass whose fields are ``Annotated[type, Option(...)]``. The
command line, the Python function, ``plan``, the design and the protocol are made from them. Modules
that declare options import nothing heavy: ``learnprop --help`` loads them all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from learnprop.simulations.registry import Registered, owners

T = TypeVar("T", bound=type)


@dataclass(frozen=True)
class Option:
    """What people are told of an option.

    Attributes
    ----------
    help : str
    choices : collection of str, or callable that returns one
        What a word may be; shown in the help. A registry is read when it is asked for.
    metavar : str
        How a value is written, where its type does not say.
    panel : str
        Heading of ``--help`` that it stands under.
    in_design : bool
        Whether it determines the numbers; where a file lies does not.
    numbers_are_words : bool
        Whether a Python caller may write a word as a number, e.g. a label or a weight.
    neighbours_join : bool
        Whether neighbouring numbers of a list are one value: λ of every class.
    is_path : bool
        Whether it names a file or a folder.
    sets : mapping
        Of a flag: what other options are by default where it is set.
    """

    help: str
    choices: Collection[str] | Callable[[], Collection[str]] = ()
    metavar: str = ""
    panel: str = ""
    in_design: bool = True
    numbers_are_words: bool = False
    neighbours_join: bool = False
    is_path: bool = False
    sets: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> tuple[str, ...]:
        """What a word may be, now; empty where it is free."""
        return tuple(self.choices() if callable(self.choices) else self.choices)


@dataclass(frozen=True)
class Declared:
    """A field of ``Options`` as it was declared.

    Attributes
    ----------
    name : str
    kind : {int, float, bool, str}
        Of one value.
    several : bool
        Whether it takes a list.
    length : int or None
        Of the list, where the type fixes it.
    may_be_none : bool
    default : object
        ``MISSING`` where it must be given.
    option : Option
    """

    name: str
    kind: type
    several: bool
    length: int | None
    may_be_none: bool
    default: Any
    option: Option


def declared_options(options: type) -> dict[str, Declared]:
    """Read off a dataclass what its options are, by name.

    Parameters
    ----------
    options : type
        A dataclass whose fields are annotated with `Option`.

    Returns
    -------
    dict of str to Declared
        In the order of the fields.

    Raises
    ------
    TypeError
        If a field has no `Option`, or is neither a plain value nor a tuple of them.

    Examples
    --------
    >>> from typing import Annotated
    >>> @dataclass(frozen=True)
    ... class Options:
    ...     train_size: Annotated[tuple[int, ...], Option("Training samples of each class.")] = (9,)
    ...     seed: Annotated[int | None, Option("Of the random numbers.")] = None
    >>> known = declared_options(Options)
    >>> known["train_size"].several, known["train_size"].kind, known["seed"].may_be_none
    (True, <class 'int'>, True)
    """
    hints = get_type_hints(options, include_extras=True)
    return {f.name: _declared(f.name, hints[f.name], _default(f)) for f in fields(options)}


def _default(of: Any) -> Any:
    return of.default_factory() if of.default_factory is not MISSING else of.default


def _declared(name: str, hint: Any, default: Any) -> Declared:
    if get_origin(hint) is not Annotated or not isinstance(get_args(hint)[1], Option):
        raise TypeError(f"{name} must be annotated with an Option, got {hint}")
    kind, option = get_args(hint)[:2]
    may_be_none = get_origin(kind) in (Union, UnionType) and NoneType in get_args(kind)
    if may_be_none:
        (kind,) = (part for part in get_args(kind) if part is not NoneType)
    several, length = get_origin(kind) is tuple, None
    if several:
        kind, *rest = get_args(kind)
        length = None if rest == [Ellipsis] else 1 + len(rest)
    if kind not in (int, float, bool, str):
        raise TypeError(f"{name} must be of int, float, bool or str, got {kind}")
    return Declared(name, kind, several, length, may_be_none, default, option)


@dataclass_transform(frozen_default=True)
def with_parameters(
    defaults: Mapping[str, Any] | None = None, /, **registries: Mapping[str, Registered]
) -> Callable[[T], T]:
    """Make a frozen dataclass of options, with those that registered things have of their own.

    Parameters
    ----------
    defaults : mapping, optional
        Of such options, where this study's are its own.
    **registries : mapping of str to Registered
        By the name of the option by which one chooses; the lines' options follow it.

    Returns
    -------
    callable
        Decorator of a class.

    Examples
    --------
    >>> from learnprop.simulations.registry import Parameter
    >>> lines = {"mlp": Registered("m:MLP", {"hidden": Parameter(int, 16, "Width.")})}
    >>> @with_parameters({"hidden": 8}, fitter=lines)
    ... class Options:
    ...     fitter: Annotated[str, Option("What is fitted.")] = "mlp"
    ...     seed: Annotated[int, Option("Of the random numbers.")] = 0
    >>> Options()
    Options(fitter='mlp', hidden=8, seed=0)
    >>> declared_options(Options)["hidden"].option.panel
    'Fitter mlp'
    """

    def decorate(cls: T) -> T:
        hints: dict[str, Any] = {}
        for name, hint in cls.__annotations__.items():
            hints[name] = hint
            for key, names in owners(registries.get(name, {})).items():
                parameter = registries[name][names[0]].parameters[key]
                panel = f"{name.capitalize()} {', '.join(names)}"
                option = Option(parameter.help, choices=parameter.choices, panel=panel)
                hints[key] = Annotated[parameter.kind, option]
                setattr(cls, key, (defaults or {}).get(key, parameter.default))
        cls.__annotations__ = hints
        return dataclass(frozen=True)(cls)  # type: ignore[return-value]

    return decorate


def defaults_of(options: type) -> dict[str, Any]:
    """Return the defaults of a dataclass of options, by name."""
    return {name: declared.default for name, declared in declared_options(options).items()}


def design_of(chosen: Any, **more: Any) -> dict[str, Any]:
    """Make the part of a study's design that its options determine, JSON-able.

    Parameters
    ----------
    chosen : dataclass
        Options of a study; ``runs`` and what `Option.in_design` excludes are left out.
    **more
        What else determines the numbers, or stands for an option as it was understood.

    Returns
    -------
    dict

    Examples
    --------
    >>> from typing import Annotated
    >>> @dataclass(frozen=True)
    ... class Options:
    ...     runs: Annotated[int, Option("Replications.")] = 100
    ...     sizes: Annotated[tuple[int, ...], Option("Per class.")] = (5, 2)
    ...     data: Annotated[str, Option("File.", in_design=False)] = "a.csv"
    >>> design_of(Options(), population=1000)
    {'sizes': [5, 2], 'population': 1000}
    """
    design = {
        name: getattr(chosen, name)
        for name, declared in declared_options(type(chosen)).items()
        if declared.option.in_design and name != "runs"
    }
    if getattr(chosen, "quick", False):
        design |= QUICK_DESIGN
    return {name: plain(value) for name, value in (design | more).items()}


QUICK_DESIGN = {"quick": True, "block_size": 1}
"""What the design of a quick look says besides: one replication is a block, so that none is
computed that nobody asked for. 25 of them take up to a fifth longer than a block of 25."""


def quick_option(**sets: Any) -> Option:
    """Option of a quick look, with what a study's takes where a user does not say.

    Parameters
    ----------
    **sets
        Defaults of its other options.

    Returns
    -------
    Option

    Examples
    --------
    >>> quick_option(runs=10, ratios=(1.0, 10.0)).help
    'A first look, a smaller design of its own: `runs` 10, `ratios` 1,10, unless they are given.'
    """
    values = {k: v if isinstance(v, tuple) else (v,) for k, v in sets.items()}
    told = ", ".join(f"`{k}` {','.join(f'{one:g}' for one in v)}" for k, v in values.items())
    they = "they are" if len(sets) > 1 else "it is"
    return Option(
        f"A first look, a smaller design of its own: {told}, unless {they} given.",
        in_design=False,  # of a full study nothing; of a quick one `QUICK_DESIGN`
        sets=sets,
    )


def with_defaults(options: type, given: Mapping[str, Any]) -> Any:
    """Make a study's options of those that were given; a flag that is set has defaults of its own.

    Parameters
    ----------
    options : type
    given : mapping

    Returns
    -------
    dataclass

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Options:
    ...     runs: Annotated[int, Option("Replications.")] = 100
    ...     size: Annotated[int, Option("Samples.")] = 500
    ...     quick: Annotated[bool, quick_option(runs=5, size=50)] = False
    >>> with_defaults(Options, {"quick": True, "size": 80})
    Options(runs=5, size=80, quick=True)
    """
    sets: dict[str, Any] = {}
    for name, declared in declared_options(options).items():
        if given.get(name) is True:
            sets |= declared.option.sets
    return options(**(sets | dict(given)))


def plain(value: Any) -> Any:
    """Value as JSON gives it back: lists for tuples."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, tuple | list) else value


def from_design(options: type, design: Mapping[str, Any], **more: Any) -> Any:
    """Make a study's options again of its stored design; what is not there has its default.

    Parameters
    ----------
    options : type
    design : mapping
        As `design_of` made it.
    **more
        Options that are not in the design.

    Returns
    -------
    dataclass
    """
    stored = {
        name: tuple(design[name]) if isinstance(design[name], list) else design[name]
        for name in declared_options(options)
        if name in design
    }
    return options(**(stored | more))


Runs = Annotated[int, Option("Replications of every cell, at least 2.")]
Seed = Annotated[int, Option("0 <= seed < 2**63.")]
Margin = Annotated[float, Option("The gap that still counts as none, declared beforehand.")]
Device = Annotated[str, Option("Where the fitters compute.", choices=("auto", "cpu", "cuda"))]
