import numpy as np
import pytest

from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.generators.user_data import (
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
