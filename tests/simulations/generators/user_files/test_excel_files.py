import datetime
import sys

import numpy as np
import openpyxl
import pandas as pd
import pytest

from learnprop.simulations.generators.user_files.read import read_features_and_labels


@pytest.fixture
def workbook(tmp_path):
    """Write sheets of rows with openpyxl; returns the path."""

    def to(**sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / "a.XLSX")
        return str(tmp_path / "a.XLSX")

    return to


def test_a_sheet_is_read_as_it_was_written(workbook):
    rows = [
        (" a ", "kind", None, "b", 2020),
        (1.5, " x", None, True, "3"),
        (),
        (-2, 7, None, False, 1e300),
        (1 / 4, "7 ", None, True, 0),
    ]
    path = workbook(empty=[], data=rows)
    with pytest.raises(ValueError, match="written alike, or equal: 7 in row 2, '7' in row 3"):
        read_features_and_labels(path, "kind", ("2020",))
    rows[4] = (1 / 4, "7+", None, True, 0)
    features, labels = read_features_and_labels(workbook(data=rows), "kind", ("2020",))
    assert features.tolist() == [[1.5, 1], [-2, 0], [0.25, 1]]
    assert labels.tolist() == ["x", "7", "7+"]


def test_a_sheet_of_pandas_is_read_as_by_pandas(frame, tmp_path):
    frame["kind"] = np.repeat([3, 1, 2], 20)
    path = tmp_path / "a.xlsx"
    frame.to_excel(path, index=False)
    features, labels = read_features_and_labels(str(path), "kind", ())
    expected = pd.read_excel(path)
    assert np.array_equal(features, expected[["height", "x 2"]])
    assert labels.tolist() == expected["kind"].astype(str).tolist()
    frame.to_excel(path)
    with pytest.raises(ValueError, match="looks like an index: drop 'Unnamed: 0' leaves it out"):
        read_features_and_labels(str(path), "kind", ())


HEAD = ("a", "kind")


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        ({"s": [HEAD, (1, "x")], "t": [("note",)]}, "must hold one sheet .*, got s, t: save"),
        ({"s": []}, "must hold one sheet that is not empty, got none"),
        ({"s": [HEAD]}, "has no rows"),
        ({"s": [HEAD, (1, "x"), (None, "y")]}, r"missing .* \(columns 'a'\) in row 2"),
        ({"s": [HEAD, (1, "x"), ("#N/A", "y")]}, r"missing .* \(columns 'a'\) in row 2"),
        ({"s": [HEAD, (1, "x"), (2, None)]}, "missing labels in row 2; name them, or leave"),
        ({"s": [HEAD, (1, "x"), ("1,5", "y")]}, "'a' holds '1,5' in row 2, which is no number; "),
        ({"s": [HEAD, (datetime.date(2020, 1, 1), "x")]}, "column 'a' holds datetime.* in row 1, "),
        ({"s": [("a", "a", "kind"), (1, 2, "x")]}, "has two columns 'a'"),
        ({"s": [("a", "sort"), (1, "x")]}, r"must name a column of .* \(a, sort\), got 'kind'"),
    ],
)  # fmt: skip
def test_sheets_that_are_no_table_are_named(workbook, sheets, message):
    with pytest.raises(ValueError, match=message) as error:
        read_features_and_labels(workbook(**sheets), "kind", ())
    assert "\n" not in str(error.value)


def test_without_openpyxl_one_line_says_how_to_install_it(workbook, monkeypatch):
    path = workbook(data=[HEAD, (1, "x")])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ValueError, match=r"a.XLSX needs: pip install 'learnprop\[excel\]'$"):
        read_features_and_labels(path, "kind", ())
