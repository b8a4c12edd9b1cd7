r"""Soft targets and smoothed labels, as masses that a sample gives to the classes.

A target :math:`t` is a fraction :math:`t_c` of a sample of each class c, with that class's weight:
its masses are :math:`m_c = \lambda_c t_c`, of a label :math:`\lambda_y` at y and 0 elsewhere.
Smoothing by ε hands on a share of a sample's mass, whatever class it has it from, to all classes
alike:

.. math:: m_c' = (1 - ε) m_c + \frac{ε}{K} \sum_j m_j .

The loss is linear in the masses. Soft targets alone leave Eq. (9) as it is, with the class masses
:math:`w_c = \lambda_c \sum_i t_{ic}`; smoothing leaves the residual
:math:`r_j = ε (w_j - \sum_k w_k / K)` (`learnprop.label_smoothing_residual`), none where all masses
are equal. PyTorch's ``weight`` with ``label_smoothing`` is another loss: the smoothed part has the
weight of the class that it is given to. It is that of soft targets which are smoothed beforehand
(`learnprop.torch_label_smoothing_residual`).
"""

from __future__ import annotations

from torch import Tensor

from learnprop.equations.losses.inputs.samples import Samples, is_own


def masses(samples: Samples, class_weight: Tensor | None, label_smoothing: float) -> Tensor:
    """Mass that each sample gives to each class, (n_samples, n_classes)."""
    proba = samples.proba
    mass = is_own(samples.labels, samples.logits) if proba is None else proba
    if class_weight is not None:
        mass = mass * class_weight
    return (1 - label_smoothing) * mass + label_smoothing * mass.mean(dim=-1, keepdim=True)
