"""Columns of every type that pandas and pyarrow have, in memory and from Parquet."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from learnprop.simulations.generators.user_files.arrays import as_column, as_frame
from learnprop.simulations.generators.user_files.columns import check_features
from learnprop.simulations.generators.user_files.labels import label_names
from learnprop.simulations.generators.user_files.read import read_features_and_labels


def features_of(column):
    return check_features(pd.DataFrame({"c": column}), "X")[:, 0].tolist()


def labels_of(y):
    return label_names(as_column(y, "y"), "y").tolist()


NUMBERS = [
    *[pd.Series([3, 0, 1], dtype=t) for t in ("int8", "uint8", "int16", "uint32", "int64")],
    *[pd.Series([3, 0, 1], dtype=t) for t in ("Int64", "UInt8", "int64[pyarrow]", "category")],
    *[pd.Series([3, 0, 1], dtype=t) for t in (object, "uint64", "uint64[pyarrow]")],
    pd.Series([2**60, 0, -(2**53)]),
    pd.Series([2**63, 0, 1], dtype="uint64"),
    *[pd.Series([1.5, -0.25, 3], dtype=t) for t in ("float16", "float32", "float64", object)],
    *[pd.Series([1.5, -0.25, 3], dtype=t) for t in ("Float32", "double[pyarrow]", "category")],
    pd.Series([1.5, 0, 3], dtype=pd.SparseDtype(float, 0)),
    pd.Series(np.array([1.5, 0, 3], dtype=np.longdouble)),
    *[pd.Series([True, False, True], dtype=t) for t in (bool, "boolean", "bool[pyarrow]", object)],
    pd.Series([Decimal("1.5"), Decimal(0), Decimal(2**60)]),
    pd.Series([Decimal("1.5"), Decimal("0"), Decimal("2")]).astype(
        pd.ArrowDtype(pa.decimal128(9, 2))
    ),
    pd.Series([Fraction(1, 2), 0, 1.25], dtype=object),
]


@pytest.mark.parametrize("column", NUMBERS, ids=lambda c: f"{c.dtype}")
def test_numbers_of_any_type_are_those_numbers(column):
    exact = [Fraction(float(v) if v < 4 else v) for v in column.astype(object)]
    assert [Fraction(value) for value in features_of(column)] == exact
    texts = column.astype(object).map(str)
    if "/" not in texts[0]:
        assert features_of(texts) == features_of(column)
        assert features_of(texts.map(str.encode)) == features_of(column)
        assert features_of(texts.astype("category")) == features_of(column)


@pytest.mark.parametrize(
    "dtype",
    [
        *["Int64", "UInt8", "Float64", "boolean", "category", "float32", "float16", "string"],
        *["int64[pyarrow]", "double[pyarrow]", "bool[pyarrow]", pd.SparseDtype(float), object],
    ],
)
def test_a_missing_value_of_any_type_is_missing(dtype):
    column = pd.Series(pd.array([1, None, 0], dtype=dtype))
    with pytest.raises(ValueError, match=r"X has missing .*\(columns 'c'\) in row 2; fill them in"):
        features_of(column)
    with pytest.raises(ValueError, match=r"^y has missing labels in row 2; name them"):
        labels_of(column)


NO_NUMBERS = [
    pd.Series(pd.date_range("2020", periods=3)),
    pd.Series(pd.date_range("2020", periods=3, tz="Asia/Tokyo")),
    pd.Series(pd.to_timedelta([1, 2, 3], unit="h")),
    pd.Series(pd.period_range("2020", periods=3, freq="M")),
    pd.Series(pd.cut([1, 2, 3], 3)),
    pd.Series(["a", "b", "c"]),
    pd.Series(["a", "b", "c"], dtype="category"),
    pd.Series(["a", "b", "c"], dtype="string[pyarrow]"),
    pd.Series([b"a", b"\xff", b"c"]),
    pd.Series([1j, 2, 3]),
    pd.Series([[1], [2], [3]]),
    pd.Series([{"a": 1}, {}, {}]),
    pd.Series([np.arange(4).reshape(2, 2)] * 3),
    pd.Series([datetime.date(2020, 1, 1)] * 3),
    pd.Series([np.timedelta64(1, "h"), 2, 3], dtype=object),
    pd.Series([True, 2, 3], dtype=object),
    pd.Series([1, 2**53 + 1, 3]),
    pd.Series([1, 2**64 - 1, 3], dtype="uint64"),
    pd.Series([Decimal(1), Decimal(2**53 + 1), Decimal(3)]),
    pd.Series(["1", "9007199254740993", "3"]),
    pd.Series([1, 2, 3]).astype("datetime64[ns]").astype(pd.ArrowDtype(pa.timestamp("ns"))),
]


@pytest.mark.parametrize("column", NO_NUMBERS, ids=lambda c: f"{c.dtype}")
def test_what_is_no_number_is_named(column):
    with pytest.raises(ValueError, match=r"^X: column 'c' holds .* in row [12], (which|and)") as e:
        features_of(column)
    assert "\n" not in str(e.value)
    column = column.astype(object).where([True, False, True], None)
    with pytest.raises(
        ValueError, match=r"^X has missing .* \(columns 'c'\) in row 2; fill them in"
    ):
        features_of(column)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.to_timedelta([1, None, 3], unit="h")),
        pd.Series(pd.PeriodIndex(["2020", None, "2021"], freq="Y")),
        pd.Series(pd.DatetimeIndex(["2020", None, "2021"])),
    ],
)
def test_a_missing_time_is_missing(column, tmp_path):
    with pytest.raises(ValueError, match=r"X has missing .* \(columns 'c'\) in row 2"):
        features_of(column)
    with pytest.raises(ValueError, match="y has missing labels in row 2"):
        labels_of(column)
    table = pd.DataFrame({"x": [0.5, 1, 2], "c": column, "y": ["a", "b", "a"]})
    table.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a.parquet has missing .* \(columns 'c'\) in row 2"):
        read_features_and_labels(str(tmp_path / "a.parquet"), "y", ())
    with pytest.raises(ValueError, match=r"a.parquet has missing labels in row 2"):
        read_features_and_labels(str(tmp_path / "a.parquet"), "c", ("y",))


@pytest.mark.parametrize(
    ("y", "names"),
    [
        ([0.0, 1.0], ["0", "1"]),
        ([0.5, 1.0], ["0.5", "1.0"]),
        ([-0.0, 0.0], ["0", "0"]),
        ([1e300, 2.0], ["1e+300", "2"]),
        ([1e19, 2.0**63], ["1e+19", "9.223372036854776e+18"]),
        (np.array([-0.0, 0.0, 0.5]), ["0.0", "0.0", "0.5"]),
        (np.array([1e300, 2.0**63, 2]), ["1e+300", "9.223372036854776e+18", "2"]),
        (np.array([1e8, 2], np.float32), ["100000000", "2"]),
        (np.array([0.1, 2], np.float32), ["0.1", "2.0"]),
        (np.array([2**64 - 1, 1], np.uint64), ["18446744073709551615", "1"]),
        ([2**70, -1], ["1180591620717411303424", "-1"]),
        ([-1, 2**63], ["-1", "9223372036854775808"]),
        ([0, 1, "3+"], ["0", "1", "3+"]),
        (["007", "7"], ["007", "7"]),
        ([True, False], ["True", "False"]),
        (np.array([np.int64(1), 0, np.str_("a")], object), ["1", "0", "a"]),
        (np.array([np.float32(0.5), 0.5, 1e300], object), ["0.5", "0.5", "1e+300"]),
        ([b"ja", "né".encode()], ["ja", "né"]),
        (np.array([b"ja", b"no"]), ["ja", "no"]),
        (pd.Categorical([2, 1], categories=[1, 2, 3], ordered=True), ["2", "1"]),
        (pd.array([1, 0], dtype="Int64"), ["1", "0"]),
        (pd.Index(["b", "a"]), ["b", "a"]),
        (torch.tensor([1, 0]), ["1", "0"]),
        ([torch.tensor(1), np.array(0)], ["1", "0"]),
        (np.ma.array([1, 0]), ["1", "0"]),
        (pd.Series(pd.period_range("2020-01", periods=2, freq="M")), ["2020-01", "2020-02"]),
        ([Decimal("0.5"), Decimal(2)], ["0.5", "2"]),
    ],
)
def test_labels_keep_their_names(y, names):
    assert labels_of(y) == names


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, "1"], "different and written alike, or equal: 1 in row 1, '1' in row 2"),
        ([1, 0, 1.0], r"different and written alike, or equal: 1 in row 1, 1\.0 in row 3"),
        ([np.int64(1), Decimal(1)], r"alike, or equal: 1 in row 1, Decimal\('1'\) in row 2"),
        ([1, True], "different and written alike, or equal: 1 in row 1, True in row 2"),
        (["a", b"a"], "different and written alike, or equal: 'a' in row 1, b'a' in row 2"),
        (["True", True], "different and written alike, or equal: 'True' in row 1, True in row 2"),
        ([0.0, np.inf], "y has infinite labels in row 2"),
        (np.array([0.0, np.inf]), "y has infinite labels in row 2"),
        (pd.Series([0.0, -np.inf], dtype="double[pyarrow]"), "y has infinite labels in row 2"),
        ([0.0, "a", -np.inf], "y has infinite labels in row 3"),
        ([0.0, np.nan], "y has missing labels in row 2"),
        (["a", " "], "y has missing labels in row 2"),
        (["a", pd.NA], "y has missing labels in row 2"),
        (np.ma.array(["a", "b"], mask=[0, 1]), "y has missing labels in row 2"),
        ([b"a", b"\xff"], r"y holds b'\\xff' in row 2, which is no label"),
        (["a", "a\0"], r"y holds 'a\\x00' in row 2, which is no label"),
        (["a", "\udc80"], r"y holds '\\udc80' in row 2, which is no label"),
        (["a", 1j], "y holds 1j in row 2, which is no label"),
        ([1, {}], "y holds {} in row 2, which is no label"),
        (pd.Series([(1, 2), (3, 4)]), r"y holds \(1, 2\) in row 1, which is no label"),
        (pd.MultiIndex.from_tuples([(1, 2)]), "y must hold labels, got an array of object"),
        (np.array([2**61, 1], "M8[Y]"), r"y must hold labels, got an array of datetime64\[Y\]"),
        (pd.DataFrame({"a": [1]}), r"y must be \(n_samples,\), got \(1, 1\)"),
    ],
)
def test_labels_that_cannot_be_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        labels_of(y)


def test_columns_of_one_name_and_of_several_levels_are_features():
    X = np.arange(6.0).reshape(3, 2) ** 2
    for columns in (["a", "a"], pd.MultiIndex.from_tuples([("a", 1), ("a", 2)]), [0, 1]):
        assert np.array_equal(check_features(pd.DataFrame(X, columns=columns), "X"), X)
    assert np.array_equal(check_features(as_frame(list(torch.tensor(X)), "X"), "X"), X)


kinds = st.one_of(
    st.integers(-2, 2),
    st.integers(2**63 - 1, 2**64),
    st.sampled_from([0.0, -0.0, 1.0, 0.5, 1e16, 1e300, 2.0**63]),
    st.booleans(),
    st.sampled_from(["0", "1", "1.0", "True", "a"]),
    st.sampled_from([b"0", b"a", Decimal(0), Decimal(1)]),
)


@given(st.lists(kinds, min_size=2, max_size=6))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_labels_of_mixed_kinds_are_never_merged_or_split(y):
    """Two rows have one name if and only if they have one label, of one kind."""
    keys = [(type(value), value) for value in y]
    alike = len(set(y)) == len(set(keys))
    try:
        names = labels_of(y)
    except ValueError as error:
        message = str(error)
    else:
        assert alike
        assert [[a == b for b in names] for a in names] == [[a == b for b in keys] for a in keys]
        return
    texts = {
        (v.decode() if isinstance(v, bytes) else str(v)).strip("-").removesuffix(".0")
        for v in set(y)
    }
    assert not alike or len(texts) < len(set(keys)), message


@given(data=st.data())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_parquet_is_read_as_by_pyarrow(data, tmp_path_factory):
    """Exactly the numbers that pyarrow reads, or refused: where one is missing or not exact."""
    kind, values = data.draw(
        st.sampled_from(
            [
                (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
                (pa.uint64(), st.integers(0, 2**64 - 1)),
                (pa.int8(), st.integers(-128, 127)),
                (pa.float64(), st.floats()),
                (pa.float32(), st.floats(width=32)),
                (pa.bool_(), st.booleans()),
                (pa.decimal128(38, 2), st.decimals(-(10**9), 10**9, places=2)),
                (pa.duration("s"), st.timedeltas().map(lambda t: t // datetime.timedelta(0, 1))),
                (pa.date32(), st.dates()),
            ]
        )
    )
    column = data.draw(st.lists(values | st.none(), min_size=3, max_size=5))
    array = pa.array(column, kind)
    path = tmp_path_factory.mktemp("parquet") / "a.parquet"
    pq.write_table(pa.table({"x": array, "y": ["a", "b", *"c" * (len(column) - 2)]}), path)
    exact = pq.read_table(path)["x"].to_pylist()
    try:
        found = read_features_and_labels(str(path), "y", ())[0][:, 0].tolist()
    except ValueError as error:
        message = str(error)
    else:
        assert all(
            v == (float(e) if isinstance(e, Decimal) else e)
            for v, e in zip(found, exact, strict=True)
        )
        return
    assert "\n" not in message
    if not any(why in message for why in ("missing", "never varies", "spreads", "hold exactly")):
        assert pa.types.is_temporal(kind), message


def test_a_signalling_nan_is_missing():
    values = [Decimal(1), Decimal(2), Decimal("sNaN"), Decimal(3)]
    with pytest.raises(ValueError, match=r"X has missing .* in row 3"):
        check_features(pd.DataFrame({"x": values}), "X")
    with pytest.raises(ValueError, match="y has missing labels in row 3"):
        label_names(pd.Series(values), "y")
