"""extending.md: its files, written into a copy of the sources, do what the page says.

A copy, since that is what somebody does who adds something: options are made from the registries
when they are imported, workers import by name, and the code version is that of the files.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "development" / "extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n# ([^\n]*)\n(.*?)```", PAGE, flags=re.DOTALL)
FILES = {name: text for name, text in BLOCKS if " " not in name}
ENTRIES = {
    name.removeprefix("in "): text for name, text in BLOCKS if name.startswith("in ")
}  # "in FILE, the last of REGISTRY"

SMALL = "--runs 3 --weights equal --test-size 50 --device cpu --jobs 1 --quiet"

DRIVER = """
import contextlib, io, json, sys
from learnprop.cli import main

for line in sys.stdin:
    sys.argv = ["learnprop", *json.loads(line)]
    with contextlib.redirect_stdout(io.StringIO()) as out, \\
         contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main()
        except SystemExit as stop:
            status = stop.code
    print(json.dumps([status, out.getvalue(), err.getvalue()]), flush=True)
"""
"""A process that runs the command lines that it reads: its libraries are loaded once."""


def registered(text, registry, entry):
    """Source of a registry with an entry after its last one."""
    before, _, rest = text.partition(f"\n{registry}")
    closing = re.search(r"^(    \)\n)?\}$", rest, flags=re.MULTILINE)
    assert before
    assert closing, registry
    return f"{before}\n{registry}{rest[: closing.start()]}{entry}{rest[closing.start() :]}"


def extend(tree, files=FILES, entries=ENTRIES):
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    for where, entry in entries.items():
        name, registry = where.split(", the last of ")
        path = tree / name
        path.write_text(registered(path.read_text(encoding="utf-8"), registry, entry), "utf-8")


def copied(folder):
    unwanted = shutil.ignore_patterns("__pycache__")
    for package in ("equations", "simulations", "reports", "audit", "learnprop"):
        shutil.copytree(ROOT / package, folder / package, symlinks=True, ignore=unwanted)
    return folder


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = copied(tmp_path_factory.mktemp("extended"))
    extend(folder)
    return folder


def python(tree, *arguments, cwd=None):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd or tree, env=os.environ | {"PYTHONPATH": str(tree)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@contextmanager
def driver(tree):
    """``(*lines) -> [(status, stdout, stderr), ...]`` of command lines, in one process."""
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER], cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def answer(line):
        print(json.dumps(shlex.split(line)), file=process.stdin, flush=True)
        return json.loads(process.stdout.readline())

    with process:
        yield lambda *lines: [answer(line) for line in lines]
        process.stdin.close()


@pytest.fixture(scope="module")
def commands(tree):
    with driver(tree) as found:
        yield found


@pytest.fixture
def run(commands):
    """What command lines that must succeed print."""

    def printed(*lines):
        said = commands(*lines)
        for (status, _, err), line in zip(said, lines, strict=True):
            assert status == 0, f"{line}: {err}"
        return [out for _, out, _ in said]

    return printed


def test_the_page_has_what_its_table_promises():
    assert len(FILES) == 9
    assert sorted(where.rpartition(" ")[2] for where in ENTRIES) == [
        "FAMILIES", "FITTERS", "LOSSES", "STUDIES",
    ]  # fmt: skip
    assert "penalised.py" in FILES


def test_a_generator_is_in_both_studies_with_its_own_option(run, tmp_path):
    helped, *_ = run(
        "multiclass --help",
        f"multiclass --generator laplace --scale 0.5 --sizes 60,40,30 --out {tmp_path}/m {SMALL}",
        f"explore --generator laplace --ratios 2 --train-size 60 --out {tmp_path}/e {SMALL}",
    )
    assert "--scale" in helped
    assert "3 Laplace classes in 2 features" in (tmp_path / "m/protocol.md").read_text("utf-8")
    assert "scale of each feature 0.5" in (tmp_path / "m/protocol.md").read_text("utf-8")
    for folder in ("m", "e"):
        summary = pd.read_csv(tmp_path / folder / "summary.csv")
        train = summary[summary["split"] == "train"]
        assert len(train) >= 3
        assert train["max_relative_difference"].max() < 1e-9  # softmax at its minimum
        assert summary["limit_mean_proba_mcse"].max() > 0  # by Monte Carlo, for want of quadrature


def test_its_log_density_is_that_of_scipy(tree):
    code = (
        "import numpy as np\nfrom scipy.stats import laplace\n"
        "from learnprop.simulations.generators.laplace import laplace_classes\n"
        "means, x = np.eye(2), np.random.default_rng(0).normal(size=(9, 2))\n"
        "found = laplace_classes(means, 0.7).log_density(x)\n"
        "of = laplace.logpdf(x[:, None], loc=means, scale=0.7).sum(axis=2)\n"
        "print(np.ptp(found - of) < 1e-12)"
    )
    assert python(tree, "-c", code).stdout == "True\n"


REFUSED = {
    "--generator gaussian --scale 0.5": "--scale is an option of --generator laplace, got 0.5",
    "--generator laplace --scale 0": "--scale must be positive, got 0",
    "--generator laplace --separation -1": "--separation must be positive and finite",
    "--generator laplac": "--generator must be one of .*laplace, got 'laplac'",
    "--fitter lad": "--fitter must be one of .*lda, got 'lad'",
}


def test_what_cannot_be_is_refused_by_the_name_of_the_option(commands, tmp_path):
    lines = [f"multiclass {line} --out {tmp_path}/out {SMALL}" for line in REFUSED]
    for (status, _, err), complaint in zip(commands(*lines), REFUSED.values(), strict=True):
        assert status == 2
        assert re.match(f"learnprop: {complaint}", err)
        assert err.count("\n") == 1


def test_a_fitter_says_that_it_is_at_no_minimum(run, tmp_path):
    run(f"multiclass --fitter lda --sizes 60,40,30 --out {tmp_path}/lda {SMALL}")
    summary = pd.read_csv(tmp_path / "lda/summary.csv")
    assert set(summary["verdict"]) == {"not converged"}
    assert summary["accuracy"].min() > 0.2
    assert summary["max_bias_gradient"].min() > 1e-6
    assert "Linear discriminant analysis" in (tmp_path / "lda/protocol.md").read_text("utf-8")


def test_it_is_the_lda_of_scikit_learn_and_its_gradient_that_of_the_loss(tree, tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [30, 20, 10])
    X = rng.normal(size=(60, 2)) + 2 * np.eye(3, 2)[y]
    np.savez(tmp_path / "sample.npz", X=X, y=y)
    code = (
        "import sys, numpy as np\n"
        "from learnprop.simulations.fitters.lda import fit_lda\n"
        "from learnprop.simulations.fitters.softmax import softmax_logits\n"
        "X, y = np.load(sys.argv[1]).values()\n"
        "fit = fit_lda(X[None], y, [[1.0, 1.0, 1.0]])\n"
        "np.savez(sys.argv[2], z=softmax_logits(X, fit.params[0])[0], g=fit.bias_gradient[0, 0])"
    )
    answer = python(tree, "-c", code, tmp_path / "sample.npz", tmp_path / "found.npz")
    assert answer.returncode == 0, answer.stderr
    found = np.load(tmp_path / "found.npz")
    proba = np.exp(found["z"]) / np.exp(found["z"]).sum(axis=1, keepdims=True)
    expected = LinearDiscriminantAnalysis(solver="lsqr").fit(X, y).predict_proba(X)
    np.testing.assert_allclose(proba, expected, atol=1e-10)
    np.testing.assert_allclose(found["g"], proba.mean(axis=0) - [1 / 2, 1 / 3, 1 / 6], atol=1e-12)


@pytest.mark.slow
def test_a_loss_is_trained_compared_and_reported(run, tmp_path):
    _, shown = run(
        "losses --help",
        f"losses --loss sml,focal --epochs 1 --runs 1 --match-step --device cpu --jobs 1"
        f" --out {tmp_path}/focal",
    )
    assert "Focal, γ = 2, matched" in shown
    summary = pd.read_csv(tmp_path / "focal/summary.csv").set_index(["setting", "split"])
    assert summary.loc[("focal gamma=2", "test"), "accuracy"] > 0.2
    assert set(pd.read_csv(tmp_path / "focal/balance.csv")["loss"]) == {"sml"}


GROWTH = "--rarer 20,200 --runs 30 --test-size 200 --jobs 1"


def test_a_study_has_a_command_a_plan_a_report_and_a_replay(run, tmp_path):
    out = tmp_path / "growth"
    helped, shown, planned, _, status, replayed, _ = run(
        "growth --help",
        f"growth {GROWTH} --out {out}",
        f"plan growth {GROWTH.replace('--runs 30 ', '')} --mcse 0.05",
        f"report {out} --out {tmp_path}/paper",
        f"status {out}",
        f"replay {out} --cell 'growth 20' --run 3",
        f"export {out} --out {tmp_path}/growth.csv",
    )
    assert "--rarer" in helped
    assert "Eq. (10) on test data" in shown
    assert "growth 200" in planned
    assert "done" in status
    assert "every bit agrees" in replayed
    summary = pd.read_csv(out / "summary.csv").query("`class` == 0").set_index(["n_train", "split"])
    assert summary.loc[(20, "train"), "gap"] == pytest.approx(0, abs=1e-9)
    assert summary.loc[(200, "train"), "verdict"] == "holds"
    assert summary.loc[(20, "test"), "left_mcse"] > summary.loc[(200, "test"), "left_mcse"]
    assert r"\toprule" in (out / "growth.tex").read_text("utf-8")
    assert (tmp_path / "paper/growth/growth.tex").exists()
    assert "30 replications" in (out / "protocol.md").read_text("utf-8")


@pytest.mark.slow
def test_a_study_is_a_function_in_python(tree):
    code = (
        "import learnprop as lp\n"
        "result = lp.growth(runs=5, rarer=[20], test_size=50)\n"
        "print(result, lp.growth.__name__, *result.to_frame()['split'])"
    )
    answer = python(tree, "-c", code)
    assert (
        answer.stdout
        == "<growth: 5 runs; on test data 2 inconclusive> growth train train test test\n"
    )


REFUSED_OF_GROWTH = {
    "--rarer 20,20": "cells must have distinct names, got 'growth 20' twice",
    "--rarer 0": "--rarer must be at least 1, got 0",
    "--rarer some": "--rarer must be integers with commas between, got 'some'",
    "--test-size 0": "--test-size must be at least 1, got 0",
}


def test_a_study_refuses_what_cannot_be(commands, tmp_path):
    lines = [f"growth {line} --out {tmp_path}/out" for line in REFUSED_OF_GROWTH]
    for (status, _, err), complaint in zip(
        commands(*lines), REFUSED_OF_GROWTH.values(), strict=True
    ):
        assert status == 2
        assert re.match(f"learnprop: {complaint}\n$", err)
    assert not (tmp_path / "out").exists()


MISTAKES = {
    "an option of two declarations": (
        ("FAMILIES", '"scale": Parameter(', '"classes": Parameter('),
        "multiclass --help",
        "TypeError: classes is declared by gaussian and by laplace, differently",
    ),
    "a field without Option": (
        ("simulations/studies/growth/options.py", "    margin: Margin", "    margin: float"),
        "growth --help",
        "TypeError: margin must be annotated with an Option, got <class 'float'>",
    ),
    "a study without its folder": (
        ("STUDIES", '"growth"', '"grwth"'),
        "grwth --help",
        "ModuleNotFoundError: No module named .*grwth",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_skeleton_with_a_mistake_is_refused_by_what_is_wrong_with_it(mistake, tmp_path):
    (where, old, new), command, complaint = MISTAKES[mistake]
    files, entries = dict(FILES), dict(ENTRIES)
    changed = files if where in files else entries
    (name,) = (name for name in changed if name.endswith(where))
    changed[name] = replaced(changed[name], old, new)
    extend(copied(tmp_path), files, entries)
    answer = python(tmp_path, "-m", "learnprop", *command.split())
    assert answer.returncode != 0
    assert re.match(complaint, answer.stderr.splitlines()[-1])


def replaced(text, old, new):
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.mark.slow
def test_a_generator_of_the_wrong_shape_stops_the_study_and_says_why(tmp_path):
    name = "simulations/generators/laplace.py"
    wrong = FILES | {name: replaced(FILES[name], "size=(n, means.shape[1])", "size=(n + 1, 2)")}
    extend(copied(tmp_path), wrong)
    with driver(tmp_path) as commands:
        (status, _, err), (_, out, _) = commands(
            f"multiclass --generator laplace --sizes 60,40,30 --out {tmp_path}/out {SMALL}",
            f"status {tmp_path}/out",
        )
    assert status == 3
    assert "3 of 3 replications failed" in err
    assert "ValueError: y has 130 samples, X has 133" in " ".join(out.split())


@pytest.mark.slow
def test_a_study_in_a_script_resumes_and_is_refused_when_it_is_edited(tree, run, tmp_path):
    script = tmp_path / "penalised.py"
    script.write_text(FILES["penalised.py"], encoding="utf-8")
    first = python(tree, script, 50, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    head, *gaps = first.stdout.splitlines()
    assert head == "2 blocks computed"
    on_train = [line for line in gaps if "train" in line]
    assert [line.partition(":")[0] for line in on_train] == ["C=0.01 train", "C=1 train"]
    numbers = re.findall(r"[+-]\d\.\d{3}", " ".join(on_train))
    assert {abs(float(number)) for number in numbers} == {0.0}
    on_test = re.findall(r"test: gap (\S+)", first.stdout)
    assert min(abs(float(gap)) for gap in on_test) > 0.001
    kept = export(run, tmp_path, "first.csv")
    assert len(kept) == 50 * 2 * 2 * 4  # runs, settings, splits, pairs of classes
    assert python(tree, script, 75, cwd=tmp_path).stdout.startswith("1 blocks computed")
    more = export(run, tmp_path, "more.csv")
    pd.testing.assert_frame_equal(more[more["run"] < 50].reset_index(drop=True), kept)
    assert set(more["run"]) == set(range(75))
    script.write_text(script.read_text("utf-8") + "# edited\n", encoding="utf-8")
    refused = python(tree, script, 75, cwd=tmp_path)
    assert refused.returncode == 1
    assert "penalised has another design" in refused.stderr.replace("/records.sqlite", "")
    assert "script" in refused.stderr.splitlines()[-1]


def export(run, folder, name):
    said = run(f"status {folder}/penalised", f"export {folder}/penalised --out {folder}/{name}")
    assert "done" in said[0]
    return pd.read_csv(folder / name)
