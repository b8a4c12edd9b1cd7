"""What each section of the page must show, computed by learnprop from where its controls stand."""

import math

import numpy as np
from scipy import integrate, optimize, special, stats

import learnprop as lp
from learnprop.equations.limits.minimisers import linear_mean_proba
from learnprop.simulations.generators.paper import sim1

CLASSES = sim1().quadrature()
LARGEST_SPREAD = 100
"""Of log odds on fresh data: beyond it, within 0.2 % of separability, the page says nothing."""


def minimum(mass, smoothing=0.0, intercept=True):
    """Slope and bias of least population loss on Sim1, by two nested bisections of its gradient.

    Each component is divided by what it is made of, so that a mass of a millionth keeps its digits.
    """
    x = np.concatenate([c.nodes[:, 0] for c in CLASSES])
    share = np.concatenate([w * c.probability for w, c in zip(mass, CLASSES, strict=True)])
    to_one = np.repeat([smoothing / 2, 1 - smoothing / 2], [len(c.nodes) for c in CLASSES])

    def errors(slope, bias):
        z = slope * x + bias
        return share * ((1 - to_one) * special.expit(z) - to_one * special.expit(-z))

    def by_bias(bias, slope):
        error = errors(slope, bias)
        return error.sum() / np.abs(error).sum()

    def bias_at(slope):
        return optimize.brentq(by_bias, -60, 60, (slope,), xtol=1e-14) if intercept else 0.0

    def by_slope(slope):
        error = errors(slope, bias_at(slope))
        return error @ x / (np.abs(error) @ np.abs(x))

    slope = optimize.brentq(by_slope, -9.0, 0.0, xtol=1e-14)
    return np.array([slope, bias_at(slope)])


def power_of_ten(value):
    """10^value with two digits, as the page rounds it."""
    return 1 / power_of_ten(-value) if value < 0 else float(f"{10**value:.1e}")


def pair(value):
    return [power_of_ten(-value), 1.0] if value < 0 else [1.0, power_of_ten(value)]


def two_classes(at, section):
    weight = pair(at[f"{section}-weight"])
    count = [1000 * n for n in pair(at[f"{section}-count"])]
    return weight, count, lp.class_mass(weight, count)


def balance(at, point):
    """`point` is where the Newton steps of the page have led; at the last one it must be ours."""
    _, _, mass = two_classes(at, "balance")
    if at["balance-step"] == point["last"]:
        slope, bias = minimum(mass)
    else:
        slope, bias = point["slope"], point["bias"]
    P = linear_mean_proba(CLASSES, [slope, bias + at["balance-bias"]])
    residual = lp.residual(P, mass)[0] / mass.sum()
    return {
        **{f"balance-p{i}{j}": P[i, j] for i in (0, 1) for j in (0, 1)},
        "balance-left": float(lp.binary_ratio(P)),
        "balance-right": float(lp.binary_ratio_in_theory(mass)),
        "balance-residual": residual,
        "balance-slope": residual,
    }


def three(at):
    v = at["three-imbalance"]
    count = [100 * power_of_ten(part) for part in (v, v / 2, 0.0)]
    weight = [power_of_ten(at[f"three-weight-{k}"]) for k in range(3)]
    mass = lp.class_mass(weight, count)
    separation = at["three-separation"]
    classes = lp.gaussian_classes(lp.class_means("simplex", 3, 2, separation))
    P = lp.posterior_balance(classes, mass).mean_proba
    left, right = lp.left_side(P, mass) / mass.sum(), lp.right_side(P, mass) / mass.sum()
    shown = {f"three-p{i}{j}": P[i, j] for i in range(3) for j in range(3)}
    for k in range(3):
        distance = [
            separation / 2 + math.log(mass[k] / mass[j]) / separation for j in range(3) if j != k
        ]
        shown |= {f"three-left-{k}": left[k], f"three-right-{k}": right[k]}
        shown[f"three-accuracy-{k}"] = both_below(*distance)
    return shown


def both_below(a, b):
    """P(X <= a, Y <= b) of standard normals with correlation 1/2."""
    return integrate.quad(
        lambda x: stats.norm.pdf(x) * special.ndtr((b - x / 2) / math.sqrt(0.75)),
        max(-9.0, min(a, -8.0)), min(a, 9.0), epsabs=1e-13, epsrel=1e-11, limit=200,
    )[0]  # fmt: skip


def fresh(at):
    rare, kappa, separation = at["fresh-share"], at["fresh-kappa"], at["fresh-separation"]
    share = [rare, 1 - rare]
    threshold = lp.separability_threshold(class_share=share, separation=separation)
    shown = {"fresh-threshold": threshold}
    for how, weight in (("inverse", [share[1] / share[0], 1]), ("equal", [1, 1])):
        ratio = own = inflation = math.nan
        if kappa < threshold:
            state = lp.state_evolution(
                kappa, class_share=share, class_weight=weight, separation=separation
            )
            if state.logit_covariance[1, 1] <= LARGEST_SPREAD**2:
                ratio, own = 1 + state.gap[0], state.mean_proba[0, 0]
                inflation = state.inflation
        shown |= {
            f"fresh-{how}-ratio": ratio,
            f"fresh-{how}-own": own,
            f"fresh-{how}-inflation": inflation,
        }
    return shown


def broken(at):
    weight, count, mass = two_classes(at, "broken")
    how = at["broken-how"]
    predicted, residual = math.nan, math.nan
    if how == "none":
        predicted, residual = weight[1] / weight[0], 0.0
        theta = minimum(mass)
    elif how == "bias":  # mirrored classes: the boundary stays at zero
        predicted = count[0] / count[1]
        theta = minimum(mass, intercept=False)
    elif how == "smoothing":
        epsilon = at["broken-epsilon"]
        residual = lp.label_smoothing_residual(mass, epsilon)[0] / mass.sum()
        theta = minimum(mass, smoothing=epsilon)
    else:
        size = round(2 ** at["broken-size"])
        acts = lp.minibatch_mean_class_weight(weight, count, size)
        predicted = acts[1] / acts[0]
        theta = minimum(lp.class_mass(acts, count))
    P = linear_mean_proba(CLASSES, theta)
    observed = lp.effective_class_weight(P, count)
    return {
        "broken-weight-predicted": predicted,
        "broken-weight-observed": observed[1] / observed[0],
        "broken-residual-predicted": residual,
        "broken-residual-observed": lp.residual(P, mass)[0] / mass.sum(),
    }


def undo(at):
    weight, count, mass = two_classes(at, "undo")
    weighted, plain = (minimum(w) for w in (mass, count))
    boundary, plain_boundary = (-bias / slope for slope, bias in (weighted, plain))
    shown = {
        "undo-threshold": special.expit(plain[0] * boundary + plain[1]),
        "undo-rule": weight[0] / sum(weight),
    }
    for name, x in (("weighted", boundary), ("plain", plain_boundary), ("moved", boundary)):
        shown |= {f"undo-{name}-{k}": accuracy for k, accuracy in enumerate(accuracies(x))}
    return shown


def accuracies(x):
    """Share of class 0 above x, and of class 1 below it, by quadrature over the uniform part."""
    u, weight = np.polynomial.legendre.leggauss(20)
    u, weight = (u + 1) / 4, weight / 2
    above = weight @ special.ndtr(1.5 - u - x)
    below = weight @ special.ndtr(x + 1.5 - u)
    return above, below
