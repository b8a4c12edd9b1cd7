"""Which columns of a file are taken for what: said, or named so that there is no doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from learnprop.audit.predictions.user_predictions.advice import headless, options, written
from learnprop.audit.predictions.user_predictions.met import (
    labels_among,
    labels_of_array,
    two_labels,
)
from learnprop.audit.predictions.user_predictions.table import LABELS, Columns, Table
from learnprop.equations.arguments import BadArgument, shown

PREFIXES = ("proba_", "p_", "prob_", "predict_proba_", "y_proba_")
LOGIT_PREFIXES = ("logit_", *PREFIXES)
"""Before a label, in the name of its column."""
ONE = ("y_proba", "proba", "y_prob", "y_score", "score", "p", "prob")
ANSWERS = "y_pred"
"""Mostly of answers, and so taken for probabilities only where nothing else is."""
INDEX = ("", "Unnamed: 0")
"""What pandas calls an index that it wrote, and what it reads it as."""
LOGITS = ("y_logits", "logits", "y_logit", "logit")
"""A column, or an array of an npz file, of all classes or of the positive one of two."""


MANY = 5
"""Names that are all said; of more the first and the last."""


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
            of = f"{what} of {self.labels[self.positive]!r}, not {other!r},"
        else:
            of = f"{what} of {len(self.labels)} classes"
            said = zip(c.proba, self.labels, strict=False)
            if len(c.proba) < len(self.labels) or not all(n.endswith(one) for n, one in said):
                of += f", {_ends(self.labels)},"
        taken = f"labels in {c.label!r}; {of} in {_ends(c.proba)}"
        taken += f"; weights of samples in {c.weight!r}" if c.weight else ""
        taken += f"; groups in {c.by!r}" if c.by else ""
        unused = f"{self.n_unused} other column{'s'[: self.n_unused != 1]} unused"
        return f"{taken}; {unused}" if self.n_unused else taken


def _listed(names: Sequence[str]) -> str:
    return shown(names[0]) if len(names) == 1 else shown(list(names))[1:-1]


def _ends(names: Sequence[str]) -> str:
    """Names, or of many the first and the last."""
    if len(names) <= MANY:
        return ", ".join(map(shown, names))
    return f"{shown(names[0])} ... {shown(names[-1])}"


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
    Without `asked.proba` these are, the first that are there: columns called as given labels are,
    or numbered from 0 for them; called as one of `PREFIXES` and a label (with logits also
    ``logit_``); one called as one of `ONE`, of the positive of two classes, in an npz file of all;
    columns that are called as the labels are; ``y_pred``. A single column is of `pos_label`, else
    of the label in its name, else of the larger of two. Of two that may be meant alike neither is
    taken. An index that pandas wrote is no column, unless it is asked for.
    """
    label = _label(table, asked)
    for argument, name in (("sample_weight", asked.sample_weight), ("by", asked.by)):
        if name:
            _must_be_there(argument, name, table)
            if name == label:
                raise BadArgument(argument, f"{name!r} is the column of labels")
    rest = _others(table, asked, label)
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
        of_name = labels[0] if len(labels) == 1 else ""
        labels, positive = two_labels(
            table, label, asked.labels, asked.pos_label, of_name, proba[0]
        )
    elif asked.pos_label:
        raise BadArgument("pos_label", f"is of a single column, got {n_numbers} of numbers")
    labels = labels or labels_of_array(table, label, n_numbers)
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
    names = _others(table, asked, *asked.proba)
    found = [name for name in LABELS if name in names]
    found = found or [name for name in LABELS if name in table.names]  # then what took it is wrong
    if not found:
        if table.is_text:
            headless(table.names)
        try:
            proba = asked.proba or _named(asked, names) or ()
        except BadArgument:
            proba = ()
        raise BadArgument(
            "label",
            f"must say which column holds the true labels, of {shown(names)}: none is named so; "
            f"{options(table, names, '', proba)}",
        )
    _only([(name,) for name in found], "label")
    return found[0]


def _others(table: Table, asked: Asked, *taken: str) -> list[str]:
    """Columns that are neither taken, nor weights, nor groups, nor an index."""
    index = set(INDEX) - set(asked.proba)
    return [n for n in table.names if n not in {asked.sample_weight, asked.by, *taken, *index}]


def _only(candidates: Sequence[Sequence[str]], argument: str) -> None:
    """Refuse a second candidate for the same."""
    if len(candidates) > 1:
        first, second = (_ends(names) for names in candidates[:2])
        say = " or ".join(f"`{argument}` {written(names)}" for names in candidates[:2])
        raise BadArgument(argument, f"may be {first} or {second}: say {say}")


