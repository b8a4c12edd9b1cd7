"""Why well-trained models are rejected: the noise of the training sample, and the overfitting.

Logistic regressions of Sim1 under inverse weights, trained to the minimum: the residual of Eq. (10)
on the population, over training samples of growing size, and how many of these models their own
joint test rejects on test samples of growing size (E16).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from learnprop.equations.balance import class_mass, residual
from learnprop.equations.class_weights import class_weights
from learnprop.equations.inference.estimates import mcse_of_mean
from learnprop.equations.inference.jackknife import mcse_of_sd
from learnprop.equations.inference.model import joint_test_of_model
from learnprop.equations.mean_proba import (
    FloatArray,
    mean_proba_and_second_moments,
    proba_from_logits,
)
from learnprop.reports.folders.provenance import now, write_provenance
from learnprop.reports.layout.files import write_text
from learnprop.simulations.fitters.logistic import fit_logistic
from learnprop.simulations.generators.generator import sample
from learnprop.simulations.generators.paper import sim1

FOLDER = Path("results/fitted-models")
TRAIN_SIZES = ((100, 1000), (400, 4000), (1600, 16000))
TEST_SIZES = (50, 200, 1000, 10_000)
MODELS, BLOCK, SIZE = 400, 50, 0.05


def population_proba(slope: float, intercept: float) -> FloatArray:
    """P of a model on Sim1's population, by quadrature."""
    rows = [
        [c.mean(column) for column in proba_from_logits(c.nodes[:, 0] * slope + intercept).T]
        for c in sim1().quadrature()
    ]
    return np.array(rows)


def block(train_size: tuple[int, int], seed: int) -> list[dict[str, float]]:
    """One row per model: its residual over Σw, and whether each test sample rejects it."""
    rng = np.random.default_rng(np.random.SeedSequence((seed, *train_size)))
    drawn = [sample(sim1(), train_size, rng) for _ in range(BLOCK)]
    weight = class_weights("inverse", train_size)
    fit = fit_logistic(np.stack([x for x, _ in drawn]), drawn[0][1], [weight])
    mass = class_mass(weight, train_size)
    rows = []
    for slope, intercept in fit.params[:, 0]:
        row = {
            "residual": float(residual(population_proba(slope, intercept), mass / mass.sum())[0])
        }
        for n in TEST_SIZES:
            x, y = sample(sim1(), (n, n), rng)
            proba = proba_from_logits(x[:, 0] * slope + intercept)
            test = joint_test_of_model(*mean_proba_and_second_moments(y, proba), (n, n), mass)
            row[f"rejected_{n}"] = float(test.p_value <= SIZE)
        rows.append(row)
    return rows


def table(n_models: int = MODELS) -> pd.DataFrame:
    """One row per training size: mean and SD of the residual, and the shares rejected."""
    found = []
    for train_size in TRAIN_SIZES:
        blocks = Parallel(n_jobs=-1)(
            delayed(block)(train_size, seed) for seed in range(n_models // BLOCK)
        )
        rows = pd.DataFrame([row for part in blocks for row in part])
        r = rows["residual"].to_numpy()
        found.append(
            {
                "n_train": sum(train_size),
                "models": len(r),
                "residual_mean": r.mean(),
                "residual_mean_mcse": mcse_of_mean(r),
                "residual_sd": r.std(ddof=1),
                "residual_sd_mcse": mcse_of_sd(r),
                **rows.drop(columns="residual").mean().to_dict(),
            }
        )
    return pd.DataFrame(found)


def as_markdown(rows: pd.DataFrame) -> str:
    """Lay the table out for docs, in units of 1e-3 Σw."""
    names = " | ".join(f"n = {n} a class" for n in TEST_SIZES)
    lines = [
        f"| N | mean of r₀, 1e-3 Σw | SD of r₀, 1e-3 Σw | rejected at {names} |",
        "| --- | --- | --- |" + " --- |" * len(TEST_SIZES),
    ]
    for row in rows.to_dict("records"):
        numbers = [
            f"{1e3 * row[f'residual_{name}']:.2f} ± {1e3 * row[f'residual_{name}_mcse']:.2f}"
            for name in ("mean", "sd")
        ]
        shares = [f"{row[f'rejected_{n}']:.3f}" for n in TEST_SIZES]
        lines.append(f"| {row['n_train']} | {' | '.join(numbers + shares)} |")
    return "\n".join(lines) + "\n"


def run() -> None:
    """Fit, test, and write ``results/fitted-models``."""
    started = now()
    rows = table()
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows.to_csv(FOLDER / "fitted_models.csv", index=False)
    write_text(FOLDER / "fitted_models.md", as_markdown(rows))
    write_provenance(
        FOLDER / "provenance.json", study="fitted-models", started=started,
        design={"models": MODELS, "train_size": TRAIN_SIZES, "test_size": TEST_SIZES, "size": SIZE},
        command=["python", "-m", "benchmarks", "fitted-models"],
    )  # fmt: skip
    print(as_markdown(rows))
