"""The class that is shown of a group is one that has the group's verdict."""

from types import SimpleNamespace

import numpy as np
import pytest

from learnprop import check
from learnprop.audit.report.grids import class_of_group, group_grid


def group(verdict, *classes):
    """Of pairs of gap and verdict."""
    gaps = tuple(SimpleNamespace(value=gap) for gap, _ in classes)
    return SimpleNamespace(gaps=gaps, verdicts=tuple(v for _, v in classes), verdict=verdict)


WIDE, SHARP, SMALL = (1.47, "inconclusive"), (-0.3, "fails"), (0.01, "holds")
NONE = (float("nan"), "inconclusive")


@pytest.mark.parametrize(
    ("shown", "of"),
    [
        (1, group("fails", WIDE, SHARP, SMALL)),  # not the one that is furthest off
        (0, group("fails", SHARP, WIDE)),  # nor the second of two
        (1, group("fails", SHARP, SHARP)),
        (0, group("inconclusive", WIDE, SHARP, SMALL)),
        (1, group("inconclusive", SMALL, SHARP, SMALL)),  # fails one by one, not together
        (2, group("holds", SMALL, SMALL, (-0.04, "holds"))),
        (1, group("inconclusive", NONE, (0.2, "inconclusive"), SMALL)),
        (0, group("inconclusive", (0.2, "inconclusive"), NONE)),
    ],
)
def test_it_has_the_verdict_of_the_group(shown, of):
    assert class_of_group(of) == shown


def test_no_interval_contradicts_the_verdict_beside_it():
    """A rare class in small groups: its interval is wide, and others decide."""
    rng = np.random.default_rng(1)
    n = 2700
    f = rng.dirichlet([6.0, 3.0, 0.15], size=n)
    y = (f.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    p = f * [1.0, 2.2, 1.0]
    report = check(y, p / p.sum(axis=1, keepdims=True), by=np.arange(n) % 6)
    assert "fails" in [g.verdict for g in report.groups]
    for one in report.groups:
        gap = one.gaps[class_of_group(one)]
        if one.verdict == "fails":
            assert not gap.low <= 0 <= gap.high
        elif one.verdict == "holds":
            assert -report.margin < gap.low < gap.high < report.margin
    assert len(group_grid(report).rows) == 6
