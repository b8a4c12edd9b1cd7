"""A user's arrays, laid out as the file that workers read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learnprop.equations.arguments import BadArgument

if TYPE_CHECKING:
    from learnprop.simulations.generators.user_data import DataFile


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

    from learnprop.equations.arrays import without_gradient
    from learnprop.equations.labels import refuse_other_index
    from learnprop.simulations.generators.user_data import DataFile, class_counts, digest_of
    from learnprop.simulations.generators.user_files.arrays import as_column, as_frame
    from learnprop.simulations.generators.user_files.columns import check_features
    from learnprop.simulations.generators.user_files.labels import label_names

    X, y = without_gradient(X), without_gradient(y)
    for name in ("data", "label", "drop", "sep", "decimal", "encoding"):
        if name in chosen:
            raise BadArgument(name, f"is of a file, got {chosen[name]!r} with `X` and `y`")
    if hasattr(X, "toarray"):
        raise BadArgument("X", "must be dense, got a sparse matrix: X.toarray()")
    both = isinstance(X, pd.DataFrame) and isinstance(y, pd.Series)
    if both and len(X) == len(y):
        refuse_other_index(y.index, X.index, "y", "X")
    frame, column = as_frame(X, "X"), as_column(y, "y")
    if len(frame) != len(column):
        raise BadArgument(
            "X",
            "must be (n_samples, n_features) and `y` (n_samples,), "
            f"got {frame.shape} and {column.shape}",
        )
    labels, features = label_names(column, "y"), check_features(frame, "X")
    counts = class_counts(
        labels, "y", chosen.get("rarest", ""), drop_labels=chosen.get("drop_labels", ())
    )
    buffer = io.BytesIO()
    np.savez(buffer, X=features, y=labels)
    content = buffer.getvalue()
    file = DataFile(
        path=str(path.resolve()),
        label="y",
        drop=(),
        labels=tuple(counts),
        counts=tuple(counts.values()),
        n_features=features.shape[1],
        sha256=digest_of(features, labels, counts),
        called="X",
    )
    return content, file
