"""What an audit found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from learnprop.audit.inference.groups import GroupBalance
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.inference.estimates import Estimate, Verdict
from learnprop.equations.inference.joint import JointTest

if TYPE_CHECKING:
    from learnprop.audit.causes.cause import Cause


@dataclass(frozen=True)
class BalanceReport:
    """What an audit found of one classifier, on one sample of fresh data.

    Attributes
    ----------
    labels : tuple
        The label of each class.
    class_weight : ndarray, shape (n_classes,)
        The weights that were stated, scaled to sum to one.
    train_count : ndarray, shape (n_classes,)
        Class sizes of training.
    count : ndarray of int64, shape (n_classes,)
        Samples of each class that were measured.
    mean_proba : ndarray, shape (n_classes, n_classes)
        P of Eq. (9).
    effective : tuple of Estimate, one per class
        The weights that it acts upon, scaled to sum to one.
    left, right, residual : ndarray, shape (n_classes,)
        Both sides of Eq. (9) and their difference r_j, over the total mass.
    gaps : tuple of Estimate, one per class
        left / right - 1, at the level of `level`, one by one.
    verdicts : tuple of str, one per class
    verdict : str
        On all classes at once.
    joint : JointTest
        Of this model on fresh data.
    expected_misses : ndarray, shape (n_classes,)
    warnings : tuple of str
        What a reader must know: too few misses, sizes that were taken from the sample, rounding.
    causes : tuple of Cause
        The most likely first; empty where the residual is what a training sample of this size
        leaves.
    considered : tuple of Cause
        All that was tried, those that the observed residual refutes last; empty where there was
        nothing to explain.
    groups : tuple of GroupBalance
        Where `by` or `bins` were asked for.
    margin, level : float
    """

    labels: tuple[Any, ...]
    class_weight: FloatArray
    train_count: FloatArray
    count: IntArray
    mean_proba: FloatArray
    effective: tuple[Estimate, ...]
    left: FloatArray
    right: FloatArray
    residual: FloatArray
    gaps: tuple[Estimate, ...]
    verdicts: tuple[Verdict, ...]
    verdict: Verdict
    joint: JointTest
    expected_misses: FloatArray
    warnings: tuple[str, ...]
    causes: tuple[Cause, ...]
    considered: tuple[Cause, ...]
    groups: tuple[GroupBalance, ...]
    margin: float
    level: float
