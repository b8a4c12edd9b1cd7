"""Files of predictions: whatever their kind they say what the arrays say, or what is wrong."""

import gzip
import re
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from learnprop import mean_proba_and_second_moments
from learnprop.audit.predictions.files import (
    SUFFIXES,
    Asked,
    measure_file,
    open_predictions,
)
from learnprop.audit.predictions.groups import MOST
from learnprop.audit.predictions.user_predictions import npz_files, parquet_files, text_files
from learnprop.audit.predictions.user_predictions.table import Columns
from learnprop.equations.arguments import BadArgument
from learnprop.simulations.generators.user_files.dialect import UNSAID, Dialect

NAMES = ("cat", "dog", "eel")
KINDS = ("csv", "csv.gz", "tsv", "tsv.gz", "parquet", "npz")


def drawn(n=300, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.ones(n_classes), size=n)
    y = (proba.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return y, proba


def framed(y, proba, names=NAMES, prefix="proba_"):
    frame = pd.DataFrame(proba, columns=[f"{prefix}{name}" for name in names])
    frame.insert(0, "y_true", np.array(names)[y])
    return frame


def write(frame, path, **how):
    name = path.name.lower()
    if name.endswith(".parquet"):
        frame.to_parquet(path, **how)
    elif name.endswith(".npz"):
        columns = {"y_true": frame["y_true"].to_numpy().astype(str)}
        columns["y_proba"] = frame.filter(like="proba_").to_numpy()
        with path.open("wb") as file:  # by its name numpy would add an ending
            np.savez_compressed(file, **columns, **how)
    else:
        sep = "\t" if ".tsv" in name else ","
        compression = "gzip" if name.endswith(".gz") else None
        frame.to_csv(path, **{"index": False, "sep": sep, "compression": compression, **how})
    return path


def lines(path, *rows):
    path.write_text("\n".join(rows) + "\n")
    return path


def measured(path, dialect=UNSAID, **asked):
    return measure_file(open_predictions(path, Asked(**asked), dialect))


def says(path, match, dialect=UNSAID, **asked):
    with pytest.raises(BadArgument, match=match) as error:
        measured(path, dialect, **asked)
    assert "\n" not in str(error.value)


@pytest.fixture(params=["pyarrow", "pandas"])
def reader(request, monkeypatch):
    """Text is read by one and by the other."""
    monkeypatch.setattr(text_files, "find_spec", lambda _: request.param == "pyarrow" or None)
    monkeypatch.setattr(text_files, "_ROWS", 40)
    monkeypatch.setattr(text_files, "_BLOCK", 2000)
    return request.param


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(npz_files, "_ROWS", 40)
    monkeypatch.setattr(parquet_files, "_ROWS", 40)


@pytest.mark.parametrize("kind", [*KINDS, "CSV", "Csv.GZ", "NPZ"])
@pytest.mark.usefixtures("reader", "small_pieces")
def test_every_kind_says_what_the_arrays_say(tmp_path, kind):
    y, proba = drawn()
    path = write(framed(y, proba), tmp_path / f"predictions.{kind}")
    found = measured(path).predictions
    assert found.labels == NAMES
    P, M = mean_proba_and_second_moments(y, proba)
    np.testing.assert_allclose(found.mean_proba, P, rtol=1e-12)
    np.testing.assert_allclose(found.second_moment, M, rtol=1e-12)
    np.testing.assert_array_equal(found.count, np.bincount(y))


@pytest.mark.usefixtures("reader", "small_pieces")
def test_pieces_are_pieces(tmp_path):
    """All rows, in their order, in many pieces that are numbered from 1."""
    y, proba = drawn()
    for kind in KINDS:
        file = open_predictions(write(framed(y, proba), tmp_path / f"a.{kind}"), Asked())
        pieces = list(file.table.pieces(file.taken.columns))
        assert len(pieces) >= 4, kind
        np.testing.assert_allclose(np.concatenate([p.values for p in pieces]), proba, rtol=1e-12)
        starts = np.cumsum([0, *(len(p.values) for p in pieces)])[:-1]
        assert [p.first_row for p in pieces] == (starts + 1).tolist()
        names = [p.label.names[c] for p in pieces for c in p.label.codes]
        assert names == [NAMES[k] for k in y]


@pytest.mark.parametrize(
    ("names", "labels"),
    [((0, 1, 2), ("0", "1", "2")), ((1.0, 2.0, 10.0), ("1", "2", "10")),
     (("007", "7", "7.0"), ("007", "7", "7.0"))],
)  # fmt: skip
def test_labels_are_compared_as_written(tmp_path, names, labels):
    """Whole numbers without a point where they are numbers; text as it is."""
    y, proba = drawn()
    frame = framed(y, proba, [str(name) for name in labels])
    frame["y_true"] = np.array(names)[y]
    assert measured(write(frame, tmp_path / "a.csv")).predictions.labels == labels
    for kind in ("parquet", "npz"):
        path = tmp_path / f"a.{kind}"
        if kind == "npz":
            np.savez(path, y_true=frame["y_true"].to_numpy(np.array(names).dtype), y_proba=proba)
        else:
            frame.to_parquet(path)
        assert measured(path).predictions.labels == labels
        np.testing.assert_array_equal(measured(path).predictions.count, np.bincount(y))


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
@pytest.mark.parametrize("values", [(False, True), ("no", "yes"), (0, 1), (-1, 1)])
def test_one_column_is_of_the_larger_label(tmp_path, kind, values):
    y, proba = drawn(n_classes=2)
    path, truth = tmp_path / f"a.{kind}", np.array(values)[y]
    if kind == "npz":
        np.savez(path, y_true=truth, y_proba=proba[:, 1])
    else:
        write(pd.DataFrame({"y_true": truth, "y_proba": proba[:, 1]}), path)
    P = mean_proba_and_second_moments(y, proba)[0]
    found = measured(path).predictions
    assert found.labels == tuple(map(str, values))
    np.testing.assert_allclose(found.mean_proba, P, rtol=1e-12)
    turned = measured(path, pos_label=str(values[0])).predictions
    np.testing.assert_allclose(turned.mean_proba, P[:, ::-1], rtol=1e-12)
    assert turned.labels == found.labels


def test_one_column_that_names_its_label(tmp_path):
    y, proba = drawn(n_classes=2)
    frame = framed(y, proba, ("yes", "no")).drop(columns="proba_no")  # "yes" is class 0, and larger
    path = write(frame, tmp_path / "a.csv")
    file = open_predictions(path, Asked())
    assert str(file.taken) == (
        "labels in 'y_true'; probabilities of 'yes', not 'no', in 'proba_yes'"
    )
    P = mean_proba_and_second_moments(y, proba)[0]
    np.testing.assert_allclose(measure_file(file).predictions.mean_proba, P[::-1, ::-1])
    said = measured(path, labels=("yes", "no")).predictions
    np.testing.assert_allclose(said.mean_proba, P)
    frame = frame.rename(columns={"proba_yes": "proba_no"})
    np.testing.assert_allclose(measured(write(frame, path)).predictions.mean_proba, P[::-1])


@pytest.mark.usefixtures("small_pieces")
def test_columns_that_are_called_as_the_labels(tmp_path):
    y, proba = drawn()
    y = np.concatenate([np.zeros(100, int), y])  # the others are met late
    proba = np.concatenate([proba[:100], proba])
    frame = framed(y, proba, prefix="")
    frame.insert(1, "age", 50)
    for kind in ("csv", "parquet"):
        file = open_predictions(write(frame, tmp_path / f"a.{kind}"), Asked())
        assert file.taken.columns == Columns("y_true", NAMES)
        assert "1 other column unused" in str(file.taken)
    frame["owl"] = 0.0  # a class without a sample: only its name says that it is one
    path = write(frame, tmp_path / "a.csv")
    assert measured(path).predictions.labels == NAMES
    with np.errstate(invalid="ignore"):
        assert open_predictions(path, Asked(labels=(*NAMES, "owl"))).taken.labels[-1] == "owl"


def test_columns_that_are_said(tmp_path):
    y, proba = drawn()
    frame = framed(y, proba).set_axis(["truth", "a", "b", "c"], axis=1)
    frame["w"], frame["y"] = np.arange(300) % 3 + 0.5, 7
    path = write(frame, tmp_path / "a.csv")
    asked = {"label": "truth", "proba": ("c", "a", "b"), "labels": ("eel", "cat", "dog")}
    found = measured(path, **asked, sample_weight="w").predictions
    order, w = [2, 0, 1], frame["w"].to_numpy()
    P = [np.average(proba[y == k], axis=0, weights=w[y == k])[order] for k in order]
    np.testing.assert_allclose(found.mean_proba, P)
    np.testing.assert_allclose(found.weight_sum, np.bincount(y, w)[order])


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
def test_logits(tmp_path, kind):
    y, proba = drawn()
    z = np.log(proba) + np.arange(300)[:, None] % 5
    path = tmp_path / f"a.{kind}"
    if kind == "npz":
        np.savez(path, y_true=y, y_logits=z)
    else:
        write(framed(y, z, prefix="logit_"), path)
    asked = {} if kind == "npz" else {"logits": True}
    found = measured(path, **asked).predictions
    np.testing.assert_allclose(found.mean_proba, mean_proba_and_second_moments(y, proba)[0])
    if kind != "npz":
        says(path, "has columns of logits, 'logit_cat', 'logit_dog', 'logit_eel': say logits")
    y, proba = drawn(n_classes=2)
    one = {"y_true": y, "y_logits": np.log(proba[:, 1] / proba[:, 0])}
    np.savez(path, **one) if kind == "npz" else write(pd.DataFrame(one), path)
    found = measured(path).predictions
    np.testing.assert_allclose(found.mean_proba, mean_proba_and_second_moments(y, proba)[0])


@pytest.mark.usefixtures("reader", "small_pieces")
def test_groups(tmp_path):
    y, proba = drawn(400)
    group = np.random.default_rng(1).integers(0, 4, 400)
    frame = framed(y, proba).assign(site=group)
    for kind in ("csv", "parquet"):
        found = measured(write(frame, tmp_path / f"a.{kind}"), by="site")
        assert [name for name, _ in found.groups] == ["0", "1", "2", "3"]
        for g, (_, predictions) in enumerate(found.groups):
            P = mean_proba_and_second_moments(y[group == g], proba[group == g])[0]
            np.testing.assert_allclose(predictions.mean_proba, P)
        P = mean_proba_and_second_moments(y, proba)[0]
        np.testing.assert_allclose(found.predictions.mean_proba, P)
    frame.loc[17, "site"] = None
    says(write(frame, tmp_path / "a.csv"), r"file: row 18 has nothing in column 'site'", by="site")
    frame["site"] = np.arange(400) % (MOST + 1)
    many = pd.concat([frame] * 3).assign(site=np.arange(1200))
    says(write(many, tmp_path / "a.csv"), "by 'site' holds more than 1000 groups", by="site")


def test_rounded_rows_are_divided_by_their_sums(tmp_path):
    y, proba = drawn()
    frame = framed(y, proba)
    exact = mean_proba_and_second_moments(y, proba)[0]
    for decimals in (3, 4):
        path = write(frame, tmp_path / "a.csv", float_format=f"%.{decimals}f")
        found = measured(path)
        assert 10.0**-decimals / 2 < found.rounding <= 1.5 * 10.0**-decimals * 1.0001
        np.testing.assert_allclose(found.predictions.mean_proba, exact, atol=10.0**-decimals)
        np.testing.assert_allclose(found.predictions.mean_proba.sum(axis=1), 1, rtol=1e-12)
    assert measured(write(frame, tmp_path / "a.csv")).rounding == 0.0
    for dtype in (np.float16, np.float32):
        np.savez(tmp_path / "a.npz", y_true=y, y_proba=proba.astype(dtype))
        found = measured(tmp_path / "a.npz").predictions.mean_proba
        np.testing.assert_allclose(found, exact, atol=float(np.finfo(dtype).eps))


def test_half_precision_in_parquet(tmp_path):
    y, proba = drawn()
    columns = {f"proba_{k}": pa.array(proba[:, k].astype(np.float16)) for k in range(3)}
    pq.write_table(pa.table({"y": pa.array(y), **columns}), tmp_path / "a.parquet")
    exact = mean_proba_and_second_moments(y, proba)[0]
    found = measured(tmp_path / "a.parquet").predictions.mean_proba
    np.testing.assert_allclose(found, exact, atol=1e-3)


@pytest.mark.usefixtures("reader")
def test_decimal_commas_separators_and_encodings(tmp_path):
    y, proba = drawn()
    frame = framed(y, proba, ("größer", "klein", "mittel"))
    P = mean_proba_and_second_moments(y, proba)[0]
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16"):
        path = write(frame, tmp_path / "a.csv", sep=";", decimal=",", encoding=encoding)
        dialect = Dialect(encoding="cp1252") if encoding == "cp1252" else UNSAID
        found = measured(path, dialect).predictions
        assert found.labels == ("größer", "klein", "mittel")
        np.testing.assert_allclose(found.mean_proba, P)
    path = write(frame, tmp_path / "a.csv", sep="|")
    np.testing.assert_allclose(measured(path).predictions.mean_proba, P)
    frame.to_csv(path, sep="!", index=False)
    np.testing.assert_allclose(measured(path, Dialect(sep="!")).predictions.mean_proba, P)
    says(write(frame, path, encoding="cp1252"), "byte 0xf6 in line 1 is not UTF-8; encoding cp1252")


@pytest.mark.usefixtures("reader")
def test_blanks_and_blank_lines_are_no_part(tmp_path):
    path = lines(
        tmp_path / "a.csv", "", " y_true , proba_a,proba_b ", "a, 0.75 ,0.25", "", "b ,.5, 5e-1"
    )
    found = measured(path).predictions
    assert found.mean_proba.tolist() == [[0.75, 0.25], [0.5, 0.5]]


HEAD, GOOD = "y_true,proba_a,proba_b", ["a,0.75,0.25", "b,0.5,0.5"] * 60


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("a,0.75,oops", "file: row 121 holds 'oops' in column 'proba_b', which is no number"),
        ("a,0.75,", "file: row 121 has no number in column 'proba_b'"),
        ("a,NA,0.25", "file: row 121 has no number in column 'proba_a'"),
        ("a,inf,0.25", "file: row 121 holds inf in column 'proba_a', which is not finite"),
        ("a,1.25,-0.25", "row 121 holds -0.25 in column 'proba_b', which is no probability"),
        ("a,0.75,0.75", "the probabilities of row 121 must sum to one, and sum to 1.5"),
        ("a,0.75", "file: row 121 has 2 fields, but the header has 3"),
        ("a,0.75,0.25,1", "file: row 121 has 4 fields, but the header has 3"),
        (",0.75,0.25", "file: row 121 has nothing in column 'y_true'"),
        (
            "c,0.75,0.25",
            r"row 121 has the label 'c' in 'y_true', but the probabilities are of \['a",
        ),
    ],
)
def test_bad_rows_are_named(tmp_path, reader, row, match):
    if reader == "pandas" and row == "a,0.75":
        match = "row 121 has no number in column 'proba_b'"  # it fills what is missing
    says(lines(tmp_path / "a.csv", HEAD, *GOOD, row, *GOOD), match)


