"""What a user installs: one name on the top level, with every source and its types."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import learnprop
from tests.built import TABLE1, build, check, install, run

ROOT = Path(learnprop.__file__).parents[1]
pytestmark = pytest.mark.slow
FLOORS = ("equations", "simulations", "reports", "audit")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The sdist and the wheel of what is committed."""
    wheel, sdist = build(tmp_path_factory.mktemp("dist"))
    return {"wheel": wheel, "sdist": sdist}


@pytest.fixture(scope="module")
def installed(files, tmp_path_factory):
    """Folder with what the wheel holds."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(files["wheel"]) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def committed():
    """Names of the files below the one name that is installed."""
    listed = subprocess.run(
        ["git", "ls-files", "learnprop", *FLOORS], cwd=ROOT, capture_output=True, text=True,
        check=True,
    ).stdout.split()  # fmt: skip
    return {name.removeprefix("learnprop/") for name in listed} - set(FLOORS)


def test_everything_is_below_one_name(installed, committed):
    tops = {p.name for p in installed.iterdir() if not p.name.endswith(".dist-info")}
    assert tops == {"learnprop"}
    ours = installed / "learnprop"
    assert committed == {str(p.relative_to(ours)) for p in ours.rglob("*") if p.is_file()}


def test_an_index_would_show_both(files):
    said = check(list(files.values()))
    assert said.count("PASSED") == 2
    assert "warning" not in said.lower()


def test_the_sdist_has_what_builds_it_and_no_links(files, committed):
    with tarfile.open(files["sdist"]) as archive:
        members = archive.getmembers()
    assert all(member.isfile() or member.isdir() for member in members)
    top = f"learnprop-{learnprop.__version__}/"
    names = {member.name.removeprefix(top) for member in members if member.isfile()}
    assert {name.removeprefix("learnprop/") for name in names if "/" in name} >= committed
    assert not {name for name in names if name.startswith("tests/")}
    assert {name for name in names if "/" not in name} == {
        "CHANGELOG.md", "CITATION.cff", "DESCRIPTION.md", "LICENSE", "MANIFEST.in", "PKG-INFO",
        "README.md", "pyproject.toml", "setup.cfg", "setup.py",
    }  # fmt: skip


def test_the_wheel_of_the_sdist_is_that_of_the_checkout(files, tmp_path):
    (direct,) = build(tmp_path, "--wheel")
    found = []
    for path in (files["wheel"], direct):
        with zipfile.ZipFile(path) as archive:
            found.append({name: archive.read(name) for name in archive.namelist()})
    assert found[0] == found[1]


@pytest.mark.parametrize("what", ["wheel", "sdist"])
def test_it_installs_and_runs_without_the_repository(files, what, tmp_path):
    commands = install(files[what], tmp_path / "environment")
    where = "import learnprop, learnprop.equations as e; print(learnprop.__file__, e.__file__)"
    found = run(commands / "python", "-c", where, cwd=tmp_path).split()
    assert all(Path(path).is_relative_to(tmp_path) for path in found), found
    said = run(commands / "learnprop", "--version", cwd=tmp_path)
    assert said == f"learnprop {learnprop.__version__}\n"
    run(commands / "learnprop", "table1", *TABLE1, "--out", "t", cwd=tmp_path)
    run(commands / "learnprop", "report", "t", "--out", "paper", "--html", cwd=tmp_path)
    assert "<table>" in (tmp_path / "paper" / "report.html").read_text(encoding="utf-8")


def test_a_checkout_whose_links_are_files_is_refused(tmp_path):
    """As git makes it where the system has no links: what would be built lacks the floors."""
    command = ["git", "-c", "core.symlinks=false", "clone", "--quiet", ROOT, tmp_path / "source"]
    subprocess.run(command, check=True)
    answer = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", tmp_path / "source"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode != 0
    names = ", ".join(f"learnprop/{name}" for name in sorted(FLOORS))
    assert f"{names} must be links" in answer.stdout + answer.stderr
    assert not list(tmp_path.rglob("*.whl"))


def test_the_page_of_the_wheel_is_the_page_of_the_checkout(installed, tmp_path):
    answer = subprocess.run(
        [sys.executable, "-m", "learnprop", "page", "--out", tmp_path / "balance.html"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert answer.stdout.startswith("Written to ")
    published = ROOT / "results" / "page" / "balance.html"
    assert (tmp_path / "balance.html").read_bytes() == published.read_bytes()


def test_it_runs_and_is_typed_far_from_the_checkout(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed), "MYPYPATH": str(installed)}
    script = tmp_path / "uses.py"
    script.write_text(
        "import learnprop as lp\n"
        "result = lp.table1(runs=2, train_size=(20, 60), test_size=(50, 50), max_iter=3)\n"
        "print(lp.__file__, len(result.to_frame()))\n"
    )
    answer = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == f"{installed / 'learnprop' / '__init__.py'} 18\n"
    typed = [sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=silent",
             "--cache-dir", tmp_path / "cache", script]  # fmt: skip
    answer = subprocess.run(
        typed, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.stdout == "Success: no issues found in 1 source file\n", answer.stdout
