"""Predictions in arrays, by scikit-learn's conventions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learnprop.audit.predictions.chunks import measure_chunks
from learnprop.audit.predictions.labels import classes_of
from learnprop.audit.predictions.pieces import Chunk
from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, IntArray, as_numbers, without_gradient
from learnprop.equations.labels import check_same_index

CONVERTED = 2**22
"""Numbers that are converted at once, of what is no array of numpy."""


def measure_predictions(
    y_true: ArrayLike,
    y_proba: ArrayLike | None = None,
    *,
    y_logits: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    pos_label: Any = None,
) -> Predictions:
    r"""Measure predictions within each true class.

    Parameters
    ----------
    y_true : array_like, shape (n_samples,)
        Labels: integers, truth values, strings or categories, of numpy, pandas, polars or PyTorch.
    y_proba : array_like, shape (n_samples, n_classes) or (n_samples,)
        Probabilities; one per sample is that of `pos_label`. Numbers of float32, float16 and
        bfloat16 may miss a sum of one by the rounding that they have. Converted piece by piece.
    y_logits : array_like, of such a shape, optional
        Logits in place of probabilities: misses below 1e-16 keep their digits.
    sample_weight : array_like, shape (n_samples,), optional
        Weights ω of samples within their classes: P is :math:`\sum\omega f / \sum\omega`.
    labels : array_like, shape (n_classes,), optional
        The label of each column. By default the names of the columns of a DataFrame, if all labels
        are among them; else the sorted labels of `y_true`, which must be as many as columns.
    pos_label : object, optional
        The label whose probability is given where there is one per sample; by default the second of
        the two labels, the larger one if they are sorted.

    Returns
    -------
    Predictions
        Its `labels` are in the order of the columns; of one number per sample in that of `labels`.
        A class without samples has a row of NaN.

    Raises
    ------
    BadArgument
        Naming the argument, and of a wrong number its row.

    Examples
    --------
    >>> measure_predictions([0, 0, 1], [0.1, 0.3, 0.6]).mean_proba.round(12).tolist()
    [[0.8, 0.2], [0.4, 0.6]]
    >>> measure_predictions(["no", "yes"], [0.1, 0.3], pos_label="no").miss_proba.tolist()
    [0.9, 0.3]
    """
    arrays = arrays_of(y_true, y_proba, y_logits, sample_weight, labels, pos_label)
    return arrays.measure(slice(None))


@dataclass(frozen=True)
class Arrays:
    """A user's arrays, checked but for the numbers themselves."""

    classes: IntArray
    labels: tuple[Any, ...]
    values: Any
    weight: FloatArray | None
    positive: int | None
    name: str
    epsilon: float

    def measure(self, rows: slice | NDArray[np.intp]) -> Predictions:
        """Measure all samples, or some."""
        return measure_chunks(
            lambda: self.chunks(rows),
            self.labels,
            are_logits=self.name == "y_logits",
            name=self.name,
            epsilon=self.epsilon,
        )

    def chunks(self, rows: slice | NDArray[np.intp]) -> Iterator[Chunk]:
        """Some rows, what is no array of numpy being converted in chunks."""
        classes = self.classes[rows]
        weight = None if self.weight is None else self.weight[rows]
        if isinstance(self.values, np.ndarray) and self.positive is None:
            yield Chunk(classes, self.values[rows], weight)
            return
        length = max(CONVERTED // len(self.labels), 1)
        for a in range(0, len(classes), length):
            part = slice(a, a + length)
            which = part if isinstance(rows, slice) else rows[part]
            values = _two_columns(_taken(self.values, which, self.name), self, a)
            yield Chunk(classes[part], values, None if weight is None else weight[part])


def arrays_of(
    y_true: Any, y_proba: Any, y_logits: Any, sample_weight: Any, labels: Any, pos_label: Any
) -> Arrays:
    """Check a user's arrays against each other; as `measure_predictions`.

    Examples
    --------
    >>> arrays_of([0, 1], None, None, None, None, None)
    Traceback (most recent call last):
    ValueError: y_proba or y_logits is needed
    """
    if (y_proba is None) == (y_logits is None):
        said = "or `y_logits` is needed" if y_proba is None else "takes the place of `y_logits`"
        raise BadArgument("y_proba", said)
    name, given = ("y_proba", y_proba) if y_logits is None else ("y_logits", y_logits)
    check_same_index(y_true, given, "y_true", name)
    check_same_index(sample_weight, given, "sample_weight", name)
    if getattr(pos_label, "ndim", 0):
        raise BadArgument("pos_label", f"must be one label, got {shown(pos_label)}")
    epsilon = 2.0**-7 if str(getattr(given, "dtype", "")) == "torch.bfloat16" else 0.0
    values, shape = _sliceable(given, name)
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] < 2):
        said = f"must have shape (n_samples, n_classes >= 2), or (n_samples,), got {shape}"
        raise BadArgument(name, said)
    n_classes = 2 if len(shape) == 1 else shape[1]
    columns = given if len(shape) == 2 else None
    classes, known = classes_of(y_true, columns, n_classes, labels)
    if len(classes) != shape[0]:
        raise BadArgument("y_true", f"has {len(classes)} samples, `{name}` has {shape[0]}")
    positive = None
    if len(shape) == 1:
        if pos_label is not None and pos_label not in known:
            raise BadArgument("pos_label", f"must be among {shown(known)}, got {shown(pos_label)}")
        positive = 1 if pos_label is None else known.index(pos_label)
    elif pos_label is not None:
        said = f"goes with one number per sample, but `{name}` has {n_classes} columns"
        raise BadArgument("pos_label", said)
    weight = _weight(sample_weight, len(classes), name)
    return Arrays(classes, tuple(known), values, weight, positive, name, epsilon)


