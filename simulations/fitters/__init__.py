r"""Fitters, batched over replications, in float64 on CPU or CUDA by the same code.

Conventions, shared by every module of this package
---------------------------------------------------
============= ================================ ================================================
name          shape                            meaning
============= ================================ ================================================
X             (n_runs, n_samples, n_features)  features of each replication
y             (n_samples,)                     labels, the same in every replication
class_weight  (n_settings, n_classes)          the λ settings that every replication is fitted
                                               with, each from the same initial point
params        (n_runs, n_settings, n_params)   coefficients, intercept last
============= ================================ ================================================

The loss is the sum form of Eq. (1), :math:`L = \sum_i \lambda_{y_i} \ell_i`. Inside a fitter it is
divided by the total mass :math:`\sum_k w_k`, a constant, and so are the gradients that a `Fit`
reports.

A fitter is a file with its record (`learnprop.simulations.fitters.fitter.Fitter`) and a line of
`FITTERS`.
"""

from __future__ import annotations

from dataclasses import dataclass

from learnprop.simulations.registry import Parameter, Registered


@dataclass(frozen=True)
class FitterLine(Registered):
    """A fitter that can be chosen by name.

    Attributes
    ----------
    n_classes : int or None
        Number of classes that it is for; None for any.
    takes_weights : bool
        Whether a setting is a choice of class weights.
    """

    n_classes: int | None = None
    takes_weights: bool = True

    def fits(self, n_classes: int) -> bool:
        """Whether it is for so many classes."""
        return self.n_classes in (None, n_classes)


PENALTY = {
    "l2": Parameter(
        float,
        0.0,
        "α of the penalty (α/2) Σ coef², added to the weighted sum of losses; not on intercepts. "
        "With it separated classes have a minimum too.",
        least=0,
    )
}
"""What the regressions share."""

FITTERS: dict[str, FitterLine] = {
    "logistic": FitterLine("learnprop.simulations.fitters.logistic:FITTER", PENALTY, n_classes=2),
    "softmax": FitterLine("learnprop.simulations.fitters.softmax:FITTER", PENALTY),
    "one-vs-all": FitterLine("learnprop.simulations.fitters.one_vs_all:FITTER", PENALTY),
    "mlp": FitterLine(
        "learnprop.simulations.fitters.mlp.softmax:FITTER",
        {
            "hidden": Parameter(int, 16, "Width of the hidden layer.", least=1),
            "epochs": Parameter(int, 20, "Epochs of Adam.", least=1),
        },
    ),
    "lgl-inr": FitterLine("learnprop.simulations.fitters.lgl_inr:FITTER", takes_weights=False),
}
"""By name. Where it is left open, the first that is for the number of classes."""


def of_weights() -> dict[str, FitterLine]:
    """Fitters whose settings are choices of class weights.

    Examples
    --------
    >>> list(of_weights())
    ['logistic', 'softmax', 'one-vs-all', 'mlp']
    """
    return {name: line for name, line in FITTERS.items() if line.takes_weights}
