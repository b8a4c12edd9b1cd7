"""What leave-one-out predicts against the population, over 400 training samples."""

from functools import partial

import numpy as np
import pytest

import learnprop as lp

RUNS, FRESH = 400, 2000

DESIGNS = {
    "two classes, equal": ("logistic", 5, (500, 500), "equal", 0.0),
    "two classes, inverse": ("logistic", 20, (100, 900), "inverse", 0.0),
    "two classes, a tenth": ("logistic", 60, (200, 400), "equal", 0.0),
    "three classes, inverse": ("softmax", 10, (100, 150, 250), "inverse", 0.0),
    "three classes, L2": ("softmax", 30, (100, 100, 100), "equal", 2.0),
    "five classes, inverse": ("softmax", 5, (120, 160, 200, 240, 280), "inverse", 0.0),
    "five classes, equal": ("softmax", 20, (60, 80, 80, 80, 100), "equal", 0.0),
    "one-vs-all": ("one-vs-all", 10, (100, 150, 250), "inverse", 0.0),
}
"""Fitter, features, class sizes, weights, α; features over samples from 0.005 to 0.1."""

FITS = {
    "logistic": lp.fit_logistic,
    "one-vs-all": lp.fit_one_vs_all,
    "softmax": lambda *a, l2: lp.fit_softmax(*a, objective=lp.Objective(weight_penalty=l2)),
}


def drawn(d, sizes):
    """Gaussian classes, two SDs apart: training samples of every run, and their means."""
    rng, K = np.random.default_rng(1), len(sizes)
    means = np.sqrt(2.0) * np.linalg.qr(rng.normal(size=(d, K)))[0].T
    y = np.repeat(np.arange(K), sizes)
    return rng, means, y, rng.normal(size=(RUNS, len(y), d)) + means[y]


def activated(fitter, z):
    return lp.proba_from_logits(z, "sigmoid" if fitter == "one-vs-all" else "softmax")


def row_of(fitter, params, mean, rng):
    """Row of P on fresh samples of a class, whose logits are Gaussian: (n_classes,)."""
    of_logits = np.atleast_2d(params)
    B, b = of_logits[:, :-1], of_logits[:, -1]
    U, S, _ = np.linalg.svd(B, full_matrices=False)
    z = rng.normal(size=(FRESH, len(S))) @ (U * S).T + B @ mean + b
    return activated(fitter, z[:, 0] if params.ndim == 1 else z).mean(axis=0)


def in_mcse(values):
    """Mean over MCSE, by what the sample has of axis 0; 0 where nothing varies."""
    mean, sd = values.mean(axis=0), values.std(axis=0, ddof=1)
    return np.abs(mean) / np.where(sd > 0, sd, np.inf) * len(values) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS)
def test_rows_are_those_of_the_population_with_one_sample_fewer_of_the_class(design):
    fitter, d, sizes, scheme, l2 = DESIGNS[design]
    rng, means, y, X = drawn(d, sizes)
    weight = lp.class_weights(scheme, sizes) * len(y) / len(sizes)
    found = lp.leave_one_out(X, y, weight, fitter=fitter, penalty=l2)
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
        population = np.stack([row_of(fitter, p, means[k], rng) for p in params])
        assert in_mcse(found.mean_proba[:, k] - population).max() <= 4, (k, "left out")
        from_own = max(from_own, in_mcse(np.stack(own)[:, k] - population).max())
    assert from_own > 4  # the control: the sample itself does not say it


def _sigmoid(fitter):
    return ("sigmoid",) if fitter == "one-vs-all" else ()


@pytest.mark.slow
@pytest.mark.parametrize("design", [d for d in DESIGNS if d != "two classes, a tenth"])
def test_both_errors_are_what_they_say(design):
    fitter, d, sizes, scheme, l2 = DESIGNS[design]
    rng, means, y, X = drawn(d, sizes)
    weight = lp.class_weights(scheme, sizes) * len(y) / len(sizes)
    found = lp.leave_one_out(X, y, weight, fitter=fitter, penalty=l2)
    P = np.stack([
        np.stack([row_of(fitter, p, mean, rng) for mean in means]) for p in found.fit.params[:, 0]
    ])  # fmt: skip
    mass = np.tile(lp.class_mass(weight, sizes), (RUNS, 1))
    miss = 1 - np.diagonal(P, axis1=1, axis2=2)
    for name, population in (
        ("residual", lp.residual(P, mass, miss)), ("gap", lp.gap(P, mass, miss)),
    ):  # fmt: skip
        predicted, error, sd = (getattr(found, name + end) for end in ("", "_error", "_sd"))
        print(
            design,
            name,
            predicted.std(axis=0, ddof=1) / error.mean(axis=0),
            (population - predicted).std(axis=0, ddof=1) / sd.mean(axis=0),
            error.mean(0) / sd.mean(0),
        )
