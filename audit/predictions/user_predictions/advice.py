"""What a user whose columns are not known by name may say, from what stands in them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from learnprop.audit.predictions.user_predictions.table import Columns, Table
from learnprop.equations.arguments import BadArgument, is_number, shown

MOST_LABELS = 100
"""Distinct values of a column that may hold labels."""
MOST_COLUMNS = 30
"""Columns that are looked into."""


def headless(names: Sequence[str]) -> None:
    """Refuse a first line of numbers: it is no header.

    A class may be called 1, and its column too; 0.93 is no name.

    Parameters
    ----------
    names : sequence of str
        What stands in the first line.

    Raises
    ------
    BadArgument
        About ``file``.

    Examples
    --------
    >>> headless(["cat", "1", "2.0"])
    >>> headless(["1", "0.93"])
    Traceback (most recent call last):
    ValueError: file has no header: its first line, ['1', '0.93'], must name the columns, as in \
y_true,y_proba or y_true,proba_cat,proba_dog
    """
    numbers = [float(name) for name in names if is_number(name)]
    if len(numbers) == len(names) or not all(number.is_integer() for number in numbers):
        raise BadArgument(
            "file", f"has no header: its first line, {shown(list(names))}, must name the columns, "
            "as in y_true,y_proba or y_true,proba_cat,proba_dog",
        )  # fmt: skip


def options(table: Table, names: Sequence[str], label: str, proba: Sequence[str]) -> str:
    """Options that say what columns hold, as far as what stands in them tells.

    Parameters
    ----------
    table : Table
    names : sequence of str
        Columns that may hold labels or probabilities.
    label : str
        Column of the labels, if it is known.
    proba : sequence of str
        Columns of the probabilities, if they are known.

    Returns
    -------
    str
        With capital letters where it is not told.
    """
    values = {
        name: _first_values(table, name)
        for name in (*names[:MOST_COLUMNS], label)
        if name and name not in proba
    }
    shares = [name for name in names if _are_shares(values.get(name, ()))]
    chosen = tuple(proba) or tuple(shares)
    if label:
        said = ""
    else:
        may_be = [n for n, v in values.items() if n not in chosen and 1 < len(v) <= MOST_LABELS]
        label = may_be[0] if len(may_be) == 1 else ""
        said = f"`label` {written([label]) if label else 'COLUMN'}"
    if not proba:
        said += f" `proba` {written(chosen) if chosen else 'COLUMN,...'}"
        named = any(v and set(v) <= set(chosen) for n, v in values.items() if n not in chosen)
        if len(chosen) > 1 and not named:
            said += " `labels` LABEL,... (in that order)"
    return f"say {said.strip()}"


def written(names: Sequence[str]) -> str:
    """Names as the value of an option.

    Examples
    --------
    >>> written(["p a", "p b"])
    "'p a,p b'"
    """
    return shlex.quote(",".join(names))


def _first_values(table: Table, name: str) -> tuple[str, ...]:
    """What stands in the first rows of a column, each value once; nothing of what is no label."""
    if table.n_columns(name) > 1:
        return ()
    try:
        return next(table.pieces(Columns(name))).label.names
    except (BadArgument, StopIteration):
        return ()


def _are_shares(values: Sequence[str]) -> bool:
    """Whether values are numbers within [0, 1], and some within (0, 1)."""
    numbers = [value.replace(",", ".") for value in values]
    if not numbers or not all(map(is_number, numbers)):
        return False
    found = [float(number) for number in numbers]
    return all(0 <= x <= 1 for x in found) and any(0 < x < 1 for x in found)
