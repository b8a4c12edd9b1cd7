"""`learnprop page`: one file, written whole or not at all."""

import pytest

import learnprop
from learnprop.reports.page.page import page_html


def test_it_writes_one_file_and_says_how_to_open_it(cli, tmp_path):
    out = tmp_path / "a page.html"
    status, stdout, stderr = cli("page", "--out", out)
    assert (status, stderr) == (0, "")
    assert stdout == f"Written to {out}: open it in a browser, {out.as_uri()}\n"
    assert out.read_text(encoding="utf-8") == page_html(learnprop.__version__)
    assert list(tmp_path.iterdir()) == [out]


def test_an_older_page_is_replaced(cli, tmp_path):
    out = tmp_path / "balance.html"
    out.write_text("older", encoding="utf-8")
    assert cli("page", "--out", out)[0] == 0
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_it_can_be_written_beside_the_caller(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, stdout, _ = cli("page", "--out", "balance.html")
    assert (tmp_path / "balance.html").as_uri() in stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "--out must be a file, but {out} is a folder"),
        ("nowhere/balance.html", "--out {out} cannot be written: no such folder"),
        ("x" * 300 + ".html", "--out {out} cannot be written: File name too long"),
    ],
)
def test_what_cannot_be_written_is_one_line(cli, tmp_path, name, said):
    out = tmp_path / name
    status, stdout, stderr = cli("page", "--out", out)
    assert (status, stdout) == (2, "")
    assert stderr == f"learnprop: {said.format(out=out)}\n"
    assert list(tmp_path.iterdir()) == []


def test_without_a_file_it_says_what_is_missing(cli):
    status, stdout, stderr = cli("page")
    assert (status, stdout) == (2, "")
    assert stderr == "learnprop: Missing option '--out'.\n"


def test_a_disk_that_is_full_leaves_what_was_there(cli, tmp_path, monkeypatch):
    out = tmp_path / "balance.html"
    out.write_text("older", encoding="utf-8")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    status, _, stderr = cli("page", "--out", out)
    assert status == 2
    assert stderr == f"learnprop: --out {out} cannot be written: No space left on device\n"
    assert [p.read_text(encoding="utf-8") for p in tmp_path.iterdir()] == ["older"]
