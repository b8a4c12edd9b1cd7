r"""The paper's losses, a file each: function and PyTorch module, logits in, scalar out; balance.

`LOSSES` has what networks with an output per class are trained with, by name. It is light: what
computes is in the files, and is imported when it is called (`learnprop.equations.losses.loss`).

=========================== ======================================================================
`WeightedSoftmaxLoss`       Eq. (1), SML: :math:`\sum_i \lambda_{y_i} (-\log f_{y_i}(x_i))`
`WeightedLogisticLoss`      Eq. (1) with K = 2 and one logit, LGL
`OneVsAllLogisticLoss`      LGL for K classes: K binary losses, each class against all others
`LGLINRLoss`                Eq. (11): within the negative class, hard sub-classes weigh more
`RunningLGLINRLoss`         the same with averages of the past, whose micro-batches add up
=========================== ======================================================================

**Shapes** are those of PyTorch's losses, of functions and modules alike: logits
(n_samples, n_classes) or (n_samples, n_classes, d1, ...), of `WeightedLogisticLoss` any; targets
are integers, (n_samples,) or (n_samples, d1, ...), or, but for LGL-INR, probabilities. Of no
samples sums and means are 0. Only each file's `minibatch_loss`, which networks are trained with,
takes axes before (n_samples, n_classes). **Arithmetic.** Every log of a probability is a
log-sigmoid or log-softmax of a logit, so that values are finite and gradients do not vanish at any
logit. It is done in the precision of the logits, in float32 at least, autocast or not; the matrix
products of LGL-INR follow `torch.set_float32_matmul_precision`. **Normalisation** is by numbers of
samples and classes, never by weights (E8); what soft targets and smoothed labels do to the balance
is in `learnprop.equations.losses.inputs.smoothing`.

**Step size.** At zero logits and equal class counts the gradient in the logits is, relative to that
of the softmax loss, K / (2 √(K-1)) for one-vs-all and K² / (2 (K-1)) for LGL-INR: 1.7 and 5.6 at
K = 10 (`gradient_factor`). A learning rate that suits one loss need not suit another.

Labels outside 0 .. n_classes-1 are an error. Under `torch.compile`, `torch.vmap`, `FakeTensorMode`
and the capture of CUDA graphs and on the device "meta" no value can be looked at, and with
``validate=False`` none is: there they make the loss NaN, and weights must be known to be right.
"""

from __future__ import annotations

from learnprop.equations.arguments import one_of
from learnprop.equations.losses.loss import Balance, ChosenLoss, Loss, Parameter

EQ_9 = Balance("Eq. (9)")
E10 = Balance("E10", "1 - p̄(k→k) = Σ_j≠k λ_j p̄(j→k)")

LARGEST_BETA = 1e30
"""Of β: beyond, float32 has no room for its products."""

LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss(
            name="lgl",
            label="LGL",
            title="one-vs-all logistic",
            definition="one-vs-all logistic loss, summed over the K outputs",
            home="learnprop.equations.losses.one_vs_all",
            activation="sigmoid",
            balance=EQ_9,
        ),
        Loss(
            name="sml",
            label="SML",
            title="softmax",
            definition="softmax loss",
            home="learnprop.equations.losses.softmax",
            activation="softmax",
            balance=EQ_9,
        ),
        Loss(
            name="lgl-inr",
            label="LGL-INR",
            title="Eq. 11",
            definition="Eq. (11) of each minibatch, summed over the K outputs, λ detached; an "
            "absent class has no positive term and is no negative sub-class "
            "(docs/explanation/errata.md, 9)",
            home="learnprop.equations.losses.lgl_inr",
            activation="sigmoid",
            balance=E10,
            per_sample=False,
            parameters=(Parameter("beta", "β", option="inr_beta", most=LARGEST_BETA),),
        ),
    )
}
"""By name, in the order of the paper's tables."""

REFERENCE = LOSSES["sml"]
"""What others are compared with, and brought to one step size with."""


def chosen_loss(name: str, **parameters: float) -> ChosenLoss:
    """Choose a loss by its name, with parameters that are not at their defaults.

    Parameters
    ----------
    name : str
        Of `LOSSES`.
    **parameters : float

    Returns
    -------
    ChosenLoss

    Raises
    ------
    ValueError
        If there is no such loss or parameter.

    Examples
    --------
    >>> chosen_loss("lgl-inr", beta=2.0).setting, chosen_loss("sml").setting
    ('lgl-inr beta=2', 'sml')
    """
    loss = LOSSES[one_of(name, "name", LOSSES)]
    unknown = parameters.keys() - {p.name for p in loss.parameters}
    if unknown:
        raise ValueError(f"{min(unknown)} is no parameter of {name}")
    return ChosenLoss(loss, tuple(parameters.get(p.name, p.default) for p in loss.parameters))
