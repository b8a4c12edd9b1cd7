"""`leave_one_out` and ``refine="loo"``: what users call, and what they get wrong."""

import re
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

import learnprop as lp
from learnprop.equations.arguments import BadArgument
from learnprop.simulations.fitters.logistic import left_out_logistic
from learnprop.simulations.fitters.one_vs_all import left_out_one_vs_all
from learnprop.simulations.fitters.softmax import left_out_softmax

SIZE = (30, 60, 120)
Y = np.repeat([0, 1, 2], SIZE)
MEANS = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0]])
INVERSE = lp.class_weights("inverse", SIZE) * 70


def drawn(runs, seed=0):
    return np.random.default_rng(seed).normal(size=(runs, len(Y), 4)) + MEANS[Y]


X = drawn(2)
BINARY = X[0, :90], Y[:90], INVERSE[:2]


@pytest.mark.parametrize(
    ("fitter", "K", "shape"),
    [("logistic", 2, (90,)), ("softmax", 3, (210, 3)), ("one-vs-all", 3, (210, 3))],
)
def test_leading_axes_are_those_that_were_given(fitter, K, shape):
    x, y, weight = X[:, : shape[0]], Y[: shape[0]], np.stack([INVERSE[:K], np.ones(K)])
    every = lp.leave_one_out(x, y, weight, fitter=fitter, penalty=0.5)
    assert every.logits.shape == (2, 2, *shape)
    assert every.mean_proba.shape == (2, 2, K, K)
    of_run = lp.leave_one_out(x, y, weight[0], fitter=fitter, penalty=0.5)
    of_setting = lp.leave_one_out(x[1], y, weight, fitter=fitter, penalty=0.5)
    alone = lp.leave_one_out(x[1], y, weight[0], fitter=fitter, penalty=0.5)
    for field in fields(lp.LeaveOneOut):
        if field.name == "fit":
            continue
        one, name = getattr(alone, field.name), field.name
        assert one.shape == getattr(every, name).shape[2:], name
        for found in (
            getattr(every, name)[1, 0], getattr(of_run, name)[1], getattr(of_setting, name)[0]
        ):  # fmt: skip
            np.testing.assert_allclose(found, one, rtol=1e-8, atol=1e-10, err_msg=name)


def test_what_it_says_is_of_its_logits():
    found = lp.leave_one_out(X[0], Y, INVERSE, fitter="softmax")
    mass = lp.class_mass(INVERSE, SIZE)
    P = lp.mean_proba(Y, lp.proba_from_logits(found.logits))
    np.testing.assert_allclose(found.mean_proba, P)
    np.testing.assert_allclose(found.residual, lp.residual(P, mass), atol=1e-12)
    np.testing.assert_allclose(found.gap, lp.gap(P, mass))
    np.testing.assert_allclose(found.miss_proba, 1 - np.diagonal(P))
    right = found.logits.argmax(axis=1) == Y
    np.testing.assert_allclose(found.accuracy, [right[k == Y].mean() for k in range(3)])
    proba = lp.proba_from_logits(found.logits)[np.arange(len(Y)), Y]
    np.testing.assert_allclose(found.log_loss, [-np.log(proba[k == Y]).mean() for k in range(3)])
    own = lp.mean_proba(Y, lp.proba_from_logits(lp.softmax_logits(X[0], found.fit.params[0])[0]))
    assert np.abs(lp.residual(own, mass)).max() < 1e-9  # the control: none on its own sample


def test_it_is_shown_in_a_line():
    one = lp.leave_one_out(*BINARY)
    (low, high), (of_low, of_high) = one.gap, one.gap_error
    assert repr(one) == (
        f"<LeaveOneOut: 90 samples, 2 classes; gap {low:+.1%} ± {of_low:.1%}, "
        f"{high:+.1%} ± {of_high:.1%}>"
    )
    many = lp.leave_one_out(X[:, :90], BINARY[1], [BINARY[2]] * 2)
    assert repr(many).endswith("; and 1 more>")
    assert repr(many).startswith(repr(one)[:-1])


