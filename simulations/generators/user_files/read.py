"""Reads a user's own features and labels, and refuses what no study can be made of."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import numpy as np

from learnprop.equations.arguments import BadArgument, within
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.generators.user_files.arrays import as_column, as_frame
from learnprop.simulations.generators.user_files.columns import check_features
from learnprop.simulations.generators.user_files.csv_files import read_csv
from learnprop.simulations.generators.user_files.dialect import UNSAID, Dialect, check_dialect
from learnprop.simulations.generators.user_files.excel_files import read_excel
from learnprop.simulations.generators.user_files.labels import label_names

if TYPE_CHECKING:
    import pandas as pd

TEXT = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
SUFFIXES = (*TEXT, ".xlsx", ".parquet", ".npz")

_NAMES_SHOWN = 20


def read_features_and_labels(
    path: str,
    label: str,
    drop: tuple[str, ...],
    dialect: Dialect = UNSAID,
) -> tuple[FloatArray, np.ndarray]:
    """Read a text, Excel, Parquet or npz file.

    Parameters
    ----------
    path : str
        Its ending, in any case, says what it is.
    label : str
        Column of the labels; in an npz file, the array.
    drop : tuple of str
        Columns that are no features.
    dialect : Dialect
        What is known of a text file's encoding, separator and decimal mark.

    Returns
    -------
    features : ndarray of float64, shape (n_samples, n_features)
    labels : ndarray of str, shape (n_samples,)

    Raises
    ------
    ValueError
        Naming the file, and the column or the rows.

    Notes
    -----
    Damage is refused where a checksum shows it: npz, Excel and gzip always have one, Parquet only
    where its pages were written with one. An index that pandas keeps in Parquet is no column.
    """
    name = Path(path).name.lower()
    if not name.endswith(SUFFIXES):
        raise BadArgument("data", f"must end in {', '.join(SUFFIXES)}, got {path}")
    check_dialect(dialect, is_text=name.endswith(TEXT))
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise BadArgument("data", f"{path} cannot be read: {error.strerror}") from None

    def check_names(columns: Sequence[str]) -> None:
        _check_names(columns, path, label, drop)

    with within("data", path):
        if name.endswith(".npz"):
            features, labels = _read_npz(content, path, label, drop)
        elif name.endswith(".parquet"):
            features, labels = _read_parquet(content, label, drop, check_names)
        elif name.endswith(".xlsx"):
            try:
                features, labels = read_excel(content, label, drop, check_names)
            except BadArgument:
                raise
            except Exception as error:  # a damaged file raises whatever its bytes happen to mean
                raise _damaged(error) from None
        else:
            is_gzip = name.endswith(".gz")
            features, labels = read_csv(content, label, drop, check_names, dialect, is_gzip)
        if not len(labels):
            raise BadArgument("data", "has no rows")
        names = label_names(labels, "data")
        return check_features(features, "data"), names


def _check_names(columns: Sequence[str], path: str, label: str, drop: Sequence[str]) -> None:
    """Refuse columns that are not there, stand twice or have no name."""
    listed = list(columns)
    for column, n in Counter(listed).items():
        if n > 1:
            raise BadArgument("data", f"has two columns {column!r}")
    if label not in listed:
        shown = ", ".join(" ".join(c.split()) for c in listed[:_NAMES_SHOWN])
        more = f" and {len(listed) - _NAMES_SHOWN} more" if len(listed) > _NAMES_SHOWN else ""
        raise BadArgument("label", f"must name a column of {path} ({shown}{more}), got {label!r}")
    for column in drop:
        if column not in listed or column == label:
            raise BadArgument("drop", f"must name a column of features of {path}, got {column!r}")
    features = [c for c in listed if c not in (label, *drop)]
    for column in features:
        if not column.strip() or column.startswith("Unnamed: "):
            raise BadArgument(
                "data",
                f"has a column without a name, which looks like an index: "
                f"`drop` {column!r} leaves it out",
            )
    if not features:
        raise BadArgument("data", "has no column of features")


def _read_parquet(
    content: bytes, label: str, drop: Sequence[str], check_names: Callable[[Sequence[str]], None]
) -> tuple[pd.DataFrame, pd.Series]:
    import pandas as pd

    try:
        table = pd.read_parquet(
            io.BytesIO(content), engine="pyarrow", page_checksum_verification=True
        )
        n_rows = _rows_in_footer(content)
    except ImportError:
        raise BadArgument("data", "needs: pip install 'learnprop[parquet]'") from None
    except Exception as error:  # a damaged file raises whatever its bytes happen to mean
        raise _damaged(error) from None
    if len(table) != n_rows:  # a damaged page header: pyarrow stops early
        raise BadArgument(
            "data", f"cannot be read: it is damaged, with {len(table)} of {n_rows} rows"
        )
    table.columns = pd.Index([str(column) for column in table.columns])
    check_names(list(table.columns))
    return table.drop(columns=[label, *drop]), table[label]


def _rows_in_footer(content: bytes) -> int:
    from pyarrow.parquet import read_metadata

    return int(read_metadata(io.BytesIO(content)).num_rows)


def _read_npz(
    content: bytes, path: str, label: str, drop: Sequence[str]
) -> tuple[pd.DataFrame, pd.Series]:
    if label == "X":
        raise BadArgument("label", "must name the array of labels, got 'X', which is of features")
    found: dict[str, np.ndarray] = {}
    try:
        with ZipFile(io.BytesIO(content)) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a damaged header
            wrong = archive.testzip()  # before anything is made of the bytes
            if wrong is not None:
                raise ValueError(f"the checksum of {wrong} is another")
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            for name in ("X", label):
                if names.count(name) > 1:
                    raise ValueError(f"it holds {name} twice")
                if name in names:
                    with archive.open(f"{name}.npy") as file:
                        found[name] = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # a damaged file raises whatever its bytes happen to mean
        raise _damaged(error) from None
    for name in ("X", label):
        if name not in found:
            raise BadArgument(
                "data",
                f"must hold the arrays X and {label} (see `label`), got {', '.join(names)}",
            )
    X, y = found["X"], found[label]
    if X.ndim != 2 or y.shape != (len(X),):
        raise BadArgument(
            "data",
            f"must hold X (n_samples, n_features) and {label} (n_samples,), "
            f"got {X.shape} and {y.shape}",
        )
    columns = [f"x{j}" for j in range(X.shape[1])]
    for column in drop:
        if column not in columns:
            raise BadArgument("drop", f"must name a column of features of {path}, got {column!r}")
    if len(drop) >= len(columns):
        raise BadArgument("data", "has no column of features")
    with within("data", ": X"):
        frame = as_frame(X, "data", columns).drop(columns=[*drop])
    with within("data", f": {label}"):
        return frame, as_column(y, "data")


def _damaged(error: Exception) -> BadArgument:
    reason = " ".join(str(error).split()) or type(error).__name__
    reason = "".join(c if c.isprintable() else "?" for c in reason)
    if "allow_pickle" in reason:
        reason = "it holds Python objects, not numbers or strings"
    return BadArgument("data", f"cannot be read: {reason[:200]}")
