import numpy as np
import pytest

from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.generators.user_data import (
    class_counts,
    describe_file,
    draw_from_classes,
    samples_of_file,
)


def test_classes_are_ordered_by_their_samples_and_keep_their_names(frame, write):
    path = write(frame, index=False)
    file = describe_file(path, "kind", ())
    assert file.labels == ("c", "NA", "a_b & 50 %")  # "NA" is a label here, and no missing value
    assert file.counts == (10, 20, 30)
    assert describe_file(path, "kind", (), rarest="NA").labels == ("NA", "c", "a_b & 50 %")
    classes = samples_of_file(file)
    np.testing.assert_array_equal(classes[0], frame.loc[frame["kind"] == "c", ["height", "x 2"]])


def test_ties_are_ordered_by_name(frame, write):
    file = describe_file(write(frame.iloc[20:], index=False), "kind", ())
    assert file.labels == ("a_b & 50 %", "c", "NA")
    assert file.counts == (10, 10, 20)


def test_labels_are_left_out_by_name(frame, write):
    frame.loc[0, "kind"] = "d"
    path = write(frame, index=False)
    file = describe_file(path, "kind", (), drop_labels=("d", "NA"))
    assert (file.labels, file.counts) == (("c", "a_b & 50 %"), (10, 29))
    for name, samples in zip(file.labels, samples_of_file(file), strict=True):
        rows = frame["kind"] == name
        np.testing.assert_array_equal(samples, frame.loc[rows, ["height", "x 2"]])


NUMBERS = np.arange(400) / 8


@pytest.mark.parametrize(
    ("labels", "how", "message"),
    [
        ([*"ab" * 9, "c"], {}, "^y has one row of 'c', .*: drop_labels 'c' leaves it out$"),
        ([*"ab" * 9, "c, d", "e"], {}, "of 'c, d', 'e', .* '\"c, d\",e' leaves them"),
        ([*"ab" * 9, *"cdefghijklm"], {}, "'l' and 1 more, .*: drop_labels leaves them"),
        ([*"ab" * 9, "c"], {"rarest": "c"}, "^y has one row of 'c'"),
        ([*"ab" * 9], {"drop_labels": ("c",)}, "^drop_labels must be labels of y, got 'c'"),
        ([*"ab" * 9], {"drop_labels": ("a",)}, r"^y must hold at least 2 labels, got \['b'\]"),
        ([*"abc" * 9], {"drop_labels": ("a",), "rarest": "a"}, "^rarest must be a label of y, "),
        ([*"abcdefghi"], {}, "^y must name classes, but holds 9 different values in 9 rows"),
        (NUMBERS, {}, "^y looks like a continuous target: 400 .* in 400 rows, such as 0.0"),
        (np.r_[NUMBERS, NUMBERS[:-2]], {}, "400 .* in 798 .* needs classes: cut it into"),
        (np.r_[np.repeat(NUMBERS[:11], 50), 7.7], {}, "looks like .* 12 .* in 551 rows"),
        ([f"{y:.3f}".replace(".", ",") for y in NUMBERS], {}, "looks like .*, such as 0,000; a"),
        (np.arange(63) // 3, {}, r"target: 21 distinct .* 63 rows.* name the classes, such as c0$"),
    ],
)  # fmt: skip
def test_labels_that_are_no_classes_are_refused_with_a_way_on(labels, how, message):
    with pytest.raises(ValueError, match=message):
        class_counts(np.array(labels).astype(str), "y", **how)


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(60) // 3,
        np.arange(400) // 10,
        np.repeat(NUMBERS[:20], 10),
        [f"v{i // 2}" for i in range(90)],
    ],
)
def test_numbers_may_name_classes(labels):
    assert sum(class_counts(np.array(labels).astype(str), "y").values()) == len(labels)


def test_a_changed_file_stops_the_study(frame, write):
    file = describe_file(write(frame, index=False), "kind", ())
    write(frame.assign(height=1.5 * frame["height"]), index=False)
    with pytest.raises(StudyError, match="is not the file that the study began with"):
        samples_of_file(file)


def test_draws_are_disjoint_and_every_sample_is_drawn_as_often():
    classes = [np.arange(10.0)[:, None], np.arange(100.0, 130.0)[:, None]]
    drawn = np.zeros(130)
    n = 2000
    for run in range(n):
        train, test = draw_from_classes(classes, (3, 9), (2, 6), np.random.default_rng(run))
        assert train[1].tolist() == [0] * 3 + [1] * 9
        assert test[1].tolist() == [0] * 2 + [1] * 6
        values = np.concatenate([train[0], test[0]])[:, 0].astype(int)
        assert len(set(values.tolist())) == 20
        assert (train[0][:3] < 10).all()
        np.add.at(drawn, train[0][:, 0].astype(int), 1)
    # Hypergeometric: each of 10 is among 3 of training with probability 0.3, each of 30 among 9.
    share = drawn[np.r_[:10, 100:130]] / n
    assert np.abs(share - 0.3).max() <= 4 * np.sqrt(0.3 * 0.7 / n)
