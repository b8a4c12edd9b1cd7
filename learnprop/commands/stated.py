"""What is stated of a training on the command line, read for the classes of a file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from learnprop.equations.arguments import BadArgument, is_number, shown


@dataclass(frozen=True)
class Stated:
    """What a user says of the training; weights and counts as they are written, else empty."""

    class_weight: str
    train_count: str
    sampler_weight: str
    batch_size: int | None
    micro_batch: int | None
    replicas: int | None
    label_smoothing: float | None
    bias: str


def words(text: str, argument: str) -> tuple[str, ...]:
    """Read a list with commas between; a word with a comma in it is put into double quotes.

    Parameters
    ----------
    text : str
        Empty is no list.
    argument : str

    Returns
    -------
    tuple of str

    Raises
    ------
    BadArgument
        If one of several words is empty.

    Examples
    --------
    >>> words('cat, "dog, wet"', "labels")
    ('cat', 'dog, wet')
    """
    found = [word.strip() for word in next(csv.reader([text], skipinitialspace=True), [])]
    if not all(found):
        raise BadArgument(argument, f"must be words with commas between, got {text!r}")
    return tuple(found)


def by_class(text: str, argument: str) -> str | dict[str, float] | list[float]:
    """Read weights or sizes of classes: one word, numbers in order, or pairs of label and number.

    Parameters
    ----------
    text : str
    argument : str

    Returns
    -------
    str, dict of str to float, or list of float

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> by_class("inverse", "class_weight"), by_class("1,3.5", "class_weight")
    ('inverse', [1.0, 3.5])
    >>> by_class("cat=2,dog=1", "class_weight")
    {'cat': 2.0, 'dog': 1.0}
    """
    given = words(text, argument)
    pairs = [word.rpartition("=") for word in given]
    if len(given) == 1 and not pairs[0][1] and not is_number(given[0]):
        return given[0]
    numbers = [number for *_, number in pairs]
    if len({mark for _, mark, _ in pairs}) > 1 or not all(map(is_number, numbers)):
        raise BadArgument(
            argument, f"must be numbers with commas between, or LABEL=NUMBER,..., got {text!r}"
        )
    if not pairs[0][1]:
        return [float(number) for number in numbers]
    labels = [label.strip() for label, *_ in pairs]
    for label in labels:
        if labels.count(label) > 1:
            raise BadArgument(argument, f"has two numbers for {label!r}, got {text!r}")
    return dict(zip(labels, map(float, numbers), strict=True))


def check_stated(stated: Stated, labels: Sequence[str]) -> None:
    """Refuse, before anything is measured, what cannot be said of such classes."""
    import numpy as np

    class_weights_of(stated, labels, np.ones(len(labels)))
    if stated.train_count:
        counts_of(stated.train_count, labels)
    facts_of(stated, labels, np.ones(len(labels)))


def class_weights_of(stated: Stated, labels: Sequence[str], count: Any) -> Any:
    """Class weights as stated, (n_classes,); equal ones where none were."""
    return weights_of(stated.class_weight or "equal", labels, count, "class_weight")


def weights_of(text: str, labels: Sequence[str], count: Any, argument: str) -> Any:
    """Weights as written, (n_classes,); raises `BadArgument` about the argument."""
    from learnprop.audit.stated_weights import stated_weights

    return stated_weights(_of_labels(text, labels, argument), tuple(labels), count, argument)


def counts_of(text: str, labels: Sequence[str]) -> Any:
    """Class sizes of training as written, (n_classes,); raises `BadArgument`."""
    from learnprop.audit.stated_weights import stated_count

    return stated_count(_of_labels(text, labels, "train_count"), tuple(labels))


def _of_labels(text: str, labels: Sequence[str], argument: str) -> Any:
    """What `by_class` reads, by the labels as the file has them: 1 is 1.0."""
    given = by_class(text, argument)
    if not isinstance(given, dict):
        return given
    from learnprop.audit.predictions.user_predictions.table import whole

    of_number = {whole(label): label for label in labels}
    found: dict[str, float] = {}
    for said, number in given.items():
        label = said if said in labels else of_number.get(whole(said), said)
        if label in found:
            raise BadArgument(argument, f"has two numbers for {label!r}, got {text!r}")
        found[label] = number
    return found


def facts_of(stated: Stated, labels: Sequence[str], count: Any) -> Any:
    """`TrainingFacts` as far as they are stated; raises `BadArgument`."""
    from learnprop.audit.causes.facts import check_facts

    sampler = stated.sampler_weight
    return check_facts(
        len(labels),
        batch_size=stated.batch_size,
        micro_batch=stated.micro_batch,
        replicas=stated.replicas,
        sampler_weight=weights_of(sampler, labels, count, "sampler_weight") if sampler else None,
        label_smoothing=stated.label_smoothing,
        bias=_bias(stated.bias, labels),
    )


def _bias(text: str, labels: Sequence[str]) -> Any:
    if text.strip().lower() in ("", "none"):
        return False if text.strip() else None
    given = _of_labels(text, labels, "bias")
    if isinstance(given, str):
        raise BadArgument("bias", f"must be numbers with commas between, or none, got {text!r}")
    if not isinstance(given, dict):
        return given
    if set(given) != set(labels):
        raise BadArgument("bias", f"must hold a number for each of {shown(list(labels))}")
    return [given[label] for label in labels]
