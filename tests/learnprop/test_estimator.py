"""`learnprop.explore` with a classifier of scikit-learn's: in workers, from a folder, refused."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import learnprop
from learnprop.equations.arguments import BadArgument
from learnprop.reports.folders.parts import read_parts
from learnprop.simulations.engine.blocks import compute_one
from learnprop.simulations.engine.tasks import tasks_of

SMALL = {"runs": 3, "ratios": [1, 5], "weights": ["equal", "inverse"], "train_size": 60,
         "test_size": 40}  # fmt: skip
FOREST = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=5))


class NeedsPositiveMean(GaussianNB):
    """Fails on some samples."""

    def fit(self, X, y, sample_weight=None):
        if np.mean(X) < 0:
            raise RuntimeError("a mean that is negative\nand more")
        return super().fit(X, y, sample_weight)


def test_an_unpenalised_logistic_regression_is_our_fitter():
    rng = np.random.default_rng(0)
    y = np.repeat(["no", "yes", "maybe"], [80, 60, 40])
    X = rng.normal(size=(180, 2)) + np.eye(3, 2)[np.repeat([0, 1, 2], [80, 60, 40])]
    estimator = LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cg")
    options = {"runs": 3, "ratios": [2], "weights": ["equal", "inverse"], "test_size": 8}
    for arrays, more in (((), SMALL), ((X, y), options)):
        ours = learnprop.explore(*arrays, **more).to_frame()
        theirs = learnprop.explore(*arrays, estimator=estimator, **more).to_frame()
        keys = ["ratio", "weighting", "split", "label"]
        pd.testing.assert_frame_equal(ours[keys], theirs[keys])
        for column in ("mean_proba", "left", "right", "accuracy"):
            np.testing.assert_allclose(ours[column], theirs[column], atol=1e-6)
        assert (theirs.query("split == 'train'")["verdict"] == "holds").all()


@pytest.mark.parametrize(
    "how",
    [
        {"jobs": 2, "backend": "threading"},
        pytest.param({"jobs": 2, "backend": "loky"}, marks=pytest.mark.slow),  # starts processes
    ],
)
def test_workers_change_no_number(how):
    alone = learnprop.explore(estimator=FOREST, **SMALL).to_frame()
    pd.testing.assert_frame_equal(
        alone, learnprop.explore(estimator=FOREST, **SMALL, **how).to_frame()
    )


def test_a_block_that_has_travelled_has_the_same_numbers():
    """As loky and dask hand it to a worker."""
    result = learnprop.explore(estimator=FOREST, **SMALL)
    (task,) = tasks_of(result.study, [(result.study.cells[1], 2)])
    here, there = (compute_one(t) for t in (task, pickle.loads(pickle.dumps(task))))
    np.testing.assert_array_equal(here.measurements.mean_proba, there.measurements.mean_proba)
    assert here.fits.run.tolist() == [2, 2]


def test_a_forest_is_at_no_minimum_that_balances():
    options = SMALL | {"runs": 25, "ratios": [5], "weights": ["inverse"]}
    found = learnprop.explore(estimator=FOREST, **options).to_frame().query("split == 'train'")
    assert (found["verdict"] == "fails").all()
    assert found["max_bias_gradient"].min() > 1e-3
    assert (found["runs_converged"] == 25).all()


def test_a_folder_is_resumed_and_reported_but_not_replayed(cli, tmp_path):
    out = tmp_path / "study"
    few = learnprop.explore(estimator=FOREST, out=out, **SMALL).to_frame()
    more = learnprop.explore(estimator=FOREST, out=out, **SMALL | {"runs": 5}).to_frame()
    assert (few["runs_attempted"].max(), more["runs_attempted"].max()) == (3, 5)
    deeper = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=6))
    with pytest.raises(ValueError, match="another design: ") as caught:
        learnprop.explore(estimator=deeper, out=out, **SMALL)
    changed = str(caught.value).partition("design: ")[2].partition(";")[0]
    assert changed == 'estimator.params.randomforestclassifier__n_estimators "5" -> "6"'
    with pytest.raises(ValueError, match=r'; estimator \{"called": "Pipeline.{60,80}… -> \(none\)'):
        learnprop.explore(out=out, **SMALL)
    assert cli("status", out)[1].endswith("done\n")
    (part,) = read_parts([out])  # what `learnprop report` writes
    pd.testing.assert_frame_equal(part.contents.frames["summary"], more)
    protocol = (out / "protocol.md").read_text("utf-8")
    assert "Pipeline(StandardScaler, RandomForestClassifier) given from Python" in protocol
    status, stdout, stderr = cli("replay", out, "--cell", "ratio 5", "--run", 1)
    assert (status, stdout) == (2, "")
    assert stderr == (
        f"learnprop: {out} cannot be replayed: the estimator Pipeline(StandardScaler, "
        "RandomForestClassifier) was given from Python and is not stored; with it, "
        "learnprop.explore goes on in this folder\n"
    )


def test_one_replication_that_fails_takes_no_other_with_it(cli, tmp_path):
    options = SMALL | {"runs": 6, "ratios": [1]}
    learnprop.explore(estimator=NeedsPositiveMean(), out=tmp_path, **options)
    assert cli("export", tmp_path, "--out", tmp_path / "fits.csv", "--table", "fits")[0] == 0
    fits = pd.read_csv(tmp_path / "fits.csv")
    failed = fits[fits["status"] == "failed"]
    assert 0 < failed["run"].nunique() < 6
    assert set(failed["reason"]) == {"RuntimeError: a mean that is negative and more"}
    assert set(fits[fits["status"] != "failed"]["status"]) == {"converged"}


@pytest.mark.parametrize(
    ("more", "argument", "message"),
    [
        ({"fitter": "softmax"}, "estimator", "takes the place of fitter, got 'softmax' as well"),
        ({"hidden": 3}, "hidden", "is an option of fitter mlp, got 3 with estimator"),
        ({"device": "auto"}, "device", "is not that of estimator, got 'auto'"),
        (
            {"estimator": "gradient boosting"},
            "estimator",
            "must be a classifier with predict_proba",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(more, argument, message):
    with pytest.raises(BadArgument) as caught:
        learnprop.explore(**{"estimator": GaussianNB()} | SMALL | more)
    assert caught.value.argument == argument
    assert str(caught.value).startswith(f"{argument} {message}")


def test_other_studies_have_no_estimator():
    with pytest.raises(BadArgument, match="estimator is no option of multiclass"):
        learnprop.multiclass(estimator=GaussianNB())


def test_more_features_than_samples_are_no_hindrance():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 40)), np.repeat([0, 1], 15)
    result = learnprop.explore(X, y, estimator=GaussianNB(), runs=2, ratios=1, weights="equal")
    assert result.to_frame()["runs_failed"].max() == 0
