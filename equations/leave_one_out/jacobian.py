r"""Leave-one-out logits of a model with one logit, by what its parameters do to the logit (E13).

.. math:: z_{-i} = z_i + \frac{h_i \omega_i (f_i - y_i)}{1 - h_i \omega_i f_i (1 - f_i)},
          \qquad h_i = J_i^T H^{-1} J_i, \qquad
          H = \sum_i \omega_i f_i (1 - f_i) J_i J_i^T + \mathrm{diag}(\alpha)

with :math:`J_i = \partial z_i / \partial \theta`. For a linear model H is the Hessian of its loss.
For any other it is the Gauss-Newton matrix, which leaves out how J itself moves with θ: positive
semi-definite wherever θ is, so that no sample weighs more than one in its own fit. The formula is
then that of the model linearised at θ, as if θ were the minimum of its loss. It knows neither how
far training went nor what it would find beyond the linear.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from learnprop.equations.arrays import FloatArray
from learnprop.equations.leave_one_out.response import DETERMINED, RIDGE


def left_out_by_jacobian(
    jacobian: FloatArray,
    logit: FloatArray,
    is_one: np.ndarray,
    weight: FloatArray,
    penalty: FloatArray | float = 0.0,
) -> FloatArray:
    """Leave-one-out logits of fitted models, linearised where they are.

    Parameters
    ----------
    jacobian : ndarray, shape (..., n_samples, n_params)
        J, derivative of each logit in the parameters; of a linear model its features and a one.
    logit : ndarray, shape (..., n_samples)
        At the fit.
    is_one : ndarray of bool, shape (..., n_samples)
        Whether a sample is of class 1.
    weight : ndarray, shape (..., n_samples)
        ω, of each sample.
    penalty : ndarray, shape (..., n_params)
        α of each parameter.

    Returns
    -------
    ndarray, shape (..., n_samples)
        NaN of a sample without which nothing is left to tell its logit; of every sample of a fit
        whose saturated samples tell some parameters so little that leverages overflow.

    Examples
    --------
    >>> x, is_one = np.array([0.0, 1.0, 2.0, 3.0]), np.array([False, True, False, True])
    >>> J, z = np.stack([x, np.ones(4)], axis=1), 0.908184 * x - 1.362276
    >>> left_out_by_jacobian(J, z, is_one, np.ones(4)).round(3).tolist()
    [0.804, -1.947, 1.947, -0.804]
    """
    eye = np.eye(jacobian.shape[-1])
    p, q = expit(logit), expit(-logit)
    error = np.where(is_one, -q, p)
    curvature = weight * p * q
    scaled = jacobian * np.sqrt(curvature)[..., None]
    hessian = scaled.mT @ scaled + np.asarray(penalty)[..., None] * eye
    size = np.sqrt(np.diagonal(hessian, axis1=-2, axis2=-1))
    size = np.where(size > 0, size, 1.0)  # a parameter that no sample has
    of_one_size = hessian / (size[..., :, None] * size[..., None, :]) + RIDGE * eye
    root = np.linalg.inv(np.linalg.cholesky(of_one_size)) / size[..., None, :]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        whitened = jacobian @ root.mT
        leverage = np.einsum("...np,...np->...n", whitened, whitened)
        left = 1 - leverage * curvature
        moved = logit + leverage * weight * error / left
    told = (left > DETERMINED) & np.isfinite(leverage).all(axis=-1, keepdims=True)
    return np.where(told, moved, np.nan)
