"""Text files as people have them: read as pandas reads them when it is told how, or refused."""

import gzip

import numpy as np
import pandas as pd
import pytest

from learnprop.simulations.generators.user_data import describe_file
from learnprop.simulations.generators.user_files.dialect import Dialect
from learnprop.simulations.generators.user_files.read import read_features_and_labels


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "größe": rng.normal(size=40).round(4),
            "Länge, m": rng.integers(-9, 9, 40) * 250.5,
            "n": rng.integers(0, 99, 40),
            "kind": ["Ja; sehr", "naïve"] * 20,
        }
    )


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "A.TSV.GZ"])
@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_says_itself_is_found(table, tmp_path, name, sep, encoding):
    """The separator by the header, the decimal mark by the numbers, the encoding by its mark."""
    decimal = "." if sep in ",|" else ","
    how = {"sep": sep, "decimal": decimal, "encoding": encoding}
    content = table.to_csv(index=False, sep=sep, decimal=decimal, lineterminator="\r\n")
    packed = gzip.compress if name.lower().endswith("gz") else bytes
    (tmp_path / name).write_bytes(packed(content.encode(encoding)))
    features, labels = read_features_and_labels(str(tmp_path / name), "kind", ())
    compression = "gzip" if packed is gzip.compress else None
    expected = pd.read_csv(tmp_path / name, compression=compression, **how)
    assert np.array_equal(features, expected.drop(columns="kind"))
    assert labels.tolist() == expected["kind"].tolist()
    said = Dialect(**how)
    assert np.array_equal(
        read_features_and_labels(str(tmp_path / name), "kind", (), said)[0], features
    )


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "mac-roman", "utf-16-le", "utf-16-be"])
def test_what_does_not_say_itself_is_asked_for(table, tmp_path, encoding):
    path = tmp_path / "a.csv"
    table.to_csv(path, index=False, encoding=encoding)
    with pytest.raises(
        ValueError, match=r"(is not UTF-8|is no text); .*encoding (cp1252|utf-16-le)"
    ):
        read_features_and_labels(str(path), "kind", ())
    dialect = Dialect(encoding=encoding)
    features, labels = read_features_and_labels(str(path), "kind", ("größe",), dialect)
    expected = pd.read_csv(path, encoding=encoding)
    assert np.array_equal(features, expected[["Länge, m", "n"]])
    assert labels.tolist() == expected["kind"].tolist()


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (" a , kind ,b\n 1 ,  x  , 2\n3,y ,\t4\n5,\"y\",6\n", {}),
        ("a kind   b\n1 x 2\n3 y   4\n 5 y 6\n", {"sep": " "}),
        ("a:kind:b\n1,5:x:2\n3:y:4\n5:y:6\n", {"sep": ":"}),
        ("a\tkind\tb\n1\tx\t2,5\n3\ty\t4\n5\ty\t6\n", {"sep": "\\t", "decimal": ","}),
        ('a,kind,b\n"1,5",x,2\n"3,25",y,4\n5,y,6\n', {"decimal": ","}),
        ("a;kind;b\n1.500;x;2\n3.250;y;4\n5.125;y;6\n", {"decimal": "."}),
        ("a;kind;b\n1,500;x;2\n3,250;y;4\n5,125;y;6\n", {"decimal": ","}),
        ("a;kind;b\n1,500;x;2\n3,25;y;4\n-,5;y;-6E3\n", {}),
        ("a;kind;b\n1.500;x;2\n0.250;y;4\n5;y;6\n", {}),
        ('"a";"kind";"b"\n"1";"x";"2"\n"3";"y";"4"\n"5";"y";"6"\n', {}),
        ("kind|a,b;c|b\nx|1|2\ny|3|4\ny|5|6\n", {}),
    ],
)  # fmt: skip
def test_blanks_marks_and_separators_are_those_of_pandas(tmp_path, text, how):
    path = tmp_path / "a.csv"
    path.write_text(text)
    features, labels = read_features_and_labels(str(path), "kind", (), Dialect(**how))
    header = text.partition("\n")[0]
    sep = {" ": r"\s+", "\\t": "\t"}.get(how.get("sep"), how.get("sep"))
    sep = sep or max(",;|", key=header.count if "a,b;c" not in header else "|".count)
    decimal = how.get("decimal") or ("," if sep != "," and "," in text.partition("\n")[2] else ".")
    expected = pd.read_csv(path, sep=sep, decimal=decimal, skipinitialspace=True)
    expected.columns = expected.columns.str.strip()
    assert np.array_equal(features, expected.drop(columns="kind"))
    assert labels.tolist() == expected["kind"].str.strip().tolist() == ["x", "y", "y"]


