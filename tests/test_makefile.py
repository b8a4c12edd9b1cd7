"""`make`: what it installs, in either order, and that a reproduction leaves the checkout clean."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make")

PRETENDED = """#!/bin/sh
case "$*" in *pip*) echo "$*" >> "$(dirname "$0")/../installed" ;; esac
"""


@pytest.fixture
def make(tmp_path):
    """`make` in a folder whose Python only notes what pip was asked for; returns those lines."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PRETENDED)
    python.chmod(0o755)
    noted = tmp_path / ".venv" / "installed"

    def call(stamp):
        noted.write_text("")
        subprocess.run(["make", "--silent", f".venv/{stamp}"], cwd=tmp_path, check=True)
        return [line.rpartition(" --editable ")[2] for line in noted.read_text().splitlines()]

    call.folder = tmp_path
    return call


def test_a_table_needs_the_package_alone_and_tests_more(make):
    assert (make(".installed"), make(".installed")) == (["."], [])
    assert (make(".developer"), make(".developer")) == ([".[dev]"], [])
    assert make(".installed") == []


def test_what_tests_need_is_enough_for_a_table_and_the_site(make):
    assert make(".developer") == [".[dev]"]
    assert (make(".installed"), make(".site")) == ([], [])


def test_the_site_needs_no_tests(make):
    assert make(".site") == [".[docs]"]
    assert (make(".installed"), make(".developer")) == ([], [".[dev]"])


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_other_requirements_are_installed_again(make, name):
    make(".developer")
    later = (make.folder / ".venv" / ".developer").stat().st_mtime + 1
    os.utime(make.folder / name, (later, later))
    assert make(".installed") == ["."]
    assert make(".developer") == [".[dev]"]


def commands(target):
    answer = subprocess.run(
        ["make", "--dry-run", "--always-make", "--no-print-directory", target],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return answer.stdout


def test_table1_is_computed_where_git_does_not_look_and_compared_with_the_published():
    written = commands("table1")
    assert "learnprop table1 --out reproduced/table1 " in written
    assert written.splitlines()[-1].endswith("learnprop compare reproduced/table1 results/table1")
    assert "[dev]" not in written
    assert "[dev]" in commands("test")  # the control
    ignored = subprocess.run(
        ["git", "check-ignore", "reproduced/table1/summary.csv", "results/table1/summary.csv"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ignored.returncode == 128:
        pytest.skip("no checkout of git")
    assert ignored.stdout.split() == ["reproduced/table1/summary.csv"]
