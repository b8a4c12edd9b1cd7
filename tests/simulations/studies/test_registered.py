"""Every family with every fitter that fits it, and families and fitters that are not ours."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from learnprop.equations.balance import left_side, right_side
from learnprop.reports.study_report import report_of
from learnprop.simulations import generators
from learnprop.simulations.fitters import FITTERS
from learnprop.simulations.generators import FAMILIES
from learnprop.simulations.generators.family import generator_of
from learnprop.simulations.records.rows import select
from learnprop.simulations.registry import choose
from learnprop.simulations.studies import STUDIES, stored_study, study_module
from learnprop.simulations.studies.explore.study import Options as ExploreOptions
from learnprop.simulations.studies.multiclass.study import Options as MulticlassOptions

ROOT = Path(generators.__file__).parents[3]
WEIGHTS = ("equal", "inverse")


def fitting(n_classes):
    return [name for name, line in FITTERS.items() if line.takes_weights and line.fits(n_classes)]


PAIRS = [
    (family, fitter)
    for family in FAMILIES
    for fitter in fitting(generator_of(choose(FAMILIES, family, {})).n_classes)
]


def of_multiclass(**chosen):
    return MulticlassOptions(train_size=60, imbalance=2.0, test_size=20, weights=WEIGHTS, **chosen)


def of_explore(**chosen):
    return ExploreOptions(train_size=60, ratios=(2.0,), test_size=20, weights=WEIGHTS, **chosen)


def own_of(fitter):
    return {"hidden": 3, "epochs": 1} if "hidden" in FITTERS[fitter].parameters else {}


@pytest.mark.parametrize(("family", "fitter"), PAIRS)
@pytest.mark.parametrize(("study", "options"), [("multiclass", of_multiclass),
                                                ("explore", of_explore)])  # fmt: skip
def test_every_family_runs_with_every_fitter_that_fits(study, options, family, fitter):
    module = study_module(study)
    laid_out = module.make_study(options(generator=family, fitter=fitter, **own_of(fitter)))
    (cell,) = laid_out.cells
    block = module.compute_block(cell, 0, range(2))
    epoch, stage = cell.headline
    train = select(block.measurements, epoch=epoch, stage=stage, split="train")
    assert len(train) == 4
    for setting in cell.settings:
        rows, mass = select(train, setting=setting), cell.class_mass(setting)
        left, right = (
            left_side(rows.mean_proba, mass, rows.miss_proba),
            right_side(rows.mean_proba, mass),
        )
        np.testing.assert_allclose(left, right, rtol=1e-9)
    again = stored_study(study, laid_out.design, 100)
    assert (again.cells, again.design) == (laid_out.cells, laid_out.design)
    protocol = report_of(study).protocol(laid_out, None)
    assert " ".join(protocol.split()).count(cell.method[1:]) == 1  # wrapped, its first letter large


def test_pairs_are_all_there_are():
    assert ("sim1", "logistic") in PAIRS
    assert ("gaussian", "logistic") not in PAIRS  # three classes
    assert "lgl-inr" not in {fitter for _, fitter in PAIRS}
    assert len(PAIRS) == 2 * 4 + 2 * 3


@pytest.mark.parametrize("fitter", fitting(2))
def test_two_gaussian_classes_take_every_fitter(fitter):
    study = study_module("multiclass").make_study(
        of_multiclass(classes=2, fitter=fitter, **own_of(fitter))
    )
    assert study.cells[0].generator().n_classes == 2


def test_designs_of_before_are_read():
    """Those without a choice of generator, and those with options that nobody used."""
    design = study_module("multiclass").make_study(of_multiclass(classes=3)).design
    new = {"generator", "reading", "skewness"}
    old = {key: value for key, value in design.items() if key not in new} | {"hidden": 4}
    assert stored_study("multiclass", old, 100).design == design
    design = study_module("explore").make_study(of_explore()).design
    old = {k: v for k, v in design.items() if k not in ("reading", "skewness")} | {"epochs": 7}
    assert stored_study("explore", old, 100).design == design


TOY = ["--generator", "laplace", "--spread", "0.5", "--fitter", "shrunk", "--shrink", "0.9",
       "--train-size", "60", "--test-size", "20", "--runs", "6", "--weights", "equal",
       "--backend", "sequential", "--max-failures", "1", "--quiet"]  # fmt: skip
BAD = [word.replace("0.5", "-1") for word in TOY]

SCRIPT = """
import json, sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from tests.toy_registered import register

register()
from learnprop.cli import main

answers = []
for line in json.loads(sys.argv[1]):
    sys.argv, out, err = ["learnprop", *line], StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as stop:
            status = stop.code
    answers.append((status, out.getvalue(), err.getvalue()))
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def with_toys(tmp_path_factory):
    """Folder and answers, by name, of a process whose command line has a family and a fitter more.

    It is imported once: that takes longer than the studies.
    """
    root = tmp_path_factory.mktemp("toys")
    lines = {
        "multiclass": ["multiclass", "--out", str(root / "multiclass"), *TOY, "--imbalance", "2"],
        "explore": ["explore", "--out", str(root / "explore"), *TOY, "--ratios", "1,2"],
        "status of multiclass": ["status", str(root / "multiclass")],
        "status of explore": ["status", str(root / "explore")],
        "hidden": ["multiclass", "--out", str(root / "no"), *TOY, "--hidden", "3"],
        "bad": ["explore", *BAD],
        "help": ["explore", "--help"],
    }
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(list(lines.values()))],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return root, dict(zip(lines, json.loads(found), strict=True))


@pytest.mark.parametrize("study", ["multiclass", "explore"])
def test_two_lines_and_two_records_are_a_study_of_ones_own(study, with_toys):
    root, answers = with_toys
    status, _, err = answers[study]
    assert status == 0, err
    protocol = (root / study / "protocol.md").read_text()
    assert "Laplace classes of scale 0.5." in protocol
    assert "Softmax times 0.9" in protocol
    assert "No limit is known" in protocol
    table = pd.read_csv(root / study / "summary.csv")
    assert set(table["runs_attempted"]) == {6}
    # The control: a minimum that is shrunk is none, and both sides differ.
    gap = table.query("split == 'train'")["max_relative_difference"]
    assert gap.min() > 1e-3
    assert "limit_left" not in table
    status, _, err = answers[f"status of {study}"]
    assert status == 0, err


def test_their_options_are_refused_and_helped_as_ours(with_toys):
    _, answers = with_toys
    status, _, err = answers["hidden"]
    assert status == 2
    assert "--hidden is an option of --fitter mlp, got 3 with --fitter shrunk" in err
    assert "--spread must be positive, got -1" in answers["bad"][2]
    helped = answers["help"][1]
    assert "--spread" in helped
    assert "--shrink" in helped


def test_they_are_a_command_line_of_ones_own():
    """As written on its first lines; what is asserted of the rest needs no process of its own."""
    shown = subprocess.run(
        [sys.executable, "-m", "tests.toy_registered", "explore", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "--shrink" in shown


def test_registries_are_read_without_the_records():
    """What ``--help`` loads of every study."""
    code = "; ".join(f"import learnprop.simulations.studies.{study}.options" for study in STUDIES)
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert "learnprop.simulations.fitters" in found
    assert not {"numpy", "torch", "scipy", "learnprop.simulations.fitters.softmax"} & set(found)