@pytest.mark.parametrize(
    ("rows", "match", "asked"),
    [
        ([], "file cannot be read: it is empty", {}),
        ([HEAD], "file has no rows", {}),
        (["y_true", "a"], "file has one column, 'y_true'; sep says what stands", {}),
        (["a,b", "1,2"], r"label must say which column holds the true labels, of \['a', 'b'\]", {}),
        ([HEAD, *GOOD], "label must name a column of .*, got 'z'", {"label": "z"}),
        ([HEAD, *GOOD], "sample_weight must name a column of .*, got 'z'", {"sample_weight": "z"}),
        ([HEAD, *GOOD], "by 'y_true' is the column of labels", {"by": "y_true"}),
        ([HEAD, *GOOD], "proba must name a column of .*, got 'z'", {"proba": ("z",)}),
        ([HEAD, *GOOD], "proba 'y_true' is taken for something else", {"proba": ("y_true",)}),
        ([HEAD, *GOOD], r"labels must name 2 classes, as .* hold, got 3",
         {"proba": ("proba_a", "proba_b"), "labels": ("a", "b", "c")}),
        ([HEAD, *GOOD], r"proba must say which columns are of labels \['x', 'z'\]",
         {"labels": ("x", "z")}),
        ([HEAD, *GOOD], "labels must be distinct, got 'a' twice", {"labels": ("a", "a")}),
        ([HEAD, *GOOD], "pos_label is of a single column, got 2 of numbers", {"pos_label": "a"}),
        (["y,u,v", "a,.5,.5"], r"proba must say which columns are of probabilities, of \['u', 'v",
         {}),
        (["y,p_a,p_a", "a,.5,.5"], "file has two columns 'p_a'", {}),
        (["y,proba", "a,.5", "b,.5", "c,.5"], "proba 'proba' holds one number per sample, and", {}),
        (["y,proba", "a,.5", "b,.5", *["a,.5"] * 600, "c,.5"], r"row 603 has the label 'c'", {}),
        (["y,proba", "a,.5", "a,.5"], r"labels must be two of a single column: 'y' holds \['a'\]",
         {}),
        (["y,proba_c", "a,.5", "b,.5"], r"labels 'c' is not among the labels \['a', 'b'\]", {}),
        (["y,proba", "a,.5", "b,.5"], r"pos_label 'c' is not among the labels", {"pos_label": "c"}),
        (["y,proba", "a,.5", "b,1.5"], "row 2 holds 1.5 in column 'proba', which is no prob", {}),
        (["y,p_a,p_b,w", "a,.5,.5,-1"], "row 1 holds the weight -1 in 'w'", {"sample_weight": "w"}),
        (["y,p_a,p_b,w", "a,.5,.5,"], "row 1 has no number in column 'w'", {"sample_weight": "w"}),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("reader")
def test_what_cannot_be_is_said(tmp_path, rows, match, asked):
    path = tmp_path / "a.csv"
    lines(path, *rows) if rows else path.write_text("")
    says(path, match, **asked)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files(tmp_path, kind):
    y, proba = drawn(3000)
    path = write(framed(y, proba), tmp_path / f"a.{kind}")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    # A text file that is cut has a row that is too short, or a number that is.
    says(path, "fields, but the header has|must sum to one|cannot be read|no number")
    if kind not in ("csv", "tsv"):
        for at in (len(whole) // 3, len(whole) // 2):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
            if kind != "parquet":  # only checksums of its pages show that, which few write
                says(path, "cannot be read")
    path.write_bytes(b"nonsense \xff\xfe" * 9)
    says(path, "cannot be read|has one column")


def test_files_that_are_no_files(tmp_path):
    says(tmp_path / "a.xlsx", f"file: must end in {', '.join(SUFFIXES)}")
    says(tmp_path / "a.csv", "file cannot be read: No such file or directory")
    (tmp_path / "b.csv").mkdir()
    says(tmp_path / "b.csv", "file is a folder: it must be a file")
    np.savez(tmp_path / "a.npz", y_true=[0, 1])
    says(tmp_path / "a.npz", "sep is of text files, got ';'", Dialect(sep=";"))


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"y_true": [0, 1]}, "proba must say which columns are of probabilities"),
        ({"y_true": [0, 1, 1], "y_proba": np.eye(2)}, r"y_proba must have shape \(n_samples, n_"),
        ({"y_true": [0, 1], "y_proba": np.eye(2)[None]}, "y_proba must have shape"),
        ({"y_true": [[0, 1]], "y_proba": np.eye(2)}, r"y_true must have shape \(n_samples,\)"),
        ({"y_true": [0, 7], "y_proba": np.eye(3)[:2]}, "labels must be said: 'y_true' holds 2 lab"),
        ({"y_true": [0, 1], "y_proba": [["a", "b"]] * 2}, "y_proba must hold numbers, got <U1"),
        ({"y_true": [0, 1], "y_proba": np.eye(2, dtype=complex)}, "must hold numbers, got complex"),
        ({"y_true": np.array([0, None]), "y_proba": np.eye(2)}, "y_true holds Python objects"),
        ({"y_true": [0.0, np.nan], "y_proba": np.eye(2)}, "row 2 has nothing in column 'y_true'"),
        ({"y_true": [0, 1], "y_proba": [[1, 0], [np.nan, 1]]}, "row 2 has no number in 'y_proba', "
         "column 0"),
        ({"y_true": [0, 1], "y_proba": [[1, 0], [0.5, 1]]}, "of row 2 must sum to one, and sum"),
    ],
)  # fmt: skip
def test_arrays_that_cannot_be(tmp_path, arrays, match):
    np.savez(tmp_path / "a.npz", **arrays)
    says(tmp_path / "a.npz", match)


