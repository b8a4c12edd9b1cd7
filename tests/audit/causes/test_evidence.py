"""Explanations held against a sample: against statsmodels and scipy."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import GLS

from learnprop.audit.causes.evidence import (
    Evidence,
    held_against,
    in_standard_errors,
    p_value_of,
)
from learnprop.audit.causes.explanations.explanation import Explanation, imbalance

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.25, 0.15, 0.6]])
MISS = np.array([0.3, 0.2, 0.4])
MASS = np.array([0.5, 0.3, 0.2])
COVARIANCE = np.array([[2.0, -1.5, -0.5], [-1.5, 1.8, -0.3], [-0.5, -0.3, 0.8]]) * 1e-4


def evidence(df=np.inf):
    return Evidence("test", P, MISS, lambda a: COVARIANCE, df)  # noqa: ARG005


def test_the_squared_length_is_that_of_the_pseudo_inverse():
    d = np.array([0.01, -0.03, 0.02])
    (scaled,) = in_standard_errors(COVARIANCE, d)
    assert scaled @ scaled == pytest.approx(d @ np.linalg.pinv(COVARIANCE) @ d)
    assert in_standard_errors(np.zeros((3, 3)), d) is None
    assert in_standard_errors(np.ones((3, 3)), d) is None


def test_a_fitted_number_is_that_of_generalised_least_squares():
    b = np.array([0.2, 0.1, -0.3])
    found = held_against(evidence(), Explanation("", "", "", MASS, bias=b, n_free=1))
    residual = MASS - MASS @ P
    model = GLS(residual[:-1], b[:-1], sigma=COVARIANCE[:-1, :-1]).fit()
    assert found.number == pytest.approx(max(model.params[0], 0.0))
    assert found.df == 1
    away = held_against(evidence(), Explanation("", "", "", MASS, bias=-b, n_free=1))
    assert min(found.number, away.number) == 0.0  # a penalty is not negative
    better = max((found, away), key=lambda f: f.number)
    assert better.statistic == pytest.approx(model.wresid @ model.wresid)
    assert better.p_value == pytest.approx(stats.chi2.sf(better.statistic, 1))


def test_smoothing_that_was_done_is_found():
    spread = MASS, np.full(3, 1 / 3)
    e = Explanation("", "", "", MASS, spread, n_free=1)
    # P of a smoothed training: (wP)_j = (1 - ε) w_j + ε / 3; the first row is moved to make it so.
    smoothed = P.copy()
    smoothed[0] += (0.85 * MASS + 0.15 / 3 - MASS @ P) / MASS[0]
    miss = smoothed.sum(axis=1) - np.diagonal(smoothed)
    found = held_against(Evidence("train", smoothed, miss, lambda a: COVARIANCE, 100), e)  # noqa: ARG005
    assert found.number == pytest.approx(0.15)
    assert found.statistic < 1e-20
    np.testing.assert_allclose(imbalance(e, 0.15, smoothed, miss), 0, atol=1e-15)


def test_few_degrees_of_freedom_are_hotellings():
    # T² with covariance on 20: F(2, 19).
    assert p_value_of(8.0, 2, 20) == pytest.approx(stats.f.sf(8.0 * 19 / 40, 2, 19))
    assert p_value_of(8.0, 2, np.inf) == pytest.approx(stats.chi2.sf(8.0, 2), rel=1e-6)
    assert np.isnan(p_value_of(np.nan, 2, 20))
