"""CSV: every row as its header says; against pyarrow's reader, which shares no line with ours."""

import csv
import gzip
import io

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnprop.simulations.generators.user_data import describe_file
from learnprop.simulations.generators.user_files.csv_files import read_csv


def read(text, drop=(), encoding="utf-8"):
    return read_csv(text.encode(encoding), "kind", drop, lambda _: None)


@pytest.mark.parametrize(
    ("row", "fields"),
    [("1,234,x", 4), ("1,x,", 4), ("1,,,x", 5), ("1", 2), ('"1,2,x"', 2), ("# a comment", 2)],
)
@pytest.mark.parametrize("at", [0, 1, 49, 25_000])
def test_a_row_of_other_fields_than_the_header_is_named(row, fields, at):
    """After blank lines and line breaks within quotes, too, and beyond the first block."""
    before = (["1,2,x", '3,4,"x\ny"', "\n5,6,y"] * (at // 3 + 1))[:at]
    text = "\n".join(["a,b,kind\n", *before, "", f"0,{row}", "7,8,y"])
    message = f"^data: row {at + 1} has {fields} fields, but the header has 3$"
    with pytest.raises(ValueError, match=message):
        read(text)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_fields_are_read_as_they_are_written(end):
    lines = ["a,b,kind", '1e3,"2",007', "", '-0.1, 3 ,"a ""b"", c"', ".5,+4,NA", "1,1,None"]
    features, labels = read("\ufeff" + end.join(lines) + end)
    assert features["a"].tolist() == [1000, -0.1, 0.5, 1]
    assert features["b"].tolist() == [2, 3, 4, 1]
    assert labels.tolist() == ["007", 'a "b", c', "NA", "None"]


@pytest.mark.parametrize("word", ["", " ", "NA", "nan", "NaN", "None", "null", "#N/A", '""'])
def test_missing_numbers_are_nan(word):
    features, _ = read(f"a,kind\n1,x\n{word},y\n")
    assert np.isnan(features["a"]).tolist() == [False, True]


@pytest.mark.parametrize(
    "word",
    ["x", "1_000", "0x10", '"1,5"', "1 000", "1;2", "١", "1.2.3", "--1", "1e", "True", "1j", "½"],
)
def test_what_is_no_number_is_named(word):
    with pytest.raises(ValueError, match=r"^data: column 'a' holds '?.* in row 3, ") as error:
        read(f"a,kind\n1,x\n2,y\n{word},y\n")
    assert "\n" not in str(error.value)
    _, labels = read(f"a,kind\n1,x\n2,y\n{word},y\n", drop=("a",))
    assert labels.tolist() == ["x", "y", "y"]


def test_rows_are_counted_through_the_file():
    with pytest.raises(ValueError, match=r"column 'a' holds 'x' in row 45001, "):
        read("a,kind\n" + "1,x\n" * 45_000 + "x,y\n")


def test_numbers_that_float64_cannot_hold_are_named():
    with pytest.raises(ValueError, match=r"holds 9007199254740993 in row 2, which float64 cannot"):
        read("a,kind\n9007199254740992,x\n9007199254740993,y\n")
    features, _ = read("a,kind\n18446744073709551616,x\n1e400,y\n")
    assert features["a"].tolist() == [2.0**64, np.inf]  # which check_features refuses


def test_true_and_false_are_one_and_zero_alone():
    features, _ = read("a,kind\nTrue,x\nfalse,y\n")
    assert features["a"].tolist() == [1, 0]
    blocks = "True,x\n" * 20_000 + "0,y\n"
    with pytest.raises(ValueError, match="'a' holds numbers, and True and False in other rows"):
        read("a,kind\n" + blocks)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "^data .*a.csv cannot be read: it is empty"),
        (b"\n\n", "a.csv cannot be read: it is empty"),
        (
            b"a,kind\n1,\xe9\n",
            r"byte 0xe9 in line 2 is not UTF-8; encoding cp1252 reads 'é'$",
        ),
        (
            "a,kind\n1,x\n".encode("utf-16-le"),
            "NUL in line 1, which is no text; if it is UTF-16, say encoding utf-16-le or",
        ),
        (b"a,kind\n1,x\n\0,y\n", "cannot be read: NUL in line 3"),
        (b'a,kind\n1,x\n2,"y"z\n', "cannot be read: ',' expected after '\"' in row 2"),
        (b'"a,kind\n1,x\n', "cannot be read: unexpected end of data in the header"),
        (b"a,kind\n1,%s\n" % (b"x" * 200_000), r"field larger than field limit .* in row 1"),
        (b"a:kind\n1,5:x\n", "has one column, 'a:kind'; sep says what stands between columns"),
        (b"a;sort\n1,5;x\n", r"label must name a column of .* \(a, sort\), got 'kind'"),
        (b'a,"ki\nnd"\n1,x\n', r"label must name a column of .* \(a, ki nd\), got 'kind'"),
        (b"a,,kind\n1,2,x\n", "a column without a name, .* drop 'Unnamed: 1' leaves it out"),
        (b"a,kind,\n1,x,\n", "a column without a name, .* drop 'Unnamed: 2' leaves it out"),
        (b"a,a,kind\n1,2,x\n", "has two columns 'a'"),
        (b"kind\nx\n", "has no column of features"),
        (
            gzip.compress(b"a,kind\n1,x\n", mtime=0),
            "cannot be read: byte 0x8b in line 1 is not UTF-8",
        ),
    ],
)
def test_files_that_are_no_table_are_named(tmp_path, content, message):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        describe_file(str(path), "kind", ())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[8:], lambda b: b + b"x"])
def test_damaged_gzip_is_named(damage):
    content = gzip.compress(b"a,kind\n1,x\n", mtime=0)
    assert read_csv(content, "kind", (), len, is_gzip=True)[1].tolist() == ["x"]
    with pytest.raises(ValueError, match=r"^data cannot be read: it is damaged"):
        read_csv(damage(content), "kind", (), len, is_gzip=True)


