"""Gaussian classes where n_features / n_samples stays fixed: their gap, and nothing is fitted."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import as_number
from learnprop.equations.class_weights import check_class_weight
from learnprop.equations.limits.minimisers import NoMinimiser
from learnprop.equations.limits.state_evolution.binary import binary_state
from learnprop.equations.limits.state_evolution.geometry import check_class_share, means_at
from learnprop.equations.limits.state_evolution.record import StateEvolution
from learnprop.equations.limits.state_evolution.separability import half_distance, threshold_of


def state_evolution(
    kappa: float, *, class_share: ArrayLike, class_weight: ArrayLike, separation: ArrayLike
) -> StateEvolution:
    r"""P, residual and gap on fresh data of logistic or softmax regression on Gaussian classes.

    Of classes :math:`N(\mu_k, I)`, in the limit of many samples and features,
    n_features / n_samples = κ (E14): nothing is drawn or fitted. The minimiser of the weighted
    loss satisfies Eq. (9) on its training sample; on fresh data κ makes a gap, which this is. Two
    classes take milliseconds.

    Parameters
    ----------
    kappa : float
        κ >= 0; 0 is the minimiser of the population loss, without a gap.
    class_share : array_like, shape (n_classes,)
        π, of the training samples in each class; they sum to one.
    class_weight : array_like, shape (n_classes,)
        λ, positive; only their ratios matter.
    separation : float or array_like, shape (n_classes, n_classes)
        Distance between any two means, or between each two, in standard deviations of a feature.

    Returns
    -------
    StateEvolution

    Raises
    ------
    ValueError
        If an argument does not fit, or the minimiser does not exist: the training samples are
        separable where κ is above `separability_threshold`.

    Notes
    -----
    Of finite samples the ratio of both sides differs, as far as fits can tell by a term in
    1 / n_samples: with the inverse weights of the example + 8 / n_samples (± 1) at κ = 0.05, of
    26,000 fits to 200 to 800 samples, and + 18 / n_samples (± 2) at κ = 0.08, of 12,000 fits to 250
    to 1000. At 1000 samples that is 0.5 % and 1 % of the ratio.

    Examples
    --------
    The minority's gap with equal weights, and with inverse ones:

    >>> design = {"class_share": [0.9, 0.1], "separation": 2.0}
    >>> for weight in ([1, 1], [1, 9]):
    ...     state = state_evolution(0.05, class_weight=weight, **design)
    ...     print(f"{state.gap[1]:+.1%}, slope x {state.inflation:.2f}")
    -2.2%, slope x 1.18
    +50.5%, slope x 1.30
    """
    share = check_class_share(class_share)
    weight = check_class_weight(class_weight)
    if weight.shape != share.shape:
        said = f"must hold {len(share)} weights as `class_share`, got shape {weight.shape}"
        raise BadArgument("class_weight", said)
    number = as_number(kappa, "kappa")
    if isinstance(number, bool):
        raise BadArgument("kappa", f"must be a number, got {number}")
    if not 0 <= number < np.inf:
        raise BadArgument("kappa", f"must be finite and not negative, got {shown(kappa)}")
    means = means_at(separation, len(share))
    try:
        if len(share) == 2:
            return binary_state(number, share, weight, means)
        from learnprop.equations.limits.state_evolution.softmax import softmax_state

        return softmax_state(number, share, weight, means)
    except NoMinimiser:
        threshold = threshold_of(share, half_distance(means))
        if not number or not threshold:
            problem = f"is too large for float64: no sample is missed, got {shown(separation)}"
            raise BadArgument("separation", problem) from None
        problem = f"must be smaller for these classes: they become separable at {threshold:.4g}"
        raise BadArgument("kappa", f"{problem}, got {shown(kappa)}") from None
