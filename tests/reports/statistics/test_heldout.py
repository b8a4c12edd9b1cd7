"""What a validation sample's size lets expect, against refinements on many such samples."""

from dataclasses import replace

import numpy as np
import torch

from learnprop.equations.inference.jackknife import mcse_of_sd
from learnprop.reports.statistics.evidence import SettingEvidence, Terms, parts_of
from learnprop.reports.statistics.heldout import columns_of_validation
from learnprop.simulations.records.measure import measure
from learnprop.simulations.records.rows import (
    FitRow,
    MeasurementRow,
    stack_fits,
    stack_measurements,
)
from learnprop.simulations.refinement.objectives import WeightedSoftmax
from learnprop.simulations.refinement.seen import OutputLayers, Seen

N_RUNS, N_VALIDATION, N_TEST = 150, (90, 60, 40), (3000, 3000, 3000)
MASS = np.array([9.0, 3.0, 2.0])
CENTRES = np.array([[1.5, 0.0, 0.0], [0.0, 1.5, 0.3], [0.0, 0.5, 1.5]])


def drawn(sizes, rng):
    """Logits of a fixed model, and labels."""
    y = np.repeat(np.arange(3), sizes)
    return CENTRES[y] + rng.normal(size=(len(y), 3)), y


def evidence(n_runs=N_RUNS):
    """Runs of one model whose bias is refined on a validation sample of each run."""
    rng = np.random.default_rng(0)
    objective = WeightedSoftmax(torch.as_tensor(MASS / MASS.sum())[None])
    zero = OutputLayers(torch.zeros(1, 3, 1).double(), torch.zeros(1, 3).double())
    fits, rows = [], []
    for run in range(n_runs):
        samples = {s: drawn(n, rng) for s, n in (("validation", N_VALIDATION), ("test", N_TEST))}
        z, y = (torch.as_tensor(a)[None] for a in samples["validation"])
        (bias,), _ = objective.refined_bias(Seen(z, y, features=z.__getitem__), zero)
        key = ("equal", run, 1, "heldout")
        fits.append(FitRow(*key, "converged", "", "", 1, 0.5, 0.0, *[np.zeros(3)] * 4))
        rows += [
            MeasurementRow(*key, split, measure(labels, logits + bias.numpy()))
            for split, (logits, labels) in samples.items()
        ]
    return SettingEvidence(
        mass=MASS, fits=stack_fits(fits), measured=stack_measurements(rows),
        counts={"runs_attempted": n_runs, "runs_converged": n_runs, "runs_failed": 0},
        converged=True, usable=True, max_bias_gradient=0.0,
    )  # fmt: skip


def test_the_spread_over_runs_is_what_the_sizes_of_both_samples_give():
    terms = Terms(margin=0.05, train_size=N_VALIDATION, splits=("validation", "test"))
    parts = parts_of(evidence(), terms)
    test = parts["test"]
    found = {name: np.array(column) for name, column in columns_of_validation(test).items()}
    assert columns_of_validation(parts["validation"]) == {}
    right = test.sides.right
    gap = (test.sides.left - right) / right.mean(axis=0)
    of_mean = found["expected_high"] / 1.6448536
    for k in range(3):
        observed, predicted = gap[:, k].std(ddof=1), np.sqrt(N_RUNS) * of_mean[k]
        assert abs(observed - predicted) <= 4 * mcse_of_sd(gap[:, k])
        assert found["validation_sd"][k] < predicted  # the test sample's error comes on top
        assert abs(gap[:, k].mean()) <= 4 * of_mean[k]
    # The control: the spread is not that of validation samples four times as large.
    assert (gap.std(axis=0, ddof=1) > 1.5 * found["validation_sd"] / 2).all()


def test_a_shared_test_sample_keeps_its_error_in_the_mean():
    own = Terms(margin=0.05, train_size=N_VALIDATION, splits=("validation", "test"))
    few = evidence(20)
    columns = [
        columns_of_validation(parts_of(few, terms)["test"])
        for terms in (own, replace(own, shares_test_set=True))
    ]
    alone, shared = (np.array(c["expected_high"]) for c in columns)
    assert columns[0]["validation_sd"] == columns[1]["validation_sd"]
    of_validation = 1.6448536 * np.array(columns[0]["validation_sd"]) / np.sqrt(20)
    test_alone, test_shared = alone**2 - of_validation**2, shared**2 - of_validation**2
    assert np.allclose(test_shared / test_alone, 20)
