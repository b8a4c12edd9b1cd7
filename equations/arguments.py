"""Errors that name an argument, in the words of whoever called."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from reprlib import Repr
from typing import Any

_MARKED = re.compile(r"`([A-Za-z_]\w*)`")


class _Short(Repr):
    """Numbers of numpy are written as Python's."""

    def repr_instance(self, x: Any, level: int) -> str:
        number = x.item() if getattr(x, "ndim", None) == 0 and hasattr(x, "item") else x
        if type(number) is type(x):
            return super().repr_instance(x, level)
        return self.repr1(number, level)


_SHORT = _Short()
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = 10
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 3, 60, 60


class Worded(Exception):
    """An error whose message names arguments, marked by backticks; ``str`` is without them.

    Parameters
    ----------
    message : str
        Empty where it is raised in another thread, which takes the class alone.

    Examples
    --------
    >>> print(Worded("fewer `jobs` need less memory"))
    fewer jobs need less memory
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)

    @property
    def marked(self) -> str:
        """The message with its marks."""
        return str(self.args[0])

    def spelled(self, spell: Callable[[str], str]) -> str:
        """Return the message with the arguments that it names as `spell` writes them.

        Parameters
        ----------
        spell : callable
            Python name of an argument to what the user calls it.

        Returns
        -------
        str

        Examples
        --------
        >>> Worded("fewer `jobs` need less memory").spelled(lambda name: f"--{name}")
        'fewer --jobs need less memory'
        """
        return _spelled(self.marked, spell)

    def __str__(self) -> str:
        return self.spelled(str)


class BadArgument(Worded, ValueError):
    """An argument that cannot be.

    Parameters
    ----------
    argument : str
        Its Python name, as the caller knows it (`renamed`).
    problem : str
        What is wrong with it; other arguments that it names are marked by backticks.

    Attributes
    ----------
    argument, problem : str

    Examples
    --------
    >>> error = BadArgument("sizes", "takes the place of `imbalance`: leave one of them out")
    >>> print(error)
    sizes takes the place of imbalance: leave one of them out
    >>> error.argument, isinstance(error, ValueError)
    ('sizes', True)
    """

    def __init__(self, argument: str, problem: str) -> None:
        Exception.__init__(self, argument, problem)
        self.argument, self.problem = argument, problem

    def __reduce__(self) -> tuple[Callable[..., BadArgument], tuple[str, str]]:
        return _bad_argument, (self.argument, self.problem)

    @property
    def marked(self) -> str:
        """The message with its marks."""
        return _after(f"`{self.argument}`", self.problem)


# A traceback names what the documentation promises, and what people catch.
BadArgument.__name__ = BadArgument.__qualname__ = "ValueError"
BadArgument.__module__ = "builtins"


def _bad_argument(argument: str, problem: str) -> BadArgument:
    """Unpickle one: it cannot be found by its name."""
    return BadArgument(argument, problem)


def marked(error: Exception) -> str:
    """Message of an error, for another's: with the marks, if it has any.

    Parameters
    ----------
    error : Exception

    Returns
    -------
    str

    Examples
    --------
    >>> marked(BadArgument("jobs", "must not be negative, got -1")), marked(OSError("disk full"))
    ('`jobs` must not be negative, got -1', 'disk full')
    """
    return error.marked if isinstance(error, Worded) else str(error)


@contextmanager
def renamed(**names: str) -> Iterator[None]:
    """Let a `BadArgument` raised within name the caller's own arguments.

    Parameters
    ----------
    **names : str
        Name of an argument within, to the caller's.

    Examples
    --------
    >>> with renamed(largest="train_size", ratio="imbalance"):
    ...     raise BadArgument("ratio", "5 leaves a class empty where `largest` is 4")
    Traceback (most recent call last):
    ValueError: imbalance 5 leaves a class empty where train_size is 4
    """
    try:
        yield
    except BadArgument as error:
        problem = _spelled(error.problem, lambda name: f"`{names.get(name, name)}`")
        raise BadArgument(names.get(error.argument, error.argument), problem) from None


@contextmanager
def within(argument: str, where: str) -> Iterator[None]:
    """Let a `BadArgument` about one argument, raised within, say where: in which file or column.

    Parameters
    ----------
    argument : str
    where : str

    Examples
    --------
    >>> with within("data", "f.csv"), within("data", ": column 'age'"):
    ...     raise BadArgument("data", "never varies")
    Traceback (most recent call last):
    ValueError: data f.csv: column 'age' never varies
    """
    try:
        yield
    except BadArgument as error:
        if error.argument != argument:
            raise
        raise BadArgument(argument, _after(where, error.problem)) from None


def shown(value: Any) -> str:
    """Write a value for an error, on one line and shortened.

    Parameters
    ----------
    value : object
        Arrays, tensors and what is pandas' are written as lists, numbers of numpy as Python's.

    Returns
    -------
    str

    Examples
    --------
    >>> shown(range(3)), shown("inverse"), shown(list(range(100)))
    ('range(0, 3)', "'inverse'", '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...]')
    """
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if hasattr(value, "tolist"):
        beginning = value[: _SHORT.maxlist + 1] if getattr(value, "ndim", 0) else value
        value = beginning.tolist()
    return " ".join(_SHORT.repr(value).split())


def one_of(value: Any, name: str, choices: Collection[str]) -> str:
    """Return a word that is among the choices.

    Parameters
    ----------
    value : object
    name : str
        What to call the argument in an error.
    choices : collection of str

    Returns
    -------
    str

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> one_of("max", "reduction", ("mean", "sum"))
    Traceback (most recent call last):
    ValueError: reduction must be one of mean, sum, got 'max'
    """
    if not (isinstance(value, str) and value in choices):
        raise BadArgument(name, f"must be one of {', '.join(choices)}, got {shown(value)}")
    return value


def instance_of(value: Any, name: str, kind: type, example: str = "") -> Any:
    """Return a value that is of a kind.

    Parameters
    ----------
    value : object
    name : str
        What to call the argument in an error.
    kind : type
    example : str
        How one is made.

    Returns
    -------
    object

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> instance_of(0, "rng", Iterator, "iter([])")
    Traceback (most recent call last):
    ValueError: rng must be of type Iterator, as iter([]) is, got 0
    """
    if not isinstance(value, kind):
        as_is = f", as {example} is" if example else ""
        raise BadArgument(name, f"must be of type {kind.__name__}{as_is}, got {shown(value)}")
    return value


def _spelled(text: str, spell: Callable[[str], str]) -> str:
    return _MARKED.sub(lambda name: spell(name[1]), text)


def _after(subject: str, text: str) -> str:
    """Join a subject and what is said of it, which may begin with a colon."""
    return subject + text if text.startswith(":") else f"{subject} {text}"


def is_number(text: str) -> bool:
    """Whether Python reads a number in a text.

    Examples
    --------
    >>> is_number("1e3"), is_number("sim1")
    (True, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True