def test_parquet_that_cannot_be(tmp_path):
    y, proba = drawn(30)
    frame = framed(y, proba)
    frame.loc[4, "proba_dog"] = None
    says(write(frame, tmp_path / "a.parquet"), "row 5 has no number in column 'proba_dog'")
    frame["proba_dog"] = "x"
    path = write(frame, tmp_path / "a.parquet")
    says(path, ": column 'proba_dog' must hold numbers, got (large_)?string")
    frame = framed(y, proba)
    frame.loc[6, "y_true"] = None
    says(write(frame, tmp_path / "a.parquet"), "row 7 has nothing in column 'y_true'")
    frame = framed(y, proba).set_index("y_true").reset_index()
    frame["y_true"] = frame["y_true"].astype("category")
    frame.index = frame.index + 5
    found = measured(write(frame, tmp_path / "a.parquet")).predictions
    np.testing.assert_array_equal(found.count, np.bincount(y, minlength=3))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.usefixtures("small_pieces")
def test_npz_by_row_and_by_column(tmp_path, order):
    y, proba = drawn()
    np.savez(tmp_path / "a.npz", y=y.astype(np.uint8), proba=np.asarray(proba, order=order))
    P = mean_proba_and_second_moments(y, proba)[0]
    np.testing.assert_allclose(measured(tmp_path / "a.npz").predictions.mean_proba, P)


