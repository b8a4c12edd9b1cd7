"""What people hold in memory as a table: every value as it is, and a masked one as missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.equations.arguments import BadArgument

if TYPE_CHECKING:
    import pandas as pd


def as_frame(X: Any, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Features as a data frame.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
        Lists, arrays with or without a mask, tensors, data frames.
    name : str
        Argument that it is, for an error.
    columns : sequence of str, optional
        Names of the columns of an array.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If it is no matrix, or holds what no number can be made of.

    Examples
    --------
    >>> as_frame(np.ma.array([[1, 2]], mask=[[False, True]]), "X").isna().to_numpy().tolist()
    [[False, True]]
    """
    import pandas as pd

    if isinstance(X, pd.DataFrame):
        return X
    values = _values(X, name)
    if values.ndim != 2:
        raise BadArgument(name, f"must be (n_samples, n_features), got {values.shape}")
    if values.dtype.kind in "mMcV":  # pandas has other units of time, or none
        raise BadArgument(name, f"must hold numbers, got an array of {values.dtype}")
    return pd.DataFrame(values, columns=columns, dtype=_kept(values))


def as_column(y: Any, name: str) -> pd.Series:
    """Labels as a column.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        Lists, arrays with or without a mask, tensors, and what pandas has.
    name : str
        Argument that it is, for an error.

    Returns
    -------
    Series
        A list keeps its objects: numpy would make ``"1"`` of 1 beside ``"a"``.

    Raises
    ------
    ValueError
        If it is no vector, or no array of labels.

    Examples
    --------
    >>> as_column([1, "1"], "y").tolist()
    [1, '1']
    """
    import pandas as pd
    from pandas.api.extensions import ExtensionArray

    pandas_has_it = isinstance(y, pd.Series | pd.Index | ExtensionArray)
    if isinstance(y, list | tuple):  # of tensors or arrays of one number, too
        y = [label.item() if _is_array(label) and np.shape(label) == () else label for label in y]
    values = y if pandas_has_it else _values(y, name)
    if values.ndim != 1:
        raise BadArgument(name, f"must be (n_samples,), got {values.shape}")
    try:
        if values.dtype.kind in "cV":
            raise ValueError
        return pd.Series(values, dtype=None if pandas_has_it else _kept(values))
    except (ValueError, OverflowError, NotImplementedError):  # dates too far, or several levels
        raise BadArgument(name, f"must hold labels, got an array of {values.dtype}") from None


def _values(values: Any, name: str) -> np.ndarray:
    try:
        if isinstance(values, list | tuple):
            np.shape(values)  # raises where rows differ
            return np.array(values, dtype=object)
        if isinstance(values, np.ma.MaskedArray):
            return values
        return np.asarray(values)
    except ValueError:
        raise BadArgument(name, "must be an array, got rows of different lengths") from None


def _is_array(label: Any) -> bool:
    return hasattr(label, "item") and not isinstance(label, np.generic)


def _kept(values: np.ndarray) -> type | None:
    """Objects and text stay what they are, lest pandas look for a type of its own."""
    return object if values.dtype.kind in "OSU" else None
