import re

import numpy as np
import pytest

from learnprop.audit.design.target import check_target
from learnprop.equations.arguments import BadArgument

NAMES = ["no", "yes", "1"]


@pytest.mark.parametrize(
    ("target", "line"),
    [
        (None, "target must be {"),
        ("balanced", "'equal-recalls' or 'equal-mean-probas', got 'balanced'"),
        ({}, "target must be {"),
        ({"recall": {"no": 0.9}, "cost": [[0]]}, "target must be {"),
        ({"recall": 0.9}, "target must be {"),
        ({"recall": {}}, "target must be {"),
        ({"precision": {"no": 0.9}}, "target must be {"),
        ({"recall": {"maybe": 0.9}}, "must name labels of ['no', 'yes', '1'], got 'maybe'"),
        ({"recall": {"no": 2}}, "less than 1, got a recall of 2 of 'no'"),
        ({"recall": {"no": 1.0}}, "1 of 'no'; only who says one class always reaches it"),
        ({"mean_proba": {"no": 0}}, "got a mean probability of 0 of 'no'"),
        ({"mean_proba": {"no": float("nan")}}, "got a mean probability of nan"),
        ({"mean_proba": {"no": "much"}}, "target must be a number, got 'much'"),
        ({"recall": {"1": 0.5, 1: 0.5}}, "names a class twice"),
        ({"recall": dict.fromkeys(NAMES, 0.5)}, "something of each of 3 classes"),
        ({"cost": "dear"}, "target must hold numbers, got 'dear'"),
        ({"cost": [[0, 1], [1, 0]]}, "3 x 3 pairs of classes, got shape (2, 2)"),
        ({"cost": 1 - np.eye(3) * 2}, "" ),
        ({"cost": np.eye(3)}, "got 0 of saying class 1 where 0 is true, and 1 of saying 0"),
        ({"cost": np.ones((3, 3))}, "costs above that of the truth"),
        ({"cost": np.full((3, 3), np.inf)}, "target holds a number that is not finite: inf"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_one_line(target, line):
    if not line:  # a truth that pays is no mistake
        assert check_target(target, NAMES).cost[0, 0] == -1
        return
    with pytest.raises(BadArgument, match=re.escape(line)) as caught:
        check_target(target, NAMES)
    assert caught.value.argument == "target"
    assert "\n" not in str(caught.value)


def test_labels_are_compared_as_they_are_written():
    for label in (1, 1.0, np.int64(1), "1"):
        assert check_target({"recall": {label: 0.5}}, NAMES).classes.tolist() == [2]


def test_classes_come_in_their_order_with_their_values():
    found = check_target({"recall": {"yes": 0.8, "no": 0.6}}, NAMES)
    assert found.classes.tolist() == [0, 1]
    assert found.values.tolist() == [0.6, 0.8]
