"""What people pass for an option, as text or from Python, made the plain values it declares."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.studies.option import Declared, declared_options

_KINDS: dict[type, tuple[tuple[type, ...], str, str]] = {
    int: ((int,), "an integer", "integers"),
    float: ((int, float), "a number", "numbers"),
    bool: ((bool,), "True or False", ""),
    str: ((str,), "a string", "words"),
}


def from_text(declared: Declared, texts: Sequence[str]) -> tuple[Any, ...]:
    """Read a list as the command line has it: commas between, the option may be repeated.

    A word with a comma in it is put into double quotes. Where neighbouring numbers join, they are
    one value.

    Parameters
    ----------
    declared : Declared
        An option that takes a list.
    texts : sequence of str
        One for each time that the option was given.

    Returns
    -------
    tuple

    Raises
    ------
    BadArgument
        Naming the option and what was given.

    Examples
    --------
    >>> from learnprop.simulations.studies import options_type
    >>> known = declared_options(options_type("cnn"))
    >>> from_text(known["imbalance"], ["1,10", "100"]), from_text(known["sizes"], [])
    ((1.0, 10.0, 100.0), ())
    >>> from_text(known["weights"], ["equal,inverse", "1,2,3"])
    ('equal', 'inverse', '1,2,3')
    """
    values: list[Any] = []
    for text in texts:
        words = [word.strip() for word in next(csv.reader([text], skipinitialspace=True), [])]
        if declared.option.neighbours_join:
            words = _joined_numbers(words)
        try:
            values += [declared.kind(word) for word in words]
        except ValueError:
            kinds = _KINDS[declared.kind][2]
            problem = f"must be {kinds} with commas between, got {text!r}"
            raise BadArgument(declared.name, problem) from None
    return tuple(values)


def _joined_numbers(words: Sequence[str]) -> list[str]:
    found: list[str] = []
    after_number = False
    for word in words:
        number = _is_number(word)
        if number and after_number:
            found[-1] += "," + word
        else:
            found.append(word)
        after_number = number
    return found


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def as_text(value: Any) -> str:
    """Write a value as an option takes it.

    Examples
    --------
    >>> as_text((1.0, 10.0)), as_text(0.05), as_text("ring")
    ('1,10', '0.05', 'ring')
    """
    if isinstance(value, tuple | list):
        return ",".join(map(as_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def spaces_to_commas(arguments: Sequence[str], flags: Collection[str]) -> list[str]:
    """Put commas between the numbers after an option, for who writes them with spaces.

    Parameters
    ----------
    arguments : sequence of str
        Of the command line.
    flags : collection of str
        Options that take lists of numbers.

    Returns
    -------
    list of str

    Examples
    --------
    >>> spaces_to_commas(["table1", "--train-size", "10", "20", "--seed", "3"], {"--train-size"})
    ['table1', '--train-size', '10,20', '--seed', '3']
    """
    found: list[str] = []
    values: list[str] | None = None  # of the option, while they are read
    for argument in arguments:
        if values is not None and re.fullmatch(r"-?[0-9.][0-9.,e+-]*", argument):
            found = found[: -1 if values else None]
            values.append(argument.strip(","))
            found.append(",".join(values))
            continue
        found.append(argument)
        values = [] if argument in flags else None
    return found


def from_python(study: str, options: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check keyword arguments against a study's options, and make plain values of them.

    Parameters
    ----------
    study : str
        Its name.
    options : type
        Dataclass of its options.
    given : mapping
        numpy's numbers become Python's, sequences become tuples; where several may stand, one value
        becomes a tuple of one, and text is read as on the command line. Weights may be numbers.

    Returns
    -------
    dict

    Raises
    ------
    BadArgument
        Naming the option and its value.

    Examples
    --------
    >>> from learnprop.simulations.studies import options_type
    >>> Options = options_type("cnn")
    >>> from_python("cnn", Options, {"imbalance": 5, "weights": [0.3, "equal", (0.5, 0.5)]})
    {'imbalance': (5,), 'weights': ('0.3', 'equal', '0.5,0.5')}
    >>> from_python("cnn", Options, {"weights": "equal,inverse"})
    {'weights': ('equal', 'inverse')}
    """
    known = declared_options(options)
    for name in given:
        if name not in known:
            raise BadArgument(name, f"is no option of {study}, only {', '.join(known)}")
    return {name: _plain(known[name], value) for name, value in given.items()}


def check_path(argument: str, text: str) -> str:
    """Return the name of a file or a folder, as an unset variable of a shell does not give it.

    Parameters
    ----------
    argument : str
        What it is given for.
    text : str

    Returns
    -------
    str

    Raises
    ------
    BadArgument
        If it is empty or blank.

    Examples
    --------
    >>> check_path("out", " ")
    Traceback (most recent call last):
    ValueError: out must name a file or a folder, got ' '
    """
    if not text.strip():
        raise BadArgument(argument, f"must name a file or a folder, got {text!r}")
    return text


def _plain(declared: Declared, value: Any) -> Any:
    if hasattr(value, "tolist"):  # of numpy or pandas
        value = value.tolist()
    if value is None and (declared.may_be_none or declared.default == ()):
        return None if declared.may_be_none else ()
    if not declared.several:
        return _checked(declared, value)
    if isinstance(value, str):
        return from_text(declared, [value])
    if isinstance(value, Mapping):
        raise BadArgument(declared.name, f"must be a list in order, got {value!r}")
    values = tuple(value) if isinstance(value, Iterable) else (value,)
    return tuple(_checked(declared, one) for one in values)


def _checked(declared: Declared, value: Any) -> Any:
    if declared.option.numbers_are_words:
        value = _as_word(value)
    kinds, words, _ = _KINDS[declared.kind]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise BadArgument(declared.name, f"must be {words}, got {value!r}")
    if declared.option.is_path and value != declared.default:
        check_path(declared.name, str(value))
    return value


def _as_word(value: Any) -> Any:
    """Number as it is written: a label of 1.0 is 1; λ of every class with commas between."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value).removesuffix(".0") if isinstance(value, int | float) else value