def _must_be_there(argument: str, name: str, table: Table) -> None:
    if name not in table.names:
        near = get_close_matches(name, table.names, n=3)
        meant = f"; is {' or '.join(map(repr, near))} meant?" if near else ""
        # Of many the last are not shown: those of probabilities are the ones that are alike.
        names = sorted(table.names, key=lambda one: one.startswith(LOGIT_PREFIXES))
        raise BadArgument(argument, f"must name a column of {shown(names)}, got {name!r}{meant}")


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
    if asked.proba:
        prefixes = LOGIT_PREFIXES if asked.logits else PREFIXES
        return asked.proba, asked.labels or _said_by_names(table, asked.proba, prefixes)
    named = _with_labels(asked, rest)
    if named is not None:
        return named
    one = _single(asked, rest)
    # A class may be called p, and its column too: then those of the others are beside it.
    look = not asked.labels and len(rest) > 1
    called = labels_among(table, label, rest) if look else ()
    if called and one in ("", ANSWERS, *called):
        return called, called
    if one:
        return (one,), asked.labels
    wanted = f"of labels {shown(list(asked.labels))}" if asked.labels else "of probabilities"
    raise BadArgument(
        "proba", f"must say which columns are {wanted}, of {shown(list(rest))}: none is named so; "
        f"{options(table, rest, label, ())}",
    )  # fmt: skip


def _with_labels(asked: Asked, rest: Sequence[str]) -> _Named:
    """Columns in whose names their labels are, by the first kind of prefix that there is."""
    for prefixes in (LOGIT_PREFIXES[:1], PREFIXES) if asked.logits else (PREFIXES,):
        named = (
            _of_labels(asked.labels, prefixes, rest)
            or _numbered(asked.labels, prefixes, rest)
            or _with_prefix(asked.labels, prefixes, rest)
        )
        if named is not None:
            return named
    return _of_labels(asked.labels, ("",), rest)


def _single(asked: Asked, rest: Sequence[str]) -> str:
    """A column, or an array, of all classes or of the positive one; empty if none is named so."""
    for names in (LOGITS, ONE, (ANSWERS,)) if asked.logits else (ONE, LOGITS, (ANSWERS,)):
        there = [name for name in names if name in rest]
        _only([(name,) for name in there], "proba")
        if there:
            return there[0]
    return ""


def _named(asked: Asked, rest: Sequence[str]) -> tuple[str, ...]:
    """Columns of numbers as far as names say it; empty if none is named so."""
    named = _with_labels(asked, rest)
    one = _single(asked, rest)
    return named[0] if named else (one,) if one else ()


_Named = tuple[tuple[str, ...], tuple[str, ...]] | None
"""Columns, and their labels."""


def _of_labels(labels: tuple[str, ...], prefixes: Sequence[str], rest: Sequence[str]) -> _Named:
    """Columns that are called as given labels are; of two classes it may be one."""
    found = []
    for prefix in prefixes if labels else ():
        there = [one for one in labels if f"{prefix}{one}" in rest]
        if len(there) == len(labels) or (len(labels) == 2 and len(there) == 1 and prefix):
            found.append((tuple(f"{prefix}{one}" for one in there), tuple(there)))
    _only([names for names, _ in found], "proba")
    return found[0] if found else None


def _numbered(labels: tuple[str, ...], prefixes: Sequence[str], rest: Sequence[str]) -> _Named:
    """Columns that are numbered from 0, one for each of given labels, in the order of numbers."""
    for prefix in prefixes if len(labels) > 1 else ():
        numbered = tuple(f"{prefix}{k}" for k in range(len(labels)))
        if {name for name in rest if name.startswith(prefix)} == set(numbered):
            return numbered, labels
    return None


def _with_prefix(labels: tuple[str, ...], prefixes: Sequence[str], rest: Sequence[str]) -> _Named:
    """Columns with a prefix, where no labels are given."""
    found = []
    for prefix in () if labels else prefixes:
        named = tuple(name for name in rest if name.startswith(prefix))
        if named:
            found.append((named, tuple(name.removeprefix(prefix) for name in named)))
    _only([names for names, _ in found], "proba")
    return found[0] if found else None


def _said_by_names(table: Table, names: Sequence[str], prefixes: Sequence[str]) -> tuple[str, ...]:
    """Labels of columns that were said: their names, without a prefix that all of them have."""
    prefix = next((p for p in prefixes if all(n.startswith(p) for n in names)), "")
    if len(names) == 1 and (not prefix or names[0] in ONE or table.n_columns(names[0]) > 1):
        return ()
    return tuple(name.removeprefix(prefix) for name in names)
