"""What people are told of separated classes, and the two ways on: a penalty, or a network."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

import learnprop as lp
from learnprop.reports.layout.numbers import TEXT
from learnprop.reports.statistics.rows import NUMBERS
from learnprop.reports.study_report import report_of
from learnprop.simulations.records.store_file import StoreError
from learnprop.simulations.studies import stored_study
from learnprop.simulations.studies.explore.options import Options
from learnprop.simulations.studies.explore.study import left_out_of, make_study, no_minimum_of

FILES = {"iris": load_iris, "wine": load_wine, "breast cancer": load_breast_cancer}
REASON = "separated: a hyperplane parts the classes, so the loss has no minimum"
WAY_ON = "it has one with --l2 1, or take --fitter mlp"
SMALL = ("--runs", 2, "--ratios", 1, "--weights", "equal", "--jobs", 1, "--label", "kind")


def written(folder, name):
    data = FILES[name](as_frame=True)
    path = folder / f"{name}.csv"
    data.data.assign(kind=data.target_names[data.target]).to_csv(path, index=False)
    return path


def joined(text):
    """As it is before it is wrapped to a terminal."""
    return " ".join(text.split())


def test_a_separated_file_is_told_so_before_and_where_it_shows(cli, tmp_path):
    out = tmp_path / "out"
    _, stdout, stderr = cli("explore", "--data", written(tmp_path, "iris"), *SMALL, "--out", out)
    first, *rest = stderr.splitlines()
    assert first == f"explore: the whole file is {REASON}; {WAY_ON}"
    assert "blocks" in rest[0]
    assert f"{REASON}; {WAY_ON}" in joined(stdout)
    assert f"{REASON}; {WAY_ON}" in joined(cli("status", out)[1])
    latex = (out / "explore.tex").read_text("utf-8")
    assert REASON in latex
    assert "it has one with l2 1, or take fitter mlp" in latex
    protocol = joined((out / "protocol.md").read_text("utf-8"))
    assert f"S{REASON[1:]}; it has one with l2 1, or take fitter mlp." in protocol


@pytest.mark.parametrize("name", FILES)
def test_both_ways_on_lead_somewhere(tmp_path, name):
    X, y = FILES[name](return_X_y=True)
    small = {"runs": 2, "ratios": [2], "weights": ["equal"]}
    penalised = lp.explore(X, y, l2=1.0, out=tmp_path, **small)
    assert "with α = 1" in joined((tmp_path / "protocol.md").read_text("utf-8"))
    network = lp.explore(X, y, fitter="mlp", hidden=4, epochs=1, **small)
    for result in (penalised, network):
        frame = result.to_frame()
        assert (frame["runs_failed"] == 0).all()
        train = frame[frame["split"] == "train"]
        assert set(train["verdict"]) == {"holds"}
        assert train["max_relative_difference"].max() <= 1e-10


@pytest.mark.parametrize(
    ("name", "ratios", "lacking", "at_most"),
    [
        # A fifth tests. Of 50 of each 40 are left: 40 to 1 may be called 40 / 0.85 = 47.06.
        ("iris", [1, 2, 5, 10, 20], [50, 100], 47),
        # Of 59, 71 and 48 are left 48, 57 and 39, the last made rare: 57 to 1, 57 / 0.85 = 67.06.
        ("wine", [1, 2, 5, 10, 20, 50], [100], 67),
        # Of 212 and 357 are left 170 and 286.
        ("breast cancer", [1, 2, 5, 10, 20, 50, 100], [], 0),
    ],
)
def test_ratios_that_nobody_named_are_those_that_a_file_can_have(
    tmp_path, name, ratios, lacking, at_most
):
    own = {"data": str(written(tmp_path, name)), "label": "kind", "weights": ("equal",)}
    study = make_study(Options(**own))
    assert study.design["ratios"] == ratios
    assert study.design.get("left_out", []) == lacking
    again = stored_study("explore", study.design, 2, study.inputs)
    assert again.design == study.design
    listed = f"left out of the default `ratios`: {', '.join(map(str, lacking))}; `ratios` "
    assert left_out_of(again).startswith(f"{listed}{lacking[0]} leaves no" if lacking else "")
    assert ("left out of the default" in protocol_of(study)) == bool(lacking)
    if lacking:
        with pytest.raises(
            ValueError, match=f"ratios 100 leaves .* to test; ratio {at_most} would do"
        ):
            make_study(Options(**own, ratios=(1.0, 100.0)))
        with pytest.raises(ValueError, match="ratios 1 needs 900 samples"):
            make_study(Options(**own, train_size=900))


def test_what_is_left_out_is_told_on_the_command_line_and_in_python(cli, tmp_path):
    line = "explore: left out of the default {}: 100; {} 100 leaves no sample of label "
    few = ("--runs", 2, "--quick", "--weights", "equal", "--label", "kind", "--out", tmp_path / "o")
    _, _, stderr = cli("explore", "--data", written(tmp_path, "iris"), *few)
    assert stderr.startswith(line.format("--ratios", "--ratios"))
    X, y = load_iris(return_X_y=True)
    with pytest.warns(UserWarning, match="left out|no run has a model") as caught:
        result = lp.explore(X, y, runs=2, quick=True, weights=["equal"])
    assert str(caught[0].message).startswith(line.format("ratios", "ratios"))
    assert caught[0].filename == __file__
    # None has a model: what there would be is NaN.
    frame = result.to_frame()
    assert sorted(frame["ratio"].unique()) == [1, 10]
    usual = lp.explore(X, y, runs=2, ratios=[1], weights=["equal"], l2=1.0).to_frame()
    for column in (*NUMBERS, "balanced_accuracy", "overall_accuracy_mcse"):
        assert frame[column].isna().all()
        assert column in usual
    with pytest.warns(UserWarning, match="no run has a model"):
        several = lp.multiclass(train_size=3, imbalance=1, weights=["equal"], runs=2).to_frame()
    assert several[list(NUMBERS)].isna().all(axis=None)


def protocol_of(study):
    return joined(report_of("explore").protocol(study, None))


def test_python_says_it_in_its_own_words():
    X, y = load_iris(return_X_y=True)
    with pytest.warns(
        UserWarning, match="2 of 2 runs: .*; it has one with l2 1, or take fitter mlp"
    ):
        plain = lp.explore(X, y, runs=2, ratios=[1], weights=["equal"])
    assert repr(plain) == (
        f"<explore: 2 runs; on test data 3 {REASON}; it has one with l2 1, or take fitter mlp>"
    )
    assert REASON not in repr(lp.explore(X, y, runs=2, ratios=[1], weights=["equal"], l2=1.0))


def test_only_what_has_no_minimum_is_told_so_beforehand(tmp_path):
    path = written(tmp_path, "iris")
    options = {"data": str(path), "label": "kind", "ratios": (1.0,)}

    def told(**more):
        return no_minimum_of(make_study(Options(**options | more)))

    assert told().startswith("the whole file is separated")
    assert told(fitter="one-vs-all").startswith("the whole file is separated")
    assert told(l2=1.0) == told(fitter="mlp") == no_minimum_of(make_study(Options())) == ""
    frame = pd.read_csv(path)
    frame[frame["kind"] != "setosa"].to_csv(path, index=False)  # these two overlap
    assert told() == ""


def test_one_vs_all_asks_of_each_class_against_the_others(tmp_path):
    """Six points on a line: only the class in the middle is not parted from the rest."""
    path = tmp_path / "line.csv"
    table = pd.DataFrame({"x": np.repeat([0.0, 1.0, 2.0], 6), "kind": np.repeat(list("abc"), 6)})
    table.to_csv(path, index=False)
    options = Options(data=str(path), label="kind", fitter="one-vs-all", ratios=(1.0,))
    assert no_minimum_of(make_study(options)) != ""
    table.loc[[0, 6, 12], "x"] = 1.0, 2.0, 0.0
    table.to_csv(path, index=False)
    assert no_minimum_of(make_study(options)) == ""


def test_a_generator_that_parts_its_classes_says_so_at_the_foot_of_the_table():
    small = {"sizes": (4, 4, 4), "separation": 9.0, "runs": 2, "test_size": 5, "weights": ["equal"]}

    def foot(**more):
        result = lp.multiclass(**small | more)
        (summary,) = (table for table in result._contents.tables if table.name == "multiclass")
        return summary.grid(TEXT).note, result.to_frame()

    with pytest.warns(UserWarning, match="no run has a model"):
        note, _ = foot()
    assert note.replace("\v", "\n").endswith(
        f"{REASON};\nit has one with `l2` 1, or take `fitter` mlp"
    )
    note, frame = foot(l2=1.0)
    assert "separated" not in note
    assert set(frame["limit_basis"]) == {"penalised minimiser"}


REFUSED = {
    ("--l2", -1): "--l2 must be finite and at least 0, got -1.0",
    ("--l2", "nan"): "--l2 must be finite and at least 0, got nan",
    ("--l2", 1, "--fitter", "mlp"): "--l2 is an option of --fitter logistic or softmax or "
    "one-vs-all, got 1.0 with --fitter mlp",
    ("--ratios", 1, "--train-size", 1): "--train-size leaves 2 samples for 1 features at ratio 1: "
    "an unpenalised fit needs more than features + 1; --l2 is a penalty",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_is_no_penalty_is_one_line(cli, tmp_path, arguments):
    out = tmp_path / "out"
    assert cli("explore", *arguments, "--out", out)[::2] == (
        2, f"learnprop: {REFUSED[arguments]}\n",
    )  # fmt: skip
    assert not out.exists()


def test_a_penalised_study_is_itself_again_from_its_store(cli, tmp_path):
    small = {"ratios": [1, 10], "train_size": 100, "test_size": 50, "runs": 2, "out": tmp_path}
    result = lp.explore(l2=10.0, weights=["0.2", "0.8"], **small)
    assert "every bit agrees" in cli("replay", tmp_path, "--cell", "ratio 10", "--run", 1)[1]
    with pytest.raises(StoreError, match="l2"):  # another design
        lp.explore(l2=9.0, weights=["0.2", "0.8"], **small)
    rows, curve = result.to_frame().query("split == 'test'"), result.to_frame("curve")
    assert set(rows["limit_basis"]) == {"penalised minimiser"}
    for (ratio, k), on_curve in curve.groupby(["ratio", "class"]):
        points = rows[(rows["ratio"] == ratio) & (rows["class"] == k)]
        lambda0 = points["weighting"].astype(float)
        between = np.interp(lambda0, on_curve["lambda0"], on_curve["mean_proba"])
        np.testing.assert_allclose(points["limit_mean_proba"], between, atol=0.01)
