"""Registries: what can be chosen by name, each a line that says where it is and what it takes.

A registry is read for ``--help``, so its lines load nothing heavy; the record that a line speaks
of is loaded where it is used. Cells hold a `Chosen`, which names its record by module: whoever
unpickles it, in a worker say, needs no registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from math import inf
from typing import Any

from learnprop.equations.arguments import BadArgument


@dataclass(frozen=True)
class Parameter:
    """An option that what is registered has of its own.

    Attributes
    ----------
    kind : type
        int, float, bool or str; also ``... | None``.
    default : object
    help : str
    choices : tuple of str
        Where it is a word.
    least : int, optional
        Where it is a number, which is then finite too.
    """

    kind: Any
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    least: int | None = None


@dataclass(frozen=True)
class Registered:
    """A line of a registry.

    Attributes
    ----------
    home : str
        Where the record is, ``module:name``.
    parameters : mapping of str to Parameter
        Its own options. Lines that share a name share the declaration.
    """

    home: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    @property
    def record(self) -> Any:
        """The record, loaded."""
        return _loaded(self.home)


@dataclass(frozen=True)
class Chosen:
    """What was chosen of a registry, with the values of its own options.

    Attributes
    ----------
    name, home : str
    values : tuple of (str, object)
    """

    name: str
    home: str
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def record(self) -> Any:
        """The record, loaded."""
        return _loaded(self.home)

    @property
    def options(self) -> dict[str, Any]:
        """Values of its own options, by name."""
        return dict(self.values)


def _loaded(home: str) -> Any:
    module, _, name = home.partition(":")
    return getattr(import_module(module), name)


def choose(registry: Mapping[str, Registered], name: str, values: Mapping[str, Any]) -> Chosen:
    """Choose a line by its name.

    Parameters
    ----------
    registry : mapping of str to Registered
    name : str
    values : mapping
        Of its own options at least; those that are absent have their defaults.

    Returns
    -------
    Chosen

    Raises
    ------
    BadArgument
        If one of its own options cannot be.

    Examples
    --------
    >>> lines = {"add": Registered("operator:add", {"k": Parameter(int, 2, "How much.")})}
    >>> chosen = choose(lines, "add", {"k": 3, "seed": 0})
    >>> chosen.options, chosen.record(1, 1)
    ({'k': 3}, 2)
    """
    line = registry[name]
    own = {key: values.get(key, parameter.default) for key, parameter in line.parameters.items()}
    for key, value in own.items():
        parameter = line.parameters[key]
        if parameter.choices and value is not None and value not in parameter.choices:
            known = ", ".join(parameter.choices)
            raise BadArgument(key, f"must be one of {known}, got {value!r}")
        if parameter.least is not None and not parameter.least <= value < inf:
            finite = "finite and " if parameter.kind is float else ""
            raise BadArgument(key, f"must be {finite}at least {parameter.least}, got {value}")
    return Chosen(name, line.home, tuple(own.items()))


def owners(registry: Mapping[str, Registered]) -> dict[str, list[str]]:
    """Names of the lines that have each option.

    Parameters
    ----------
    registry : mapping of str to Registered

    Returns
    -------
    dict of str to list of str

    Raises
    ------
    TypeError
        If two lines declare an option of one name differently.

    Examples
    --------
    >>> k = Parameter(int, 2, "How much.")
    >>> owners({"a": Registered("m:A", {"k": k}), "b": Registered("m:B", {"k": k})})
    {'k': ['a', 'b']}
    """
    found: dict[str, list[str]] = {}
    for name, line in registry.items():
        for key, parameter in line.parameters.items():
            first = registry[found.setdefault(key, [name])[0]].parameters[key]
            if parameter != first:
                raise TypeError(f"{key} is declared by {found[key][0]} and by {name}, differently")
            found[key] += [name] if found[key][-1] != name else []
    return found


def check_unused(
    registry: Mapping[str, Registered],
    chosen: str,
    values: Mapping[str, Any],
    defaults: Mapping[str, Any],
    *,
    option: str,
    said: str = "",
) -> None:
    """Refuse options that were changed and are not of what was chosen.

    Parameters
    ----------
    registry : mapping of str to Registered
    chosen : str
        Name of a line, or of something else without options.
    values, defaults : mapping
        Of all options of the registry.
    option : str
        By which one chooses.
    said : str
        What was chosen, for the message; by default the option and the name.

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> lines = {"add": Registered("operator:add", {"k": Parameter(int, 2, "How much.")})}
    >>> check_unused(lines, "not", {"k": 3}, {"k": 2}, option="function")
    Traceback (most recent call last):
    ValueError: k is an option of function add, got 3 with function not
    """
    for key, names in owners(registry).items():
        if chosen not in names and values[key] != defaults[key]:
            instead = said or f"`{option}` {chosen}"
            needed = f"`{option}` {' or '.join(names)}"
            raise BadArgument(key, f"is an option of {needed}, got {values[key]!r} with {instead}")


def without_unused(
    registry: Mapping[str, Registered], chosen: str, design: Mapping[str, Any]
) -> dict[str, Any]:
    """Leave out of a stored design the options that are not of what was chosen.

    Stores of before such options were refused hold what was given and not used.

    Parameters
    ----------
    registry : mapping of str to Registered
    chosen : str
        Name of a line, or of something else without options.
    design : mapping

    Returns
    -------
    dict

    Examples
    --------
    >>> lines = {"add": Registered("operator:add", {"k": Parameter(int, 2, "How much.")})}
    >>> without_unused(lines, "not", {"k": 3, "seed": 0})
    {'seed': 0}
    """
    unused = {key for key, names in owners(registry).items() if chosen not in names}
    return {key: value for key, value in design.items() if key not in unused}