@pytest.mark.parametrize("prefix", ["proba_", "", "y_proba"])
def test_labels_of_a_loss_that_takes_floats(tmp_path, prefix):
    """1.0 is 1, also in text, whatever the columns say."""
    y, proba = drawn(n_classes=2)
    frame = framed(y, proba, ("0", "1"), prefix)
    if prefix == "y_proba":
        frame = frame[["y_true", "y_proba1"]].set_axis(["y_true", "y_proba"], axis=1)
    frame["y_true"] = y.astype(float)
    path = write(frame, tmp_path / "a.csv")
    assert path.read_text().splitlines()[1].startswith(("0.0,", "1.0,"))
    found = measured(path).predictions
    assert found.labels == ("0", "1")
    np.testing.assert_allclose(found.mean_proba, mean_proba_and_second_moments(y, proba)[0])
    if prefix == "y_proba":
        turned = measured(path, pos_label="0.0").predictions
        np.testing.assert_allclose(turned.mean_proba, found.mean_proba[:, ::-1])


def test_numbered_columns_are_named_by_labels_alone(tmp_path):
    y, proba = drawn(n_classes=12)
    names = [f"class {chr(97 + k)}" for k in range(12)]
    frame = framed(y, proba, range(12))
    frame["y_true"] = np.array(names)[y]
    shuffled = frame[["y_true", *sorted(frame.columns[1:])]]  # proba_1, proba_10, proba_11, ...
    path = write(shuffled, tmp_path / "a.csv")
    found = measured(path, labels=tuple(names)).predictions
    np.testing.assert_allclose(found.mean_proba, mean_proba_and_second_moments(y, proba)[0])
    says(path, r"has the label 'class .' in 'y_true', .*; proba and labels say, in the same order")
    says(path, "proba must say which columns are of labels", labels=tuple(names[:11]))
    path = write(frame, tmp_path / "a.csv")
    says(path, "; labels says whose they are, in this order, as in class a,class b,...")


