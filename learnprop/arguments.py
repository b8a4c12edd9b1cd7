"""What people pass from Python, as a study's options: plain values, and arrays as a file."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from simulations.user_data import DataFile

T = TypeVar("T", int, float)


def numbers(option: str, text: str, number: Callable[[str], T]) -> tuple[T, ...]:
    """Read numbers with commas between, as an option of the command line has them.

    Parameters
    ----------
    option : str
        For the message.
    text : str
    number : {int, float}

    Returns
    -------
    tuple

    Raises
    ------
    ValueError
        Naming the option and what was given.

    Examples
    --------
    >>> numbers("--ratios", "1,10", float), numbers("--sizes", "", int)
    ((1.0, 10.0), ())
    """
    kind = "integers" if number is int else "numbers"
    try:
        return tuple(number(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise ValueError(f"{option} must be {kind} with commas between, got {text!r}") from None


def words(text: str) -> tuple[str, ...]:
    """Read words with commas between.

    Examples
    --------
    >>> words("mnist, kmnist"), words("")
    (('mnist', 'kmnist'), ())
    """
    return tuple(part.strip() for part in text.split(",")) if text else ()


def study_options(study: str, kind: type, options: Mapping[str, Any]) -> dict[str, Any]:
    """Check keyword arguments against a study's options, and make plain values of them.

    Parameters
    ----------
    study : str
        Its name.
    kind : type
        Dataclass of its options.
    options : mapping
        numpy's numbers become Python's, sequences become tuples, one value where several may
        stand becomes a tuple of one; weights may be numbers.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        Naming the option and its value.

    Examples
    --------
    >>> from simulations.studies.explore import Options
    >>> study_options("explore", Options, {"ratios": 5, "weights": [0.3, "equal", (0.5, 0.5)]})
    {'ratios': (5,), 'weights': ('0.3', 'equal', '0.5,0.5')}
    """
    known = {f.name: str(f.type) for f in fields(kind)}
    chosen = {}
    for name, value in options.items():
        if name not in known:
            raise ValueError(f"{study} has no option {name!r}, only {', '.join(known)}")
        chosen[name] = _plain(name, value, known[name])
    return chosen


_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "int": (int, "an integer"),
    "float": ((int, float), "a number"),
    "bool": (bool, "True or False"),
    "str": (str, "a string"),
}


def _plain(name: str, value: Any, declared: str) -> Any:
    """Check one value against its declared type, e.g. ``tuple[float, ...]`` or ``int | None``."""
    if hasattr(value, "tolist"):  # of numpy or pandas
        value = value.tolist()
    if value is None and declared.endswith("None"):
        return None
    several = declared.startswith("tuple")
    values = tuple(value) if several and isinstance(value, list | tuple) else (value,)
    if name == "weights":
        values = tuple(map(_weight, values))
    if name == "rarest" and isinstance(value, int | float):  # as labels are written
        values = (str(value).removesuffix(".0"),)
    kind, words = _KINDS[re.findall(r"int|float|bool|str", declared)[0]]
    for one in values:
        if not isinstance(one, kind) or (isinstance(one, bool) and kind is not bool):
            raise ValueError(f"{name} must be {words}, got {one!r}")
    return values if several else values[0]


def _weight(value: Any) -> str:
    """One weighting as on the command line: a scheme, λ_0, or λ of every class."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def arrays_as_file(X: Any, y: Any, path: Path, chosen: Mapping[str, Any]) -> tuple[bytes, DataFile]:
    """Lay features and labels out as the file that workers read; nothing is written.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
    y : array_like, shape (n_samples,)
    path : Path
        Where the file will be.
    chosen : mapping
        Options of the study.

    Returns
    -------
    content : bytes
        An npz file of the arrays ``X`` and ``y``.
    file : DataFile

    Raises
    ------
    ValueError
        If the arrays, or options that speak of a file, cannot be.
    """
    import numpy as np
    import pandas as pd

    from simulations.user_arrays import as_column, as_frame
    from simulations.user_columns import check_features
    from simulations.user_data import describe_file
    from simulations.user_labels import label_names

    for name in ("data", "label", "drop"):
        if name in chosen:
            raise ValueError(f"{name} is of a file, got {chosen[name]!r} with X and y")
    if hasattr(X, "toarray"):
        raise ValueError("X must be dense, got a sparse matrix: X.toarray()")
    both = isinstance(X, pd.DataFrame) and isinstance(y, pd.Series)
    if both and not X.index.equals(y.index):
        raise ValueError("X and y must have the same index")
    try:
        frame, column = as_frame(X, "X"), as_column(y, "y")
        if len(frame) != len(column):
            raise ValueError(
                "X must be (n_samples, n_features) and y (n_samples,), "
                f"got {frame.shape} and {column.shape}"
            )
        labels, features = label_names(column, "y"), check_features(frame, "X")
    except ValueError as error:
        raise ValueError(str(error).removesuffix(" with --drop")) from None
    buffer = io.BytesIO()
    np.savez(buffer, X=features, y=labels)
    with TemporaryDirectory() as folder:
        here = Path(folder).resolve() / path.name
        here.write_bytes(buffer.getvalue())
        try:
            file = describe_file(str(here), "y", (), chosen.get("rarest", ""))
        except ValueError as error:
            message = str(error).replace(f"--data {here}", "X").replace("--label y", "y")
            raise ValueError(message) from None
    return buffer.getvalue(), replace(file, path=str(path.resolve()))
