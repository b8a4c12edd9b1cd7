"""Rows of a file as classes and numbers that can be; or refused, by their number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from learnprop.audit.predictions.chunks import Chunk
from learnprop.audit.predictions.user_predictions.choice import Taken
from learnprop.audit.predictions.user_predictions.table import Coded, Piece, Table, whole
from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import IntArray

_TOLERANCE = 1e-6
"""What a row of probabilities may miss one by, whoever wrote it."""
_MOST = 0.05
"""What rounding may explain at most."""
_DECIMALS = range(2, 7)  # with more, rounding stays within the tolerance


def checked(
    table: Table, taken: Taken, rounding: list[float] | None = None
) -> Iterator[tuple[Chunk, Coded | None]]:
    """Yield the rows of a table as chunks, with the names of their groups.

    Rows of probabilities that were written with few decimals, or computed in less than double
    precision, may miss one by as much as their rounding explains; they are divided by their sums.

    Parameters
    ----------
    table : Table
    taken : Taken
    rounding : list of float, optional
        Is given by how much rows missed one that were divided by their sums, the most of a piece.

    Yields
    ------
    Chunk
    Coded or None

    Raises
    ------
    BadArgument
        About ``file``, naming the row, counted from 1 after the header.
    """
    place = {label: k for k, label in enumerate(taken.labels)}
    decimals, n_rows = None, 0
    for piece in table.pieces(taken.columns):
        if not n_rows and not taken.are_logits:
            decimals = decimals_of(piece.values)
        classes = _classes(piece, place, taken)
        values = piece.values
        if values.dtype.kind != "f" or values.dtype == np.float16:
            values = values.astype(np.float64 if values.dtype.kind != "f" else np.float32)
        if taken.are_logits:
            _refuse(~np.isfinite(values.sum(axis=1)), piece, values, taken, _NOT_FINITE)
        elif taken.positive is not None:
            bad = ~((values[:, 0] >= 0) & (values[:, 0] <= 1 + _TOLERANCE))
            _refuse(bad, piece, values, taken, _no_probability(values))
        else:
            values, off = _distributions(values, piece, table.is_text, decimals, taken)
            if rounding is not None and off:
                rounding.append(off)
        if taken.positive is not None:
            values = _both(values[:, 0], taken)
        if piece.by is not None:
            _refuse_unnamed(piece.by, piece, taken.columns.by)
        n_rows += len(classes)
        yield Chunk(classes, values, _weight(piece, taken)), piece.by
    if not n_rows:
        raise BadArgument("file", "has no rows")


_NOT_FINITE = "which is not finite"


def _classes(piece: Piece, place: dict[str, int], taken: Taken) -> IntArray:
    """Class of each row."""
    column = taken.columns.label
    _refuse_unnamed(piece.label, piece, column)
    names = [name if name in place else whole(name) for name in piece.label.names]
    of_name = np.array([place.get(name, -1) for name in names], dtype=np.int64)
    classes = of_name[piece.label.codes] if len(of_name) else piece.label.codes
    if (of_name < 0).any() and (classes < 0).any():
        i = int((classes < 0).argmax())
        name, row = piece.label.names[piece.label.codes[i]], piece.first_row + i
        known = f"the probabilities are of {shown(list(taken.labels))}"
        if list(taken.labels) == [str(k) for k in range(len(taken.labels))]:
            advice = f"`labels` says whose they are, in this order, as in {_example(piece)},..."
        else:
            advice = "`proba` and `labels` say, in the same order, which column is whose"
        raise BadArgument(
            "file", f": row {row} has the label {name!r} in {column!r}, but {known}; {advice}"
        )
    return classes


def _example(piece: Piece) -> str:
    return ",".join(sorted(piece.label.names)[:2])


def _refuse_unnamed(found: Coded, piece: Piece, column: str) -> None:
    nameless = np.array([not name for name in found.names] + [True])  # -1 is the last
    if nameless[:-1].any() or (found.codes < 0).any():
        row = piece.first_row + int(nameless[found.codes].argmax())
        raise BadArgument("file", f": row {row} has nothing in column {column!r}")


def _refuse(bad: np.ndarray, piece: Piece, values: np.ndarray, taken: Taken, why: str) -> None:
    """Name the first number of a bad row that is missing, infinite, or else its first."""
    if not bad.any():
        return
    i = int(bad.argmax())
    wrong = ~np.isfinite(values[i])
    j = int((wrong if wrong.any() else values[i] < 0).argmax())
    proba, number = taken.columns.proba, values[i, j]
    name = f"column {proba[j]!r}" if len(proba) == values.shape[1] else f"{proba[0]!r}, column {j}"
    row = f": row {piece.first_row + i}"
    if np.isnan(number):
        raise BadArgument("file", f"{row} has no number in {name}")
    why = _NOT_FINITE if np.isinf(number) else why
    raise BadArgument("file", f"{row} holds {number:.8g} in {name}, {why}")


def _no_probability(values: np.ndarray) -> str:
    """Say that a number is none, and what its column may hold instead."""
    some = values[np.isfinite(values)]
    is_percent = len(some) and some.min() >= 0 and 20 < some.max() <= 100
    return f"which is no probability; {_PERCENT if is_percent else _OF_LOGITS}"


def _instead(row: np.ndarray, total: float) -> str:
    """What a row may hold that does not sum to one."""
    if abs(total - 100) <= 100 * _MOST:
        return f"; {_PERCENT}"
    return f"; {_OF_LOGITS}" if row.max() > 1 else ""


_PERCENT = "in percent? divide by 100"
_OF_LOGITS = "of logits say `logits`"


def _distributions(
    values: np.ndarray, piece: Piece, is_text: bool, decimals: int | None, taken: Taken
) -> tuple[np.ndarray, float]:
    """Rows that are distributions, or would be without rounding; and what that was."""
    n_classes = values.shape[1]
    sums = values @ np.ones(n_classes, values.dtype)
    with np.errstate(invalid="ignore"):
        off = np.abs(sums - 1)
    if not (values.min(initial=0.0) >= 0 and np.isfinite(off).all()):
        bad = ~(values.min(axis=1) >= 0) | ~np.isfinite(off)
        _refuse(bad, piece, values, taken, _no_probability(values))
    exact = max(_TOLERANCE, n_classes * float(np.finfo(values.dtype).eps) / 2)
    worst = float(off.max(initial=0.0))
    if worst <= exact:
        return values, 0.0
    kind = np.float32 if is_text else piece.values.dtype  # written numbers have no type
    units = [float(np.finfo(kind).eps), *([] if decimals is None else [10.0**-decimals])]
    within = max(_TOLERANCE, min(n_classes * max(units) / 2 * (1 + 1e-9), _MOST))
    if worst > within:
        i = int((off > within).argmax())
        raise BadArgument(
            "file", f": the probabilities of row {piece.first_row + i} must sum to one, and sum to "
            f"{sums[i]:.8g}{_instead(values[i], float(sums[i]))}",
        )  # fmt: skip
    return np.asarray(values / sums[:, None]), worst


def decimals_of(values: np.ndarray) -> int | None:
    """With how many decimals numbers were written, if with few.

    Examples
    --------
    >>> decimals_of(np.array([[0.25, 0.7512]])), decimals_of(np.array([[1 / 3, 2 / 3]]))
    (4, None)
    """
    some = np.asarray(values[:1000], dtype=np.float64)
    for d in _DECIMALS:
        scaled = some * 10**d
        with np.errstate(invalid="ignore"):  # of infinite ones, which are refused
            whole = np.abs(scaled - np.rint(scaled)) <= 1e-6
        if whole.all():
            return d
    return None


def _both(values: np.ndarray, taken: Taken) -> np.ndarray:
    """Two columns: log odds beside 0, or a probability beside what it leaves."""
    one = np.asarray(values, dtype=np.float64)
    other = np.zeros_like(one) if taken.are_logits else np.maximum(1 - one, 0.0)
    return np.stack([one, other] if taken.positive == 0 else [other, one], axis=1)


def _weight(piece: Piece, taken: Taken) -> np.ndarray | None:
    if piece.weight is None:
        return None
    weight = np.asarray(piece.weight, dtype=np.float64)
    bad = ~((weight >= 0) & (weight < np.inf))
    if bad.any():
        i = int(bad.argmax())
        row, name = piece.first_row + i, taken.columns.weight
        if np.isnan(weight[i]):
            raise BadArgument("file", f": row {row} has no number in column {name!r}")
        raise BadArgument("file", f": row {row} holds the weight {weight[i]:.8g} in {name!r}")
    return weight
