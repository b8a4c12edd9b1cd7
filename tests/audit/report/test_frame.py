"""Every number of a frame is the record's, for as many classes as there are."""

import math

import numpy as np
import pandas as pd
import pytest

from learnprop.audit.report.weights import relative_weights
from tests.audited import LABELS, acting, made_up

OF_ARRAYS = ("class_weight", "train_count", "count", "left", "right", "residual", "expected_misses")
OF_ESTIMATES = {
    "effective": ("effective_weight", "effective_low", "effective_high"),
    "gaps": ("gap", "gap_low", "gap_high"),
}


@pytest.mark.parametrize(
    "report", [acting([1, 45], [1, 100], [10_000, 100]), made_up(10, LABELS), made_up(1000)]
)
def test_classes(report):
    frame = report.to_frame()
    assert frame["label"].tolist() == list(report.labels)
    for name in OF_ARRAYS:
        np.testing.assert_array_equal(frame[name], getattr(report, name), err_msg=name)
    for field, columns in OF_ESTIMATES.items():
        for name, end in zip(columns, ("value", "low", "high"), strict=True):
            said = [getattr(e, end) for e in getattr(report, field)]
            np.testing.assert_array_equal(frame[name], said, err_msg=name)
    relative = relative_weights(report)
    np.testing.assert_array_equal(frame["relative_weight"], [e.value for e in relative])
    np.testing.assert_array_equal(frame["relative_high"], [e.high for e in relative])
    np.testing.assert_array_equal(frame["mean_proba"], np.diag(report.mean_proba))
    assert frame["verdict"].tolist() == list(report.verdicts)
    assert set(frame["gap_level"]) == {0.9}
    assert set(frame["effective_level"]) == {0.95}


def test_of_two_classes_the_relative_weight_gives_the_ratio():
    frame = acting([1, 45], [1, 100], [10_000, 100]).to_frame()
    effective, stated = frame["effective_weight"], frame["class_weight"]
    ratio = (effective[1] / effective[0]) / (stated[1] / stated[0])
    assert frame["relative_weight"][1] == pytest.approx(ratio)


@pytest.mark.parametrize("table", ["causes", "considered"])
def test_causes(table):
    report = made_up(3, ["a", "b", "c"])
    frame = report.to_frame(table)
    causes = getattr(report, table)
    assert len(frame) == 3 * len(causes)
    for rank, cause in enumerate(causes, start=1):
        rows = frame[frame["rank"] == rank]
        assert rows["label"].tolist() == ["a", "b", "c"]
        for name in ("predicted", "observed", "error"):
            np.testing.assert_array_equal(rows[name], getattr(cause, name))
        for name, said in (("cause", cause.name), ("p_value", cause.p_value)):
            assert set(rows[name]) == {said}
        for name in ("split", "consistency", "why", "remedy"):
            assert set(rows[name]) == {getattr(cause, name)}


def test_groups():
    report = made_up(3, groups=4)
    frame = report.to_frame("groups")
    assert len(frame) == 12
    for group in report.groups:
        rows = frame[frame["group"] == group.name]
        np.testing.assert_array_equal(rows["count"], group.count)
        np.testing.assert_array_equal(rows["gap"], [g.value for g in group.gaps])
        np.testing.assert_array_equal(rows["gap_low"], [g.low for g in group.gaps])
        np.testing.assert_array_equal(rows["gap_high"], [g.high for g in group.gaps])
        assert rows["verdict"].tolist() == list(group.verdicts)
        assert set(rows["verdict_together"]) == {group.verdict}


def test_what_is_not_there_is_a_frame_without_rows():
    bare, full = made_up(3, causes=0), made_up(3, groups=2)
    for table in ("causes", "considered", "groups"):
        frame = bare.to_frame(table)
        assert isinstance(frame, pd.DataFrame)
        assert len(frame) == 0
    for table in ("causes", "groups"):
        assert list(bare.to_frame(table)) == list(full.to_frame(table))
    assert list(bare.to_frame("considered")) == list(full.to_frame("causes"))


def test_infinite_ends_and_numbers_that_are_not_there_stay(tmp_path):
    report = made_up(3, ends={0: (-math.inf, math.inf)})
    frame = report.to_frame()
    assert frame["gap_high"][0] == math.inf
    frame.to_csv(tmp_path / "check.csv", index=False)
    again = pd.read_csv(tmp_path / "check.csv")
    np.testing.assert_array_equal(again["gap_high"], frame["gap_high"])
    np.testing.assert_allclose(again["residual"], frame["residual"], rtol=1e-14)


@pytest.mark.parametrize("table", ["class", None, 3, ["classes"]])
def test_tables_that_there_are_are_named(table):
    with pytest.raises(ValueError, match=r"^table must be one of classes, causes, considered, g"):
        made_up().to_frame(table)
