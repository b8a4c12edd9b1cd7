from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from learnprop.equations.limits.minimisers import NoMinimiser
from learnprop.reports.statistics.columns import columns_of_limit, columns_of_residual_split
from learnprop.simulations.generators.gaussian import class_covariances, gaussian_classes
from learnprop.simulations.generators.large_sample_limit import one_vs_all_limit, softmax_limit
from learnprop.simulations.studies.recording import LEFT_OUT


@pytest.mark.parametrize("limit_of", [softmax_limit, one_vs_all_limit])
def test_classes_far_apart_have_no_limit_to_report(limit_of):
    apart = gaussian_classes([[0.0], [60.0]], class_covariances("per-class", 2, 1))
    limit = limit_of(apart, np.random.default_rng(0))
    with pytest.raises(NoMinimiser, match="classes do not overlap enough"):
        limit.at([1.0, 1.0])
    assert columns_of_limit(limit, np.array([1.0, 1.0])) == {}


def test_a_mistake_is_not_taken_for_a_missing_limit():
    near = gaussian_classes([[0.0], [1.0]])
    limit = softmax_limit(near, np.random.default_rng(0))
    assert columns_of_limit(limit, np.array([1.0, 3.0]))["limit_mean_proba_mcse"] == [0.0, 0.0]
    with pytest.raises(ValueError, match=r"class_mass must have shape \(2,\)"):
        columns_of_limit(limit, np.ones(3))
    assert columns_of_limit(None, np.ones(2)) == {}


class Rows(SimpleNamespace):
    def __len__(self):
        return len(self.mean_proba)


def named(test, train=0.0):
    """What the residual of class 0 on test is due to, of runs with these, and their t statistic."""
    residuals = {
        "test": np.asarray(test, float), "train": np.full(len(test), train),
        LEFT_OUT: np.empty(0),
    }  # fmt: skip

    def measured(split):  # w = (1, 1): r_0 / w_0 is the difference of the two off-diagonal shares
        a = 0.2 + residuals[split]
        P = np.stack([np.stack([1 - a, a], -1), np.broadcast_to([0.2, 0.8], (len(a), 2))], 1)
        miss = np.stack([a, np.full(len(a), 0.2)], -1)
        return Rows(mean_proba=P, miss_proba=miss)

    part = SimpleNamespace(
        split="test", mass=np.ones(2), terms=SimpleNamespace(splits=("train", "test")),
        rows=range(len(test)), evidence=SimpleNamespace(split=measured, repaired=False),
    )  # fmt: skip
    due_to = columns_of_residual_split(part)["due_to"][0]
    return due_to, stats.ttest_1samp(residuals["test"] - residuals["train"], 0.0)


def test_a_term_is_named_by_a_t_test_of_its_runs():
    """Three runs five standard errors from zero are not significant at 1 %; thirty are."""
    few, of_few = named([0.03, 0.05, 0.03])
    assert of_few.statistic > 5
    assert of_few.pvalue > 0.01
    assert few == ""
    many, of_many = named([0.03, 0.05, 0.03] * 10)
    assert of_many.pvalue < 0.01
    assert many == "overfitting and sampling"
    assert named([0.039, 0.04, 0.041])[0] == "overfitting and sampling"  # p = 0.0002