def _sliceable(given: Any, name: str) -> tuple[Any, tuple[int, ...]]:
    """What can be cut by rows, without a copy where there need be none, and its shape."""
    if hasattr(given, "detach") or (hasattr(given, "to_numpy") and hasattr(given, "shape")):
        return given, tuple(given.shape)
    if not (isinstance(given, np.ndarray) and given.dtype.kind == "f") or np.ma.isMA(given):
        given = as_numbers(given, name)
    return given, given.shape


def _taken(values: Any, rows: Any, name: str) -> NDArray[Any]:
    """Rows of an array, a tensor or a frame as an array of floats of their own type."""
    if hasattr(values, "iloc"):
        values = values.iloc[rows]
    elif hasattr(values, "detach") and not isinstance(rows, slice):
        values = values[rows.tolist()]
    else:
        values = values[rows]
    plain = without_gradient(values)
    found = plain.to_numpy() if hasattr(plain, "to_numpy") else np.asarray(plain)
    return found if found.dtype.kind == "f" else as_numbers(values, name)


def _two_columns(values: NDArray[Any], arrays: Arrays, first_row: int) -> NDArray[Any]:
    """One number per sample as those of two classes: what a probability leaves, or a logit of 0."""
    if arrays.positive is None:
        return values
    if arrays.name == "y_logits":
        other = np.zeros_like(values)
    else:
        if not (values <= 1).all():  # also NaN
            row = int(np.argmin(values <= 1))
            said = f"must hold probabilities, got {values[row]} in row {first_row + row}"
            raise BadArgument(arrays.name, said)
        other = 1 - values
    pair = (other, values) if arrays.positive == 1 else (values, other)
    return np.stack(pair, axis=1)


def _weight(sample_weight: Any, n_samples: int, name: str) -> FloatArray | None:
    if sample_weight is None:
        return None
    weight = as_numbers(sample_weight, "sample_weight")
    if weight.shape != (n_samples,):
        said = f"must have shape ({n_samples},) as `{name}`, got {weight.shape}"
        raise BadArgument("sample_weight", said)
    fine = (weight >= 0) & np.isfinite(weight)
    if not fine.all():
        at = int(np.argmin(fine))
        said = f"must be finite and not negative, got {weight[at]} at position {at}"
        raise BadArgument("sample_weight", said)
    return weight
