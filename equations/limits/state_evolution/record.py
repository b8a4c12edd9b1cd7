"""What a state evolution says of a minimiser: one record for any number of classes."""

from __future__ import annotations

from dataclasses import dataclass

from learnprop.equations.arrays import FloatArray
from learnprop.equations.balance import gap, residual
from learnprop.equations.matrix import off_diagonal


@dataclass(frozen=True)
class StateEvolution:
    r"""The minimiser where n_features / n_samples = κ stays fixed and both are large.

    Logits are those of each class minus that of class 0, so that two classes have :math:`(0, z)`
    with z the log odds of class 1. On fresh samples of class k they are normal, with the mean
    ``logit_mean[k]`` and the covariance `logit_covariance`.

    Attributes
    ----------
    kappa : float
    class_share, class_weight : ndarray, shape (n_classes,)
    mean_proba : ndarray, shape (n_classes, n_classes)
        P on fresh data.
    miss_proba : ndarray, shape (n_classes,)
        ``1 - P_jj``, as the sum of the other entries of the row.
    residual, gap : ndarray, shape (n_classes,)
        Of Eq. (9) on fresh data, as `learnprop.residual` and `learnprop.gap`; the mass of a class
        is its weight times its share, so that residuals are per training sample.
    inflation : float
        Slope along the class means over that of the population minimiser, by least squares over
        classes and directions; NaN where the means coincide.
    bias : ndarray, shape (n_classes,)
        b, with the origin of the features at the centroid of the class means.
    logit_mean : ndarray, shape (n_classes, n_classes)
        Row k: of a fresh sample of class k, bias included.
    logit_covariance : ndarray, shape (n_classes, n_classes)
        Of fresh samples, the same in every class.
    leverage : ndarray, shape (n_classes, n_classes)
        :math:`\Gamma`: the limit of :math:`\tilde x^T H^{-1} \tilde x` of a sample that was left
        out, H the Hessian of the summed loss of the others.
    error : float
        Largest residual of the equations of the fixed point.
    """

    kappa: float
    class_share: FloatArray
    class_weight: FloatArray
    mean_proba: FloatArray
    miss_proba: FloatArray
    residual: FloatArray
    gap: FloatArray
    inflation: float
    bias: FloatArray
    logit_mean: FloatArray
    logit_covariance: FloatArray
    leverage: FloatArray
    error: float


def state_of(
    *,
    kappa: float,
    class_share: FloatArray,
    class_weight: FloatArray,
    mean_proba: FloatArray,
    inflation: float,
    bias: FloatArray,
    logit_mean: FloatArray,
    logit_covariance: FloatArray,
    leverage: FloatArray,
    error: float,
) -> StateEvolution:
    """Both sides of Eq. (9) added, and logits made relative to class 0 from any common constant.

    Parameters
    ----------
    kappa, class_share, class_weight, mean_proba, inflation, error
        As in `StateEvolution`.
    bias, logit_mean, logit_covariance, leverage : ndarray
        As there, of logits to which the same may be added in all classes.

    Returns
    -------
    StateEvolution

    Examples
    --------
    >>> import numpy as np
    >>> half = np.full((2, 2), 0.5)
    >>> centred = np.array([[0.25, -0.25], [-0.25, 0.25]])  # of the logits (-z/2, z/2)
    >>> found = state_of(
    ...     kappa=0.0, class_share=np.array([0.75, 0.25]), class_weight=np.ones(2),
    ...     mean_proba=half, inflation=1.0, bias=np.array([-0.5, 0.5]), logit_mean=0 * half,
    ...     logit_covariance=centred, leverage=centred, error=0.0,
    ... )
    >>> found.bias.tolist(), found.logit_covariance.tolist(), found.residual.tolist()
    ([0.0, 1.0], [[0.0, 0.0], [0.0, 1.0]], [0.25, -0.25])
    """
    mass = class_share * class_weight
    return StateEvolution(
        kappa=kappa,
        class_share=class_share,
        class_weight=class_weight,
        mean_proba=mean_proba,
        miss_proba=off_diagonal(mean_proba).sum(axis=-1),
        residual=residual(mean_proba, mass),
        gap=gap(mean_proba, mass),
        inflation=inflation,
        bias=_from_class_0(bias),
        logit_mean=_from_class_0(logit_mean),
        logit_covariance=_from_class_0(_from_class_0(logit_covariance).T),
        leverage=_from_class_0(_from_class_0(leverage).T),
        error=error,
    )


def _from_class_0(values: FloatArray) -> FloatArray:
    return values - values[..., :1]
