"""Every study reports what there is when replications fail: some of them, all but one, or all."""

from dataclasses import replace

import pytest

from learnprop.reports.study_report import report_of, write_contents
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.claims import study as claims
from learnprop.simulations.studies.controls import study as controls
from learnprop.simulations.studies.explore import study as explore
from learnprop.simulations.studies.multiclass import study as multiclass
from learnprop.simulations.studies.table1 import study as table1
from tests.console import check_console
from tests.toys import raising_in

RUNS = 25
STUDIES = {
    "table1": lambda: table1.make_study(
        table1.Options(runs=RUNS, train_size=(40, 120), test_size=(50, 50), max_iter=2)
    ),
    "multiclass": lambda: multiclass.make_study(
        multiclass.Options(runs=RUNS, sizes=(60, 40, 20), test_size=50)
    ),
    "mlp": lambda: multiclass.make_study(
        multiclass.Options(
            runs=RUNS, sizes=(60, 40), test_size=50, fitter="mlp", hidden=3, epochs=1
        )
    ),
    "controls": lambda: controls.make_study(controls.Options(runs=RUNS, quick=True)),
    "claims": lambda: claims.make_study(claims.Options(runs=RUNS)),
    "explore": lambda: explore.make_study(
        explore.Options(runs=RUNS, ratios=(1, 4), train_size=200, test_size=50, lambda0_grid=())
    ),
    "explore mlp": lambda: explore.make_study(
        explore.Options(
            runs=RUNS, ratios=(2,), weights=("equal",), train_size=100, fitter="mlp", epochs=1
        )
    ),
}
BAD_RUNS = {"three": (2, 3, 17), "all but one": range(1, RUNS), "all": range(RUNS)}


@pytest.fixture
def few_controls(monkeypatch):
    """One control of each way to predict, none of those that take long."""
    kinds = {c.prediction: c for c in reversed(controls.CONTROLS) if not c.objective.is_random}
    chosen = tuple(c for c in controls.CONTROLS if c in kinds.values() or c.name == "equal weights")
    monkeypatch.setattr("learnprop.simulations.studies.controls.study.CONTROLS", chosen)


@pytest.mark.usefixtures("few_controls")
@pytest.mark.parametrize("bad", BAD_RUNS)
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name == "claims" else name for name in STUDIES],
)
def test_what_fails_is_counted_and_the_rest_is_reported(name, bad, run_to_store, as_pdf):
    study = STUDIES[name]()
    compute = raising_in(study.compute_block, BAD_RUNS[bad])
    folder, _ = run_to_store(replace(study, compute_block=compute))
    report = report_of(study.name)
    with open_store(folder, study.name, study.design) as store:
        contents = report.contents(report.summarise(study, store))
    summary, n_failed = contents.frames["summary"], len(BAD_RUNS[bad])
    counted = summary["runs_failed"].dropna()
    assert len(counted) >= len(summary) - 1  # one claim is computed, not simulated
    assert set(counted) == {n_failed}
    assert (summary["runs_attempted"].dropna() == RUNS).all()
    if bad != "three":
        assert set(summary["verdict"][counted.index]) <= {"inconclusive", "failed"}
    with as_pdf():
        tables = write_contents(contents, folder)
    assert tables
    check_console(contents)
    for table in contents.tables:
        text = (folder / f"{table.name}.tex").read_text()
        assert "nan" not in text
        assert f"/ {n_failed}" in text, table.name
    if study.name == "explore":
        assert set(summary["verdict"]) == {"failed"}  # more than 5 % of the runs
