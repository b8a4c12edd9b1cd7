r"""Logistic regression of two Gaussian classes where n_features / n_samples = κ stays fixed.

Samples are :math:`x = s \mu + g`, :math:`g \sim N(0, I)`, with :math:`s = \mp 1` of classes 0 and
1, in shares π and with weights λ. Of the minimiser (β, b) of :math:`\sum_i \lambda_{y_i} \ell_i`
only :math:`m = \beta^T \mu`, :math:`q = |\beta|^2` and b matter, which no longer vary. To the fit
without sample i that sample is fresh: its log odds are :math:`\zeta = s m + b + \sqrt q Z`. The fit
that has seen it moves them to z, by the leave-one-out formula (E13),

.. math:: z + \gamma \lambda (\sigma(z) - y) = \zeta, \qquad \gamma = \lim x^T H_{-i}^{-1} x,

H the Hessian. Let :math:`u = \lambda (\sigma(z) - y)` and E be over Z and over classes in their
shares. At the minimum

.. math::
   0 = E u, \qquad
   \kappa = \gamma E \frac{\lambda \ell''}{1 + \gamma \lambda \ell''}, \qquad
   m = - \frac{\gamma}{\kappa} |\mu|^2 E s u, \qquad
   q - \frac{m^2}{|\mu|^2} = \frac{\gamma^2}{\kappa} E u^2 :

the gradient in b, which is the balance of Eq. (10) on the training sample; the trace of
:math:`H^{-1} H`, sample by sample; the gradient along μ, :math:`0 = \mu^T E u x`, where
:math:`E u g = \beta E \, du/d\zeta` by Stein's identity; and the sum over features j orthogonal to
μ of the variance of :math:`\beta_j = -(H^{-1})_{jj} \sum_i u_i g_{ij}`, u of the fit without j,
with :math:`(H^{-1})_{jj} = \gamma / n_{features}`. Fresh samples have ζ in place of z: of P that is
all the difference. The references prove what this paragraph argues.

References
----------
Sur and Candès, A modern maximum-likelihood theory for high-dimensional logistic regression, PNAS
116, 2019. Mignacco, Krzakala, Lu, Urbani and Zdeborová, The role of regularization in
classification of high-dimensional noisy Gaussian mixture, ICML 2020. El Karoui, Bean, Bickel, Lim
and Yu, On robust regression with high-dimensional predictors, PNAS 110, 2013: the same argument.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import root
from scipy.special import expit

from learnprop.equations.arrays import FloatArray
from learnprop.equations.limits.minimisers import NoMinimiser
from learnprop.equations.limits.quadrature import Quadrature, standard_normal_quadrature
from learnprop.equations.limits.state_evolution.record import StateEvolution, state_of
from learnprop.equations.limits.state_evolution.separability import (
    SIDE,
    half_distance,
    threshold_of,
)

SOLVED_TO = 1e-10
"""Largest residual of the equations, each relative to its terms."""

SHORTEST_STRIDE = 1e-2
"""Of the way to separability, in e-foldings of 1 - κ/κ_c."""

LARGEST_SPREAD = 1e3
"""Of the log odds, in standard deviations; the quadrature has 36 nodes for each."""


def proximal_margin(margin: FloatArray, step: FloatArray) -> FloatArray:
    r"""Solve :math:`a - c \, \sigma(-a) = t` for a: the logistic loss's proximal operator.

    The left side rises, convex below a = 0 and concave above, so that Newton's method converges
    from between 0 and the solution.

    Parameters
    ----------
    margin : ndarray
        t, the log odds of the true class.
    step : ndarray
        c >= 0.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> a = proximal_margin(np.array([-3.0, 2.0]), np.array([5.0, 5.0]))
    >>> (a - 5 * expit(-a)).round(12).tolist()
    [-3.0, 2.0]
    """
    a = np.where(margin > -step / 2, np.maximum(margin, 0), np.minimum(margin + step, 0))
    for _ in range(60):
        miss = expit(-a)
        change = (a - step * miss - margin) / (1 + step * miss * expit(a))
        a = a - change
        if np.abs(change).max() <= 1e-8:  # the next would be of its square
            break
    return np.asarray(a)


def fixed_point(
    at: FloatArray, kappa: float, share: FloatArray, weight: FloatArray, size: float
) -> tuple[FloatArray, FloatArray]:
    r"""Equations of the fixed point, each as the log of a ratio or a ratio, and their Jacobian.

    Parameters
    ----------
    at : ndarray, shape (4,)
        log ρ, b/ρ, log ν and log(γ/κ), where :math:`m = \rho |\mu|^2` and
        :math:`q = \rho^2 |\mu|^2 + \kappa \nu^2`: towards separability all scales grow without
        bound and b/ρ does not, and κ = 0 is like any other.
    kappa : float
    share, weight : ndarray, shape (2,)
        π and λ.
    size : float
        |μ|.

    Returns
    -------
    residual : ndarray, shape (4,)
        Of the slope, the balance, the variance and the trace.
    jacobian : ndarray, shape (4, 4)

    Examples
    --------
    >>> share, weight, at = np.array([0.75, 0.25]), np.ones(2), np.array([0.7, -0.5, 1.5, 2.5])
    >>> _, jacobian = fixed_point(at, 0.1, share, weight, 1.0)
    >>> higher, lower = (
    ...     fixed_point(at + np.array([h, 0, 0, 0]), 0.1, share, weight, 1.0)[0]
    ...     for h in (1e-5, -1e-5)
    ... )
    >>> np.allclose((higher - lower) / 2e-5, jacobian[:, 0], rtol=1e-7)
    True
    """
    slope, noise, scale = np.exp(at[[0, 2, 3]])
    centre = slope * (size**2 + SIDE[:, None] * at[1])
    spread = np.sqrt((slope * size) ** 2 + kappa * noise**2)
    rule = fresh_rule(centre, spread)
    z = rule.nodes[:, 0]
    step = (kappa * scale * weight)[:, None]
    a = proximal_margin(centre + spread * z, step)
    miss = expit(-a)
    curvature = miss * expit(a)
    damping = 1 + step * curvature

    # Derivatives of a by each unknown, axis 0.
    per_spread = z / (spread or 1.0)
    moved = np.stack(
        [
            centre + (slope * size) ** 2 * per_spread,
            slope * SIDE[:, None] + 0 * z,
            kappa * noise**2 * per_spread + 0 * centre,
            step * miss,
        ]
    )
    moved /= damping
    mass = share * weight
    lost = mass * (miss @ rule.probability)
    lost_by = -mass * (curvature * moved @ rule.probability)
    square = (mass * weight) @ (miss**2 @ rule.probability)
    square_by = -2 * (miss * curvature * moved @ rule.probability) @ (mass * weight)
    trace = mass @ (curvature / damping @ rule.probability)
    curvature_by = curvature * (2 * miss - 1) * moved
    curvature_by[3] -= curvature**2 * step
    trace_by = (curvature_by / damping**2 @ rule.probability) @ mass

    total, total_by = lost.sum(), lost_by.sum(axis=1)
    difference, difference_by = lost @ SIDE, lost_by @ SIDE
    residual = np.array(
        [
            at[0] - at[3] - np.log(total),
            difference / total,
            at[2] - at[3] - np.log(square) / 2,
            at[3] + np.log(trace),
        ]
    )
    own = np.array([[1, 0, 0, -1], [0, 0, 0, 0], [0, 0, 1, -1], [0, 0, 0, 1]])
    by = np.stack(
        [
            -total_by / total,
            (difference_by - difference / total * total_by) / total,
            -square_by / square / 2,
            trace_by / trace,
        ]
    )
    return residual, own + by


def fresh_rule(centre: FloatArray, spread: float) -> Quadrature:
    r"""Standard normal for functions of :math:`\sigma(\zeta)`, ζ = centre + spread Z, and of z.

    Parameters
    ----------
    centre : ndarray
        Of either class.
    spread : float
        Square root of q.

    Returns
    -------
    Quadrature
        Of steps of 0.5 in ζ, whose functions have their poles and branch points at ±iπ: an error
        of 1e-15. It reaches beyond ζ = 0 by 9 standard deviations, where small means come from.

    Raises
    ------
    NoMinimiser
        If `spread` is so large that the samples are all but separated.

    Examples
    --------
    >>> rule = fresh_rule(np.array([8.0]), 4.0)
    >>> round(float(rule.nodes.min())), round(float(rule.nodes[1, 0] - rule.nodes[0, 0]), 12)
    (-11, 0.125)
    """
    beyond = np.abs(centre).max() / spread if spread else 0.0
    if not spread <= LARGEST_SPREAD:
        raise NoMinimiser(f"log odds with a standard deviation above {LARGEST_SPREAD:g}")
    step = min(0.5, 0.5 / spread) if spread else 0.5
    return standard_normal_quadrature(1, step, reach=9 + min(beyond, 29))


def binary_state(
    kappa: float, class_share: FloatArray, class_weight: FloatArray, means: FloatArray
) -> StateEvolution:
    """State evolution of logistic regression on two Gaussian classes.

    At κ = 0 the minimiser is known: the log odds of two normals are linear, of slope 2μ. Others
    are reached from there, since scales grow about as 1 / (1 - κ/κ_c) towards separability.

    Parameters
    ----------
    kappa : float
    class_share, class_weight : ndarray, shape (2,)
    means : ndarray, shape (2, n_dims)

    Returns
    -------
    StateEvolution

    Raises
    ------
    NoMinimiser
        If κ is not below the separability threshold, or so near to it, or the classes so far
        apart, that the equations are not solved in float64.

    Examples
    --------
    >>> means = np.array([[-1.0], [1.0]])
    >>> state = binary_state(0.05, np.array([0.9, 0.1]), np.array([1.0, 9.0]), means)
    >>> state.gap.round(3).tolist(), round(state.inflation, 3), state.error < 1e-10
    ([-0.335, 0.505], 1.304, True)
    """
    total = class_share @ class_weight
    size, weight = half_distance(means), class_weight / total
    known = (class_share, weight, size)
    with np.errstate(all="ignore"):
        at, error = _solved(kappa, *known)
    if not error <= SOLVED_TO:
        raise NoMinimiser("the equations of the fixed point have no solution in float64")
    slope, noise, scale = np.exp(at[[0, 2, 3]])
    bias, variance = slope * at[1], (slope * size) ** 2 + kappa * noise**2
    centre = slope * size**2 * SIDE + bias
    rule = fresh_rule(centre, np.sqrt(variance))
    logit = centre[:, None] + np.sqrt(variance) * rule.nodes[:, 0]
    of_second = np.diag([0.0, 1.0])
    return state_of(
        kappa=kappa,
        class_share=class_share,
        class_weight=class_weight,
        mean_proba=np.stack([expit(-logit) @ rule.probability, expit(logit) @ rule.probability], 1),
        inflation=float(slope) / 2 if size else np.nan,
        bias=np.array([0.0, bias]),
        logit_mean=np.stack([np.zeros(2), centre], axis=1),
        logit_covariance=variance * of_second,
        leverage=kappa * scale / total * of_second,
        error=error,
    )


def _solved(
    kappa: float, share: FloatArray, weight: FloatArray, size: float
) -> tuple[FloatArray, float]:
    """Unknowns of `fixed_point`, and its largest residual."""
    mass = share * weight
    at = np.array([np.log(2), np.log(mass[1] / mass[0]) / 2, 0.0, 0.0])
    threshold = threshold_of(share, size)
    if kappa >= threshold:
        return at, np.inf
    for unknown in (3, 2):  # at κ = 0 each is in its own equation alone, once the trace is met
        at[unknown] -= fixed_point(at, 0.0, share, weight, size)[0][unknown]
    error = float(np.abs(fixed_point(at, 0.0, share, weight, size)[0]).max())
    depth, done, stride = -np.log1p(-kappa / threshold), 0.0, 1.0
    while done < depth and stride > SHORTEST_STRIDE:
        to = min(done + stride, depth)
        partly = kappa if to == depth else threshold * -np.expm1(-to)
        try:
            found = root(fixed_point, at, (partly, share, weight, size), jac=True, tol=1e-13)
            off = float(np.abs(found.fun).max())
        except NoMinimiser:  # a step too far
            off = np.inf
        if off <= SOLVED_TO:
            at, error, done, stride = found.x, off, to, 2 * stride
        else:
            stride /= 2
    return at, error if done == depth else np.inf
