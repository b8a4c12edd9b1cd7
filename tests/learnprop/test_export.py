import pandas as pd
import pytest

from learnprop.reports.folders import export as module
from learnprop.simulations.records.store_file import open_store


def test_the_command(two_classes, tmp_path, cli):
    folder, out = two_classes.path.parent, tmp_path / "out.csv"
    status, stdout, stderr = cli("export", folder, "--out", out)
    n_rows = 4 * 2 * (40 + 38)
    assert (status, stdout) == (0, f"{n_rows} rows written to {out}\n")
    assert stderr.startswith("2 replications failed, in part or whole")
    before = out.read_bytes()
    status, _, stderr = cli("export", folder, "--out", out)
    assert (status, stderr) == (2, f"learnprop: --out {out} is there; --force replaces it\n")
    assert cli("export", folder, "--out", out, "--table", "fits", "--force")[0] == 0
    assert out.read_bytes() != before
    status, _, stderr = cli("export", folder, "--out", tmp_path, "--force")
    assert (status, stderr) == (2, f"learnprop: --out {tmp_path} is a folder\n")
    status, _, stderr = cli("export", folder, "--out", tmp_path / "new" / "out.csv")
    assert (status, stderr) == (
        2, f"learnprop: --out {tmp_path / 'new' / 'out.csv'} cannot be written: no such folder\n"
    )  # fmt: skip
    store = tmp_path / "records.sqlite"
    assert "the name is a store's" in cli("export", folder, "--out", store, "--force")[2]
    status, _, stderr = cli("export", tmp_path / "none", "--out", tmp_path / "x.csv")
    assert (status, len(stderr.splitlines())) == (2, 1)
    assert "holds no records.sqlite" in stderr


def test_the_format_is_that_of_the_ending(two_classes, tmp_path, cli):
    folder = two_classes.path.parent
    readers = {
        "a.csv": pd.read_csv,
        "a.CSV.gz": lambda path: pd.read_csv(path, compression="gzip"),
        "a.json": pd.read_json,
        "b.json.gz": pd.read_json,
        "a.parquet": pd.read_parquet,
    }
    for name, read in readers.items():
        assert cli("export", folder, "--out", tmp_path / name, "--table", "fits")[0] == 0
        assert len(read(tmp_path / name)) == 160
    assert (tmp_path / "b.json.gz").read_bytes()[4:8] == b"\0\0\0\0"  # no time
    for name, format_given in (("a", "json"), ("b.parquet", "parquet")):
        arguments = ("--out", tmp_path / name, "--format", format_given)
        assert cli("export", folder, *arguments, "--table", "fits")[0] == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "a.json").read_bytes()


@pytest.mark.parametrize(
    ("name", "said", "line"),
    [
        ("a.xlsx", (), ""),
        ("a", (), ""),
        ("a.xlsx", ("--format", "csv"), ""),
        ("a.csv", ("--format", "json"), "--format must be csv, as --out {} ends, got 'json'"),
        ("a.parquet.gz", (), ""),
        ("a.parquet", ("--format", "csv"), "--format must be parquet, as --out {} ends, got 'csv'"),
        ("a.json.gz", ("--format", "csv"), "--format must be json, as --out {} ends, got 'csv'"),
        (
            "-",
            ("--format", "parquet"),
            "--format parquet needs a file (--out); stdout takes csv and json",
        ),
    ],
)
def test_a_name_that_says_another_format_is_refused(two_classes, tmp_path, cli, name, said, line):
    path = name if name == "-" else tmp_path / name
    before = set(tmp_path.iterdir())
    status, stdout, stderr = cli("export", two_classes.path.parent, "--out", path, *said)
    known = "--out must end in .csv, .csv.gz, .parquet, .json, .json.gz, got {}"
    expected = (line or known).format(path)
    assert (status, stdout, stderr) == (2, "", f"learnprop: {expected}\n")
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("file_format", ["csv", "json"])
def test_a_dash_is_stdout(two_classes, tmp_path, cli, monkeypatch, file_format):
    monkeypatch.chdir(tmp_path)
    folder = two_classes.path.parent
    said = () if file_format == "csv" else ("--format", file_format)
    path = tmp_path / f"a.{file_format}"
    assert cli("export", folder, "--out", path)[0] == 0
    status, stdout, stderr = cli("export", folder, "--out", "-", *said)
    assert (status, stdout) == (0, path.read_text(encoding="utf-8"))
    assert stderr.startswith("2 replications failed")
    assert not (tmp_path / "-").exists()


def test_the_command_says_in_one_line_what_it_cannot_do(two_classes, tmp_path, cli, monkeypatch):
    folder, out = two_classes.path.parent, tmp_path / "out.csv"

    def refused(*arguments):
        status, stdout, stderr = cli("export", folder, "--out", out, *arguments)
        assert (status, stdout) == (2, "")
        assert not out.exists()
        (line,) = stderr.splitlines()
        return line

    assert refused("--format", "xls") == (
        "learnprop: --format must be one of csv, parquet, json, got 'xls'"
    )
    assert refused("--table", "x") == (
        "learnprop: --table must be one of measurements, fits, got 'x'"
    )
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    out = tmp_path / "out.parquet"
    assert refused() == ("learnprop: --format parquet needs: pip install 'learnprop[parquet]'")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    out = tmp_path / "out.csv"
    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    assert "No space left on device" in refused()


def test_the_note_on_failures_belongs_to_measurements_with_failures(two_classes, tmp_path, cli):
    folder = two_classes.path.parent
    status, _, stderr = cli("export", folder, "--out", tmp_path / "m.csv")
    assert (status, stderr) == (
        0,
        "2 replications failed, in part or whole, and have no measurements there: "
        "--table fits says why\n",
    )
    assert cli("export", folder, "--out", tmp_path / "f.csv", "--table", "fits") == (
        0, f"160 rows written to {tmp_path / 'f.csv'}\n", ""
    )  # fmt: skip
    two_classes.connection.execute("UPDATE fit SET status = 'converged'")
    assert cli("export", folder, "--out", tmp_path / "n.csv")[2] == ""


def test_the_command_on_an_empty_store_writes_nothing(tmp_path, cli):
    with open_store(tmp_path, "toy", {}):
        pass
    status, stdout, stderr = cli("export", tmp_path, "--out", tmp_path / "out.csv")
    assert (status, stdout) == (2, "")
    assert stderr == (f"learnprop: {tmp_path / 'records.sqlite'} holds no measurements yet\n")
    assert {p.name for p in tmp_path.iterdir()} == {"records.sqlite"}
