r"""What may have been minimised instead: explanations with an equation of their own.

Each is a training whose bias gradient is a sum over classes. A sample of class k has the target
mass :math:`T_{kj}`, its own class's and what smoothing gives to others, and at the minimum

.. math:: \sum_k a_k P_{kj} + \alpha b_j = \sum_k T_{kj}, \qquad a_k = \sum_j T_{kj},
          \qquad T = (1 - \varepsilon)\, \mathrm{diag}(m) + \varepsilon\, u v^T ,

as in `learnprop.equations.violations.residuals`: m = λN for weights λ, whichever they are;
smoothing of λ times the smoothed cross-entropy has :math:`u = \lambda N, v = 1/K`, and PyTorch's
:math:`u = N, v = \lambda / K`. One number, ε or α, may be left to be fitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.balance import left_side, right_side


@dataclass(frozen=True)
class Explanation:
    """A training that is not the stated one.

    Attributes
    ----------
    name, why, remedy : str
        The fitted number takes the place of ``{}``.
    mass : ndarray, shape (n_classes,)
        m.
    spread : (ndarray, ndarray), optional
        u and v of smoothing.
    bias : ndarray, shape (n_classes,), optional
        b, of a penalised one.
    number : float, optional
        ε or α where it was stated; None where there is none, or it is to be fitted.
    n_free : int
        Numbers that are chosen to fit, that one included.
    is_told : bool
        Whether it follows from what was said of the training, and is not one of many guesses.
    """

    name: str
    why: str
    remedy: str
    mass: FloatArray
    spread: tuple[FloatArray, FloatArray] | None = None
    bias: FloatArray | None = None
    number: float | None = None
    n_free: int = 0
    is_told: bool = False

    @property
    def is_chosen(self) -> bool:
        """Whether it was chosen among several sizes of minibatches."""
        return self.n_free > 0 and not self.is_fitted and self.number is None

    @property
    def is_fitted(self) -> bool:
        """Whether its number is to be fitted."""
        return self.number is None and (self.spread is not None or self.bias is not None)

    def smoothing(self, number: float) -> float:
        """ε."""
        return number if self.spread is not None else 0.0

    def coefficient(self, number: float) -> FloatArray:
        """a, shape (n_classes,): by which the rows of P are multiplied."""
        if self.spread is None:
            return self.mass
        u, v = self.spread
        return np.asarray((1 - number) * self.mass + number * u * v.sum())


def imbalance(
    e: Explanation, number: float, mean_proba: FloatArray, miss_proba: FloatArray
) -> FloatArray:
    r"""What is left of an explanation's equation, :math:`\sum_k T_{kj} - (aP)_j - α b_j`.

    Parameters
    ----------
    e : Explanation
    number : float
        ε or α; of no consequence where it has none.
    mean_proba : ndarray, shape (n_classes, n_classes)
    miss_proba : ndarray, shape (n_classes,)

    Returns
    -------
    ndarray of float64, shape (n_classes,)

    Examples
    --------
    >>> P, miss = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0.1, 0.2])
    >>> imbalance(Explanation("acts upon 2:1", "", "", np.array([2.0, 1.0])), 0.0, P, miss)
    array([0., 0.])
    """
    left, right = left_side(mean_proba, e.mass, miss_proba), right_side(mean_proba, e.mass)
    found = left - right
    if e.spread is not None:
        u, v = e.spread
        found = (1 - number) * found + number * (u.sum() * v - v.sum() * (u @ mean_proba))
    return np.asarray(found - number * e.bias if e.bias is not None else found)


def errors_of_samples(
    e: Explanation, number: float, class_count: FloatArray, proba: FloatArray, classes: IntArray
) -> FloatArray:
    """a_y f - T_y of each sample, (n_samples, n_classes): with features they are its gradient.

    Examples
    --------
    >>> e = Explanation("", "", "", np.array([2.0, 1.0]))
    >>> errors_of_samples(e, 0.0, np.array([2.0, 1.0]), np.array([[0.75, 0.25]]), np.array([0]))
    array([[-0.25,  0.25]])
    """
    smoothing = e.smoothing(number)
    of_class = e.coefficient(number) / class_count
    found = of_class[classes][:, None] * proba
    own = (1 - smoothing) * e.mass / class_count
    found[np.arange(len(classes)), classes] -= own[classes]
    if e.spread is not None:
        u, v = e.spread
        found -= smoothing * (u / class_count)[classes][:, None] * v
    return np.asarray(found)
