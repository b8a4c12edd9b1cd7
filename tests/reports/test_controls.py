import numpy as np
import pandas as pd
import pytest

from learnprop.reports.controls.report import REPORT, controls_contents
from learnprop.reports.controls.summary import power, summarise
from learnprop.reports.statistics.sides import SidesOverRuns, overall_verdict, sides_over_runs
from learnprop.reports.study_report import write_contents
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.rows import rows_where, select
from learnprop.simulations.records.store import read_measurements
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.controls.study import CONTROLS, Options, make_study
from tests.console import check_console
from tests.latex import compile_tables, needs_latex


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Three controls, one of each kind, so that it takes a second."""
    kinds = {
        control.expected: control
        for control in reversed(CONTROLS)
        if not control.objective.is_random
    }
    chosen = tuple(c for c in CONTROLS if c in kinds.values() or c.name == "equal weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("learnprop.simulations.studies.controls.study.CONTROLS", chosen)
        patch.setattr("learnprop.reports.controls.protocol.CONTROLS", chosen)
        study, folder = make_study(Options(runs=25)), tmp_path_factory.mktemp("controls")
        with open_store(folder, study.name, study.design) as store:
            list(run_study(study, store))
        yield study, folder


def test_files_and_tables(few):
    study, folder = few
    with open_store(folder, study.name, study.design) as store:
        table = summarise(study, store)
    (shown,) = write_contents(controls_contents(table), folder)
    for name in ("summary.csv", "classes.csv", "controls.tex", "controls.png", "controls.pdf"):
        assert (folder / name).stat().st_size > 300, name
    assert sum(row is not None for row in shown.grid.rows) == len(table.summary)
    check_console(controls_contents(table))
    assert set(pd.read_csv(folder / "summary.csv")["verdict_without"]) == {"holds"}
    assert "Early stopping".lower() in REPORT.protocol(study).lower()


@needs_latex
def test_latex_compiles(few, tmp_path):
    study, folder = few
    with open_store(folder, study.name, study.design) as store:
        write_contents(controls_contents(summarise(study, store)), folder)
    compile_tables(folder, tmp_path, ["controls.tex"])


def sides_of(left, right, verdicts=None):
    from learnprop.equations.inference.estimates import equivalence_verdict
    from learnprop.equations.inference.simultaneous import gaps_over_runs

    gaps = gaps_over_runs(left, right)
    return SidesOverRuns(
        left, right, gaps, gaps_over_runs(left, right, level=0.95, simultaneous=True),
        verdicts or [equivalence_verdict(g.low, g.high, 0.05) for g in gaps],
    )  # fmt: skip


def noise(rng, centre, n=100, sd=0.02):
    return np.asarray(centre) + sd * rng.normal(size=(n, len(centre)))


def test_overall_verdict_needs_all_to_hold_and_one_to_fail():
    rng = np.random.default_rng(0)
    right = np.ones((100, 3))
    assert overall_verdict(sides_of(noise(rng, [1, 1, 1]), right), 0.05) == "holds"
    assert overall_verdict(sides_of(noise(rng, [1, 1, 1.3]), right), 0.05) == "fails"
    assert overall_verdict(sides_of(noise(rng, [1, 1, 1.05]), right), 0.05) == "inconclusive"
    special = ["holds", "not converged", "holds"]
    assert overall_verdict(sides_of(noise(rng, [1, 1, 1]), right, special), 0.05) == special[1]


@pytest.mark.parametrize(
    ("sd", "gap"),
    [
        (0.08, 0.08),
        pytest.param(0.3, 0.15, marks=pytest.mark.slow),
        pytest.param(0.2, 0.0, marks=pytest.mark.slow),
    ],
)
def test_power_is_the_rate_of_the_expected_verdict(sd, gap):
    """Against 1,500 simulated studies of 50 runs; the bound may lie below the rate, not above."""
    rng = np.random.default_rng(1)
    n_studies, n = 1500, 50
    expected = "fails" if gap else "holds"
    control = next(c for c in CONTROLS if c.expected == expected and c.prediction in ("-", "zero"))
    right = np.ones((n, 2))
    ended, powers = [], []
    for study in range(n_studies):
        one = noise(rng, [1 + gap], n, sd)
        sides = sides_of(np.column_stack([one, 1 + sd * rng.normal(size=n)]), right)
        ended.append(overall_verdict(sides, 0.05) == expected)
        if study < 300:
            true_gap = SidesOverRuns(
                sides.left - sides.left.mean(axis=0) + [1 + gap, 1], right, sides.gaps,
                sides.together, sides.verdicts,
            )  # fmt: skip
            powers.append(power(true_gap, control, None, 0.05))
    rate, mcse = np.mean(ended), np.sqrt(0.25 / n_studies)
    assert np.mean(powers) <= rate + 4 * mcse + 0.02
    assert np.mean(powers) >= rate - 0.15


def test_sides_are_judged_by_convergence_and_by_what_is_there(few):
    study, folder = few
    (cell,) = study.cells
    with open_store(folder, study.name, study.design) as store:
        measured = read_measurements(store, cell.name)
    rows = select(measured, setting="equal weights", split="test")
    mass = cell.class_mass("equal weights")
    sides = sides_over_runs(rows, mass, margin=0.05, converged=False)
    assert set(sides.verdicts) == {"not converged"}
    nobody = rows_where(rows, np.arange(len(rows)) < 2)
    nobody.mean_proba[:, :, 2] = 0.0  # nothing is predicted as class 2
    assert sides_over_runs(nobody, mass, margin=0.05, converged=True).verdicts[2] == "interpolated"
