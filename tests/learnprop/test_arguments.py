"""Options and arrays from Python, and what becomes of a user's own data."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array

import learnprop
from learnprop.arguments import as_text, from_python, from_text, spaces_to_commas
from learnprop.equations.arguments import BadArgument
from learnprop.simulations.generators.user_data import _samples
from learnprop.simulations.records.store import canonical_dump
from learnprop.simulations.records.store_file import open_store, read_store
from learnprop.simulations.studies import STUDIES, options_type
from learnprop.simulations.studies.explore import study as explore
from learnprop.simulations.studies.multiclass import study as multiclass
from learnprop.simulations.studies.option import declared_options

CHOSEN = {"ratios": [1, 3], "weights": ["equal"], "runs": 3}


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    y = np.repeat(["no", "yes"], [80, 40])
    return rng.normal(size=(120, 2)) + (y == "yes")[:, None], y


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def dump(folder):
    with read_store(folder) as store:
        return list(canonical_dump(store))


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({"ratios": np.array([1, 2.5])}, {"ratios": (1.0, 2.5)}),
        ({"ratios": np.int64(2)}, {"ratios": (2,)}),
        ({"runs": np.int64(7), "train_size": None}, {"runs": 7, "train_size": None}),
        ({"weights": "equal"}, {"weights": ("equal",)}),
        ({"rarest": 1234567.0}, {"rarest": "1234567"}),
        ({"rarest": True}, {"rarest": "True"}),
        ({"weights": [0.3, np.array([0.5, 0.5])]}, {"weights": ("0.3", "0.5,0.5")}),
    ],
)
def test_what_people_pass_becomes_plain(given, plain):
    found = from_python("explore", explore.Options, given)
    assert found == plain
    assert [type(v) for v in found.values()] == [type(v) for v in plain.values()]


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (explore.Options, {"ratio": 1}, "ratio is no option of s, only runs, seed"),
        (explore.Options, {"runs": 3.0}, r"runs must be an integer, got 3\.0"),
        (explore.Options, {"runs": True}, "runs must be an integer, got True"),
        (explore.Options, {"runs": None}, "runs must be an integer, got None"),
        (
            explore.Options,
            {"ratios": "1,x"},
            "ratios must be numbers with commas between, got '1,x'",
        ),
        (explore.Options, {"fitter": 3}, "fitter must be a string, got 3"),
        (multiclass.Options, {"sizes": [9, 5.5]}, r"sizes must be an integer, got 5\.5"),
    ],
)
def test_what_cannot_be_is_named(kind, given, message):
    with pytest.raises(ValueError, match=message):
        from_python("s", kind, given)


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        (np.zeros((4, 1)), ["a", "b"], {}, r"^X must be \(n_samples, n_features\) and y .* got"),
        (np.zeros(4), list("abab"), {}, r"X must be \(n_samples, n_features\)"),
        ([[1, 2], [3]], ["a", "b"], {}, "^X must be an array, got rows of different lengths"),
        (np.eye(2), [["a"], ["b", "c"]], {}, "^y must be an array, got rows of different lengths"),
        (np.eye(2), [["a"], ["b"]], {}, r"^y must be \(n_samples,\), got \(2, 1\)"),
        (csr_array(np.eye(2)), ["a", "b"], {}, "^X must be dense, got a sparse matrix"),
        (np.array([[0.0], [np.nan], [np.inf]]), list("abb"), {}, r"^X has .* 0\) in rows 2, 3; "),
        ([[0.0], [None], [1]], list("abb"), {}, r"^X has missing .*columns 0\) in row 2; fill"),
        ([[1.0], [2.0j]], ["a", "b"], {}, "^X: column 0 holds 2j in row 2, which is no number"),
        (np.ma.array([[1], [2]], mask=[[0], [1]]), ["a", "b"], {}, r"^X has missing .* in row 2; "),
        (np.array([[2**53 + 1], [0]]), ["a", "b"], {}, "^X: .* holds 9007199254740993 in row 1, "),
        (pd.DataFrame({"a": list("1b")}), ["a", "b"], {}, "^X: column 'a' holds 'b' in row 2, "),
        (pd.DataFrame({"a": [1.0, 1.0]}), ["a", "b"], {}, "^X: column 'a' never .*; leave it out$"),
        ([[0.0], [1.0]], ["a", None], {}, "^y has missing labels in row 2"),
        ([[0.0], [1.0]], np.ma.array([1, 2], mask=[0, 1]), {}, "^y has missing labels in row 2"),
        ([[0.0], [1.0]], [1.0, np.inf], {}, "^y has infinite labels in row 2"),
        ([[0.0], [1.0]], np.array([1, "1"], dtype=object), {}, "^y has labels .* written alike"),
        ([[0.0], [1.0]], [1, "1"], {}, "^y has .* alike, or equal: 1 in row 1, '1' in row 2"),
        (pd.DataFrame([[0.0], [1.0]]), pd.Series(["a", "b"], index=[1, 0]), {},
         r"^y and X must have the same index, got 1 and 0 at position 0; y\.to_numpy\(\) goes"),
        (np.arange(9.0)[:, None], list("abcdefghi"), {}, "^y must name classes, but holds 9 diff"),
        (np.zeros((2, 1)), ["a", "b"], {"data": "f.csv"}, "data is of a file, got 'f.csv' with X"),
        (np.zeros((2, 1)), ["a", "b"], {"sep": ";"}, "^sep is of a file, got ';' with X and y"),
        (np.arange(30.0)[:, None], np.arange(30) / 7, {}, "^y looks like a continuous target: 30 "),
        (np.arange(7.0)[:, None], list("aaabbbc"), {}, "^y has one row of 'c', .* drop_labels 'c'"),
        (np.zeros((2, 1)), ["a", "b"], {"jobs": "2"}, "jobs must be an integer, got '2'"),
        (np.zeros((2, 1)), ["a", "b"], {"jobs": 1.5}, r"jobs must be an integer, got 1\.5"),
    ],
)  # fmt: skip
def test_arrays_that_cannot_be_are_refused(tmp_path, X, y, options, message):
    with pytest.raises(ValueError, match=message):
        learnprop.explore(X, y, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_arrays_of_any_make_are_the_same(arrays):
    X, y = arrays
    frame = pd.DataFrame(X, index=np.arange(120) + 7)
    found = [
        learnprop.explore(features, labels, **CHOSEN).to_frame()
        for features, labels in (
            (X, y),
            (X.tolist(), pd.Series(y)),
            (frame, list(y)),
            (frame, pd.Series(y, index=frame.index)),
            (torch.tensor(X), y.astype("S")),
            (X.astype(object), pd.Categorical(y)),
            (np.ma.array(X), np.ma.array(y)),
        )
    ]
    for other in found[1:]:
        pd.testing.assert_frame_equal(other, found[0])


def test_out_is_a_folder():
    with pytest.raises(ValueError, match="out must be a folder or None, got 5"):
        learnprop.table1(out=5)


def test_a_refused_call_changes_nothing(arrays, tmp_path):
    X, y = arrays
    learnprop.explore(X, y, out=tmp_path, **CHOSEN)
    before = files(tmp_path)
    with pytest.raises(ValueError, match=r"another design: file.sha256"):
        learnprop.explore(X + 1, y, out=tmp_path, **CHOSEN)
    assert files(tmp_path) == before
    with (
        open_store(tmp_path, "explore", _design(tmp_path)),
        pytest.raises(ValueError, match="is in use: another process writes"),
    ):
        learnprop.explore(2 * X, y, out=tmp_path, **CHOSEN)
    assert files(tmp_path) == before
    with pytest.raises(ValueError, match="holds another study: explore"):
        learnprop.table1(out=tmp_path)
    with pytest.raises(ValueError, match=r"^out must be a folder, but .* is a file"):
        learnprop.table1(out=tmp_path / "data.npz")
    assert files(tmp_path) == before


def _design(folder):
    with read_store(folder) as store:
        return store.design


def test_fresh_starts_over_and_keeps_the_old_store(arrays, tmp_path):
    X, y = arrays
    learnprop.explore(X, y, out=tmp_path, **CHOSEN)
    old = (tmp_path / "records.sqlite").read_bytes()
    learnprop.explore(X + 1, y, out=tmp_path, fresh=True, **CHOSEN)
    assert (tmp_path / "records.1.sqlite").read_bytes() == old
    assert (tmp_path / "records.sqlite").read_bytes() != old


def test_where_the_data_lie_is_no_result(arrays, tmp_path, cli):
    """The same data in two folders, one of them moved and resumed from the command line."""
    X, y = arrays
    learnprop.explore(X, y, out=tmp_path / "a", **CHOSEN)
    learnprop.explore(X, y, out=tmp_path / "b", **{**CHOSEN, "runs": 6})
    shutil.move(tmp_path / "a", tmp_path / "moved")
    replay = ("replay", tmp_path / "moved", "--cell", "ratio 3", "--run", 2)
    status, stdout, _ = cli(*replay)
    assert (status, stdout.splitlines()[0].endswith("every bit agrees")) == (0, True)
    data = tmp_path / "elsewhere.npz"
    (tmp_path / "moved" / "data.npz").rename(data)
    status, stdout, stderr = cli(*replay)
    assert (status, stdout, stderr.count("\n")) == (2, "", 1)
    assert (
        f"cannot be replayed: --data {tmp_path / 'a' / 'data.npz'} cannot be read: No such"
        in stderr
    )
    status, _, _ = cli(
        "explore", "--data", data, "--label", "y", "--ratios", "1,3", "--weights", "equal",
        "--runs", 6, "--out", tmp_path / "moved", "--quiet",
    )  # fmt: skip
    assert status == 0
    assert dump(tmp_path / "moved") == dump(tmp_path / "b")
    assert "every bit agrees" in cli(*replay)[1]  # where they are now was noted
    np.savez(data, X=X + 1, y=y)
    _samples.cache_clear()  # another process would read it
    assert "is not the file that the study began with" in cli(*replay)[2]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["--beta", "1", "2", "4", "--runs", "3"], ["--beta", "1,2,4", "--runs", "3"]),
        (["--beta", "1,", "2,", "4"], ["--beta", "1,2,4"]),
        (["--beta", "1,2", "--beta", "4"], ["--beta", "1,2", "--beta", "4"]),
        (["--beta", "-1"], ["--beta", "-1"]),
        (["--beta", "--runs", "3"], ["--beta", "--runs", "3"]),
        (["--runs", "3", "--beta"], ["--runs", "3", "--beta"]),
        (["--beta=1", "--quiet"], ["--beta=1", "--quiet"]),
        (["--beta", "one", "2"], ["--beta", "one", "2"]),
    ],
)
def test_numbers_with_spaces_between_are_joined(written, read):
    assert spaces_to_commas(written, {"--beta"}) == read


def test_lists_are_given_in_one_way():
    """Commas between, and again; a word with a comma in quotes; numbers of one λ stay together."""
    known = declared_options(explore.Options)
    for name, texts, expected in (
        ("ratios", ["1,10", "100"], (1.0, 10.0, 100.0)),
        ("ratios", ["1, 10"], (1.0, 10.0)),
        ("weights", ["equal,inverse"], ("equal", "inverse")),
        ("weights", ["equal,0.2,0.8", "0.3"], ("equal", "0.2,0.8", "0.3")),
        ("weights", ["0.2,0.8,equal"], ("0.2,0.8", "equal")),
        ("drop", ["id,date", '"a,b"'], ("id", "date", "a,b")),
    ):
        assert from_text(known[name], texts) == expected


@pytest.mark.parametrize("study", STUDIES)
def test_a_default_list_is_read_from_its_own_text(study):
    for declared in declared_options(options_type(study)).values():
        if declared.several and declared.default:
            assert from_text(declared, [as_text(declared.default)]) == declared.default


def test_weights_by_label_and_no_folder_are_refused_in_one_line():
    with pytest.raises(BadArgument, match=r"^weights must be a list in order, got \{0: 1.0\}$"):
        learnprop.explore(weights={0: 1.0})
    with pytest.raises(BadArgument, match=r"^folder must name a folder, got None$"):
        learnprop.api.StudyResult(None, None).save(None)