HEADS = "a;kind\n2;x\n"


@pytest.mark.parametrize(
    ("text", "how", "message"),
    [
        (HEADS + "1,500;y", {}, r"^data .*'1,500' in row 2: 1.500 or 1500\? say decimal ','"),
        (HEADS + "1.500;y", {}, r"'1.500' in row 2: 1.500 or 1500\? say decimal '.' or write"),
        (HEADS + "1,5;y\n1.5;x", {}, "'1,5' in row 2 and '1.5' in row 3: write every number"),
        (HEADS + "1,500.5;y", {}, "holds '1,500.5' in row 2, which is no number where decimal"),
        (HEADS + "1,5;y\n1,500,000;x", {}, "'1,500,000' in row 3, which is no number; encode it"),
        ('a,kind\n2,x\n"1,500",y', {}, "where decimal is '.'; write every number with one decimal"),
        ('a,kind\n2,x\n"1,234,567",y', {}, "nothing between thousands, or leave the column out"),
        (HEADS + "1,5;y\n01.02.2020;x", {}, "where decimal is ','; write every number with one"),
        (HEADS + "1.5;y", {"decimal": ","}, "'1.5' .* decimal is ','; say decimal '.' or write"),
        (HEADS + "1,5;y", {"decimal": "."}, "'1,5' .* decimal is '.'; say decimal ',' or write"),
        ('a,kind\n2,x\n"1,5",y', {}, "'1,5' in row 2, .* where decimal is '.'; say decimal ','"),
        (HEADS, {"sep": ","}, "data .* has one column, 'a;kind'; sep says what stands between"),
        (HEADS, {"sep": "::"}, "^sep must be one character between columns, got '::'"),
        (HEADS, {"sep": '"'}, "^sep must be one character between columns, got '\"'"),
        (HEADS, {"decimal": ";"}, "^decimal must be . or a comma, got ';'"),
        (HEADS, {"encoding": "utf-9"}, "^encoding must be one that Python knows, .* got 'utf-9'"),
        ("\ufeff" + HEADS, {"encoding": "latin-1"}, "^encoding must be utf-8, whose mark the file"),
        ("größe;kind\n", {"encoding": "ascii"}, "byte 0xc3 in line 1 is not ascii$"),
        ("a; a;kind\n1;2;x\n", {}, "has two columns 'a'"),
        (" ;b;kind\n1;2;x\n", {}, "column without a name, .*: drop 'Unnamed: 0' leaves it out"),
        ("a;b;c;kind\nu;v;1;x\n", {}, "'a' holds 'u' in row 1, .* with drop; likewise column 'b'$"),
        ("a;kind\n?;x\n", {}, r"has missing .* \(columns 'a'\) in row 1; fill them"),
    ],
)  # fmt: skip
def test_what_may_mean_something_else_is_refused(tmp_path, text, how, message):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    with pytest.raises(ValueError, match=message) as error:
        read_features_and_labels(str(path), "kind", (), Dialect(**how))
    assert "\n" not in str(error.value)


def test_bytes_that_end_within_a_character_are_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("a,kind\n1,x\n".encode("utf-16")[:-1])
    with pytest.raises(ValueError, match="byte 0xa in line 2 is not utf-16-le"):
        read_features_and_labels(str(path), "kind", ())


@pytest.mark.parametrize("name", ["a.npz", "a.parquet", "a.xlsx"])
@pytest.mark.parametrize("said", [{"sep": ";"}, {"decimal": ","}, {"encoding": "utf-8"}])
def test_only_text_has_a_dialect(tmp_path, name, said):
    ((option, value),) = said.items()
    with pytest.raises(ValueError, match=f"^{option} is of text files, got '{value}'"):
        describe_file(str(tmp_path / name), "kind", (), dialect=Dialect(**said))


def test_the_same_samples_are_the_same_study_however_they_are_written(table, tmp_path):
    """The digest is of what was read; that it can differ is shown by a number that is another."""
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_csv(tmp_path / "b.csv", index=False, sep=";", decimal=",", encoding="cp1252")
    table.rename(columns={"n": "m"}).to_excel(tmp_path / "c.xlsx", index=False)
    table.to_parquet(tmp_path / "d.parquet")
    table.assign(n=table["n"] + 1).to_csv(tmp_path / "e.csv", index=False)
    told = {"b.csv": Dialect(encoding="cp1252")}
    found = {
        p.name: describe_file(str(p), "kind", (), dialect=told.get(p.name, Dialect()))
        for p in tmp_path.iterdir()
    }
    same = {found[name].sha256 for name in ("a.csv", "b.csv", "c.xlsx", "d.parquet")}
    assert len(same) == 1
    assert found["e.csv"].sha256 not in same
