"""A possible cause, with what it predicts beside what is observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from learnprop.equations.arrays import FloatArray

Consistency = Literal["consistent", "possible", "inconsistent"]
"""Whether the observed residual is what the cause predicts within its error. Where only the
direction is known, or a number was fitted that could not be tested, it is `possible` at best."""


@dataclass(frozen=True)
class Cause:
    """A possible cause of a residual.

    Residuals are r_j / w_j, in units of each class's own mass under the weights that were stated.

    Attributes
    ----------
    name : str
        E.g. "acts upon equal weights".
    split : {"test", "train"}
        On which predictions it was judged.
    predicted : ndarray, shape (n_classes,)
        NaN where nothing but a direction is known; and, of more than 64 classes, of what is
        inconsistent.
    observed : ndarray, shape (n_classes,)
    error : ndarray, shape (n_classes,)
        Standard error of observed minus predicted, that of the training sample included.
    p_value : float
        Of the difference, all classes at once; NaN where there is nothing to test.
    consistency : {"consistent", "possible", "inconsistent"}
    why : str
        One sentence: what it is and what speaks for it.
    remedy : str
        One sentence: what to do.
    """

    name: str
    split: str
    predicted: FloatArray
    observed: FloatArray
    error: FloatArray
    p_value: float
    consistency: Consistency
    why: str
    remedy: str
