"""The residual that other weights predict, against another solver and against refitting."""

import numpy as np
import torch

from learnprop.audit.causes.predicted import balancing_bias
from learnprop.audit.check import check
from learnprop.audit.predictions.record import Kept
from learnprop.equations.balance import residual
from learnprop.equations.class_weights import class_weights
from learnprop.equations.mean_proba import mean_proba, proba_from_logits
from learnprop.simulations.refinement.softmax_bias import refine_bias

COUNT = np.array([400, 200, 50])
RNG = np.random.default_rng(0)
CLASSES = np.repeat([0, 1, 2], COUNT)
LOGITS = RNG.normal(size=(650, 3)) + 1.5 * np.eye(3)[CLASSES] + np.log(COUNT)
PROBA = proba_from_logits(LOGITS)


def balanced_for(weight, logits=LOGITS):
    """Logits whose bias is at the minimum for weights on this sample, by the other solver."""
    share = torch.tensor(weight / (weight * COUNT).sum())[None]
    start = torch.zeros(1, 3, dtype=torch.float64)
    bias, _ = refine_bias(torch.tensor(logits)[None], torch.tensor(CLASSES), share, start)
    return logits + bias[0].numpy()


def test_the_bias_is_that_of_the_other_solver():
    weight = class_weights("inverse", COUNT)
    mass = weight * COUNT
    P = mean_proba(CLASSES, PROBA)
    kept = Kept(LOGITS, CLASSES, 1 / COUNT[CLASSES].astype(float))
    found = balancing_bias(kept, mass, residual(P, mass))
    expected = (balanced_for(weight) - LOGITS)[0]
    np.testing.assert_allclose(found, expected - expected.mean(), atol=1e-6)


def test_other_weights_predict_what_a_classifier_of_theirs_has():
    """Acts upon equal weights, inverse are stated: what sqrt-inverse would show is that of a
    classifier whose bias is at their minimum."""
    P = proba_from_logits(balanced_for(np.full(3, 1 / 3)))
    report = check(CLASSES, P, class_weight="inverse", train=(CLASSES, P))
    by_name = {cause.name: cause for cause in report.considered}
    first = report.causes[0]
    assert (first.name, first.consistency) == ("acts upon equal weights", "consistent")
    np.testing.assert_allclose(first.predicted, first.observed, atol=1e-9)
    other = by_name["acts upon sqrt-inverse weights"]
    assert other.consistency == "inconsistent"
    of_other = proba_from_logits(balanced_for(class_weights("sqrt-inverse", COUNT)))
    mass = class_weights("inverse", COUNT) * COUNT
    expected = residual(mean_proba(CLASSES, of_other), mass) / mass
    np.testing.assert_allclose(other.predicted, expected, atol=1e-6)


def test_the_error_is_that_of_observed_minus_predicted():
    """Over fresh samples of a fixed classifier that balances for the other weights."""
    rng, scheme = np.random.default_rng(1), "sqrt-inverse"
    weight = class_weights(scheme, COUNT)
    proba = proba_from_logits(balanced_for(weight))
    away, error = [], []
    for _ in range(30):
        rows = np.concatenate([rng.choice(np.flatnonzero(k == CLASSES), 150) for k in range(3)])
        # Sizes of training so large that they leave nothing: the error is the test sample's.
        report = check(
            CLASSES[rows], proba[rows], class_weight="inverse", train_count=COUNT * 1e6,
        )  # fmt: skip
        named = [c for c in report.considered if c.name == f"acts upon {scheme} weights"]
        if named:
            away.append(named[0].observed - named[0].predicted)
            error.append(named[0].error)
    assert len(away) > 20
    z = np.array(away) / np.array(error)
    spread = z.std(axis=0, ddof=1)
    assert (np.abs(spread - 1) <= 4 / np.sqrt(2 * len(z))).all()
