"""What leave-one-out predicts against the population, over hundreds of training samples."""

from functools import lru_cache, partial

import numpy as np
import pytest
from scipy.stats import norm, qmc

import learnprop as lp

DESIGNS = {
    "two classes, equal": ("logistic", 5, (500, 500), "equal", 0.0, 2.0, 400),
    "two classes, inverse": ("logistic", 20, (100, 900), "inverse", 0.0, 2.0, 400),
    "two classes, a tenth": ("logistic", 60, (200, 400), "equal", 0.0, 2.0, 400),
    "three classes, inverse": ("softmax", 10, (100, 150, 250), "inverse", 0.0, 2.0, 400),
    "three classes, L2": ("softmax", 30, (100, 100, 100), "equal", 2.0, 2.0, 300),
    "five classes, inverse": ("softmax", 5, (120, 160, 200, 240, 280), "inverse", 0.0, 2.0, 400),
    "five classes, equal": ("softmax", 20, (60, 80, 80, 80, 100), "equal", 0.0, 2.0, 300),
    "one-vs-all": ("one-vs-all", 10, (100, 150, 250), "inverse", 0.0, 2.0, 400),
    "two per feature": ("logistic", 50, (100, 1000), "inverse", 0.0, 2.0, 400),
    "thirty": ("logistic", 3, (30, 270), "inverse", 0.0, 2.0, 1500),
    "fifty, far": ("logistic", 5, (50, 500), "inverse", 0.0, 3.0, 2000),
}
"""Fitter, features, class sizes, weights, α, distance of the means in SDs, runs."""

SCATTER = {
    "two per feature": ((0.6, 0.75), (1.1, 1.4)),
    "thirty": ((1.0, 1.2), (1.2, 1.6)),
    "fifty, far": ((0.95, 1.15), (1.4, 1.8)),
    "two classes, a tenth": ((0.75, 1.0), (0.75, 1.0)),
    "three classes, L2": ((0.7, 1.0), (0.7, 1.0)),
    "five classes, equal": ((0.75, 1.0), (0.75, 1.0)),
}
"""SD of predictions over the mean of their errors, of residuals and gaps: see fresh.md."""

OTHERS = ((0.9, 1.1), (0.9, 1.25))
"""The same of all others, of five samples of the smallest class for each feature or more."""

NODES = norm.ppf(qmc.Sobol(5, rng=0).random(4096))
"""Of a standard normal: P of five classes is right to 3e-4 on them, of two to 1e-6."""

FITS = {
    "logistic": lp.fit_logistic,
    "one-vs-all": lp.fit_one_vs_all,
    "softmax": lambda *a, l2: lp.fit_softmax(*a, objective=lp.Objective(weight_penalty=l2)),
}


@lru_cache(maxsize=1)
def drawn(design):
    """Training samples of every run, their weights, and what leave-one-out says of each."""
    fitter, d, sizes, scheme, l2, separation, runs = DESIGNS[design]
    rng, K = np.random.default_rng(1), len(sizes)
    means = separation / 2**0.5 * np.linalg.qr(rng.normal(size=(d, K)))[0].T
    y = np.repeat(np.arange(K), sizes)
    X = rng.normal(size=(runs, len(y), d)) + means[y]
    weight = lp.class_weights(scheme, sizes) * len(y) / K
    return means, y, X, weight, lp.leave_one_out(X, y, weight, fitter=fitter, penalty=l2)


@pytest.fixture(scope="module", params=DESIGNS)
def design(request):
    """One design after the other, through all tests of it: its samples are drawn once."""
    return request.param


def activated(fitter, z):
    return lp.proba_from_logits(z, "sigmoid" if fitter == "one-vs-all" else "softmax")


def row_of(fitter, params, mean):
    """Row of P on the population of a class, whose logits are Gaussian: (n_classes,)."""
    of_logits = np.atleast_2d(params)
    B, b = of_logits[:, :-1], of_logits[:, -1]
    U, S, _ = np.linalg.svd(B, full_matrices=False)
    z = NODES[:, : len(S)] @ (U * S).T + B @ mean + b
    return activated(fitter, z[:, 0] if params.ndim == 1 else z).mean(axis=0)


