"""Classes of a file that are known only from the labels that it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from learnprop.audit.predictions.user_predictions.table import Columns, Table, whole
from learnprop.equations.arguments import BadArgument, shown


def _met(table: Table, label: str, enough: Callable[[set[str]], bool]) -> set[str]:
    """Labels that a file holds, read until they are enough; whole numbers alone without points."""
    found: set[str] = set()
    for piece in table.pieces(Columns(label)):
        found |= set(piece.label.names) - {""}
        if enough(found):
            break
    plain = {whole(name) for name in found}
    are_numbers = all(name.removeprefix("-").isdigit() for name in plain)
    return plain if are_numbers and len(plain) == len(found) else found


def labels_among(table: Table, label: str, names: Sequence[str]) -> tuple[str, ...]:
    """Columns that are called as labels are, in their order in the file; none if it is but one.

    Read until every column has been met as a label; with columns that are something else to the
    end, since a rare label may stand there.

    Parameters
    ----------
    table : Table
    label : str
        Column of labels.
    names : sequence of str
        Columns to choose from.

    Returns
    -------
    tuple of str
    """
    met = _met(table, label, lambda found: set(names) <= found)
    named = tuple(name for name in names if name in met or whole(name) in met)
    return named if len(named) > 1 else ()


def two_labels(
    table: Table, label: str, given: tuple[str, ...], pos_label: str, of_name: str, column: str
) -> tuple[tuple[str, ...], int]:
    """Labels of the two classes of which a single column has one; and which it has.

    Parameters
    ----------
    table : Table
    label : str
        Column of labels.
    given : tuple of str
        Labels that were said; else the two that the file holds, in scikit-learn's order.
    pos_label : str
        Whose probability the column holds, if it was said.
    of_name : str
        The same as the column's name says it, if it does; else the larger of two.
    column : str
        The single one.

    Returns
    -------
    labels : tuple of str
    positive : int

    Raises
    ------
    BadArgument
        About ``proba``, where there are more labels, ``labels`` or ``pos_label``.
    """
    labels, said = given, {pos_label or of_name} - {""}
    if not labels:
        met = _met(table, label, lambda found: len(found) > 1)
        if len(met) > 2:
            met = _met(table, label, lambda _: False)
            raise BadArgument(
                "proba", f"{column!r} holds one number per sample, and {label!r} holds {len(met)} "
                f"labels, {shown(list(in_order(met)))}: a probability is needed of each",
            )  # fmt: skip
        labels = in_order(met | said if len(met) < 2 else met)
    if len(labels) != 2:
        held = "" if given else f" {label!r} holds"
        raise BadArgument("labels", f"must be two of a single column:{held} {shown(list(labels))}")
    positive = pos_label or of_name or labels[1]
    if positive not in labels:
        positive = {whole(one): one for one in labels}.get(whole(positive), positive)
    if positive not in labels:
        argument = "pos_label" if pos_label else "labels"
        raise BadArgument(
            argument, f"{positive!r} is not among the labels {shown(list(labels))}; `labels` and "
            "`pos_label` say them",
        )  # fmt: skip
    return labels, labels.index(positive)


def labels_of_array(table: Table, label: str, n_classes: int) -> tuple[str, ...]:
    """Labels of columns without names: sorted as scikit-learn does, or 0 .. K-1 if they are such.

    Parameters
    ----------
    table : Table
    label : str
        Column of labels.
    n_classes : int

    Returns
    -------
    tuple of str

    Raises
    ------
    BadArgument
        About ``labels``.
    """
    met = in_order(_met(table, label, lambda _: False))
    numbers = tuple(map(str, range(n_classes)))
    if len(met) == n_classes or not set(met) <= set(numbers):
        numbers = met
    if len(numbers) != n_classes:
        said = f"{label!r} holds {len(met)} labels, {shown(list(met))}, of {n_classes} classes"
        raise BadArgument("labels", f"must be said: {said}")
    return numbers


def in_order(labels: set[str]) -> tuple[str, ...]:
    """Labels as scikit-learn sorts them: numbers as numbers, else as text.

    Examples
    --------
    >>> in_order({"10", "9"}), in_order({"b", "10"})
    (('9', '10'), ('10', 'b'))
    """
    try:
        return tuple(sorted(labels, key=lambda label: (float(label), label)))
    except ValueError:
        return tuple(sorted(labels))