def test_two_classes_are_the_same_by_every_fitter():
    one = lp.leave_one_out(*BINARY)
    two = lp.leave_one_out(*BINARY, fitter="softmax")
    each = lp.leave_one_out(*BINARY, fitter="one-vs-all")
    for field in fields(lp.LeaveOneOut):
        name = field.name
        if name in ("fit", "logits", "log_loss"):
            continue
        for other in (two, each):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-6)


def test_labels_and_frames_are_those_of_scikit_learn():
    x, y, weight = BINARY
    plain = lp.leave_one_out(x, y, weight)
    names = np.array(["no", "yes"])[y]
    frame = pd.DataFrame(x, columns=list("abcd"), index=range(5, 95))
    for labels, how in [
        (names, {}), (pd.Series(names, index=frame.index), {}), (y.astype(bool), {}),
        (y + 3, {"labels": [3, 4]}),
    ]:  # fmt: skip
        found = lp.leave_one_out(frame, labels, pd.Series(weight), **how)
        np.testing.assert_allclose(found.gap, plain.gap, rtol=1e-12)  # sums in another order
    swapped = lp.leave_one_out(x, y, weight[::-1], labels=[1, 0])
    np.testing.assert_allclose(swapped.gap, plain.gap[::-1])
    scattered = frame.sample(frac=1, random_state=0)
    with pytest.raises(BadArgument, match="y and X must have the same index"):
        lp.leave_one_out(scattered, pd.Series(names, index=frame.index), weight)


REFUSED = [
    ((X[0], Y, INVERSE), {}, "fitter must be softmax or one-vs-all: class_weight is of 3 classes, "
     "got 'logistic'"),
    ((X[0], Y, INVERSE), {"fitter": "mlp"}, "fitter must be one of logistic, softmax, one-vs-all, "
     "got 'mlp'"),
    ((X[0, 0], Y, INVERSE), {}, "X must have shape (n_samples, n_features) or (n_runs, n_samples, "
     "n_features), got (4,)"),
    ((X[:, :, :0], Y, INVERSE), {}, "X must have shape (n_samples, n_features) or (n_runs, "),
    ((X[0], Y, np.ones((1, 1, 3))), {}, "class_weight must have shape (n_classes,) or (n_settings"),
    ((X[0], Y[1:], INVERSE), {"fitter": "softmax"}, "y has 209 samples, X has 210"),
    ((X[0], Y, [1.0, 1.0]), {}, "y must hold labels 0..1, got 2 at position 90"),
    ((X[0, 29:], Y[29:], INVERSE), {"fitter": "softmax"}, "y must hold at least 2 samples of every "
     "class to leave one out, got [1, 60, 120]"),
    ((X[0, 28:33], Y[28:33], [1, 1]), {}, "X has 5 samples for 5 parameters: an unpenalised fit "),
    ((X[:, :90] + 9 * Y[:90, None], *BINARY[1:]), {}, "X separates the classes in run 0, and the "
     "loss has no minimum: with a penalty above 0 it has one"),
    ((X[0] + 9 * Y[:, None], Y, [INVERSE, INVERSE]), {"fitter": "one-vs-all"}, "X separates the "
     "classes under setting 0, and"),
    ((*BINARY,), {"penalty": -1}, "penalty must be finite and at least 0, got -1"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "options", "message"), REFUSED)
def test_what_cannot_be_left_out_is_refused(arguments, options, message):
    with pytest.raises(BadArgument) as caught:
        lp.leave_one_out(*arguments, **options)
    assert str(caught.value).startswith(message)


def test_a_sample_that_alone_says_what_it_is_is_refused():
    """Two samples have a feature for themselves; one of them weighs 1e10 times the other."""
    x, y, _ = BINARY
    x = np.concatenate([x, np.isin(np.arange(90), (5, 40))[:, None]], axis=1)
    said = "X does not say without sample 40, of class 1, what its logits are: 1 - h ω p"
    with pytest.raises(BadArgument, match=re.escape(said)):
        lp.leave_one_out(x, y, [1.0, 1e10])
    assert np.isfinite(lp.leave_one_out(x, y, [1.0, 1e10], penalty=1.0).gap).all()


