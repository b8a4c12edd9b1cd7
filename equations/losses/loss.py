"""A loss as the project asks for it by name: plain data, read without loading any heavy library.

What computes is in the loss's own file, its ``home``, and is imported when it is first called:

====================================================== ===========================================
``minibatch_loss(logits, labels, batch_size)``         what a step of training minimises
``sides(mean_proba, miss_proba, class_count)``         both sides of the loss's balance
``residual(mean_proba, miss_proba, class_count)``      minus its gradient in the output bias
``bias_equation(class_count)``                         its balance as one of each bias
====================================================== ===========================================

The loss's parameters follow by name; shapes are those of the methods of `ChosenLoss` that call
them. A loss that states no balance has the first function only. `bias_equation` is of sigmoids
only: the balance of softmax outputs is Eq. (9).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from learnprop.equations.losses.one_vs_all import LogWeights
    from learnprop.equations.mean_proba import Activation, FloatArray


@dataclass(frozen=True)
class Parameter:
    """A number that a loss depends on.

    Attributes
    ----------
    name : str
        Argument of the loss's functions.
    symbol : str
        In tables.
    option : str
        Field of a study's options that holds its values; a study without it takes the default.
    default, least, most : float
    """

    name: str
    symbol: str
    option: str
    default: float = 1.0
    least: float = 0.0
    most: float = inf


@dataclass(frozen=True)
class Balance:
    """Two sides that are equal where a loss has no gradient in the output bias.

    Attributes
    ----------
    name : str
        Of the equation.
    statement : str
        The equation, where it is not the paper's.
    """

    name: str
    statement: str = ""


@dataclass(frozen=True)
class Loss:
    """A loss, whatever the values of its parameters.

    Attributes
    ----------
    name : str
        On the command line, in stores and in CSV files.
    label : str
        In tables: what the paper calls it.
    title : str
        What it is, in a word or two.
    definition : str
        What a minibatch minimises, as a protocol says it.
    home : str
        Module that computes it.
    activation : {"softmax", "sigmoid"}
        Of the outputs.
    balance : Balance or None
        None where none is stated: trained networks are then measured as they are only.
    per_sample : bool
        Whether it is a sum over samples; else classes count alike, whatever their sizes are.
    parameters : tuple of Parameter
    """

    name: str
    label: str
    title: str
    definition: str
    home: str
    activation: Activation
    balance: Balance | None
    per_sample: bool = True
    parameters: tuple[Parameter, ...] = ()

    def class_mass(self, class_count: Sequence[int]) -> FloatArray:
        """Class mass that the loss gives to training classes of these sizes.

        Parameters
        ----------
        class_count : sequence of int, shape (n_classes,)

        Returns
        -------
        ndarray, shape (n_classes,)
            N of a sum over samples; else equal shares, of sum one.

        Examples
        --------
        >>> from learnprop.equations.losses import LOSSES
        >>> LOSSES["sml"].class_mass([30, 10]).tolist()
        [30.0, 10.0]
        >>> LOSSES["lgl-inr"].class_mass([30, 10]).tolist()
        [0.5, 0.5]
        """
        import numpy as np

        if self.per_sample:
            return np.array(class_count, dtype=np.float64)
        return np.full(len(class_count), 1 / len(class_count))


@dataclass(frozen=True)
class ChosenLoss:
    """A loss with the values of its parameters (see `learnprop.equations.losses.chosen_loss`).

    Attributes
    ----------
    kind : Loss
    values : tuple of float
        Of its parameters, in their order.
    """

    kind: Loss
    values: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """Of the loss."""
        return self.kind.name

    @property
    def parameters(self) -> dict[str, float]:
        """Values by the names of the parameters."""
        return {p.name: v for p, v in zip(self.kind.parameters, self.values, strict=True)}

    @property
    def setting(self) -> str:
        """Key in stores: the name and the parameters, e.g. ``lgl-inr beta=2``."""
        return " ".join([self.name, *(f"{name}={v:g}" for name, v in self.parameters.items())])

    def minibatch_loss(self, batch_size: int) -> Callable[[Tensor, Tensor], Tensor]:
        """Loss of minibatches: of a sum over samples, over the size that they should have.

        Parameters
        ----------
        batch_size : int

        Returns
        -------
        callable ``(logits (..., n_samples, n_classes), labels (..., n_samples)) -> (...)``
            Labels are not looked at.
        """
        return partial(self._in_home("minibatch_loss"), batch_size=batch_size, **self.parameters)

    def sides(
        self, mean_proba: FloatArray, miss_proba: FloatArray, class_count: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Both sides of the loss's balance, over the class's own mass.

        Parameters
        ----------
        mean_proba : ndarray, shape (..., n_classes, n_classes)
        miss_proba : ndarray, shape (..., n_classes)
            Mean over class k of what its output k leaves to the others.
        class_count : ndarray, shape (n_classes,)
            Class sizes of training.

        Returns
        -------
        left, right : ndarray, shape (..., n_classes)
        """
        found = self._in_home("sides")(mean_proba, miss_proba, class_count, **self.parameters)
        left, right = found
        return left, right

    def residual(
        self, mean_proba: FloatArray, miss_proba: FloatArray, class_count: FloatArray
    ) -> FloatArray:
        """Minus the loss's gradient in the output bias; of a sum over samples, over their number.

        Parameters
        ----------
        mean_proba, miss_proba, class_count : ndarray
            As in `sides`.

        Returns
        -------
        ndarray, shape (..., n_classes)
        """
        found: FloatArray = self._in_home("residual")(
            mean_proba, miss_proba, class_count, **self.parameters
        )
        return found

    def bias_equation(self, class_count: FloatArray) -> tuple[FloatArray, LogWeights]:
        r"""Balance of sigmoids, as the equation of each bias that is refined.

        .. math:: a_k (1 - \bar p_{kk}) = \sum_{j \ne k} v_j^{(k)} \bar p_{jk}

        Parameters
        ----------
        class_count : ndarray, shape (n_classes,)

        Returns
        -------
        log_ratio : ndarray, shape (n_classes,)
            log a.
        log_weights : callable
            log v (see `LogWeights`).
        """
        log_ratio, log_weights = self._in_home("bias_equation")(class_count, **self.parameters)
        return log_ratio, log_weights

    def _in_home(self, function: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(self.kind.home), function)
        return found


def label(loss: Loss, values: Mapping[str, float]) -> str:
    """Write a loss as the paper calls it, with those of its parameters that are known.

    Parameters
    ----------
    loss : Loss
    values : mapping of str to float
        By name of the parameter; NaN is not known, other names are ignored.

    Returns
    -------
    str

    Examples
    --------
    >>> from learnprop.equations.losses import LOSSES
    >>> label(LOSSES["lgl-inr"], {"beta": 2.0}), label(LOSSES["sml"], {"beta": 2.0})
    ('LGL-INR, β = 2', 'SML')
    """
    known = [
        f"{p.symbol} = {values[p.name]:g}"
        for p in loss.parameters
        if values.get(p.name, float("nan")) == values.get(p.name)
    ]
    return ", ".join([loss.label, *known])
