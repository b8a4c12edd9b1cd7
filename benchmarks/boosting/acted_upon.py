"""Weight acted upon over weight asked for, on the training sample and on fresh samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats

from benchmarks.boosting.options import THREE, TWO, Option, weights_of
from learnprop.equations.arrays import FloatArray
from learnprop.equations.inference.estimates import mcse_of_mean
from learnprop.equations.mean_proba import mean_proba
from learnprop.equations.stationary import effective_class_weight
from learnprop.simulations.generators.gaussian import class_means, gaussian_classes
from learnprop.simulations.generators.generator import sample

SIZES = {2: (12_700, 1000), 3: (8000, 4000, 1000)}
ROUNDS = {2: (1, 10, 100, 1000), 3: (1, 10, 100)}
FRESH, N_FEATURES, SEPARATION, SEEDS = 5000, 5, 2.0, 5
LEVEL = 0.95


def drawn(
    n_classes: int, seed: int
) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """A training sample, and a fresh one of equal class sizes."""
    classes = gaussian_classes(class_means("simplex", n_classes, N_FEATURES, SEPARATION))
    rng = np.random.default_rng(np.random.SeedSequence((seed, n_classes)))
    return sample(classes, SIZES[n_classes], rng), sample(classes, [FRESH] * n_classes, rng)


def rows_of(
    option: Option, n_classes: int, seed: int, rounds: Sequence[int]
) -> list[dict[str, object]]:
    """Fit once; a row for each number of rounds and each sample.

    The weight is that of the rarest class over that of the most frequent.
    """
    train, fresh = drawn(n_classes, seed)
    X, y = train
    weight, start = weights_of(option, y)
    predict = option.fit(X, y, weight[y], start, max(rounds))
    asked = weight[-1] ** (2 if option.squared else 1)
    rows = []
    for split, (features, labels) in {"train": train, "fresh": fresh}.items():
        for n_rounds in rounds:
            P = mean_proba(labels, predict(features, n_rounds))
            acts = effective_class_weight(P, SIZES[n_classes])
            rows.append(
                {
                    "classes": n_classes, "library": option.library, "option": option.says,
                    "split": split, "rounds": n_rounds, "seed": seed, "asked": asked,
                    "acted": acts[-1] / acts[0],
                }
            )  # fmt: skip
    return rows


def table(seeds: int = SEEDS) -> pd.DataFrame:
    """One row per option, rounds and sample: acted upon over asked for, geometric mean over seeds.

    Intervals are of the mean over seeds, by t on the logarithm.
    """
    tasks = [
        (option, n_classes, seed, ROUNDS[n_classes])
        for n_classes, options in ((2, TWO), (3, THREE))
        for option in options
        for seed in range(seeds)
    ]
    found = Parallel(n_jobs=-1)(delayed(rows_of)(*task) for task in tasks)
    rows = pd.DataFrame([row for part in found for row in part])
    rows["log_ratio"] = np.log(rows["acted"] / rows["asked"])
    keys = ["classes", "library", "option", "split", "rounds", "asked"]
    summary = []
    for key, group in rows.groupby(keys, sort=False):
        log_ratio = group["log_ratio"].to_numpy()
        half = stats.t.ppf((1 + LEVEL) / 2, len(log_ratio) - 1) * mcse_of_mean(log_ratio)
        ends = np.exp(log_ratio.mean() + np.array([0, -half, half]))
        summary.append(
            dict(zip(keys, key, strict=True))
            | dict(zip(("ratio", "low", "high"), ends, strict=True))
            | {"seeds": len(log_ratio)}
        )
    return pd.DataFrame(summary)


def as_markdown(rows: pd.DataFrame, n_classes: int, split: str) -> str:
    """Lay out one sample's table for docs: a row per option, a column per number of rounds."""
    heads = " | ".join(f"T = {n}" for n in ROUNDS[n_classes])
    lines = [
        f"| library | told by | asked | {heads} |",
        "| --- | --- | --- |" + " --- |" * len(ROUNDS[n_classes]),
    ]
    part = rows[(rows["classes"] == n_classes) & (rows["split"] == split)]
    for (library, option, asked), group in part.groupby(["library", "option", "asked"], sort=False):
        cells = [
            f"{r:.3f} ({low:.3f} to {high:.3f})"
            for r, low, high in zip(group["ratio"], group["low"], group["high"], strict=True)
        ]
        lines.append(f"| {library} | {option} | {asked:.4g} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
