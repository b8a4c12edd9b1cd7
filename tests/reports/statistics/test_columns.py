import numpy as np
import pytest

from learnprop.equations.limits.minimisers import NoMinimiser
from learnprop.reports.statistics.columns import columns_of_limit
from learnprop.simulations.generators.gaussian import class_covariances, gaussian_classes
from learnprop.simulations.generators.large_sample_limit import one_vs_all_limit, softmax_limit


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
