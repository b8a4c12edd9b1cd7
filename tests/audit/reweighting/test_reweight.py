"""`reweight`: against Elkan's formula, posteriors under other priors, and the logits of a model."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy.special import softmax
from scipy.stats import multivariate_normal

import learnprop as lp
from learnprop.equations.arguments import BadArgument

TWO = np.random.default_rng(0).dirichlet([1, 1], 50)
THREE = np.random.default_rng(1).dirichlet([1, 2, 3], 50)


def test_of_two_classes_it_is_elkans_theorem():
    """Elkan (2001), theorem 2, of p with base rate b, to base rate b'."""
    p, b, b_new = TWO[:, 1], 0.1, 0.35
    expected = b_new * (p - p * b) / (b - p * b + b_new * p - b * b_new)
    moved = lp.reweight(p, acts_upon=[1 - b, b], to=[1 - b_new, b_new])
    np.testing.assert_allclose(moved, expected, rtol=1e-13)
    np.testing.assert_allclose(
        lp.reweight(TWO, acts_upon=[0.9, 0.1], to=[0.65, 0.35])[:, 1], expected, rtol=1e-13
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_posterior_becomes_the_posterior_under_other_priors(n_classes):
    rng, means = np.random.default_rng(2), np.eye(3, 2)[:n_classes]
    density = np.stack(
        [multivariate_normal(mean).pdf(rng.normal(size=(40, 2))) for mean in means], axis=1
    )
    w, w_new = rng.uniform(0.1, 9, (2, n_classes))
    before, after = (density * v / (density * v).sum(axis=1, keepdims=True) for v in (w, w_new))
    np.testing.assert_allclose(lp.reweight(before, acts_upon=w, to=w_new), after, rtol=1e-13)
    again = lp.reweight(lp.reweight(before, acts_upon=w, to=w_new), acts_upon=w_new, to=w)
    np.testing.assert_allclose(again, before, rtol=1e-12)
    other = lp.reweight(before, acts_upon=w_new, to=w)  # the control: the wrong way round
    assert abs(other - after).max() > 0.1


def test_a_moved_posterior_balances_and_only_a_posterior_does():
    """On the population: E over x is a sum over the points of a finite space."""
    rng = np.random.default_rng(3)
    density = rng.dirichlet(np.ones(30), 3)  # of the points, within each class
    w, w_new = np.array([1.0, 5, 2]), np.array([4.0, 1, 1])
    posterior = (density.T * w) / (density.T * w).sum(axis=1, keepdims=True)
    moved = lp.reweight(posterior, acts_upon=w, to=w_new)
    assert abs(lp.residual(density @ moved, w_new)).max() < 1e-14
    # Twice as confident, with the bias for which it balances under w: moved, it does not quite.
    z = 2 * np.log(posterior)
    b = np.zeros(3)
    for _ in range(3000):
        left = w - w * np.diag(density @ softmax(z + b, axis=1))
        right = w @ (density @ softmax(z + b, axis=1)) - w + left
        b += 0.5 * np.log(left / right)
    balanced = softmax(z + b, axis=1)
    assert abs(lp.residual(density @ balanced, w)).max() < 1e-12
    residual = lp.residual(density @ lp.reweight(balanced, acts_upon=w, to=w_new), w_new)
    assert 1e-3 < abs(residual).max() < 0.5


def test_small_probabilities_keep_their_digits_and_certain_ones_stay():
    p = np.array([1e-300, 1e-20, 0.0, 1.0])
    np.testing.assert_allclose(
        lp.reweight(p, acts_upon=[1, 1], to=[1, 1e3]), [1e-297, 1e-17, 0, 1], rtol=1e-12
    )
    both = np.eye(2)
    assert (lp.reweight(both, to=[1, 1e300]) == both).all()
    rows = lp.reweight([[1 - 1e-9, 1e-9, 1e-250]], to=[1, 1, 1e200])
    np.testing.assert_allclose(rows, [[1 - 1e-9, 1e-9, 1e-50]], rtol=1e-12, atol=0)


def test_logits_are_shifted():
    z = np.random.default_rng(4).normal(size=(20, 3)) * 50
    moved = lp.reweight(y_logits=z, acts_upon=[1, 2, 3], to=[3, 1, 1])
    np.testing.assert_allclose(
        softmax(moved, axis=1),
        lp.reweight(softmax(z, axis=1), acts_upon=[1, 2, 3], to=[3, 1, 1]), rtol=1e-12,
    )  # fmt: skip
    assert lp.reweight(y_logits=[0.0, -np.inf], to=[1, np.e]).tolist() == [1.0, -np.inf]


def test_what_comes_is_what_goes():
    index = [f"s{i}" for i in range(50)]
    frame = pd.DataFrame(TWO, index=index, columns=["no", "yes"])
    expected = lp.reweight(TWO, acts_upon=[1, 9])
    moved = lp.reweight(frame, acts_upon={"yes": 9})
    pd.testing.assert_frame_equal(moved, pd.DataFrame(expected, index=index, columns=frame.columns))
    series = lp.reweight(frame["yes"], acts_upon=[1, 9])
    pd.testing.assert_series_equal(series, moved["yes"])
    other = lp.reweight(frame[["yes", "no"]], acts_upon=pd.Series({"no": 1, "yes": 9}))
    pd.testing.assert_frame_equal(other[["no", "yes"]], moved)
    polars = lp.reweight(pl.DataFrame(TWO, schema=["no", "yes"]), acts_upon={"yes": 9})
    assert polars.columns == ["no", "yes"]
    np.testing.assert_array_equal(polars.to_numpy(), expected)
    assert lp.reweight(pl.Series("yes", TWO[:, 1]), acts_upon=[1, 9]).name == "yes"
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        tensor = torch.tensor(TWO, dtype=dtype, requires_grad=True)
        if dtype == torch.bfloat16:
            tensor = torch.tensor([[0.5, 0.5]], dtype=dtype)
        found = lp.reweight(tensor, acts_upon=[1, 9])
        assert isinstance(found, torch.Tensor)
        assert found.dtype == dtype
        assert not found.requires_grad
    for dtype in (np.float16, np.float32):
        p = (np.arange(1, 9) / 16).astype(dtype)
        found = lp.reweight(p, acts_upon=[1, 9])
        assert found.dtype == dtype
        exact = lp.reweight(p.astype(float), acts_upon=[1, 9])
        np.testing.assert_allclose(found, exact, rtol=np.finfo(dtype).eps)
    assert lp.reweight([[0, 1]], acts_upon=[1, 9]).dtype == np.float64


@pytest.fixture(scope="module")
def report():
    """Of a posterior under weights 1 and 4: p' = 4p / (1 - p + 4p), 4000 samples of class 1."""
    rng = np.random.default_rng(5)
    p = rng.beta(1, 9, size=40_000)
    y = rng.random(40_000) < p
    return lp.check(np.where(y, "yes", "no"), lp.reweight(p, to=[1, 4]), labels=["no", "yes"])


def test_what_check_measured_is_undone(report):
    measured = report.effective[1]
    low, ratio, high = (np.log(w / (1 - w)) for w in (measured.low, measured.value, measured.high))
    assert abs(ratio - np.log(4)) <= 4 * (high - low) / (2 * 1.96)
    p = np.array([0.25, 0.5])
    weight = [estimate.value for estimate in report.effective]
    expected = lp.reweight(p, acts_upon=weight)
    np.testing.assert_array_equal(lp.reweight(p, acts_upon=report), expected)
    both = np.stack([1 - p, p], axis=1)
    backwards = lp.reweight(both[:, ::-1], acts_upon=report, labels=["yes", "no"])
    np.testing.assert_allclose(backwards[:, 0], expected, rtol=1e-14)
    inverse = lp.reweight(p, acts_upon=report, to="balanced")
    np.testing.assert_allclose(
        inverse, lp.reweight(p, acts_upon=weight, to=1 / report.train_count), rtol=1e-14
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"to": [1, 2]}, "y_proba or y_logits must be given, one of them"),
        ({"y_proba": TWO, "y_logits": TWO, "to": [1, 2]}, "y_proba or y_logits must be given, o"),
        ({"y_proba": TWO}, "acts_upon or to must be given: equal weights are the other's"),
        ({"y_proba": TWO, "to": "balanced"}, "class_count is needed where to is 'balanced'"),
        ({"y_proba": TWO, "to": "loud"}, "to must be one of equal, inverse, sqrt-inverse, effect"),
        ({"y_proba": TWO, "to": "inverse", "class_count": [1]}, "class_count must hold 2 sizes,"),
        ({"y_proba": THREE, "to": [1, 2]}, r"to must hold 3 weights, one per class, got shape \(2"),
        ({"y_proba": TWO, "acts_upon": [1, 0]}, r"acts_upon must be positive and finite, got \[1"),
        ({"y_proba": TWO, "acts_upon": {"a": 2}}, "acts_upon has 1 of 2 labels: say with labels "),
        ({"y_proba": TWO, "acts_upon": {"a": 2, 1: 1}}, "acts_upon has labels without an order: "),
        ({"y_proba": TWO, "to": {"c": 2}, "labels": ["a", "b"]}, "to must be of labels among "),
        ({"y_proba": TWO, "to": [1, 2], "labels": ["a"]}, "labels must name 2 classes, one by one"),
        ({"y_proba": pd.DataFrame(TWO, columns=["a", "b"]), "to": [1, 2], "labels": ["b", "a"]},
         r"labels are \['b', 'a'\], but the columns are \['a', 'b'\]"),
        ({"y_proba": TWO + 0.1, "to": [1, 2]}, "y_proba must sum to one: row 4 sums to 1.2"),
        ({"y_proba": [0.5, 1.5], "to": [1, 2]}, "y_proba holds a number above one: 1.5"),
        ({"y_logits": [0.5, np.nan], "to": [1, 2]}, "y_logits holds NaN or infinity"),
        ({"y_logits": 0.5, "to": [1, 2]}, r"y_logits must have shape \(n_samples,\) or \(n_samp"),
    ],
)  # fmt: skip
def test_mistakes_are_named(arguments, message):
    with pytest.raises(BadArgument, match=f"^{message}"):
        lp.reweight(**arguments)


def test_reports_on_other_classes_are_refused(report):
    with pytest.raises(BadArgument, match=r"^acts_upon is a report on 2 classes, not on 3$"):
        lp.reweight(THREE, acts_upon=report)
    with pytest.raises(BadArgument, match=r"^to is a report on \['no', 'yes'\], not on \[0, 1\]"):
        lp.reweight(TWO, to=report, labels=[0, 1])
