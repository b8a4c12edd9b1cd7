"""`learnprop check --out`: nothing that is there is lost."""

import json
import os

import pytest

from tests.learnprop.test_check import contents, drawn, refused, write


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    monkeypatch.setattr("learnprop.reports.layout.style.draw_to", lambda *_: "")


@pytest.fixture
def file(tmp_path):
    return write(tmp_path / "test.csv", *drawn(1500))


WAYS = ("the file", "another spelling", "a link in the folder", "a link to the folder", "a hard l")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("option", [(), ("--fresh",)])
def test_what_is_read_is_never_written_over(cli, tmp_path, file, way, option):
    own = tmp_path / "own"
    own.mkdir()
    mine = own / "check.csv"
    if way == "a link in the folder":
        mine.symlink_to(file)
    elif way == "a hard l":
        os.link(file, mine)
    else:
        file.rename(mine)
        file = mine
    if way == "another spelling":
        file = own / ".." / "own" / "check.csv"
    if way == "a link to the folder":
        (tmp_path / "other").symlink_to(own)
        file = tmp_path / "other" / "check.csv"
    before = contents(own)
    refused(
        cli("check", file, "--out", own, *option),
        f"--out would write {mine} over FILE {file}: use another --out",
    )
    second = write(tmp_path / "second.csv", *drawn(1500, seed=1))
    refused(
        cli("check", second, "--train", file, "--out", own, *option),
        f"--out would write {mine} over --train {file}: use another --out",
    )
    assert contents(own) == before


def test_a_folder_of_ones_own_as_it_is_called_there(cli, tmp_path, file, monkeypatch):
    file.rename(tmp_path / "check.csv")
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    refused(cli("check", "check.csv", "--out", "."), "would write check.csv over FILE ")
    assert contents(tmp_path) == before


def test_results_of_another_check_stay(cli, tmp_path, file, monkeypatch):
    out = tmp_path / "out"
    assert cli("check", file, "--out", out, "--quiet")[0] == 0
    held = contents(out)
    other = write(tmp_path / "other.csv", *drawn(1500, seed=1))
    refused(
        cli("check", other, "--out", out),
        f"--out {out} holds another check, of FILE {file}, here {other}; use another --out, or "
        "--fresh to put it aside and start over",
    )
    refused(
        cli("check", file, "--out", out, "--margin", 0.1, "--by", "y"),
        "holds another check, of --by none, here y; --margin 0.05, here 0.1; use another",
    )
    assert contents(out) == held
    monkeypatch.chdir(tmp_path)  # the same check by another name, and options that change nothing
    assert cli("check", "test.csv", "--out", "out", "--strict", "--wide", "--quiet")[0] < 2
    assert contents(out)["check.csv"] == held["check.csv"]


def test_fresh_puts_aside(cli, tmp_path, file):
    out = tmp_path / "out"
    other = write(tmp_path / "other.csv", *drawn(1500, seed=1))
    assert cli("check", file, "--out", out, "--quiet", "--fresh")[0] == 0
    held = [contents(out)]
    for n in (1, 2):
        assert cli("check", other, "--out", out, "--quiet", "--fresh")[0] == 0
        now = contents(out)
        assert now[f"check.{n}.csv"] == held[-1]["check.csv"]
        assert now[f"provenance.{n}.json"] == held[-1]["provenance.json"]
        held.append(now)
    assert json.loads(held[-1]["provenance.json"])["configuration"]["file"] == str(other)


@pytest.mark.parametrize("name", ["check.csv", "check_groups.csv", "provenance.json"])
def test_files_that_no_check_wrote_stay(cli, tmp_path, file, name):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine")
    refused(
        cli("check", file, "--out", out),
        f"--out {out} holds {name}, which no check wrote; use another --out, or --fresh to put",
    )
    assert contents(out) == {name: b"mine"}
    (out / name).rename(out / "notes.csv")  # which is not in the way
    assert cli("check", file, "--out", out, "--quiet")[0] == 0
    assert contents(out)["notes.csv"] == b"mine"
