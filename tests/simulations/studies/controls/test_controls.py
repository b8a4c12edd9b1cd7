"""Each control against its exact prediction; at full size in the slow tests."""

import pytest

from learnprop.reports.controls.summary import summarise
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.workers import Workers
from learnprop.simulations.records.store_file import open_store, read_store
from learnprop.simulations.studies.controls.study import CONTROLS, Options, make_study


def table_of(run_to_store, runs):
    study = make_study(Options(runs=runs))
    folder, _ = run_to_store(study, workers=Workers(2))
    with read_store(folder) as store:
        return summarise(study, store)


def computed(runs, folder):
    study = make_study(Options(runs=runs))
    with open_store(folder, study.name, study.design) as store:
        list(run_study(study, store))
        return summarise(study, store)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Enough for what holds in every run."""
    return computed(3, tmp_path_factory.mktemp("few"))


@pytest.fixture(scope="module", params=[pytest.param(n, marks=pytest.mark.slow) for n in (12, 25)])
def small(request, tmp_path_factory):
    return computed(request.param, tmp_path_factory.mktemp("small"))


EXACT_ON_TRAIN = ("zero", "bias", "smoothing", "torch smoothing", "gradient")


def test_identities_hold_on_train_in_every_run_and_class(few):
    rows = few.summary.set_index("control")
    for control in CONTROLS:
        if control.prediction in EXACT_ON_TRAIN:
            assert rows.loc[control.name, "max_difference_on_train"] <= 1e-9, control.name


def test_predictions_hold_on_test_within_4_mcse(small):
    """Overfitting moves the mean residual by a fraction of its MCSE at 12 and 25 runs."""
    rows = small.classes.dropna(subset=["predicted"])
    assert len(rows) == 5 * sum(c.prediction != "-" for c in CONTROLS)
    assert (rows["difference"].abs() <= 4 * rows["difference_mcse"]).all()


def test_what_should_fail_fails_and_early_stopping_does_not_converge(small):
    rows = small.summary.set_index("control")
    for control in CONTROLS:
        verdict = rows.loc[control.name, "verdict"]
        if control.expected == "holds":
            assert verdict in ("holds", "inconclusive")
            assert rows.loc[control.name, "max_bias_gradient"] <= 1e-12
        else:
            assert verdict == control.expected, control.name
            assert rows.loc[control.name, "rejected"] >= 0.3


def test_only_the_direction_is_known_of_four(few):
    without = set(few.classes["control"]) - set(few.classes.dropna(subset=["predicted"])["control"])
    assert without == {"no bias", "dropout", "mixup", "shift of P(x|y)"}


@pytest.mark.slow
def test_every_control_ends_as_expected_at_full_size(run_to_store):
    summary = table_of(run_to_store, 100).summary
    assert summary["as_expected"].all()
    assert (summary["power"] >= 0.95).all()
    assert (summary["runs_failed"] == 0).all()
