"""`check` finds what was planted in a control of `learnprop controls`, and nothing in others."""

from collections import Counter

import numpy as np
import pytest

from learnprop.simulations.studies.controls.study import CONTROLS
from tests.audit.causes.controls import (
    BINARY,
    CLEAN,
    PLANTED,
    control_of,
    is_among_first,
    replications,
)


@pytest.fixture(scope="module")
def run():
    return next(replications(range(2, 3)))


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_each_planted_cause_is_among_the_first_two(run, name):
    control = control_of(name)
    report = run.report(control)
    assert is_among_first(report, control), [cause.name for cause in report.causes]
    assert report.causes[0].consistency != "inconsistent"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inverse weights", "L2 on weights only", "minibatch mean"])
def test_a_clean_classifier_has_no_cause(run, name):
    report = run.report(control_of(name))
    assert report.causes == report.considered == ()
    assert report.verdict in ("holds", "inconclusive")


@pytest.mark.slow
def test_what_is_predicted_is_what_is_observed(run):
    exact = ("penalised bias", "label smoothing", "PyTorch label smoothing, inverse weights")
    for name in exact:
        first = run.report(control_of(name)).causes[0]
        assert (first.split, first.consistency) == ("train", "consistent")
        np.testing.assert_allclose(first.predicted, first.observed, atol=1e-9)
    drawn = run.report(control_of("minibatch mean, inverse weights")).causes[0]
    assert (np.abs(drawn.predicted - drawn.observed) <= 4 * drawn.error).all()


@pytest.mark.slow
def test_smoothing_is_measured_without_being_stated(run):
    for name in ("label smoothing", "PyTorch label smoothing, inverse weights"):
        assert run.report(control_of(name)).causes[0].name.endswith("of 0.1")
    stated = run.report(control_of("label smoothing"), label_smoothing=0.2)
    assert not any("0.2" in cause.name for cause in stated.causes)  # a wrong one is refuted
    assert any("0.2" in cause.name for cause in stated.considered)


@pytest.mark.slow
def test_features_tell_no_bias_from_all_others(run):
    first = run.report(control_of("no bias"), "X").causes[0]
    assert (first.name, first.consistency) == ("no bias", "consistent")


def counted(replicated, knows):
    """Runs in which the planted cause is first, among the first two; in which there is none."""
    found = {name: Counter() for name in (*PLANTED, *CLEAN)}
    for run in replicated:
        for control in CONTROLS:
            report = run.report(control, knows)
            tally = found[control.name]
            tally["runs"] += 1
            tally["none"] += not report.causes
            if control.name in PLANTED:
                tally["first"] += is_among_first(report, control, 1)
                tally["first two"] += is_among_first(report, control)
            elif not report.causes:
                assert report.verdict != "fails" or "no more than" in " ".join(report.warnings)
    return found


def assert_found(found):
    # A clean one is given a cause at a rate of 1 - level.
    for name in PLANTED:
        assert found[name]["first two"] >= 0.95 * found[name]["runs"], (name, found[name])
    for name in CLEAN:
        n = found[name]["runs"]
        most = 0.05 + 4 * np.sqrt(0.05 * 0.95 / n)
        assert n - found[name]["none"] <= most * n, (name, found[name])


@pytest.mark.slow
def test_every_control_in_a_hundred_runs():
    assert_found(counted(replications(range(100)), "train"))


@pytest.mark.slow
def test_every_control_with_features():
    assert_found(counted(replications(range(40)), "X"))


@pytest.mark.slow
def test_two_classes_with_features():
    assert_found(counted(replications(range(40), BINARY), "X"))
