"""What a user installs: one name on the top level, with every source and its types."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import learnprop

ROOT = Path(learnprop.__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Folder with what the wheel of this checkout holds."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    checkout = folder / "checkout"
    subprocess.run(["git", "clone", "-q", ROOT, checkout], check=True)
    subprocess.run(
        [sys.executable, "-c", code, folder], cwd=checkout, check=True, capture_output=True
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_everything_is_below_one_name(installed):
    tops = {p.name for p in installed.iterdir() if not p.name.endswith(".dist-info")}
    assert tops == {"learnprop"}
    listed = subprocess.run(
        ["git", "ls-files", "learnprop", "equations", "simulations", "reports", "audit"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    kinds = (".py", ".pyi", ".js", ".css", ".html")  # the last three are the page's
    sources = {name.removeprefix("learnprop/") for name in listed if name.endswith(kinds)}
    ours = installed / "learnprop"
    found = {str(p.relative_to(ours)) for p in ours.rglob("*") if p.is_file()}
    assert sources | {"py.typed"} == found


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
    run = [sys.executable, script]
    answer = subprocess.run(
        run, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout == f"{installed / 'learnprop' / '__init__.py'} 18\n"
    check = [sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=silent",
             "--cache-dir", tmp_path / "cache", script]  # fmt: skip
    answer = subprocess.run(
        check, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.stdout == "Success: no issues found in 1 source file\n", answer.stdout
