"""P, and what goes with it class by class: checked as the equations take them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, as_numbers, by_class
from learnprop.equations.mean_proba import ROW_SUM_TOLERANCE


def off_diagonal(mean_proba: ArrayLike, *, all_rows: bool = False) -> FloatArray:
    """Copy of P with a zero diagonal.

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)
        A row of NaN is that of a class without samples.
    all_rows : bool
        Whether every class must have samples.

    Returns
    -------
    ndarray of float64, shape (..., n_classes, n_classes)

    Raises
    ------
    ValueError
        If the shape is not (..., K, K) with K >= 2, or a number is negative or not finite.

    Examples
    --------
    >>> off_diagonal([[0.8, 0.2], [0.4, 0.6]]).tolist()
    [[0.0, 0.2], [0.4, 0.0]]
    >>> off_diagonal([[0.8, 0.2], [np.nan, np.nan]], all_rows=True)
    Traceback (most recent call last):
    ValueError: mean_proba has no row of class 1, of which there was no sample: all are needed here
    """
    off = as_numbers(mean_proba, "mean_proba").copy()
    if off.ndim < 2 or off.shape[-1] != off.shape[-2] or off.shape[-1] < 2:
        raise BadArgument(
            "mean_proba", f"must have shape (..., n_classes, n_classes >= 2), got {off.shape}"
        )
    absent = np.isnan(off).all(axis=-1)
    if not (np.isfinite(off) | np.expand_dims(absent, -1)).all() or (off < 0).any():
        raise BadArgument("mean_proba", "must hold finite numbers, none negative")
    if all_rows and absent.any():
        raise BadArgument(
            "mean_proba",
            f"has no row of class {np.argwhere(absent)[0, -1]}, of which there was no sample: "
            "all are needed here",
        )
    diagonal = np.arange(off.shape[-1])
    off[..., diagonal, diagonal] = 0.0
    return off


def check_rows_sum_to_one(mean_proba: FloatArray) -> None:
    """Raise BadArgument where only `miss_proba` says what a class gives away: P of sigmoids.

    Parameters
    ----------
    mean_proba : ndarray, shape (..., n_classes, n_classes)
        A row of NaN is that of a class without samples.

    Examples
    --------
    >>> check_rows_sum_to_one(np.array([[0.8, 0.2], [np.nan, np.nan]]))
    >>> check_rows_sum_to_one(np.array([[0.8, 0.3], [0.4, 0.6]]))
    Traceback (most recent call last):
    ValueError: miss_proba is needed: the rows of mean_proba do not sum to one
    """
    if (np.abs(mean_proba.sum(axis=-1) - 1) > ROW_SUM_TOLERANCE).any():
        raise BadArgument("miss_proba", "is needed: the rows of `mean_proba` do not sum to one")


def beside(
    values: ArrayLike, name: str, matrix: FloatArray, *, may_be_nan: bool = False
) -> FloatArray:
    """Numbers of each class that go with P: masses, or probabilities to be missed.

    Parameters
    ----------
    values : array_like, shape (..., n_classes)
    name : str
    matrix : ndarray, shape (..., n_classes, n_classes)
    may_be_nan : bool
        Where a class has no sample.

    Returns
    -------
    ndarray of float64, shape (..., n_classes)

    Raises
    ------
    BadArgument
        If they are not one for each class, or one is negative or not finite.

    Examples
    --------
    >>> beside([1, 2, 3], "class_mass", np.eye(2))
    Traceback (most recent call last):
    ValueError: class_mass must have 2 classes as mean_proba, got shape (3,)
    """
    found = by_class(values, name)
    n_classes = matrix.shape[-1]
    if found.shape[-1:] != (n_classes,):
        raise BadArgument(
            name, f"must have {n_classes} classes as `mean_proba`, got shape {found.shape}"
        )
    try:
        np.broadcast_shapes(found.shape[:-1], matrix.shape[:-2])
    except ValueError:
        raise BadArgument(
            name, f"must go with `mean_proba` of shape {matrix.shape}, got shape {found.shape}"
        ) from None
    if not (np.isfinite(found) | (np.isnan(found) & may_be_nan)).all() or (found < 0).any():
        raise BadArgument(name, f"must hold finite numbers, none negative, got {shown(found)}")
    return found