def population_of(design):
    """P of every fit on the population, class masses and misses of every run."""
    fitter, _, sizes, *_ = DESIGNS[design]
    means, _, X, weight, found = drawn(design)
    P = np.stack([[row_of(fitter, p, mean) for mean in means] for p in found.fit.params[:, 0]])
    mass = np.tile(lp.class_mass(weight, sizes), (len(X), 1))
    return P, mass, 1 - np.diagonal(P, axis1=1, axis2=2)


def in_mcse(values):
    """Distance of means over runs from zero, in MCSEs."""
    return np.abs(values.mean(axis=0)) / values.std(axis=0, ddof=1) * len(values) ** 0.5


@pytest.mark.slow
def test_rows_are_those_of_the_population_with_one_sample_fewer_of_the_class(design):
    fitter, d, sizes, _, l2, *_ = DESIGNS[design]
    means, y, X, weight, found = drawn(design)
    fit = partial(FITS[fitter], l2=l2)
    logits_of = lp.logistic_logits if fitter == "logistic" else lp.softmax_logits
    own = [
        lp.mean_proba(y, activated(fitter, logits_of(x, p)[0]), *_sigmoid(fitter))
        for x, p in zip(X, found.fit.params, strict=True)
    ]
    from_own = 0.0
    for k in range(len(sizes)):
        others = np.delete(np.arange(len(y)), np.flatnonzero(y == k)[-1])
        params = fit(X[:, others], y[others], [weight]).params[:, 0]
        population = np.stack([row_of(fitter, p, means[k]) for p in params])
        assert in_mcse(found.mean_proba[:, k] - population).max() <= 4, (k, "left out")
        from_own = max(from_own, in_mcse(np.stack(own)[:, k] - population).max())
    # The control: the sample itself does not say it. At fewer features 400 runs cannot tell.
    assert from_own > 4 or d < 0.01 * len(y)


def _sigmoid(fitter):
    return ("sigmoid",) if fitter == "one-vs-all" else ()


@pytest.mark.slow
def test_both_errors_are_as_far_off_as_they_say(design):
    found, at = drawn(design)[-1], population_of(design)
    far = design in ("thirty", "fifty, far")
    populations = {"residual": lp.residual(*at), "gap": lp.gap(*at)}
    for name, (low, high) in zip(populations, SCATTER.get(design, OTHERS), strict=True):
        predicted, error, sd = (getattr(found, name + end) for end in ("", "_error", "_sd"))
        scatter = predicted.std(axis=0, ddof=1)
        ratio = scatter / error.mean(axis=0)
        assert ((low <= ratio) & (ratio <= high)).all(), (name, ratio)
        of_model = (populations[name] - predicted).std(axis=0, ddof=1) / sd.mean(axis=0)
        widest = 1.35 if far and name == "gap" else 1.2
        assert ((of_model >= 0.85) & (of_model <= widest)).all(), (name, of_model)
        assert (scatter < 0.6 * sd.mean(axis=0)).all(), name  # the control: one is not the other


@pytest.mark.slow
def test_a_gap_is_predicted_of_mean_sides_and_not_of_single_models():
    """Fifty samples of class 0, three SDs away: .18 of the mean P, .28 on average over models."""
    found, (P, mass, miss) = drawn("fifty, far")[-1], population_of("fifty, far")
    predicted, around_predicted = of_mean_sides(found.mean_proba, mass, found.miss_proba)
    gap, around_gap = of_mean_sides(P, mass, miss)
    within = 4 * lp.mcse_of_mean(around_predicted - around_gap)
    of_models = lp.gap(P, mass, miss)[:, 0].mean()
    assert abs(predicted - gap) <= within < abs(of_models - predicted)
    assert of_models > 1.3 * gap


def of_mean_sides(P, mass, miss):
    """Gap of class 0 of sides meaned over runs, and its influence of each run."""
    left, right = lp.left_side(P, mass, miss)[:, 0], lp.right_side(P, mass)[:, 0]
    ratio = left.mean() / right.mean()
    return ratio - 1, (left - ratio * right) / right.mean()
