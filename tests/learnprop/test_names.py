"""Names that do not collide: people have files called equations, simulations and reports, too."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import learnprop

ROOT = Path(learnprop.__file__).parents[1]
FLOORS = ("equations", "simulations", "reports", "audit")

SCRIPT = """
import json, sys
import equations, simulations, reports, audit
import learnprop as lp

names = {"equations", "simulations", "reports", "audit"}

if __name__ == "__main__":
    result = lp.table1(
        runs=30, train_size=(20, 60), test_size=(50, 50), max_iter=3, jobs=int(sys.argv[1])
    )
    print(json.dumps({
        "whose": [module.WHOSE for module in (equations, simulations, reports, audit)],
        "loaded": sorted(m for m in sys.modules if m.partition(".")[0] in names),
        "rhs": result.to_frame().query("split == 'train' and simulation == 'sim1'")["rhs"].tolist(),
    }))
"""


def write_files(folder):
    for name in FLOORS:
        (folder / f"{name}.py").write_text("WHOSE = 'the user'\n")


def write_folders(folder):
    for name in FLOORS:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("WHOSE = 'the user'\n")


@pytest.mark.parametrize(
    ("write", "jobs"), [pytest.param(write_files, 2, marks=pytest.mark.slow), (write_folders, 1)]
)
def test_a_study_runs_beside_files_of_these_names(write, jobs, tmp_path):
    write(tmp_path)
    (tmp_path / "script.py").write_text(SCRIPT)
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    answer = subprocess.run(
        [sys.executable, "script.py", str(jobs)], capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout.splitlines()[-1])
    # The control: it is the user's files that these names stand for, and nothing else of ours.
    assert said["whose"] == ["the user"] * 4
    assert said["loaded"] == sorted(FLOORS)
    assert said["rhs"] == [3.0, 1.0, 0.5]


def test_our_modules_would_be_hidden_under_those_names(tmp_path):
    """The control: with top-level names this is what became of an import."""
    write_files(tmp_path)
    code = "import simulations.engine"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert "'simulations' is not a package" in answer.stderr


def test_no_name_but_ours_is_installed():
    setuptools = pytest.importorskip("setuptools")
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    include = configuration["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = setuptools.find_packages(str(ROOT), include=include)
    assert {name.partition(".")[0] for name in packages} == {"learnprop"}
    installed = sum(len(list((ROOT / p.replace(".", "/")).glob("*.py"))) for p in packages)
    sources = [len(list((ROOT / name).rglob("*.py"))) for name in (*FLOORS, "learnprop")]
    # rglob follows no links: each source is counted once, and none is left behind
    assert installed == sum(sources) > 200


def test_folders_of_the_checkout_are_the_installed_ones():
    for name in FLOORS:
        assert (ROOT / "learnprop" / name).resolve() == (ROOT / name).resolve()
