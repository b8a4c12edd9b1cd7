"""What speaks against a file: said in the page where `learnprop check` says it."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

import learnprop as lp
from tests.reports.page.test_yours import give, predictions
from tests.reports.page.visitor import at_rest

NAMES = ["ape", "bee", "cat"]


def text_of(names, y, proba):
    header = ",".join(["y_true", *(f"proba_{name}" for name in names)])
    rows = (",".join([names[k], *map(str, p)]) for k, p in zip(y, proba.tolist(), strict=True))
    return "\n".join([header, *rows]) + "\n"


def sample(K, what, seed=0, size=400):
    """Predictions with something done to them."""
    rng = np.random.default_rng(seed)
    y, proba, _ = predictions(NAMES[:K], [size // (k + 1) for k in range(K)], seed)
    proba = proba / proba.sum(axis=1, keepdims=True)
    if what == "answers":
        proba = np.eye(K)[proba.argmax(axis=1)]
    elif what == "shuffled":
        proba = proba[rng.permutation(len(y))]
    elif what == "rolled":
        proba = np.roll(proba, 1, axis=1)
    elif what == "weak":
        z = rng.normal(size=(len(y), K)) + 0.1 * np.eye(K)[y]
        proba = np.exp(z / 20) / np.exp(z / 20).sum(axis=1, keepdims=True)
    elif what == "worse than chance":
        proba = (1 - proba) / (K - 1)
    elif what == "shares":
        proba = np.tile(np.bincount(y) / len(y), (len(y), 1))
    return y, proba


SAID = {"answers": "look like answers", "unrelated": "look unrelated", "columns": "another order"}


def kinds(text):
    """Which of the three are said in a text."""
    return {kind for kind, words in SAID.items() if words in text}


WHATS = ("plain", "answers", "shuffled", "rolled", "weak", "worse than chance", "shares")


def test_the_page_doubts_what_check_doubts(javascript):
    found = dict.fromkeys((*SAID, ""), 0)
    cases = itertools.product((2, 3), WHATS, range(3), (16, 60, 400))
    for K, what, seed, size in cases:
        y, proba = sample(K, what, seed, size)
        names = NAMES[:K]
        report = lp.check([names[k] for k in y], proba, labels=names)
        expected = kinds(" ".join(report.warnings))
        (read,) = javascript("readPredictions", (text_of(names, y, proba),))
        assert read["problem"] == ""
        (doubt,) = javascript("doubtOf", (read,))
        assert kinds(doubt) == expected, (K, what, seed, size)
        assert bool(doubt) == bool(expected)
        for kind in expected or {""}:
            found[kind] += 1
    assert min(found.values()) >= 5, found


def test_a_column_of_the_other_class(javascript):
    y, proba = sample(2, "rolled")
    rows = "".join(f"{NAMES[k]},{p}\n" for k, p in zip(y, proba[:, 1], strict=True))
    (read,) = javascript("readPredictions", ("y_true,y_proba\n" + rows,))
    (doubt,) = javascript("doubtOf", (read,))
    assert "looks like that of class 'ape', and is taken for that of 'bee'" in doubt


def test_the_best_order_of_columns_is_scipys(javascript):
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(K, K)) for K in (1, 2, 3, 5, 8, 30) for _ in range(5)]
    found = javascript("bestAssignment", *((one.tolist(),) for one in values))
    for one, columns in zip(values, found, strict=True):
        assert columns == linear_sum_assignment(-one)[1].tolist()


@pytest.mark.parametrize(("what", "kind"), [("answers", "answers"), ("shuffled", "unrelated"),
                                            ("rolled", "columns")])  # fmt: skip
@pytest.mark.slow
def test_where_it_doubts_no_weights_are_shown(calm, tmp_path, what, kind):
    y, proba = sample(3, what)
    give(calm, "pasted", text_of(NAMES, y, proba), tmp_path)
    assert kinds(calm.text_content("#yours-problem")) == {kind}
    assert not calm.is_visible("#yours-result")
    assert calm.is_visible("#yours-copy")
    give(calm, "pasted", text_of(NAMES, *sample(3, "plain")), tmp_path)
    at_rest(calm)
    assert calm.text_content("#yours-problem") == ""
    assert calm.is_visible("#yours-result")
