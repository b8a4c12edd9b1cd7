"""Features of a user's own data as numbers: what a value says, or refused; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation, localcontext
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from learnprop.equations.arguments import BadArgument, within
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.generators.user_files.dialect import ONE_MARK, is_decimal

if TYPE_CHECKING:
    import pandas as pd

MAX_SPREAD = 1e100
"""Of a feature, and the inverse of its least: squares and their sums stay within float64."""

MISSING = frozenset({"", "?", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"})
"""Words, in any case, that stand for a missing number; a label may be called so."""

_SHOWN = 10  # rows or columns
_EXACT = 2.0**53  # float64 holds every integer up to here
_BOOLEANS = {"true": True, "false": False}
_NO_NUMBER = "which is no number; encode it, or"
_DIGITS_AND_MARKS = re.compile(r"[+-]?[\d.,]+([eE][+-]?\d+)?")
_TOO_LONG = "which float64 cannot hold exactly; rescale it, or"


def check_features(features: pd.DataFrame, name: str) -> FloatArray:
    """Features as numbers.

    Numbers of any kind, text that spells them, and columns of True and False alone.

    Parameters
    ----------
    features : DataFrame
    name : str
        Argument that it is, for an error.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_features)

    Raises
    ------
    ValueError
        Naming columns that are not numbers, never vary or have a scale whose square float64 cannot
        hold, or the rows of values that are missing or infinite.

    Examples
    --------
    >>> import pandas as pd
    >>> check_features(pd.DataFrame({"a": ["1.5", "-2"], "b": [True, False]}), "X").tolist()
    [[1.5, 1.0], [-2.0, 0.0]]
    """
    if not features.size:
        raise BadArgument(name, f"has no {'columns of features' if len(features) else 'rows'}")
    named = [" ".join(repr(column).split()) for column in features]  # two may have the same name
    columns = [features.iloc[:, j] for j in range(len(named))]
    _refuse_missing(np.column_stack([_missing(column) for column in columns]), named, name)
    numbers = []
    refused: dict[str, BadArgument] = {}
    for column, n in zip(columns, named, strict=True):
        with noting(refused, n, name):
            numbers.append(numbers_in(plain_values(column, name), name))
    refuse_columns(refused, name)
    X = np.column_stack(numbers).astype(np.float64)
    _refuse_missing(~np.isfinite(X), named, name)
    with np.errstate(over="ignore"):
        spread = np.ptp(X, axis=0)
    for column_name, size in zip(named, spread, strict=True):
        if size == 0:
            raise BadArgument(name, f": column {column_name} never varies; {_leave_out(name)}")
        if not 1 / MAX_SPREAD <= size <= MAX_SPREAD:
            raise BadArgument(name, f": column {column_name} spreads over {size:.0e}; rescale it")
    return X


def missing_in(column: pd.Series) -> np.ndarray:
    """Which values of a column are missing, shape (n_samples,), signalling NaN of Decimal too.

    Examples
    --------
    >>> import pandas as pd
    >>> missing_in(pd.Series([None, "a", Decimal("sNaN")])).tolist()
    [True, False, True]
    """
    with localcontext() as quiet:
        quiet.traps[InvalidOperation] = False
        return np.asarray(column.isna(), dtype=bool)


def _missing(column: pd.Series) -> np.ndarray:
    missing = missing_in(column)
    if column.dtype.kind != "f":
        return missing
    with np.errstate(over="ignore"):  # of longdouble
        return missing | np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan))


def numbers_in(
    values: np.ndarray | Sequence[str], name: str, first_row: int = 1, decimal: str = ""
) -> np.ndarray:
    """One column as float64, missing words as NaN; as bool if it holds True and False alone.

    Parameters
    ----------
    values : ndarray of numbers or objects, or sequence of str
    name : str
        Argument that it is, for an error.
    first_row : int
        Number of the first value's row, for an error.
    decimal : {"", ".", ","}
        Of text, where one can say it.

    Returns
    -------
    ndarray of float64 or bool

    Raises
    ------
    ValueError
        Naming the row of what is no number, or an integer that float64 cannot hold.

    Examples
    --------
    >>> numbers_in(["1.5", "NA", "1e3"], "x").tolist(), numbers_in(["True", "false"], "x").tolist()
    ([1.5, nan, 1000.0], [True, False])
    """
    if isinstance(values, np.ndarray) and values.dtype.kind == "b":
        return values
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        with np.errstate(over="ignore"):  # of longdouble
            numbers = values.astype(np.float64)
    else:
        plain = _plain_texts(values, decimal)
        numbers = _one_by_one(values, name, first_row, decimal) if plain is None else plain
    large = np.flatnonzero(np.isfinite(numbers) & (np.abs(numbers) >= _EXACT))
    for i in large.tolist():  # integers only: decimals are rounded wherever they are read
        exact = _integer(values[i])
        if exact is not None and exact != int(numbers[i]):
            refuse_value(name, exact, first_row + i, f"{_TOO_LONG} {_leave_out(name)}")
    return numbers


def _plain_texts(texts: np.ndarray | Sequence[str], decimal: str) -> np.ndarray | None:
    """Quickly, where every text is a number as anybody writes it; else None."""
    try:
        joined = "".join(texts)
        if "_" in joined or not joined.isascii():  # Python reads 1_000 and other digits
            return None
        if decimal == ",":
            if "." in joined:
                return None
            texts = [text.replace(",", ".") for text in texts]
        return np.array(list(map(float, texts)))
    except (ValueError, TypeError):
        return None


def _one_by_one(
    values: np.ndarray | Sequence[str], name: str, first_row: int, decimal: str
) -> np.ndarray:
    numbers = np.empty(len(values))
    kinds: dict[bool, int] = {}  # whether a value is a truth value: the first such row
    for i, value in enumerate(values):
        number = _number(value, decimal)
        if number is None:
            why = _of_another_mark(value, decimal) or f"{_NO_NUMBER} {_leave_out(name)}"
            refuse_value(name, value, first_row + i, why)
        numbers[i] = number
        if not np.isnan(numbers[i]):
            kinds.setdefault(isinstance(number, bool), i)
    if len(kinds) == 2:
        i = max(kinds.values())
        why = f"and {values[min(kinds.values())]!r} above: numbers, or True and False, not both"
        refuse_value(name, values[i], first_row + i, why)
    return numbers.astype(bool) if True in kinds and not np.isnan(numbers).any() else numbers


def _of_another_mark(value: Any, decimal: str) -> str:
    """Why a value is no number, where its decimal mark may be the other one."""
    other = {".": ",", ",": "."}.get(decimal, "")
    if not other or other not in value or not _DIGITS_AND_MARKS.fullmatch(value.strip()):
        return ""
    said = f"which is no number where `decimal` is {decimal!r}"
    if is_decimal(value.strip()):
        return f"{said}; say `decimal` {other!r} or write it so"
    return f"{said}; {ONE_MARK}, or leave the column out with `drop`"


def _number(value: Any, decimal: str) -> float | bool | None:
    """The number that a value is or spells; None where it is none."""
    if isinstance(value, bytes):
        value = decoded(value)
    if isinstance(value, str):
        word = value.strip().lower()
        if word in MISSING or word in _BOOLEANS:
            return _BOOLEANS.get(word, np.nan)
        if "_" in value or not value.isascii() or (decimal == "," and "." in value):
            return None
        value = value.replace(",", ".") if decimal == "," else value
    elif isinstance(value, bool | np.bool_):
        return bool(value)
    elif isinstance(value, np.timedelta64) or not isinstance(value, Real | Decimal):
        return None  # numpy calls its durations integers
    try:
        return float(value)
    except OverflowError:
        return np.inf
    except ValueError:
        return None


def _integer(value: Any) -> int | None:
    """The integer that a value is or spells; None for any other."""
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else None
    if isinstance(value, bytes):
        value = decoded(value)
    if isinstance(value, str) and value.strip().lstrip("+-").isdigit():
        return int(value)
    return None


def decoded(value: bytes) -> str | None:
    """Text that bytes hold in UTF-8, or None."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def plain_values(column: pd.Series, name: str) -> np.ndarray:
    """Values of a column without a missing one, as numpy's numbers or as objects.

    Parameters
    ----------
    column : Series
        Categories, nullable, sparse or pyarrow's included.
    name : str
        Argument that it is, for an error.

    Returns
    -------
    ndarray
        Of kind b, i, u or f, or of objects.

    Raises
    ------
    ValueError
        Naming the row of a string that is not UTF-8: Parquet files may hold such.
    """
    try:
        values = np.asarray(column.to_numpy())
        return values if values.dtype.kind in "biuf" else column.astype(object).to_numpy()
    except Exception as error:  # pyarrow's exceptions are of no common kind
        for i in range(len(column)):
            try:
                column.iloc[i]
            except Exception:
                raise BadArgument(name, f"holds text in row {i + 1} that is not UTF-8") from None
        raise BadArgument(name, f"cannot be read: {' '.join(str(error).split())}") from None


