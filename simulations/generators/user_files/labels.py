"""Labels of a user's own data as names: those that differ stay apart, whatever their kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.generators.user_files.columns import (
    decoded,
    missing_in,
    plain_values,
    refuse_rows,
    refuse_value,
)

if TYPE_CHECKING:
    import pandas as pd

_ADVICE = "; name them, or leave out the rows"


def label_names(column: pd.Series, name: str) -> np.ndarray:
    """Labels as text: whole numbers without a point, bytes as the UTF-8 they hold.

    Parameters
    ----------
    column : Series
    name : str
        Argument that it is, for an error.

    Returns
    -------
    ndarray of str, shape (n_samples,)

    Raises
    ------
    ValueError
        Naming rows of labels that are missing or infinite, that are no labels, or that differ and
        are written alike, like 1 and "1".

    Examples
    --------
    >>> import pandas as pd
    >>> label_names(pd.Series([1.0, 0.0, 1e300]), "y").tolist()
    ['1', '0', '1e+300']
    >>> label_names(pd.Series([b"yes", b"no"]), "y").tolist()
    ['yes', 'no']
    """
    refuse_rows(missing_in(column), name, "has missing labels in", _ADVICE)
    values = plain_values(column, name)
    if values.dtype.kind == "f":
        refuse_rows(np.isnan(values), name, "has missing labels in", _ADVICE)
        refuse_rows(np.isinf(values), name, "has infinite labels in")
        values = values + values.dtype.type(0)  # -0 is 0
    elif values.dtype.kind not in "biu":
        return _names_of_objects(column.astype(object).to_list(), name)
    distinct, rows = np.unique(values, return_inverse=True)
    return np.array(_names(distinct))[rows]


def _names(values: np.ndarray) -> list[str]:
    whole = values.dtype.kind == "f" and bool((values == np.floor(values)).all())
    if whole and values.dtype.itemsize < 8:
        values = values.astype(np.float64)  # 1e8, not 1e+08 as float32 is written
    return [str(v).removesuffix(".0") if whole else str(v) for v in values]


def _names_of_objects(values: list[Any], name: str) -> np.ndarray:
    """Names of labels of any kinds; those that differ in kind alone are refused."""
    values = [_plain(value) for value in values]
    refuse_rows(
        np.array([isinstance(v, str | bytes) and not v.strip() for v in values]),
        name,
        "has missing labels in",
        _ADVICE,
    )
    floats = [isinstance(v, float | np.floating) for v in values]
    infinite = [is_float and bool(np.isinf(v)) for is_float, v in zip(floats, values, strict=True)]
    refuse_rows(np.array(infinite), name, "has infinite labels in")
    whole = all(v.is_integer() for is_float, v in zip(floats, values, strict=True) if is_float)
    names: dict[tuple[type, Any], str] = {}
    first: dict[tuple[str, Any], tuple[type, str, int]] = {}  # who has this value or this name
    for i, value in enumerate(values):
        kind = type(value)
        try:
            if (kind, value) in names:
                continue
        except TypeError:  # a list, say
            refuse_value(name, value, i + 1, "which is no label")
        text = _name(value, whole)
        if not text:
            refuse_value(name, value, i + 1, "which is no label")
        for key in (("value", value), ("name", text)):
            other, its_text, j = first.setdefault(key, (kind, text, i))
            if (other, its_text) != (kind, text) or values[j] != value:
                raise BadArgument(
                    name,
                    "has labels that are different and written alike, or equal: "
                    f"{values[j]!r} in row {j + 1}, {value!r} in row {i + 1}",
                )
        names[kind, value] = text
    return np.array([names[type(value), value] for value in values])


def _plain(value: Any) -> Any:
    """Numbers and text of numpy as Python's: not all of them compare with others."""
    return value.item() if isinstance(value, np.generic) and value.dtype.kind in "biufSU" else value


def _name(value: Any, whole: bool) -> str:
    """Name of a label; none for what cannot be one."""
    import pandas as pd

    if isinstance(value, bytes):
        text = decoded(value) or ""
    elif isinstance(value, float | np.floating):
        text = str(value + type(value)(0))  # -0 is 0
        text = text.removesuffix(".0") if whole else text
    elif isinstance(value, complex) or not pd.api.types.is_scalar(value):
        text = ""
    else:
        text = str(value)
    # numpy's text ends at a NUL, and half a surrogate pair can be written nowhere
    return "" if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text) else text
