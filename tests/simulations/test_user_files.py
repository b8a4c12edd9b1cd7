import numpy as np
import pandas as pd
import pytest

from simulations.user_data import describe_file, samples_of_file


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
    with pytest.raises(ValueError, match=r"columns 'height', 'x 2'\) in rows 3, 8, 12$"):
        describe_file(write(frame, index=False), "kind", ())


def test_many_missing_values_are_counted(frame, write):
    frame.loc[:29, "height"] = np.nan
    with pytest.raises(ValueError, match=r"in rows 1, 2, .* 10 and 20 more$"):
        describe_file(write(frame, index=False), "kind", ())


def test_missing_labels_are_refused_with_their_rows(frame, write):
    frame.loc[4, "kind"] = None
    for name in ("data.csv", "data.parquet"):
        with pytest.raises(ValueError, match=r"missing labels in row 5$"):
            describe_file(write(frame, name, index=False), "kind", ())


def test_an_index_column_is_to_be_dropped(frame, write):
    path = write(frame)
    with pytest.raises(ValueError, match=r"without a name, .* --drop 'Unnamed: 0' leaves it out"):
        describe_file(path, "kind", ())
    assert describe_file(path, "kind", ("Unnamed: 0",)).n_features == 2


@pytest.mark.parametrize(
    ("change", "how", "message"),
    [
        ({}, {"label": "type"}, r"--label must name a column of .* \(height, x 2, kind\), got"),
        ({}, {"drop": ("weight",)}, "--drop must name a column of features .*, got 'weight'"),
        ({}, {"drop": ("kind",)}, "--drop must name a column of features .*, got 'kind'"),
        ({}, {"drop": ("height", "x 2")}, "has no column of features"),
        ({}, {"rarest": "d"}, "--rarest must be a label of .*, got 'd'"),
        ({"city": ["1"] * 59 + ["Rome"]}, {}, "column 'city' holds 'Rome' in row 60, which is no"),
        ({"one": 1.0}, {}, "column 'one' never varies"),
        ({"when": pd.date_range("2020", periods=60)}, {}, "column 'when' holds .* in row 1, which"),
        ({"kind": np.arange(60) / 7}, {}, "--label kind must name classes, but holds 60 different"),
        ({"kind": "c"}, {}, r"--label kind must hold at least 2 labels, got \['c'\]"),
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
        ("data.txt", b"", "--data must end in .csv"),
        ("data.csv", b"", "cannot be read: No columns to parse"),
        ("data.csv", b"a,label\n", "has no rows"),
        ("data.csv", b'a,label\n1,"x\n2', "cannot be read"),
        ("data.parquet", b"PAR1nonsense", "cannot be read"),
        ("data.npz", b"PK nonsense", "cannot be read: it is no npz file"),
        ("data.csv", b"a,a,label\n1,2,x\n", "has two columns 'a'"),
        ("data.csv", b"a,label,label\n1,2,x\n", "has two columns 'label'"),
        ("data.csv", b"a,label\n1,2,x\n", "cannot be read: .* Expected 2 fields in line 2, saw 3"),
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
