"""Reports of audits to show: fitted in a moment, or made up."""

import numpy as np

from learnprop.audit.causes.cause import Cause
from learnprop.audit.check import check
from learnprop.audit.report.record import BalanceReport, GroupBalance
from learnprop.equations.inference.estimates import Estimate, equivalence_verdict
from learnprop.equations.inference.joint import JointTest

LABELS = (
    "a_b & 50 % $x$ {y} #1 ^2 ~3 \\n", "<script>alert('x')</script>", "naïve größe λ 猫", "",
    "a name that goes on and on and on until nobody could read it to its very end in any table",
    "tab\tand\nline", "[bold]rich[/bold]", "0", "--", "|gap|",
)  # fmt: skip
"""Names that some medium would take for something else."""


def sample_acting(weight, sizes, n=20_000, seed=0):
    """Labels, and posteriors as if each class weighed so much."""
    rng = np.random.default_rng(seed)
    n_classes = len(weight)
    logits = 1.5 * rng.normal(size=(n, n_classes)) + np.log(np.array(sizes) / np.sum(sizes))
    posterior = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = (rng.random((n, 1)) > posterior.cumsum(axis=1)).sum(axis=1).clip(max=n_classes - 1)
    acts = posterior * np.array(weight, float)
    return y, acts / acts.sum(axis=1, keepdims=True)


def acting(weight, stated, sizes, n=20_000, seed=0):
    """Audit true posteriors under other weights than those that are stated."""
    y, proba = sample_acting(weight, sizes, n, seed)
    count = np.bincount(y, minlength=len(weight))
    return check(y, proba, class_weight=stated, train_count=count)


def made_up(n_classes=3, labels=None, seed=0, ends=None, groups=0, causes=2):
    """Make up a report in which nothing needs to fit, of as many classes as it may be."""
    rng = np.random.default_rng(seed)
    weight = rng.lognormal(0, 0.8, n_classes)
    weight /= weight.sum()
    effective = weight * rng.lognormal(0, 0.15, n_classes)
    effective /= effective.sum()
    width = rng.lognormal(-2.5, 0.6, n_classes)
    gap = rng.normal(0, 0.06, n_classes)

    def estimates(values, level):
        found = [
            Estimate(float(v), float(v - w), float(v + w), level)
            for v, w in zip(values, width, strict=True)
        ]
        for k, end in (ends or {}).items():
            found[k] = end if isinstance(end, Estimate) else Estimate(found[k].value, *end, level)
        return tuple(found)

    gaps = estimates(gap, 0.9)
    verdicts = tuple(equivalence_verdict(g.low, g.high, 0.05) for g in gaps)
    left = rng.dirichlet(np.ones(n_classes)) / 10
    with np.errstate(divide="ignore"):
        right = left / (1 + np.array([g.value for g in gaps]))
    mean_proba = rng.dirichlet(np.ones(n_classes), n_classes)
    of_groups = tuple(
        GroupBalance(
            f"group {i}", rng.integers(1, 1000, n_classes),
            estimates(gap + rng.normal(0, 0.1, n_classes), 0.9), verdicts, verdicts[0],
        )
        for i in range(groups)
    )  # fmt: skip
    found = tuple(
        Cause(
            f"acts upon {name} weights", "test", rng.normal(0, 0.1, n_classes),
            rng.normal(0, 0.1, n_classes), np.full(n_classes, 0.01), 0.2, "consistent",
            "These weights balance its predictions.", "State them, or reweight its predictions.",
        )
        for name in ("equal", "inverse", "other")[:causes]
    )  # fmt: skip
    return BalanceReport(
        labels=tuple(labels or range(n_classes)),
        class_weight=weight,
        train_count=rng.integers(50, 5000, n_classes),
        count=rng.integers(50, 5000, n_classes),
        mean_proba=mean_proba,
        effective=tuple(
            Estimate(float(e), float(e * 0.9), float(e * 1.1), 0.95) for e in effective
        ),
        left=left,
        right=right,
        residual=left - right,
        gaps=gaps,
        verdicts=verdicts,
        verdict="fails" if "fails" in verdicts else "inconclusive",
        joint=JointTest(30.0, n_classes - 1, 500.0, 1e-4),
        expected_misses=rng.lognormal(4, 1, n_classes),
        warnings=("Class sizes of training were taken from the sample; <b>state</b> train_count.",),
        causes=found,
        considered=found,
        groups=of_groups,
        margin=0.05,
        level=0.95,
    )
