"""Reads a user's own features and labels, and refuses what no study can be made of."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import is_zipfile

import numpy as np

from equations.mean_proba import FloatArray

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".npz")
MAX_SPREAD = 1e100
"""Of a feature, and the inverse of its least: squares and their sums stay within float64."""

_ROWS_NAMED = 10


def read_features_and_labels(
    path: str, label: str, drop: tuple[str, ...]
) -> tuple[FloatArray, np.ndarray, str]:
    """Read a CSV, Parquet or npz file.

    Parameters
    ----------
    path : str
    label : str
        Column of the labels; in an npz file, the array.
    drop : tuple of str
        Columns that are no features.

    Returns
    -------
    features : ndarray of float64, shape (n_samples, n_features)
    labels : ndarray of str, shape (n_samples,)
    sha256 : str
        Of the file's bytes.

    Raises
    ------
    ValueError
        Naming the file, and the column or the rows.
    """
    name = Path(path).name
    if not name.endswith(SUFFIXES):
        raise ValueError(f"--data must end in {', '.join(SUFFIXES)}, got {path}")
    try:
        sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise ValueError(f"--data {path} cannot be read: {error.strerror}") from None
    table = _read_npz(path, label) if name.endswith(".npz") else _read_table(path, label)
    if label not in table:
        raise ValueError(
            f"--label must name a column of {path} ({', '.join(map(str, table))}), got {label!r}"
        )
    for column in drop:
        if column not in table or column == label:
            raise ValueError(f"--drop must name a column of features of {path}, got {column!r}")
    features = table.drop(columns=[label, *drop])
    unnamed = [c for c in features if str(c).startswith("Unnamed: ") or str(c) == ""]
    if unnamed:
        raise ValueError(
            f"--data {path} has a column without a name, which looks like an index: "
            f"--drop {unnamed[0]!r} leaves it out"
        )
    if not len(features.columns):
        raise ValueError(f"--data {path} has no column of features")
    if not len(table):
        raise ValueError(f"--data {path} has no rows")
    labels = _labels(table[label], path)
    return check_features(features, f"--data {path}"), labels, sha256


def _read_table(path: str, label: str) -> pd.DataFrame:
    import pandas as pd

    try:
        if path.endswith(".parquet"):
            return pd.read_parquet(path)
        # Two lines, because more fields in a row than in the header would become an index.
        header = pd.read_csv(path, header=None, nrows=2, dtype=str).iloc[0]
        # A label may be called "NA" or "None": only among features is that a missing value.
        words = pd.read_csv(path, usecols=lambda c: c == label, dtype=str, na_filter=False)
        numbers = pd.read_csv(path, usecols=lambda c: c != label, low_memory=False)
    except ImportError:
        raise ValueError(
            "--data of a Parquet file needs: pip install 'learnprop[parquet]'"
        ) from None
    except (ValueError, OSError) as error:
        raise ValueError(f"--data {path} cannot be read: {' '.join(str(error).split())}") from None
    twice = header[header.duplicated() & header.notna()]  # pandas would name it otherwise
    if len(twice):
        raise ValueError(f"--data {path} has two columns {twice.iloc[0]!r}")
    return numbers.join(words)


def _read_npz(path: str, label: str) -> pd.DataFrame:
    import pandas as pd

    if not is_zipfile(path):
        raise ValueError(f"--data {path} cannot be read: it is no npz file")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError) as error:
        reason = "it holds Python objects, not numbers or strings"
        if "allow_pickle" not in str(error):
            reason = str(error)
        raise ValueError(f"--data {path} cannot be read: {reason}") from None
    for name in ("X", label):
        if name not in found:
            raise ValueError(
                f"--data {path} must hold the arrays X and {label} (see --label), "
                f"got {', '.join(found)}"
            )
    X, y = found["X"], found[label]
    if X.ndim != 2 or y.shape != (len(X),):
        raise ValueError(
            f"--data {path} must hold X (n_samples, n_features) and {label} (n_samples,), "
            f"got {X.shape} and {y.shape}"
        )
    table = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    table[label] = np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y
    return table


def _labels(column: pd.Series, path: str) -> np.ndarray:
    missing = column.isna() | (column.astype(str).str.strip() == "")
    _refuse_rows(missing.to_numpy(), f"--data {path} has missing labels in")
    values = column.to_numpy()
    whole = values.dtype.kind == "f" and bool((values == np.floor(values)).all())
    return np.array([str(v) for v in (values.astype(np.int64) if whole else values)])


def check_features(features: pd.DataFrame, name: str) -> FloatArray:
    """Features as numbers.

    Parameters
    ----------
    features : DataFrame
    name : str
        What to call it in an error.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_features)

    Raises
    ------
    ValueError
        Naming columns that are not numbers, never vary or have a scale whose square float64 cannot
        hold, or the rows of values that are missing or infinite.
    """
    import pandas as pd

    columns: list[Any] = []
    for column_name, column in features.items():
        other = pd.api.types.is_datetime64_any_dtype(column) or column.dtype.kind == "c"
        try:
            if other:  # pandas would make nanoseconds of dates
                raise ValueError
            columns.append(pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan))
        except (ValueError, TypeError):
            number = column.isna() if other else pd.to_numeric(column, errors="coerce").notna()
            row = int(np.flatnonzero((~number & column.notna()).to_numpy())[0])
            raise ValueError(
                f"{name}: column {column_name!r} holds {column.iloc[row]!r} in row {row + 1}, "
                "which is no number; encode it, or leave it out with --drop"
            ) from None
    X = np.column_stack(columns)
    bad = ~np.isfinite(X)
    if bad.any():
        named = ", ".join(repr(str(c)) for c, b in zip(features, bad.any(axis=0), strict=True) if b)
        _refuse_rows(bad.any(axis=1), f"{name} has missing or infinite values (columns {named}) in")
    with np.errstate(over="ignore"):
        spread = np.ptp(X, axis=0)
    for column_name, size in zip(features, spread, strict=True):
        if size == 0:
            raise ValueError(
                f"{name}: column {column_name!r} never varies; leave it out with --drop"
            )
        if not 1 / MAX_SPREAD <= size <= MAX_SPREAD:
            raise ValueError(f"{name}: column {column_name!r} spreads over {size:.0e}; rescale it")
    return X


def _refuse_rows(bad: np.ndarray, complaint: str) -> None:
    """Raise ValueError that names the rows, counted from 1 after the header."""
    rows = (np.flatnonzero(bad) + 1).tolist()
    if rows:
        more = f" and {len(rows) - _ROWS_NAMED} more" if len(rows) > _ROWS_NAMED else ""
        named = ", ".join(map(str, rows[:_ROWS_NAMED]))
        raise ValueError(f"{complaint} row{'s' if len(rows) > 1 else ''} {named}{more}")
