from zipfile import ZipFile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from learnprop.simulations.generators.user_data import describe_file, samples_of_file
from learnprop.simulations.generators.user_files.read import read_features_and_labels


def test_every_format_holds_the_same_samples(frame, write, tmp_path):
    of_csv = describe_file(write(frame, index=False), "kind", ())
    of_parquet = describe_file(write(frame, "data.parquet", index=False), "kind", ())
    np.savez(tmp_path / "data.npz", X=frame[["height", "x 2"]], kind=frame["kind"].to_list())
    of_npz = describe_file(str(tmp_path / "data.npz"), "kind", ())
    assert of_csv.labels == of_parquet.labels == of_npz.labels
    for other in (of_parquet, of_npz):
        for a, b in zip(samples_of_file(of_csv), samples_of_file(other), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-15)


def test_whole_numbers_are_labels_without_a_point(frame, write):
    frame["kind"] = np.repeat([0.0, 1.0], 30)
    assert describe_file(write(frame, "data.parquet"), "kind", ()).labels == ("0", "1")


def test_missing_values_are_refused_with_their_rows(frame, write):
    frame.loc[[2, 7], "height"] = np.nan
    frame.loc[11, "x 2"] = np.inf
    for name in ("data.csv", "data.parquet"):
        advice = "fill them in, leave out the rows, or leave the columns out with drop"
        message = rf"columns 'height', 'x 2'\) in rows 3, 8, 12; {advice}$"
        with pytest.raises(ValueError, match=message):
            describe_file(write(frame, name, index=False), "kind", ())


def test_many_missing_values_are_counted(frame, write):
    frame.loc[:29, "height"] = np.nan
    with pytest.raises(ValueError, match=r"in rows 1, 2, .* 10 and 20 more; fill"):
        describe_file(write(frame, index=False), "kind", ())


def test_missing_labels_are_refused_with_their_rows(frame, write):
    frame.loc[4, "kind"] = None
    for name in ("data.csv", "data.parquet"):
        with pytest.raises(
            ValueError, match=r"missing labels in row 5; name them, or leave out the rows$"
        ):
            describe_file(write(frame, name, index=False), "kind", ())


def test_an_index_column_is_to_be_dropped(frame, write):
    path = write(frame)
    with pytest.raises(ValueError, match=r"without a name, .* drop 'Unnamed: 0' leaves it out"):
        describe_file(path, "kind", ())
    assert describe_file(path, "kind", ("Unnamed: 0",)).n_features == 2


