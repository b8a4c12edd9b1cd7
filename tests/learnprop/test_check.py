"""`learnprop check FILE`: what the arrays say, in the words and with the statuses of a command."""

import json
import os
import re

import numpy as np
import pandas as pd
import pytest

import learnprop
from learnprop.cli import command_line
from learnprop.commands.stated import by_class
from tests.learnprop.test_imports import HEAVY, loaded_by

FILES = {"check.csv", "check.tex", "check.pdf", "check.png", "provenance.json"}
NAMES = np.array(["cat", "dog", "eel"])


def drawn(n=6000, seed=0, weight=(1.0, 1.0, 1.0)):
    """A classifier that acts upon `weight`: the true posterior, reweighted."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet([1.0, 0.7, 0.4], size=n)
    y = (proba.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    acts = proba * weight
    return y, acts / acts.sum(axis=1, keepdims=True)


def write(path, y, proba, names=NAMES, **more):
    columns = {f"proba_{name}": proba[:, k] for k, name in enumerate(names)}
    frame = pd.DataFrame({"y_true": names[y], **columns, **more})
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


@pytest.fixture
def undrawn(monkeypatch):
    """Figures take their time."""
    monkeypatch.setattr("learnprop.reports.layout.style.draw_to", lambda *_: "")


@pytest.fixture(scope="module")
def fair(tmp_path_factory):
    """A file of a classifier that acts upon equal weights."""
    return write(tmp_path_factory.mktemp("fair") / "fair.csv", *drawn(40_000))


@pytest.fixture(scope="module")
def skewed(tmp_path_factory):
    """A file of one that acts upon 1:2:5."""
    return write(tmp_path_factory.mktemp("skewed") / "skewed.csv", *drawn(weight=(1, 2, 5)))


def files(folder):
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def refused(answer, message):
    status, stdout, stderr = answer
    assert (status, stdout) == (2, "")
    *_, line = stderr.splitlines()
    assert re.search(message, line), line
    assert stderr.startswith("learnprop: ") or stderr.count("\n") > 1


@pytest.mark.usefixtures("undrawn")
def test_it_says_what_check_says_of_the_arrays(cli, tmp_path):
    y, proba = drawn(weight=(1, 2, 5))
    w = np.random.default_rng(3).uniform(0.5, 1.5, len(y))
    expected = learnprop.check(
        NAMES[y], proba, class_weight=[1, 2, 4], train_count=[500, 300, 100], sample_weight=w,
        labels=NAMES,
    ).to_frame()  # fmt: skip
    numbers = expected.select_dtypes("number").columns
    for name in ("a.csv", "a.parquet"):
        file = write(tmp_path / name, y, proba, w=w)
        out = tmp_path / f"{name}-out"
        status, *_ = cli(
            "check", file, "--class-weight", "1,2,4", "--train-count", "500,300,100",
            "--sample-weight", "w", "--out", out,
        )  # fmt: skip
        assert status == 0
        found = pd.read_csv(out / "check.csv")
        assert found["label"].tolist() == expected["label"].tolist() == NAMES.tolist()
        assert found["verdict"].tolist() == expected["verdict"].tolist()
        np.testing.assert_allclose(found[numbers], expected[numbers], rtol=1e-9)


def test_everything_is_written_and_said(cli, fair, tmp_path):
    out = tmp_path / "new" / "folder"
    status, stdout, stderr = cli("check", fair, "--out", out)
    assert status == 0
    assert FILES <= files(out) <= FILES | {"check_causes.csv"}
    assert stdout.splitlines()[-1] == f"Written to {out}/"
    assert all(name in stdout for name in NAMES)
    assert stderr == (
        f"{fair}: labels in 'y_true'; probabilities of 3 classes in "
        "'proba_cat', 'proba_dog', 'proba_eel'\n"
    )
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["study"] == "check"
    assert provenance["command"][:2] == ["learnprop", "check"]
    assert provenance["configuration"]["file"] == str(fair)
    assert provenance["configuration"]["class_weight"] == ""  # nothing was stated
    first = (out / "check.csv").read_bytes()
    assert cli("check", fair, "--out", out, "--quiet") == (0, "", "")
    assert (out / "check.csv").read_bytes() == first


def test_every_option_that_is_named_is_one(cli, skewed, tmp_path):
    """Backticks in sentences are options here, but those that hold a function of Python."""
    y, proba = drawn(weight=(1, 1.6, 3))
    train = write(tmp_path / "train.csv", *drawn(9000, seed=1, weight=(1, 1.6, 3)))
    mean = write(tmp_path / "mean.csv", y, proba)
    known = {o for p in command_line().commands["check"].params for o in p.opts}
    said = ""
    for arguments in (
        (skewed, "--batch-size", 64, "--class-weight", "1,2,9"),
        (mean, "--train", train, "--class-weight", "1,2,9", "--batch-size", 2),
        (mean, "--class-weight", "inverse", "--sampler-weight", "inverse", "--train", train),
        (skewed,),
        (skewed, "--class-weight", "1,2,9"),
    ):
        status, stdout, _ = cli("check", *arguments)
        assert status == 0
        said += " ".join(stdout.split())
    assert "predictions on the training samples, --train, tell them apart" in said
    assert "minibatches give --batch-size too" in said
    assert not re.search(r"\b(train|batch_size|train_count)=", said)
    assert set(re.findall(r"--[a-z][a-z-]*", said)) <= known
    assert "--train" in said


def test_a_remedy_that_is_a_function_is_called_as_python_has_it():
    """The control of the above: each remedy that there is, in a report of all of them."""
    from learnprop.audit.causes.explanations.catalogue import explanations
    from learnprop.audit.causes.facts import TrainingFacts
    from learnprop.exits import words_of_options

    facts = TrainingFacts(batch_size=8, sampler_weight=np.array([1.0, 2.0, 3.0]))
    found = explanations(np.array([1.0, 2.0, 9.0]), np.array([50.0, 30.0, 20.0]), facts, NAMES)
    known = {p.name for p in command_line().commands["check"].params}
    said = " ".join(words_of_options(f"{e.why} {e.remedy}", known) for e in found)
    assert "learnprop.class_weight_for_minibatch_mean" in said
    assert "--" not in said
    everything = " ".join(words_of_options(e.remedy) for e in found)
    assert "--class-weight-for-minibatch-mean" in everything  # without `known` it would be


def test_strict_says_no(cli, fair, skewed):
    assert cli("check", fair, "--quiet", "--strict") == (0, "", "")
    assert cli("check", skewed, "--quiet") == (0, "", "")
    assert cli("check", skewed, "--quiet", "--strict") == (1, "", "")
    stated = ("--class-weight", "eel=5,dog=2", "--strict")
    assert cli("check", skewed, "--quiet", *stated)[0] == 0  # what it acts upon


def test_an_interruption_ends_with_3_and_nothing_is_written(cli, fair, tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("learnprop.audit.predictions.files.measure_file", interrupt)
    status, stdout, stderr = cli("check", fair, "--out", tmp_path / "out", "--quiet")
    assert (status, stdout, stderr) == (3, "", "interrupted\n")
    assert not (tmp_path / "out").exists()


def test_all_files_or_none(cli, fair, tmp_path, monkeypatch):
    with monkeypatch.context() as quick:
        quick.setattr("learnprop.reports.layout.style.draw_to", lambda *_: "")
        assert cli("check", fair, "--out", tmp_path, "--quiet")[0] == 0
    held = contents(tmp_path)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("learnprop.reports.layout.style.save_figure", fail)
    status, _, stderr = cli("check", fair, "--out", tmp_path, "--quiet")
    assert (status, stderr) == (
        3, f"stopped: {tmp_path} cannot be written: No space left on device\n",
    )  # fmt: skip
    assert contents(tmp_path) == held
    assert cli("check", fair, "--out", tmp_path, "--quiet", "--fresh")[0] == 3
    assert contents(tmp_path) == held


def test_folders_that_are_not_ours(cli, fair, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    refused(cli("check", fair, "--out", file), f"--out must be a folder, but {file} is a file")
    (tmp_path / "provenance.json").write_text('{"study": "cnn"}')
    refused(cli("check", fair, "--out", tmp_path), "holds another study: cnn; use another --out")
    refused(cli("check", fair, "--out", file / "below"), "--out .* cannot be written")
    assert files(tmp_path) == {"file", "provenance.json"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--margin", 0), "--margin must be a share between 0 and 1, e.g. 0.05, got 0.0"),
        (("--level", 95), "--level "),
        (("--label", "z"), r"--label must name a column of \['y_true', .*, got 'z'"),
        (("--proba", "z"), "--proba must name a column of .*, got 'z'"),
        (("--proba", "proba_cat,,proba_dog"), "--proba must be words with commas between, got"),
        (("--labels", "cat,owl,eel"), r"--proba must say which columns are of labels \['cat', 'o"),
        (("--pos-label", "cat"), "--pos-label is of a single column, got 3 of numbers"),
        (("--sample-weight", "z"), "--sample-weight must name a column of"),
        (("--by", "z"), "--by must name a column of"),
        (("--sep", "::"), "--sep must be one character between columns, got '::'"),
        (("--decimal", "x"), "--decimal must be . or a comma, got 'x'"),
        (("--encoding", "x"), "--encoding must be one that Python knows"),
        (("--class-weight", "invers"), "--class-weight must be one of equal, inverse, .*'invers'"),
        (("--class-weight", "1,2"), "--class-weight must hold 3 weights, one per class"),
        (("--class-weight", "1,2,x"), "--class-weight must be numbers with commas between, or LA"),
        (("--class-weight", "1,2,cat=3"), "--class-weight must be numbers with commas between, or"),
        (("--class-weight", "cat=1,cat=2"), "--class-weight has two numbers for 'cat'"),
        (("--class-weight", "owl=2"), r"--class-weight must be of labels among \['cat', .*'owl'"),
        (("--class-weight", "1,0,2"), "--class-weight must be positive and finite"),
        (("--train-count", "1,2"), "--train-count must hold 3 sizes"),
        (("--train-count", "cat=2"), "--train-count must hold a number for every label, got none"),
        (("--train-count", "many"), "--train-count "),
        (("--train-count", "0,1,2"), "--train-count must be positive"),
        (("--batch-size", 0), "--batch-size must be at least 1, got 0"),
        (("--batch-size", 4, "--micro-batch", 8), "--micro-batch must divide the 4 samples of"),
        (("--replicas", 2), "--replicas must go with --batch-size"),
        (("--sampler-weight", "1,2"), "--sampler-weight must hold 3 weights"),
        (("--label-smoothing", 1), r"--label-smoothing must be in \[0, 1\), got 1.0"),
        (("--batch-size", 32, "--micro-batch", 5), "--micro-batch must divide the 32 samples of"),
        (("--bias", "x"), "--bias must be numbers with commas between, or none, got 'x'"),
        (("--bias", "1,2"), "--bias must hold 3 numbers, one per class"),
        (("--bias", "cat=1"), r"--bias must hold a number for each of \['cat', 'dog', 'eel'\]"),
        (("--train", "nowhere.csv"), "--train nowhere.csv cannot be read: No such file"),
        (("--logits", "--batch-size", "x"), "Invalid value for '--batch-size'"),
        (("--nonsense",), "No such option"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(cli, fair, tmp_path, arguments, message):
    out = tmp_path / "out"
    answer = cli("check", fair, "--out", out, *arguments)
    refused(answer, message)
    assert answer[2].count("\n") == 1
    assert not out.exists()


def test_bad_files_are_one_line(cli, tmp_path):
    refused(cli("check", tmp_path), f"FILE {tmp_path} is a folder: it must be a file, .csv, ")
    refused(cli("check", tmp_path / "a.csv"), "FILE .*/a.csv cannot be read: No such file or dir")
    refused(cli("check", tmp_path / "a.xls"), "FILE .*/a.xls: must end in .csv, .csv.gz")
    refused(cli("check", " "), "must name a file or a folder, got ' '")
    refused(cli("check"), "Missing argument 'FILE'")
    bad = tmp_path / "bad.csv"
    bad.write_text("y,p_a,p_b\na,.5,.5\nb,.5,.6\n")
    refused(
        cli("check", bad),
        "FILE .*/bad.csv: the probabilities of row 2 must sum to one, and sum to 1.1$",
    )
    assert cli("check", bad, "--quiet")[2].count("\n") == 1
    one_class = tmp_path / "one.csv"
    one_class.write_text("y,p_a,p_b\n" + "a,.5,.5\n" * 9)
    refused(cli("check", one_class), r"FILE .*one.csv holds no sample of 'b': each class needs two")


@pytest.mark.usefixtures("undrawn")
def test_predictions_on_the_training_sample(cli, skewed, tmp_path):
    y, proba = drawn(3000, seed=1, weight=(1, 2, 5))
    train = write(tmp_path / "train.csv", y, proba)
    arguments = ("check", skewed, "--class-weight", "inverse", "--quiet", "--fresh")
    arguments += ("--out", tmp_path / "out")
    assert cli(*arguments, "--train", train)[0] == 0
    found = pd.read_csv(tmp_path / "out" / "check.csv")
    assert found["train_count"].tolist() == np.bincount(y).tolist()
    order = [2, 0, 1]  # columns in another order are the same classes
    again = write(tmp_path / "train2.csv", np.argsort(order)[y], proba[:, order], NAMES[order])
    assert cli(*arguments, "--train", again)[0] == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out" / "check.csv"), found)
    two = write(tmp_path / "two.csv", y % 2, proba[:, :2] / proba[:, :2].sum(1, keepdims=True),
                NAMES[:2])  # fmt: skip
    refused(
        cli(*arguments, "--train", two),
        r"--train .*/two.csv has 2 classes, \['cat', 'dog'\], but .*/skewed.csv has 3, \['cat', ",
    )
    frame = pd.read_csv(train)
    frame.loc[6, "proba_dog"] = None
    frame.to_csv(train, index=False)
    refused(
        cli(*arguments, "--train", train),
        "--train .*/train.csv: row 7 has no number in column 'proba_dog'",
    )


@pytest.mark.usefixtures("undrawn")
def test_ways_to_write_weights(cli, skewed, tmp_path):
    arguments = ("check", skewed, "--quiet", "--fresh", "--out", tmp_path)
    found = []
    for text in ("1,2,5", "dog=2,eel=5", "0.5, 1, 2.5", "cat=1,dog=2,eel=5", '"dog"=2,eel=5e0'):
        assert cli(*arguments, "--class-weight", text)[0] == 0
        found.append(pd.read_csv(tmp_path / "check.csv"))
    for other in found[1:]:
        pd.testing.assert_frame_equal(found[0], other)
    for text in ("inverse", "balanced"):
        assert cli(*arguments, "--class-weight", text)[0] == 0
        frame = pd.read_csv(tmp_path / "check.csv")
        product = frame["class_weight"] * frame["train_count"]
        np.testing.assert_allclose(product, product[0])
    assert by_class("a=b=2", "class_weight") == {"a=b": 2.0}


@pytest.mark.usefixtures("undrawn")
def test_labels_that_are_floats_take_weights_of_whole_ones(cli, tmp_path):
    y, proba = drawn()
    frame = pd.DataFrame({"y_true": (y > 0) * 1.0, "y_proba": 1 - proba[:, 0]})
    path = tmp_path / "a.csv"
    frame.to_csv(path, index=False)
    found = []
    for text in ("1=10", "1.0=10", "0=1,1=10"):
        out = ("--out", tmp_path / "out", "--fresh")
        assert cli("check", path, "--class-weight", text, "--quiet", *out)[0] == 0
        found.append((tmp_path / "out" / "check.csv").read_text())
    assert found[0] == found[1] == found[2]
    refused(cli("check", path, "--class-weight", "1=10,1.0=9"), "has two numbers for '1'")


@pytest.mark.usefixtures("undrawn")
def test_a_file_given_twice_is_mentioned(cli, skewed, tmp_path):
    link = tmp_path / "link.csv"
    link.symlink_to(skewed)
    for train in (skewed, link):
        status, stdout, stderr = cli("check", skewed, "--train", train)
        assert status == 0
        assert "Warning: --train is FILE itself" in stdout
        assert stderr.splitlines()[1] == f"{train}: the same columns"
    train = write(tmp_path / "train.csv", *drawn(3000, seed=1))
    assert "is FILE itself" not in cli("check", skewed, "--train", train)[1]


@pytest.mark.usefixtures("undrawn")
def test_causes_are_explained_once(cli, skewed, tmp_path):
    assert cli("check", skewed, "--out", tmp_path, "--quiet")[0] == 0
    found = pd.read_csv(tmp_path / "check_causes.csv")
    assert len(found) == 3 * found["rank"].nunique()
    first = ~found.duplicated("rank")
    assert found.loc[first, ["why", "remedy"]].notna().all(axis=None)
    assert found.loc[~first, ["why", "remedy"]].isna().all(axis=None)


def test_a_bias(cli, skewed):
    for text in ("0.1,0.2,-0.4", "dog=0.2,cat=0.1,eel=-0.4", "none"):
        assert cli("check", skewed, "--bias", text, "--quiet")[0] == 0


def test_rounded_probabilities_are_mentioned(cli, tmp_path):
    y, proba = drawn(2000)
    path = tmp_path / "a.csv"
    frame = pd.DataFrame(proba.round(3), columns=[f"p_{name}" for name in NAMES])
    frame.assign(y=NAMES[y]).to_csv(path, index=False)
    status, _, stderr = cli("check", path)
    assert status == 0
    assert stderr.splitlines()[1] == (
        f"{path}: rows of probabilities miss one by up to 0.001, as their rounding explains; they "
        "are divided by their sums"
    )


@pytest.mark.usefixtures("undrawn")
def test_groups(cli, tmp_path):
    y, proba = drawn(9000)
    site = np.where(np.arange(9000) % 3, "north", "south")
    proba[site == "south"] = drawn(9000, weight=(1, 1, 6))[1][site == "south"]
    path = write(tmp_path / "a.csv", y, proba, site=site)
    status, stdout, stderr = cli("check", path, "--by", "site", "--out", tmp_path / "out")
    assert status == 0
    assert stderr.endswith("; groups in 'site'\n")
    assert "north" in stdout
    groups = pd.read_csv(tmp_path / "out" / "check_groups.csv")
    assert groups.groupby("group")["count"].sum().to_dict() == {"north": 6000, "south": 3000}
    verdicts = groups.groupby("group")["verdict_together"].first()
    assert verdicts["south"] == "fails"
    assert verdicts["north"] != "fails"
    assert cli("check", path, "--quiet", "--fresh", "--out", tmp_path / "out")[0] == 0
    assert "check_groups.csv" not in files(tmp_path / "out")  # of the report that had them


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("logits", [False, True])
def test_bins(cli, tmp_path, logits):
    """As `check` has them of the arrays."""
    y, proba = drawn(3000)
    w = np.random.default_rng(3).uniform(0.5, 1.5, len(y))
    values = np.log(proba) if logits else proba
    path = write(tmp_path / "a.csv", y, values, w=w, site=np.where(y % 2, "a", "b"))
    options = ("--bins", 3, "--by", "site", "--sample-weight", "w", "--train-count", "50,30,20")
    options += ("--logits",) if logits else ()
    assert cli("check", path, *options, "--quiet", "--out", tmp_path / "out")[0] == 0
    expected = learnprop.check(
        NAMES[y], None if logits else proba, y_logits=values if logits else None, labels=NAMES,
        sample_weight=w, by=np.where(y % 2, "a", "b"), bins=3, train_count=[50, 30, 20],
    ).to_frame("groups")  # fmt: skip
    found = pd.read_csv(tmp_path / "out" / "check_groups.csv")
    assert found["group"].tolist() == expected["group"].tolist()
    assert len(found) == 3 * (2 + 3 * 3)
    np.testing.assert_allclose(found["gap"], expected["gap"], rtol=1e-7)
    assert found["verdict_together"].tolist() == expected["verdict_together"].tolist()
    refused(cli("check", path, "--bins", 1), "--bins must be at least 2, got 1")


def test_its_help_is_light_and_on_80_columns(cli, monkeypatch):
    code = (
        "import sys, learnprop.cli\n"
        "sys.argv = ['learnprop', 'check', '--help']\n"
        "try: learnprop.cli.main()\n"
        "except SystemExit as stop: assert stop.code == 0"
    )
    assert not (HEAVY | {"pyarrow"}) & loaded_by(code)
    monkeypatch.setenv("COLUMNS", "80")
    status, stdout, _ = cli("check", "--help")
    assert status == 0
    assert max(map(len, stdout.splitlines())) <= 80
    for option in ("--class-weight", "--train", "--by", "--strict", "--out", "--wide"):
        assert option in stdout
    assert "Your classifier" in cli("--help")[1]
    assert os.linesep.join(["", "  learnprop check FILE.csv"]) in cli()[1]
