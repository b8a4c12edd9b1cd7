"""Arrays given back as what they came as."""

from __future__ import annotations

from typing import Any

import numpy as np

from learnprop.equations.arrays import FloatArray, without_gradient


def like(values: FloatArray, given: Any) -> Any:
    """Return numbers as the kind of array that another is: class, type, index and names.

    Parameters
    ----------
    values : ndarray of float64
        Of the shape of `given`.
    given : array_like
        Of numpy, pandas, polars or PyTorch, or lists. Numbers that are not floats become float64.

    Returns
    -------
    array
        An ndarray for lists; of a tensor one on its device, without a gradient.

    Examples
    --------
    >>> import pandas as pd
    >>> like(np.array([0.25]), pd.Series([0.5], index=["a"], name="yes", dtype="float32"))
    a    0.25
    Name: yes, dtype: float32
    """
    if hasattr(given, "detach"):
        import torch

        found = torch.from_numpy(values)
        return found.to(given.device, given.dtype if given.is_floating_point() else found.dtype)
    dtype = np.asarray(without_gradient(given)).dtype
    values = values.astype(dtype if dtype.kind == "f" else np.float64)
    if hasattr(given, "iloc"):
        names = {"columns": given.columns} if values.ndim == 2 else {"name": given.name}
        return type(given)(values, index=given.index, **names)
    if hasattr(given, "with_columns"):
        return type(given)(values, schema=given.columns)
    if hasattr(given, "to_frame"):
        return type(given)(given.name, values)
    return values
