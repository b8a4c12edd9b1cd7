"""The designs of the claims: what is drawn, and against whom it is fitted."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from learnprop.simulations.records.rows import select
from learnprop.simulations.studies.claims.hard_class import (
    BALANCED,
    LEVELS,
    N_EASY,
    PUBLISHED,
    hard_and_easy,
    hard_class_cell,
)
from learnprop.simulations.studies.claims.study import (
    GENERATORS,
    Options,
    compute_block,
    make_study,
)
from learnprop.simulations.studies.recording import drawing

CELLS = {cell.name: cell for cell in make_study(Options()).cells}


def centres(generator):
    """Of the classes, exactly: means of their quadratures."""
    return np.array([rule.mean(rule.nodes) for rule in generator.quadrature()]).round(9)


def test_the_published_design_is_what_it_was():
    """Name, means, sizes: its data and their seeds depend on nothing else."""
    easy = [[5.5, y] for y in (-8.75, -5.25, -1.75, 1.75, 5.25, 8.75)]
    found = centres(GENERATORS["one hard class"]())
    np.testing.assert_array_equal(found, [[0, 0], [2, 0], *easy])
    assert CELLS["one hard class"].train_size == (1500, 300, *[1500] * 6)
    assert CELLS["one hard class"].test_size == 5000


def test_every_combination_of_levels_is_a_design():
    assert len(LEVELS) == 2 + 2 * 3 + 2 * 2
    assert set(LEVELS) <= set(CELLS)
    assert {PUBLISHED, BALANCED} <= set(LEVELS)
    for name, (place, n_easy, sizes) in LEVELS.items():
        assert hard_class_cell(place, n_easy, sizes) == name
        hard = {"rare": 300, "equal": 1500}[sizes]
        assert CELLS[name].train_size == (1500, hard, *[1500] * n_easy)


@pytest.mark.parametrize("n_easy", [1, 2, 6])
def test_beside_is_behind_turned_by_a_right_angle(n_easy):
    """3.5 from one another on a line 3.5 away: from the hard class, or from it and the target."""
    behind, beside = (centres(hard_and_easy(n_easy, place)) for place in N_EASY)
    np.testing.assert_array_equal(behind[:2], beside[:2])
    assert set(behind[2:, 0] - 2) == set(beside[2:, 1]) == {3.5}
    np.testing.assert_array_equal(np.sort(behind[2:, 1]), np.sort(beside[2:, 0] - 1))
    away = np.linalg.norm(beside[2:] - beside[0], axis=1)
    np.testing.assert_allclose(away, np.linalg.norm(beside[2:] - beside[1], axis=1)[::-1])


@pytest.mark.parametrize(
    "name", ["hard class, 2 easy beside, rare", "hard class, 1 easy behind, equal"]
)
def test_fits_against_scikit_learn(name):
    """The confusion of the hard class by other solvers, on the same samples, to one of 1000."""
    cell = CELLS[name]
    block = compute_block(cell, 5, range(1))
    draw = drawing(GENERATORS[name](), 5, name)
    X, y = draw(0, "train", cell.train_size)
    X_test, _ = draw(0, "test", [cell.test_size] * len(cell.train_size))
    hard = slice(cell.test_size, 2 * cell.test_size)
    exact = {"C": np.inf, "tol": 1e-10, "max_iter": 1000}
    models = {
        "one-vs-all": OneVsRestClassifier(LogisticRegression(solver="newton-cholesky", **exact)),
        "softmax": LogisticRegression(solver="lbfgs", **exact),
    }
    for setting, model in models.items():
        predicted = model.fit(X, y).predict(X_test[hard])
        (confusion,) = select(block.measurements, setting=setting, split="test").confusion
        count = np.bincount(predicted, minlength=len(cell.train_size))
        assert np.abs(confusion[1] - count).max() <= 1, setting


def test_without_easy_classes_both_losses_are_one_model():
    cell = replace(CELLS["hard class, 0 easy, rare"], test_size=200)
    block = compute_block(cell, 0, range(3))
    one, other = (
        select(block.measurements, setting=setting) for setting in ("one-vs-all", "softmax")
    )
    np.testing.assert_allclose(one.mean_proba, other.mean_proba, atol=1e-9)
    np.testing.assert_array_equal(one.confusion, other.confusion)
