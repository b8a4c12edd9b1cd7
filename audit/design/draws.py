"""Training and fresh samples to design and to verify on: of a distribution, or of a user's data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.design.target import word_of
from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, IntArray, as_whole, without_gradient
from learnprop.equations.inference.resampling import resplit_ratio
from learnprop.equations.labels import refuse_other_index
from learnprop.simulations.generators.generator import (
    Generator,
    Sample,
    check_class_count,
    check_generator,
    sample,
)
from learnprop.simulations.generators.user_data import class_counts, draw_from_classes
from learnprop.simulations.studies.explore.source import TEST_SHARE

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Draws:
    """Where samples come from, of the same class sizes every time.

    Attributes
    ----------
    labels : tuple
        The label of each class, in their order.
    train_count, test_count : ndarray of int64, shape (n_classes,)
    draw : callable ``(rng) -> (train, test)``
        Features and labels of each, sorted by class.
    ratio : float
        `resplit_ratio` of samples that share one data set; zero of fresh draws.
    """

    labels: tuple[Any, ...]
    train_count: IntArray
    test_count: IntArray
    draw: Callable[[np.random.Generator], tuple[Sample, Sample]]
    ratio: float

    @property
    def names(self) -> list[str]:
        """Labels as they are written."""
        return [word_of(label) for label in self.labels]


def draws_of_generator(generator: Generator, train_count: ArrayLike, test_size: int) -> Draws:
    """Fresh draws of a distribution.

    Parameters
    ----------
    generator : Generator
    train_count : array_like of int, shape (n_classes,)
    test_size : int
        Fresh samples of each class.

    Returns
    -------
    Draws

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> from learnprop.simulations.generators.paper import sim1
    >>> draws = draws_of_generator(sim1(), [10, 100], 50)
    >>> [y.shape for _, y in draws.draw(np.random.default_rng(0))], draws.labels
    ([(110,), (100,)], (0, 1))
    """
    n_classes = check_generator(generator).n_classes
    if train_count is None:
        raise BadArgument("train_count", "is needed with a `generator`: samples of each class")
    train = check_class_count(train_count, n_classes, "train_count")
    test = [as_whole(test_size, "test_size", 1)] * n_classes

    def draw(rng: np.random.Generator) -> tuple[Sample, Sample]:
        return sample(generator, train, rng), sample(generator, test, rng)

    return Draws(tuple(range(n_classes)), np.array(train), np.array(test), draw, 0.0)


def draws_of_arrays(
    X: Any, y: Any, drop_labels: Collection[str] = (), *, as_given: bool = False
) -> Draws:
    """Stratified splits of a user's data, of which a fifth of each class is left out.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
    y : array_like, shape (n_samples,)
    drop_labels : collection of str
        Labels whose rows are left out.
    as_given : bool
        Whether rows of X are handed on as what they are, text, gaps and all: of any kind that
        scikit-learn takes rows of. Else they are made numbers, without columns that never vary,
        which say nothing beside an intercept.

    Returns
    -------
    Draws
        Classes in the order of their labels.

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> draws = draws_of_arrays(np.arange(15.0)[:, None], ["no"] * 10 + ["yes"] * 5)
    >>> draws.labels, draws.train_count.tolist(), draws.test_count.tolist(), draws.ratio
    (('no', 'yes'), [8, 4], [2, 1], 0.25)
    """
    import pandas as pd

    from learnprop.simulations.generators.user_files.arrays import as_column
    from learnprop.simulations.generators.user_files.labels import label_names

    X, y = without_gradient(X), without_gradient(y)
    for name, value in {"X": X, "y": y}.items():
        if value is None:
            raise BadArgument(name, "is needed, or a `generator`")
    if hasattr(X, "toarray"):
        raise BadArgument("X", "must be dense, got a sparse matrix: X.toarray()")
    if isinstance(X, pd.DataFrame) and isinstance(y, pd.Series) and len(X) == len(y):
        refuse_other_index(y.index, X.index, "y", "X")
    column, (n_samples, rows) = as_column(y, "y"), _rows_as_given(X) if as_given else _features(X)
    if n_samples != len(column):
        raise BadArgument("y", f"has {len(column)} samples, `X` has {n_samples}")
    names = label_names(column, "y")
    counts = class_counts(names, "y", drop_labels=_words(drop_labels, set(names)))
    first = {name: column.iloc[int((names == name).argmax())] for name in counts}
    order = sorted(first, key=partial(_place, first))
    classes: list[Any] = [np.flatnonzero(names == name) for name in order]
    total = np.array([counts[name] for name in order])
    test = np.maximum(1, (TEST_SHARE * total).astype(np.int64))

    def draw(rng: np.random.Generator) -> tuple[tuple[Any, IntArray], tuple[Any, IntArray]]:
        drawn: Any = draw_from_classes(classes, (total - test).tolist(), test.tolist(), rng)
        (train, y_train), (left_out, y_left_out) = drawn
        return (rows(train), y_train), (rows(left_out), y_left_out)

    return Draws(
        labels=tuple(first[n].item() if hasattr(first[n], "item") else first[n] for n in order),
        train_count=total - test,
        test_count=test,
        draw=draw,
        ratio=resplit_ratio(test, total),
    )


def _rows_as_given(X: Any) -> tuple[int, Callable[[IntArray], Any]]:
    """Number of samples, and what takes some of them."""
    from sklearn.utils import _safe_indexing

    shape = X.shape if hasattr(X, "shape") else (len(X),) if hasattr(X, "__len__") else ()
    if not shape or isinstance(X, str | Mapping):
        raise BadArgument("X", f"must hold samples, got {shown(X)}")
    return shape[0], lambda rows: _safe_indexing(X, rows)


def _features(X: Any) -> tuple[int, Callable[[IntArray], FloatArray]]:
    """As `_rows_as_given`, of numbers."""
    from learnprop.simulations.generators.user_files.arrays import as_frame
    from learnprop.simulations.generators.user_files.columns import check_features

    frame = as_frame(X, "X")
    varies = [not _is_constant(frame.iloc[:, j]) for j in range(frame.shape[1])]
    features = check_features(frame.loc[:, varies] if any(varies) else frame, "X")
    return len(frame), lambda rows: np.asarray(features[rows])


def _is_constant(column: pd.Series) -> bool:
    try:
        return bool(column.nunique(dropna=False) == 1 and column.notna().all())
    except TypeError:  # what is no number is named where numbers are made of it
        return False


def _words(labels: Any, known: Collection[str]) -> list[str]:
    """Labels as they are written; a single word would be taken for its letters."""
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise BadArgument("drop_labels", f"must hold labels, got {shown(labels)}")
    for label in labels:
        if word_of(label) not in known:
            raise BadArgument("drop_labels", f"must be labels of `y`, got {shown(label)}")
    return [word_of(label) for label in labels]


def _place(labels: dict[str, Any], name: str) -> tuple[bool, float, str]:
    """Numbers come first, by their size; words by their letters."""
    try:
        return False, float(labels[name]), name
    except (TypeError, ValueError):
        return True, 0.0, name