def _leave_out(name: str, what: str = "it") -> str:
    """What to do with a column: only of a file are there options."""
    return f"leave {what} out with `drop`" if name == "data" else f"leave {what} out"


def refuse_value(name: str, value: Any, row: int, why: str) -> NoReturn:
    """Raise ValueError, in one line, that names a value and its row."""
    shown = " ".join(repr(value).split())
    shown = f"{shown[:60]}..." if len(shown) > 60 else shown
    raise BadArgument(name, f"holds {shown} in row {row}, {why}")


def refuse_rows(bad: np.ndarray, name: str, complaint: str, advice: str = "") -> None:
    """Raise ValueError that names the rows, counted from 1 after the header."""
    rows = (np.flatnonzero(bad) + 1).tolist()
    if rows:
        named = f"row{'s' if len(rows) > 1 else ''} {_first(rows)}"
        raise BadArgument(name, f"{complaint} {named}{advice}")


@contextmanager
def noting(refused: dict[str, BadArgument], column: str, name: str) -> Iterator[None]:
    """Note what is wrong with a column, for `refuse_columns`, and go on."""
    try:
        with within(name, f": column {column}"):
            yield
    except BadArgument as error:
        refused[column] = error


def refuse_columns(refused: dict[str, BadArgument], name: str) -> None:
    """Raise what was noted: the first in full, and the names of the others."""
    if refused:
        _, *others = refused
        more = f"; likewise column{'s'[: len(others) > 1]} {_first(others)}" if others else ""
        raise BadArgument(name, f"{next(iter(refused.values())).problem}{more}")


def _first(items: Sequence[Any]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(map(str, items[:_SHOWN])) + more


def _refuse_missing(bad: NDArray[np.bool_], columns: Iterable[str], name: str) -> None:
    named = ", ".join(c for c, b in zip(columns, np.asarray(bad.any(axis=0)), strict=True) if b)
    complaint = f"has missing or infinite values (columns {named}) in"
    advice = f"; fill them in, leave out the rows, or {_leave_out(name, 'the columns')}"
    refuse_rows(np.asarray(bad.any(axis=1)), name, complaint, advice)