@pytest.mark.parametrize(
    ("change", "how", "message"),
    [
        ({}, {"label": "type"}, r"label must name a column of .* \(height, x 2, kind\), got"),
        ({}, {"drop": ("weight",)}, "drop must name a column of features .*, got 'weight'"),
        ({}, {"drop": ("kind",)}, "drop must name a column of features .*, got 'kind'"),
        ({}, {"drop": ("height", "x 2")}, "has no column of features"),
        ({}, {"rarest": "d"}, "rarest must be a label of .*, got 'd'"),
        ({"city": ["1"] * 59 + ["Rome"]}, {}, "column 'city' holds 'Rome' in row 60, which is no"),
        ({"one": 1.0}, {}, "column 'one' never varies"),
        ({"when": pd.date_range("2020", periods=60)}, {}, "column 'when' holds .* in row 1, which"),
        ({"kind": np.arange(60) / 7}, {}, "label kind looks like a continuous target: 60 "),
        ({"kind": "c"}, {}, r"label kind must hold at least 2 labels, got \['c'\]"),
        ({"big": np.arange(60) * 1e290}, {}, "column 'big' spreads over 6e.291; rescale it"),
        ({"small": np.arange(60) * 1e-200}, {}, "column 'small' spreads over 6e-199; rescale it"),
    ],
)
def test_bad_columns_are_named(frame, write, change, how, message):
    arguments = {"label": "kind", "drop": ()} | how
    for name in ("data.csv", "data.parquet"):
        with pytest.raises(ValueError, match=message):
            describe_file(write(frame.assign(**change), name, index=False), **arguments)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.txt", b"", "data must end in .csv"),
        ("data.csv", b"", "data.csv cannot be read: it is empty"),
        ("data.csv", b"a,label\n", "has no rows"),
        ("data.csv", b'a,label\n1,"x\n2', "cannot be read: unexpected end of data in row 1"),
        ("data.parquet", b"PAR1nonsense", "cannot be read"),
        ("data.npz", b"PK nonsense", "cannot be read: File is not a zip file"),
        ("data.csv", b"a,a,label\n1,2,x\n", "has two columns 'a'"),
        ("data.csv", b"a,label,label\n1,2,x\n", "has two columns 'label'"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        describe_file(str(path), "label", ())
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        describe_file(str(tmp_path / "none.csv"), "label", ())


def test_npz_needs_its_arrays_in_shape(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.zeros((3, 2)))
    with pytest.raises(ValueError, match="must hold the arrays X and y"):
        describe_file(str(tmp_path / "a.npz"), "y", ())
    np.savez(tmp_path / "b.npz", X=np.zeros((3, 2)), y=np.zeros(4))
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(4,\)"):
        describe_file(str(tmp_path / "b.npz"), "y", ())


def test_no_pickle_is_ever_loaded(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.zeros((2, 1)), y=np.array(["a", None], dtype=object))
    with pytest.raises(ValueError, match="holds Python objects, not numbers or strings"):
        describe_file(str(tmp_path / "a.npz"), "y", ())


def test_bytes_are_text(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.arange(6.0)[:, None], y=np.array(["no", "ja"] * 3, "S2"))
    assert describe_file(str(tmp_path / "a.npz"), "y", ()).labels == ("ja", "no")


def test_an_array_of_labels_is_called_as_it_likes(tmp_path):
    """Even like a feature, which it does not replace; X is of features."""
    X = np.arange(12.0).reshape(6, 2) ** 2
    np.savez(tmp_path / "a.npz", X=X, x0=np.array(["no", "ja"] * 3))
    features, labels = read_features_and_labels(str(tmp_path / "a.npz"), "x0", ())
    assert np.array_equal(features, X)
    assert labels.tolist() == ["no", "ja"] * 3
    features, _ = read_features_and_labels(str(tmp_path / "a.npz"), "x0", ("x0",))
    assert np.array_equal(features, X[:, 1:])
    with pytest.raises(ValueError, match="must name the array of labels, got 'X'"):
        describe_file(str(tmp_path / "a.npz"), "X", ())
    with pytest.raises(ValueError, match=r"drop must name a column of features .*, got 'y'"):
        describe_file(str(tmp_path / "a.npz"), "x0", ("y",))
    with pytest.raises(ValueError, match="has no column of features"):
        describe_file(str(tmp_path / "a.npz"), "x0", ("x0", "x1"))


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((2, 1), "M8[h]"), ["a", "b"], "X must hold numbers, got an array of datetime64"),
        (np.zeros((2, 1), "m8[h]"), ["a", "b"], "X must hold numbers, got an array of timedelta64"),
        (np.ones((2, 1), complex), ["a", "b"], "X must hold numbers, got an array of complex128"),
        (np.ones((2, 1), [("u", int)]), ["a", "b"], "X must hold numbers, got an array of .*'u'"),
        ([[1.0], [2.0]], np.zeros(2, [("u", int)]), "y must hold labels, got an array of .*'u'"),
        ([[1.0], [2.0]], np.ones(2, complex), "y must hold labels, got an array of complex128"),
        ([[1.0], [2.0]], np.array([1, "NaT"], "m8[h]"), "has missing labels in row 2"),
        ([[1.0], [2.0]], np.array([b"a", b"\xff"]), r"holds b'\\xff' in row 2, which is no label"),
        ([["1"], ["1,5"]], ["a", "b"], "column 'x0' holds '1,5' in row 2, which is no number"),
        (np.zeros((0, 1)), np.zeros(0), "has no rows"),
    ],
)
def test_arrays_of_npz_that_cannot_be_are_named(tmp_path, X, y, message):
    np.savez(tmp_path / "a.npz", X=X, y=y)
    with pytest.raises(ValueError, match=message):
        describe_file(str(tmp_path / "a.npz"), "y", ())


def test_an_npz_with_two_arrays_of_one_name_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.arange(6.0)[:, None], y=np.arange(6) % 2)
    with ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("X", b"another")
    with pytest.raises(ValueError, match="cannot be read: it holds X twice"):
        describe_file(str(tmp_path / "a.npz"), "y", ())


def test_columns_of_parquet_need_names_of_their_own(tmp_path):
    column, labels = pa.array([0.5, 1.5] * 3), pa.array(["a", "b"] * 3)
    table = pa.table([column, column, labels], names=["x", "x", "kind"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"cannot be read: Multiple matches .* x"):
        describe_file(str(tmp_path / "a.parquet"), "kind", ())


def test_text_of_parquet_that_is_not_utf_8_is_named(tmp_path):
    broken = pa.array([b"a", b"\xff"] * 3).cast(pa.string(), safe=False)
    for names in (["x", "kind"], ["kind", "x"]):
        table = pa.table([pa.array([1.5, 0.5] * 3), broken], names=names)
        pq.write_table(table, tmp_path / "a.parquet")
        with pytest.raises(ValueError, match=r"holds text in row 2 that is not UTF-8"):
            describe_file(str(tmp_path / "a.parquet"), "kind", ())


def test_a_blank_name_is_no_name(tmp_path):
    path = tmp_path / "blank.csv"
    path.write_text(" ,label,x\n" + "".join(f"{i},{'ab'[i % 2]},{i * i}\n" for i in range(8)))
    with pytest.raises(ValueError, match="a column without a name, which looks like an index"):
        read_features_and_labels(str(path), "label", ())
