"""`BalanceDisplay`: scikit-learn's conventions for what is drawn."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import RocCurveDisplay
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import learnprop as lp
from learnprop.audit import display as module
from learnprop.audit.display import BalanceDisplay, stated_by

X, KINDS = make_classification(
    3000, n_features=5, n_informative=4, n_redundant=0, n_classes=3, n_clusters_per_class=1,
    random_state=0,
)  # fmt: skip
Y = np.array(["bird", "cat", "dog"])[KINDS]
TRAIN, TEST = slice(0, 1500), slice(1500, None)


@pytest.fixture
def axes():
    return Figure().subplots()


def test_it_has_what_a_display_of_scikit_learn_has(axes):
    y = (KINDS == 1).astype(int)
    model = LogisticRegression().fit(X[TRAIN], y[TRAIN])
    proba = model.predict_proba(X[TEST])[:, 1]
    theirs = RocCurveDisplay.from_predictions(y[TEST], proba, ax=Figure().subplots(), name="mine")
    ours = BalanceDisplay.from_predictions(y[TEST], proba, ax=axes, name="mine")
    for name in ("ax_", "figure_", "plot", "from_estimator", "from_predictions"):
        assert hasattr(theirs, name), name
        assert hasattr(ours, name), name
    assert ours.ax_ is axes
    assert ours.figure_ is axes.figure
    assert axes.get_title().startswith("mine: balance within 5 %: ")
    again = Figure().subplots()
    assert ours.plot(ax=again, name="other") is ours
    assert ours.ax_ is again
    assert again.get_title().startswith("other: ")


@pytest.mark.parametrize("make", [
    LogisticRegression,
    lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    lambda: GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
])  # fmt: skip
@pytest.mark.parametrize("frame", [False, True])
def test_estimators_of_three_named_classes(axes, make, frame):
    features = pd.DataFrame(X, columns=list("abcde")) if frame else X
    model = make().fit(features[TRAIN], Y[TRAIN])
    display = BalanceDisplay.from_estimator(
        model, features[TEST], Y[TEST], train_count=[500, 500, 500], ax=axes
    )
    expected = lp.check(
        Y[TEST], model.predict_proba(features[TEST]), train_count=[500, 500, 500],
        labels=model.classes_,
    )  # fmt: skip
    assert display.report_.labels == ("bird", "cat", "dog")
    np.testing.assert_array_equal(display.report_.residual, expected.residual)
    assert display.report_.gaps == expected.gaps
    name, balance = re.split("\n|: ", display.ax_.get_title(), maxsplit=1)
    assert name == type(model).__name__
    assert balance.startswith("balance within 5 %: ")
    assert [t.get_text() for t in axes.get_yticklabels()] == ["bird", "cat", "dog"]


def test_weights_of_the_estimator_are_those_that_were_stated(axes, monkeypatch):
    weight = {"bird": 2.0, "dog": 5.0}
    model = LogisticRegression(class_weight=weight).fit(X[TRAIN], Y[TRAIN])
    asked = []

    def remembered(*args, class_weight, **more):
        asked.append(class_weight)
        return lp.check(*args, class_weight=[1, 1, 1], **more)

    monkeypatch.setattr(module, "check", remembered)
    sample = model, X[TEST], Y[TEST]
    BalanceDisplay.from_estimator(*sample, ax=axes)
    BalanceDisplay.from_estimator(*sample, class_weight="equal", ax=axes)
    assert asked == [weight, "equal"]


def test_where_weights_of_an_estimator_are_found():
    balanced = LogisticRegression(class_weight="balanced")
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()),
        {"logisticregression__class_weight": ["balanced"]}, cv=2,
    ).fit(X[TRAIN], Y[TRAIN])  # fmt: skip
    assert stated_by(balanced) == "balanced"
    assert stated_by(make_pipeline(StandardScaler(), balanced)) == "balanced"
    assert stated_by(search) == "balanced"
    assert stated_by(LogisticRegression()) is None
    assert stated_by(object()) is None
    forest = RandomForestClassifier(class_weight="balanced_subsample")
    assert stated_by(forest) == "balanced"  # of each tree's own sample


class Boosted:
    """What boosted trees of two classes have as parameters."""

    classes_ = np.array(["no", "yes"])
    class_weight = None
    is_unbalance = False
    scale_pos_weight = 1.0


def test_weights_of_boosted_trees_are_read_where_they_have_an_effect():
    trees = Boosted()
    assert stated_by(trees) is None
    trees.scale_pos_weight = 5
    assert stated_by(trees) == {"yes": 5.0}
    trees.is_unbalance = True
    with pytest.raises(
        ValueError, match=r"^class_weight must be stated: the estimator has several"
    ):
        stated_by(trees)
    trees.scale_pos_weight = None
    assert stated_by(trees) == "balanced"
    trees.classes_ = np.array(["a", "b", "c"])  # of more they have none
    assert stated_by(trees) is None


def test_lightgbm_has_these_parameters(axes):
    lightgbm = pytest.importorskip("lightgbm")
    y = np.where(KINDS == 1, "yes", "no")
    for how, ratio in (({"scale_pos_weight": 5.0}, 5.0), ({"is_unbalance": True}, None)):
        model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, **how)
        model.fit(X[TRAIN], y[TRAIN])
        count = [(y[TRAIN] == name).sum() for name in ("no", "yes")]
        report = BalanceDisplay.from_estimator(
            model, X[TEST], y[TEST], train_count=count, ax=axes
        ).report_
        assert report.stated
        expected = count[0] / count[1] if ratio is None else ratio
        np.testing.assert_allclose(report.class_weight[1] / report.class_weight[0], expected)


@pytest.mark.parametrize("kind", ["gaps", "weights"])
def test_every_picture_has_the_name(axes, kind):
    model = LogisticRegression().fit(X[TRAIN], Y[TRAIN])
    BalanceDisplay.from_estimator(model, X[TEST], Y[TEST], kind=kind, ax=axes, name="a $ b")
    assert axes.get_title().startswith(r"a \$ b: ")


@pytest.mark.parametrize("kind", ["gaps", "weights"])
def test_a_long_name_is_not_cut_off_in_the_default_figure(kind):
    y = (KINDS == 1).astype(int)
    model = LogisticRegression().fit(X[TRAIN], y[TRAIN])
    for name in ("HistGradientBoostingClassifier", "A" * 100):
        display = BalanceDisplay.from_estimator(model, X[TEST], y[TEST], kind=kind, name=name)
        try:
            display.figure_.canvas.draw()
            drawn, page = display.ax_.title.get_window_extent(), display.figure_.bbox
            assert drawn.x0 >= page.x0
            assert drawn.x1 <= page.x1
            assert drawn.y1 <= page.y1
        finally:
            pyplot.close(display.figure_)
    legend = display.ax_.get_legend()
    assert legend is None or legend.get_window_extent().y1 <= drawn.y0


def test_further_arguments_are_those_of_check(axes):
    model = LogisticRegression().fit(X[TRAIN], Y[TRAIN])
    display = BalanceDisplay.from_estimator(model, X[TEST], Y[TEST], margin=0.2, ax=axes)
    assert display.report_.margin == 0.2
    with pytest.raises(TypeError, match="colour"):
        BalanceDisplay.from_estimator(model, X[TEST], Y[TEST], colour="red", ax=axes)


def test_estimators_without_probabilities_are_refused():
    with pytest.raises(ValueError, match=r"^estimator must have predict_proba, got LinearSVC$"):
        BalanceDisplay.from_estimator(LinearSVC().fit(X, Y), X, Y)
    two = MultiOutputClassifier(LogisticRegression()).fit(X, np.stack([KINDS, KINDS], axis=1))
    with pytest.raises(ValueError, match=r"^estimator must have one output, got 2 of them$"):
        BalanceDisplay.from_estimator(two, X, KINDS)
    with pytest.raises(
        ValueError, match=r"^kind must be one of weights, gaps, causes, groups, got"
    ):
        BalanceDisplay.from_predictions([0, 1, 0, 1], [0.2, 0.6, 0.5, 0.7], kind="roc")