FITS = {
    "logistic": (lp.fit_logistic, left_out_logistic, lp.logistic_logits, "softmax", 2),
    "softmax": (lp.fit_softmax, left_out_softmax, lp.softmax_logits, "softmax", 3),
    "one-vs-all": (lp.fit_one_vs_all, left_out_one_vs_all, lp.softmax_logits, "sigmoid", 3),
}


@pytest.mark.parametrize("name", FITS)
def test_a_refined_fit_balances_left_out_and_differs_in_its_intercepts_alone(name):
    fit, left_out, _, activation, K = FITS[name]
    x, y, weight = X[:, Y < K], Y[Y < K], np.stack([INVERSE[:K], np.ones(K)])
    raw, refined = fit(x, y, weight), fit(x, y, weight, refine="loo")
    assert refined.converged.all()
    np.testing.assert_array_equal(refined.params[..., :-1], raw.params[..., :-1])
    shift = refined.params[..., -1] - raw.params[..., -1]
    assert (np.abs(shift[:, 0]) > 1e-3).all()
    for run in range(2):
        z = left_out(x[run], y, raw.params[run], weight)
        for k, logits in enumerate(z):
            mass = lp.class_mass(weight[k], np.bincount(y))
            for moved, balances in ((shift[run, k], True), (0.0, False)):
                m = lp.measure(y, logits + moved, activation)
                gap = lp.gap(m.mean_proba, mass, m.miss_proba)
                assert (np.abs(gap).max() < 1e-9) == balances


def test_refined_fits_hold_on_fresh_data_where_the_minimum_is_beyond_a_fifth():
    """The gap of the ratio of means over 40 runs, on 400 fresh samples of each class in each."""
    rng, size, d, runs = np.random.default_rng(0), (50, 400), 20, 40
    y, fresh = np.repeat([0, 1], size), np.repeat([0, 1], 400)
    mean = np.zeros((2, d))
    mean[1, 0] = 2.0
    train = rng.normal(size=(runs, len(y), d)) + mean[y]
    test = rng.normal(size=(runs, len(fresh), d)) + mean[fresh]
    weight = lp.class_weights("inverse", size)
    mass = lp.class_mass(weight, size)
    gaps = {}
    for refine in (None, "loo"):
        fit = lp.fit_logistic(train, y, [weight], refine=refine)
        each = zip(test, fit.params, strict=True)
        P = [
            lp.mean_proba(fresh, lp.proba_from_logits(lp.logistic_logits(t, p)[0])) for t, p in each
        ]
        left, right = (side(P, np.tile(mass, (runs, 1))) for side in (lp.left_side, lp.right_side))
        gaps[refine] = lp.gaps_over_runs(left, right, level=0.9)[0]
    assert gaps[None].low > 0.2
    assert abs(gaps["loo"].value) < 0.05
    P = lp.leave_one_out(train, y, weight).mean_proba.mean(axis=0)
    assert gaps[None].low < lp.gap(P, mass)[0] < gaps[None].high


def test_what_cannot_be_refined_is_refused():
    x, y, weight = X[:, :90], Y[:90], [INVERSE[:2]]
    for fit in (lp.fit_logistic, lp.fit_softmax, lp.fit_one_vs_all):
        with pytest.raises(BadArgument, match="refine must be None or 'loo', got 'heldout'"):
            fit(x, y, weight, refine="heldout")
        with pytest.raises(BadArgument, match="y must hold at least 2 samples of every class"):
            fit(x[:, 29:], y[29:], weight, refine="loo")
    for objective in (lp.Objective(smoothing=0.1), lp.Objective(bias_penalty=1.0)):
        with pytest.raises(BadArgument, match="refine is of the plain loss and its weight_penalty"):
            lp.fit_softmax(x, y, weight, objective=objective, refine="loo")
    separated = lp.fit_logistic(x + 9 * y[:, None], y, weight, refine="loo")
    assert (separated.status == "separated").all()