numbers = st.one_of(
    st.floats().map(repr),
    st.integers().map(str),
    st.integers(2**53 - 2, 2**53 + 2).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(["", "NA", "x", "1_0", "True", "0x1", "1,5", " 1", "\n1"]),
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"))


@given(data=st.data())
@settings(max_examples=250, deadline=None, derandomize=True)
def test_files_of_any_fields_are_read_as_by_pyarrow(data):
    """Or refused: for a row of other fields, or what pyarrow cannot make a number of either."""
    n_features = data.draw(st.integers(1, 3))
    row = st.tuples(*[numbers] * n_features, texts)
    rows = data.draw(st.lists(row, min_size=1, max_size=6))
    surplus = data.draw(st.sampled_from([-1, 0, 0, 0, 1, 2]))
    at = data.draw(st.integers(0, len(rows) - 1))
    written = [list(r) for r in rows]
    written[at] = written[at][:surplus] if surplus < 0 else written[at] + ["1"] * surplus
    file = io.StringIO(newline="")
    writer = csv.writer(
        file,
        quoting=data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        lineterminator=data.draw(st.sampled_from(["\n", "\r\n"])),
    )
    header = [f"x{j}" for j in range(n_features)] + ["kind"]
    writer.writerows([header, *written])
    content = file.getvalue().encode()
    if surplus:
        message = rf"^data: (row {at + 1} has {n_features + 1 + surplus} fields?, but|column 'x)"
        with pytest.raises(ValueError, match=message):
            read_csv(content, "kind", (), len)
        return
    table = pa.csv.read_csv(
        io.BytesIO(content),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
        ),
    )
    try:
        features, labels = read_csv(content, "kind", (), len)
        read_by_both = True
    except ValueError:
        read_by_both = False
    if not read_by_both:
        assert any(_is_odd(text) for c in header[:-1] for text in table[c].to_pylist())
        return
    assert labels.tolist() == [text.strip() for text in table["kind"].to_pylist()]
    for column in header[:-1]:
        for text, value in zip(table[column].to_pylist(), features[column], strict=True):
            if np.isnan(value):
                assert text.strip() in ("", "NA", "nan")
            elif text in ("True", "False"):
                assert value == (text == "True")
            else:
                assert value == pc.cast(pa.scalar(text.strip()), pa.float64()).as_py()
                assert not text.strip().lstrip("-").isdigit() or int(text) == value


def _is_odd(text):
    """No number to pyarrow, or an integer that float64 does not hold, or a truth value."""
    try:
        value = pc.cast(pa.scalar(text.strip()), pa.float64()).as_py()
    except pa.ArrowInvalid:
        return True
    return text.strip().lstrip("-").isdigit() and (np.isinf(value) or int(text) != int(value))
