"""Arrays and numbers as users pass them: made float64, or refused by the argument's name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learnprop.equations.arguments import BadArgument, shown

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def without_gradient(values: Any) -> Any:
    """A tensor of PyTorch, or a list of them, as numpy can read it; anything else as it is.

    Examples
    --------
    >>> import torch
    >>> np.asarray(without_gradient(torch.ones(1, requires_grad=True))).tolist()
    [1.0]
    """
    if isinstance(values, list | tuple) and any(hasattr(one, "detach") for one in values):
        return [without_gradient(one) for one in values]
    if not hasattr(values, "detach"):
        return values
    plain = values.detach().cpu()
    return plain.float() if str(plain.dtype) == "torch.bfloat16" else plain


def as_numbers(values: ArrayLike, name: str) -> FloatArray:
    """Return `values` as float64, whatever array they are.

    Parameters
    ----------
    values : array_like
        Also tensors of PyTorch, with or without a gradient, on any device.
    name : str
        What to call the argument in an error.

    Returns
    -------
    ndarray of float64

    Raises
    ------
    BadArgument
        If it is None, text, ragged, sparse, masked, complex or no numbers at all.

    Examples
    --------
    >>> as_numbers([1, 2], "class_count")
    array([1., 2.])
    >>> as_numbers("inverse", "class_count")
    Traceback (most recent call last):
    ValueError: class_count must hold numbers, got 'inverse'
    """
    plain = without_gradient(values)
    if np.ma.is_masked(plain):
        raise BadArgument(name, "holds masked numbers")
    if hasattr(plain, "toarray"):
        raise BadArgument(name, "must be dense, got a sparse matrix")
    try:
        given = np.asarray(plain)
    except (TypeError, ValueError):
        said = f"must hold numbers in rows of one length, got {shown(plain)}"
        raise BadArgument(name, said) from None
    if given.dtype.kind in "biuf":  # before an error is worded: of large arrays that takes a second
        return np.asarray(given, dtype=np.float64)
    no_numbers = BadArgument(name, f"must hold numbers, got {shown(plain)}")
    if given.dtype.kind != "O" or plain is None:
        raise no_numbers
    texts = (i for i, one in enumerate(given.flat) if isinstance(one, str | bytes))
    if (first := next(texts, None)) is not None:
        if not hasattr(plain, "columns"):
            raise no_numbers
        said = f"must hold numbers, got {shown(given.flat[first])}"
        raise BadArgument(name, f"{said} {_place(first, given.shape, plain)}")
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise no_numbers from None


def _place(first: int, shape: tuple[int, ...], values: Any) -> str:
    """Where the number at a flat index is: row, from 0, and column of a frame; else its axes."""
    at = [int(i) for i in np.unravel_index(first, shape)]
    if hasattr(values, "columns") and len(at) == 2:
        return f"at position {at[0]} of column {shown(values.columns[at[1]])}"
    return f"at position {at[0] if len(at) == 1 else at}"


def as_finite(values: ArrayLike, name: str) -> FloatArray:
    """Return `values` as float64 if all of them are finite; as `as_numbers`.

    Examples
    --------
    >>> import pandas as pd
    >>> as_finite(pd.DataFrame({"age": [1.0, 2.0], "mass": [3.0, float("nan")]}), "X")
    Traceback (most recent call last):
    ValueError: X holds a number that is not finite: nan at position 1 of column 'mass'
    """
    numbers = as_numbers(values, name)
    lost = ~np.isfinite(numbers)
    if lost.any():
        first = int(lost.argmax())
        where = f" {_place(first, numbers.shape, values)}" if numbers.ndim else ""
        said = f"holds a number that is not finite: {numbers.flat[first]}{where}"
        raise BadArgument(name, said)
    return numbers


def as_no_truth(values: ArrayLike, name: str) -> FloatArray:
    """Return `values` as float64 where True and False cannot be meant; as `as_numbers`.

    Examples
    --------
    >>> as_no_truth(True, "separation")
    Traceback (most recent call last):
    ValueError: separation must hold numbers, not truth values, got True
    """
    numbers = as_numbers(values, name)
    if np.asarray(without_gradient(values)).dtype == bool:
        raise BadArgument(name, f"must hold numbers, not truth values, got {shown(values)}")
    return numbers


def by_class(values: ArrayLike, name: str) -> FloatArray:
    """Return numbers, one for each class, as float64.

    Parameters
    ----------
    values : array_like, shape (..., n_classes)
    name : str

    Returns
    -------
    ndarray of float64

    Raises
    ------
    BadArgument
        As `as_numbers`; or if they are truth values, or a pandas Series that is not in the order of
        its labels, as ``value_counts()`` returns it.

    Examples
    --------
    >>> import pandas as pd
    >>> by_class(pd.Series(["no", "yes", "yes"]).value_counts(), "class_count")
    Traceback (most recent call last):
    ValueError: class_count is a Series in the order ['yes', 'no']: sort_index() puts it in that ...
    """
    index = getattr(values, "index", None) if getattr(values, "ndim", 0) == 1 else None
    if not getattr(index, "is_monotonic_increasing", True):
        said = f"is a Series in the order {shown(index)}: sort_index() puts it in that of classes"
        raise BadArgument(name, said)
    return as_no_truth(values, name)


def as_number(value: Any, name: str) -> float:
    """Return a single number as Python has it.

    Examples
    --------
    >>> as_number(np.float32(0.5), "beta"), as_number(3, "batch_size")
    (0.5, 3)
    >>> as_number("0.5", "beta")
    Traceback (most recent call last):
    ValueError: beta must be a number, got '0.5'
    """
    found = None
    try:
        if as_numbers(value, name).ndim == 0:
            found = np.asarray(without_gradient(value)).item()
    except BadArgument:
        pass
    if found is None or isinstance(found, bool):
        raise BadArgument(name, f"must be a number, got {shown(value)}")
    return float(found) if not isinstance(found, int) else found


def as_whole(value: Any, name: str, at_least: int) -> int:
    """Return a whole number, which a float may be, of at least so much.

    Examples
    --------
    >>> as_whole(64.0, "batch_size", 1)
    64
    >>> as_whole(2.5, "n_classes", 2)
    Traceback (most recent call last):
    ValueError: n_classes must be a whole number, got 2.5
    """
    number = as_number(value, name)
    if not (np.isfinite(number) and number == int(number)):
        raise BadArgument(name, f"must be a whole number, got {shown(value)}")
    if number < at_least:
        raise BadArgument(name, f"must be at least {at_least}, got {shown(value)}")
    return int(number)


def as_flag(value: Any, name: str) -> bool:
    """Return a flag if it is one: a word that says no would be taken for yes.

    Examples
    --------
    >>> as_flag("no", "independent")
    Traceback (most recent call last):
    ValueError: independent must be True or False, got 'no'
    """
    if not isinstance(value, bool | np.bool_):
        raise BadArgument(name, f"must be True or False, got {shown(value)}")
    return bool(value)


def check_level(level: Any) -> float:
    """Return a confidence level if it is one.

    Examples
    --------
    >>> check_level(95)
    Traceback (most recent call last):
    ValueError: level must be between 0 and 1, got 95
    """
    number = as_number(level, "level")
    if not 0 < number < 1:
        raise BadArgument("level", f"must be between 0 and 1, got {number}")
    return number


def check_broadcast(**arrays: np.ndarray) -> None:
    """Refuse arrays whose shapes do not go together, by the name of the first that does not.

    Examples
    --------
    >>> check_broadcast(train=np.zeros((4, 2)), test=np.zeros(2), population=np.zeros(3))
    Traceback (most recent call last):
    ValueError: population must have a shape that goes with (4, 2), got (3,)
    """
    together: tuple[int, ...] = ()
    for name, array in arrays.items():
        try:
            together = np.broadcast_shapes(together, array.shape)
        except ValueError:
            said = f"must have a shape that goes with {together}, got {array.shape}"
            raise BadArgument(name, said) from None
