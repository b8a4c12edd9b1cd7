"""Which columns of a file are taken for what: said, or named so that there is no doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from learnprop.audit.predictions.user_predictions.table import LABELS, Columns, Table
from learnprop.equations.arguments import BadArgument, shown

PREFIXES = ("proba_", "p_")
LOGIT_PREFIXES = ("logit_", *PREFIXES)
"""Before a label, in the name of its column."""
ONE = ("y_proba", "proba")
LOGITS = ("y_logits", "logits", "y_logit", "logit")
"""A column, or an array of an npz file, of all classes or of the positive one of two."""


@dataclass(frozen=True)
class Asked:
    """What a user says of a file; empty is found by names.

    Attributes
    ----------
    label : str
        Column of the true labels.
    proba : tuple of str
        Columns of the probabilities, or logits.
    labels : tuple of str
        The label of each class, in the order of the columns.
    pos_label : str
        Whose probability a single column holds.
    sample_weight, by : str
        Columns of weights and of groups.
    logits : bool
        Whether the columns are logits.
    """

    label: str = ""
    proba: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    pos_label: str = ""
    sample_weight: str = ""
    by: str = ""
    logits: bool = False


@dataclass(frozen=True)
class Taken:
    """What is taken of a file.

    Attributes
    ----------
    columns : Columns
    labels : tuple of str
        The label of each class.
    positive : int or None
        Of two classes the one whose probability, or log odds, the only column holds.
    are_logits : bool
    n_unused : int
        Other columns of the file.
    """

    columns: Columns
    labels: tuple[str, ...]
    positive: int | None
    are_logits: bool
    n_unused: int

    def __str__(self) -> str:
        c, what = self.columns, "logits" if self.are_logits else "probabilities"
        if self.positive is not None:
            other = self.labels[1 - self.positive]
            of = f"{what} of {self.labels[self.positive]!r}, not {other!r}"
        else:
            of = f"{what} of {len(self.labels)} classes, {shown(list(self.labels))}"
        taken = f"labels in {c.label!r}; {of}, in {_listed(c.proba)}"
        taken += f"; weights of samples in {c.weight!r}" if c.weight else ""
        taken += f"; groups in {c.by!r}" if c.by else ""
        unused = f"{self.n_unused} other column{'s'[: self.n_unused != 1]} unused"
        return f"{taken}; {unused}" if self.n_unused else taken


def _listed(names: Sequence[str]) -> str:
    return shown(names[0]) if len(names) == 1 else shown(list(names))[1:-1]


def choose(table: Table, asked: Asked) -> Taken:
    """Choose the columns of a table.

    Parameters
    ----------
    table : Table
    asked : Asked

    Returns
    -------
    Taken

    Raises
    ------
    BadArgument
        About ``file``, ``label``, ``proba``, ``labels``, ``pos_label``, ``sample_weight`` or
        ``by``.

    Notes
    -----
    Without `asked.proba` these are, the first that are there: columns called ``proba_`` or ``p_``
    and a label (with logits also ``logit_``); one called ``y_proba`` or ``proba``, of the positive
    of two classes, in an npz file of all; columns that are called as the labels are. A single
    column is of `pos_label`, else of the label in its name, else of the larger of two.
    """
    label = _label(table, asked)
    for argument, name in (("sample_weight", asked.sample_weight), ("by", asked.by)):
        if name:
            _must_be_there(argument, name, table)
            if name == label:
                raise BadArgument(argument, f"{name!r} is the column of labels")
    rest = [n for n in table.names if n not in (label, asked.sample_weight, asked.by)]
    for name in asked.proba:
        _must_be_there("proba", name, table)
        if name not in rest:
            raise BadArgument("proba", f"{name!r} is taken for something else")
    if asked.logits or not asked.proba:
        _mention_logits(rest, asked)
    proba, labels = _probabilities(table, asked, label, rest)
    _check_columns(table, (label, *proba, asked.sample_weight, asked.by))
    columns = Columns(label, proba, asked.sample_weight, asked.by)
    n_numbers = sum(map(table.n_columns, proba))
    are_logits = asked.logits or (not asked.proba and proba[0] in LOGITS)
    positive = None
    if n_numbers == 1:
        labels, positive = _two_labels(table, asked, label, labels)
    elif asked.pos_label:
        raise BadArgument("pos_label", f"is of a single column, got {n_numbers} of numbers")
    labels = labels or _sorted_labels(table, label, n_numbers)
    if len(labels) != (n_numbers if positive is None else 2):
        raise BadArgument(
            "labels", f"must name {n_numbers} classes, as {_listed(proba)} hold, got {len(labels)}"
        )
    for k, one in enumerate(labels):
        if one in labels[:k]:
            raise BadArgument("labels", f"must be distinct, got {one!r} twice")
    return Taken(columns, labels, positive, are_logits, len(rest) - len(proba))


def _label(table: Table, asked: Asked) -> str:
    if asked.label:
        _must_be_there("label", asked.label, table)
        return asked.label
    found = next((name for name in LABELS if name in table.names), None)
    if found is None:
        raise BadArgument(
            "label", f"must say which column holds the true labels, of {shown(list(table.names))}"
        )
    return found


def _must_be_there(argument: str, name: str, table: Table) -> None:
    if name not in table.names:
        raise BadArgument(
            argument, f"must name a column of {shown(list(table.names))}, got {name!r}"
        )


def _check_columns(table: Table, names: Sequence[str]) -> None:
    for name in filter(None, names):
        if table.names.count(name) > 1:
            raise BadArgument("file", f"has two columns {name!r}")


def _mention_logits(rest: Sequence[str], asked: Asked) -> None:
    """Refuse columns that call themselves logits where probabilities are expected."""
    named = [n for n in rest if n.startswith("logit_")]
    others = any(n.startswith(PREFIXES) or n in ONE for n in rest)
    if named and not others and not asked.logits:
        raise BadArgument("file", f"has columns of logits, {_listed(named)}: say `logits`")


def _probabilities(
    table: Table, asked: Asked, label: str, rest: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns of numbers, and the labels that they are of as far as names say it."""
    prefixes = LOGIT_PREFIXES if asked.logits else PREFIXES
    if asked.proba:
        return asked.proba, asked.labels or _said_by_names(table, asked.proba, prefixes)
    if asked.labels:
        for prefix in (*prefixes, ""):
            named = [f"{prefix}{one}" for one in asked.labels]
            if set(named) <= set(rest):
                return tuple(named), asked.labels
            if len(named) == 2 and prefix and len(one := [n for n in named if n in rest]) == 1:
                return tuple(one), (one[0].removeprefix(prefix),)
    else:
        for prefix in prefixes:
            named = [name for name in rest if name.startswith(prefix)]
            if named:
                return tuple(named), tuple(name.removeprefix(prefix) for name in named)
    known = (*LOGITS, *(() if not asked.logits else ONE))
    for name in known if asked.logits else (*ONE, *LOGITS):
        if name in rest:
            return (name,), asked.labels
    if not asked.labels:
        labels = _labels_named(table, label, rest)
        if labels:
            return labels, labels
    wanted = f"of labels {shown(list(asked.labels))}" if asked.labels else "of probabilities"
    raise BadArgument(
        "proba", f"must say which columns are {wanted}, of {shown(list(rest))}: none is named so"
    )