def test_what_may_be_meant_is_said(tmp_path):
    y, proba = drawn()
    frame = framed(y, proba, range(3))
    frame["y_true"], frame["label_of_site"] = y, y
    frame = frame[[*frame.columns[1:-1], "y_true", "label_of_site"]]
    path = write(frame, tmp_path / "a.csv")
    says(path, "got 'label_of_sit'; is 'label_of_site' meant?", label="label_of_sit")
    says(path, r"of \['y_true', 'label_of_site', 'proba_0', .*got 'zzz'$", label="zzz")
    scaled = frame.copy()
    scaled[["proba_0", "proba_1", "proba_2"]] = np.log(proba)
    says(write(scaled, path), "which is no probability; of logits say logits")
    scaled[["proba_0", "proba_1", "proba_2"]] = 100 * proba
    says(write(scaled, path), "sum to one, and sum to 1?[09][09]..*in percent. divide by 100$")
    lines(path, "y,proba", *["a,30", "b,70"] * 9)
    says(path, "row 1 holds 30 in column 'proba', which is no probability; in percent. divide by")
    np.savez(tmp_path / "a.npz", y_true=np.eye(3)[y], y_proba=proba)
    says(tmp_path / "a.npz", r"got \(300, 3\); if it is one-hot, store its argmax\(axis=1\)$")
    np.savez(tmp_path / "a.npz", y_true=y, y_proba=proba.argmax(axis=1))
    says(tmp_path / "a.npz", r"proba 'y_proba' holds one number per sample, and 'y_true' holds 3 l")


