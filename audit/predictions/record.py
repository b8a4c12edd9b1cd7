"""What is known of predictions: their moments within each true class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.inference.within_class import WithinClass
from learnprop.equations.mean_proba import Activation


@dataclass(frozen=True)
class Kept:
    """Some of the predictions themselves, at most a few hundred thousand numbers.

    All of them where they are few; else a part that does not depend on their order, in which every
    class has its share. What is found with it is exact where it has them all.

    Attributes
    ----------
    logits : ndarray of float64, shape (n_kept, n_classes)
        Log-probabilities where no logits were given.
    classes : ndarray of int64, shape (n_kept,)
    weight : ndarray of float64, shape (n_kept,)
        Of samples, summing to one within each class.
    """

    logits: FloatArray
    classes: IntArray
    weight: FloatArray


@dataclass(frozen=True)
class Predictions:
    """Moments of predictions within each true class, and some of the predictions themselves.

    Attributes
    ----------
    labels : tuple
        The label of each class, in the order of the columns.
    activation : {"softmax", "sigmoid"}
    count : ndarray of int64, shape (n_classes,)
        Samples of each class, those of weight zero left out; 0 of one that is absent.
    effective_count : ndarray of float64, shape (n_classes,)
        Kish's effective number of samples, (Σω)² / Σω²: `count` without weights of samples.
    weight_sum : ndarray of float64, shape (n_classes,)
        Sum of the weights of samples: `count` without any.
    mean_proba : ndarray of float64, shape (n_classes, n_classes)
        P; the row of an absent class is NaN.
    miss_proba : ndarray of float64, shape (n_classes,)
        ``1 - P[k, k]``, not by subtraction.
    second_moment : ndarray of float64, shape (n_classes, n_classes, n_classes), or None
        Mean over class i of f_a f_b; None of many classes, where it would not fit into memory.
    kept : Kept
    spread : WithinClass, optional
        What intervals need of the covariances within classes; by default from `second_moment`.
    products : callable, optional
        Coefficients c (n_classes,) to Σ_k c_k E_k f_a f_b, (n_classes, n_classes), by a pass over
        the samples; where `second_moment` is None.
    all_counts : tuple of ndarray, shape (n_classes,) each, optional
        Of a group: `count`, `effective_count` and `weight_sum` of the sample that it is part of.
    epsilon : float
        Machine epsilon of the type in which the predictions came.
    """

    labels: tuple[Any, ...]
    activation: Activation
    count: IntArray
    effective_count: FloatArray
    weight_sum: FloatArray
    mean_proba: FloatArray
    miss_proba: FloatArray
    second_moment: FloatArray | None
    kept: Kept
    spread: WithinClass | None = None
    products: Callable[[FloatArray], FloatArray] | None = None
    all_counts: tuple[IntArray, FloatArray, FloatArray] | None = None
    epsilon: float = 2.0**-52

    @property
    def class_sizes(self) -> FloatArray:
        """Sizes of the classes, (n_classes,), in all as many samples as weighted ones are worth.

        Shares are those of the weights, whatever their scale; `count` without any.
        """
        return np.asarray(
            self.weight_sum * (self.effective_count.sum() / self.weight_sum.sum()), dtype=float
        )