def _said_by_names(table: Table, names: Sequence[str], prefixes: Sequence[str]) -> tuple[str, ...]:
    """Labels of columns that were said: their names, without a prefix that all of them have."""
    prefix = next((p for p in prefixes if all(n.startswith(p) for n in names)), "")
    if len(names) == 1 and (not prefix or table.n_columns(names[0]) > 1):
        return ()
    return tuple(name.removeprefix(prefix) for name in names)


def _labels_named(table: Table, label: str, rest: Sequence[str]) -> tuple[str, ...]:
    """Columns that are called as labels are, in their order in the file.

    Read until every other column has been met as a label; with columns that are something else,
    to the end, since a rare label may stand there.
    """
    met = labels_met(table, label, enough=lambda found: set(rest) <= found)
    named = tuple(name for name in rest if name in met)
    return named if len(named) > 1 else ()


def labels_met(table: Table, label: str, enough=lambda _: False) -> set[str]:  # type: ignore[no-untyped-def]
    """Labels that a file holds, read until they are enough."""
    found: set[str] = set()
    for piece in table.pieces(Columns(label)):
        found |= set(piece.label.names)
        if enough(found):
            break
    return found - {""}


def _two_labels(
    table: Table, asked: Asked, label: str, named: tuple[str, ...]
) -> tuple[tuple[str, ...], int]:
    """Labels of two classes, of which one column has one; and which."""
    if asked.labels:
        labels = asked.labels
        if len(labels) != 2:
            raise BadArgument("labels", f"must be two for a single column, got {len(labels)}")
        of_name = named[0] if len(named) == 1 else ""
    else:
        of_name = named[0] if named else ""
        met = labels_met(table, label, enough=lambda found: len(found - {""}) > 1)
        known = {asked.pos_label or of_name} - {""}
        labels = in_order(met | known if len(met) < 2 else met)
        if len(labels) != 2:
            raise BadArgument(
                "labels", f"must be said: a single column is of two classes, but {label!r} holds "
                f"{shown(list(labels))}",
            )  # fmt: skip
    positive = asked.pos_label or of_name or labels[1]
    if positive not in labels:
        argument = "pos_label" if asked.pos_label else "labels"
        said = f"must be one of {shown(list(labels))}, got {positive!r}"
        raise BadArgument(argument, said if asked.pos_label else f"{shown(list(labels))} lack "
                          f"{positive!r}, which the column of probabilities names")  # fmt: skip
    return labels, labels.index(positive)


def in_order(labels: set[str]) -> tuple[str, ...]:
    """Labels as scikit-learn sorts them: numbers as numbers, else as text.

    Examples
    --------
    >>> in_order({"10", "9"}), in_order({"b", "10"})
    (('9', '10'), ('10', 'b'))
    """
    try:
        return tuple(sorted(labels, key=float))
    except ValueError:
        return tuple(sorted(labels))


def _sorted_labels(table: Table, label: str, n_classes: int) -> tuple[str, ...]:
    """Labels of the columns of an array: sorted, or 0 .. K-1 where they are such."""
    met = in_order(labels_met(table, label))
    if len(met) == n_classes:
        return met
    numbers = tuple(map(str, range(n_classes)))
    if set(met) <= set(numbers):
        return numbers
    raise BadArgument(
        "labels", f"must be said: {label!r} holds {len(met)} labels, {shown(list(met))}, of "
        f"{n_classes} classes",
    )  # fmt: skip