def test_a_line_says_what_is_taken(tmp_path):
    y, proba = drawn(n_classes=30)
    frame = framed(y, proba, [f"class {k}" for k in range(30)]).assign(w=1.0, site="a", more=0)
    path = write(frame, tmp_path / "a.csv")
    taken = str(open_predictions(path, Asked(sample_weight="w", by="site")).taken)
    assert taken.startswith(
        "labels in 'y_true'; probabilities of 30 classes in 'proba_class 0' ... 'proba_class 29'; w"
    )
    assert taken.endswith("; weights of samples in 'w'; groups in 'site'; 1 other column unused")
    np.savez(tmp_path / "a.npz", y=y, proba=proba)
    assert str(open_predictions(tmp_path / "a.npz", Asked()).taken) == (
        "labels in 'y'; probabilities of 30 classes, '0' ... '29', in 'proba'"
    )


@pytest.mark.parametrize("label", ["y_true", "label", "y", "y_test", "target", "truth"])
@pytest.mark.parametrize(
    "column", ["y_proba", "proba", "y_prob", "y_score", "score", "p", "prob", "y_pred"]
)
def test_names_that_people_give_one_column(tmp_path, label, column):
    """With the index that pandas writes, without a name and as it is read again."""
    y, proba = drawn(n_classes=2)
    P = mean_proba_and_second_moments(y, proba)[0]
    frame = pd.DataFrame({label: y, column: proba[:, 1]})
    for kind in ("", "Unnamed: 0"):
        frame.index.name = kind
        file = open_predictions(write(frame, tmp_path / "a.csv", index=True), Asked())
        assert file.taken.columns == Columns(label, (column,))
        assert file.taken.n_unused == 0
        np.testing.assert_allclose(measure_file(file).predictions.mean_proba, P)


