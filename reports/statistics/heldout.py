"""What a validation sample's size lets expect of an output bias that was refined on it."""

from __future__ import annotations

import numpy as np

from learnprop.equations.inference.simultaneous import sampling_of, shared_sample_covariance
from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.statistics.columns import Columns
from learnprop.reports.statistics.evidence import Part
from learnprop.reports.statistics.runs import CONFIDENCE
from learnprop.simulations.records.rows import Measurements

LEAST = 2
"""Validation samples of a class without which there is no variance."""


def columns_of_validation(part: Part) -> Columns:
    r"""Gap on test that errors of the two samples alone would give, where Eq. (9) holds else.

    The bias solves Eq. (8) on a validation sample of :math:`m_k` samples. To first order its
    residual on fresh data is minus the validation sample's own error,

    .. math:: \operatorname{Var} r_j = \sum_k w_k^2 \operatorname{Var}(f_j \mid k) / m_k ,

    of which the mean over runs has one nth, and to it comes the error of the test sample, of which
    it has one nth too, unless all runs share that sample.

    Parameters
    ----------
    part : Part

    Returns
    -------
    dict
        ``validation_sd``, of the gap of one run, and the interval ``expected_low`` to
        ``expected_high`` of the mean's, at 90 %. Empty but on test with a validation sample.
    """
    from scipy.stats import norm

    if part.split != "test" or "validation" not in part.terms.splits:
        return {}
    validation = part.evidence.split("validation")
    if validation.class_count.min() < LEAST:
        return {}
    right = part.sides.right.mean(axis=0)
    one = _variance(validation, part.mass)
    test = _variance(part.rows, part.mass)
    n_runs = len(part.rows)
    of_mean = one / n_runs + test / (1 if part.on_shared_sample else n_runs)
    half = norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(of_mean) / right
    return {
        "validation_sd": (np.sqrt(one) / right).tolist(),
        "expected_low": (-half).tolist(),
        "expected_high": half.tolist(),
    }


def _variance(rows: Measurements, mass: FloatArray) -> FloatArray:
    """Variance of the residual of one run that the sample leaves, in units of Σw, (n_classes,)."""
    covariance = shared_sample_covariance(
        rows.mean_proba, rows.second_moment, rows.class_count[0], mass / mass.sum(), rows.miss_proba
    )
    return np.diagonal(sampling_of(np.ones(len(mass)), covariance).between)