@pytest.mark.parametrize("prefix", ["proba_", "p_", "prob_", "predict_proba_", "y_proba_", ""])
def test_names_that_people_give_several(tmp_path, prefix):
    """Whatever answers and scores stand beside them."""
    y, proba = drawn()
    answers = np.array(NAMES)[proba.argmax(axis=1)]
    frame = framed(y, proba, prefix=prefix).assign(y_pred=answers)
    path = write(frame, tmp_path / "a.csv", index=True)
    assert open_predictions(path, Asked()).taken.columns.proba == tuple(
        f"{prefix}{name}" for name in NAMES
    )
    P = mean_proba_and_second_moments(y, proba)[0]
    np.testing.assert_allclose(measured(path).predictions.mean_proba, P)


def test_answers_are_the_last_to_be_taken_and_an_index_if_it_is_asked_for(tmp_path):
    path = lines(tmp_path / "a.csv", ",y,y_pred,score", "0.5,a,1,.25", "0.25,b,0,.75")
    assert open_predictions(path, Asked()).taken.columns.proba == ("score",)
    path = lines(tmp_path / "a.csv", "Unnamed: 0,y,y_pred", "0.5,a,1", "0.25,b,0")
    assert open_predictions(path, Asked()).taken.columns.proba == ("y_pred",)
    said = open_predictions(path, Asked(proba=("Unnamed: 0",))).taken
    assert said.columns.proba == ("Unnamed: 0",)
    path = lines(tmp_path / "a.csv", "y,logit_a,logit_b,y_pred", "a,1,2,0", "b,2,1,1")
    says(path, "has columns of logits, 'logit_a', 'logit_b': say logits")


def test_a_class_that_is_called_as_a_column_of_probabilities_is(tmp_path):
    """Of the labels p and x the column p is not the probability of x, which is the larger."""
    path = lines(tmp_path / "a.csv", "y,p,x", "p,.75,.25", "x,.5,.5")
    assert open_predictions(path, Asked()).taken.columns.proba == ("p", "x")
    path = lines(tmp_path / "a.csv", "y,p,age", "a,.75,30", "b,.5,40")
    assert open_predictions(path, Asked()).taken.columns.proba == ("p",)


@pytest.mark.parametrize(
    ("rows", "advice"),
    [
        (["y,y_true,p", "a,b,.5"], "label may be 'y_true' or 'y': say --label y_true or --label y"),
        (["y,p,y_prob", "a,.5,.5"], "be 'y_prob' or 'p': say --proba y_prob or --proba p$"),
        (["y,p_a,p_b,prob_a,prob_b", "a,.5,.5,.5,.5"], "say --proba p_a,p_b or --proba prob_a,p"),
        (["y_obs,score", "0,.25", "1,.5"], "none is named so; say --label y_obs$"),
        (["obs,hat", "a,.25", "b,.5"], "none is named so; say --label obs --proba hat$"),
        (["hat,obs", "0,1", ".5,0"], "none is named so; say --label obs --proba hat$"),
        (["obs,a,b", "a,.25,.75", "b,.5,.5"], "say --label obs --proba a,b$"),
        (["obs,the u,v", "a,.25,.75", "b,.5,.5"],
         r"say --label obs --proba 'the u,v' --labels LABEL,... \(in that order\)$"),
        (["y,hat", "a,.25", "b,.5"], "say --proba hat$"),
        (["u,v,hat", "a,1,.25", "b,2,.5"], "say --label COLUMN --proba hat$"),
        (["y,u", "a,7", "b,8"], "say --proba COLUMN,...$"),
        (["0,.75", "1,.25"], r"file has no header: its first line, \['0', '.75'\], must name"),
        (["cat,0.75,0.25", "dog,1,0"], "file has no header: its first line, .*'0.75', '0.25"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("reader")
def test_a_refusal_says_all_options_that_would_do(tmp_path, rows, advice):
    path = lines(tmp_path / "a.csv", *rows)
    with pytest.raises(BadArgument) as error:
        open_predictions(path, Asked())
    spelled = error.value.spelled(lambda name: f"--{name}")
    assert re.search(advice, spelled.removeprefix("--")), spelled


def test_what_is_said_settles_what_may_be_meant(tmp_path):
    path = lines(tmp_path / "a.csv", "y,target,p,score", "a,u,.25,.5", "b,v,.5,.5")
    taken = open_predictions(path, Asked(label="target", proba=("p",))).taken
    assert taken.columns == Columns("target", ("p",))
    assert open_predictions(path, Asked(by="y", sample_weight="p")).taken.columns == Columns(
        "target", ("score",), "p", "y"
    )


def test_few_rows_are_held_at_a_time(tmp_path):
    """Of what numpy allocates: a tenth of the numbers of the file, at most."""
    y, proba = drawn(200_000, 10)
    names = list("abcdefghij")
    path = write(framed(y, proba, names), tmp_path / "a.parquet")
    file = open_predictions(path, Asked())
    tracemalloc.start()
    largest = 0
    for piece in file.table.pieces(file.taken.columns):
        largest = max(largest, len(piece.values))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert largest < 70_000
    assert peak < 0.8 * proba.nbytes


@pytest.mark.usefixtures("reader")
def test_gzip_of_several_members(tmp_path):
    """As `cat a.gz b.gz` makes them."""
    text = "\n".join([HEAD, *GOOD]) + "\n"
    half = len(text) // 2
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(text[:half].encode()) + gzip.compress(text[half:].encode()))
    assert measured(path).predictions.count.tolist() == [60, 60]
