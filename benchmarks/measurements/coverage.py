"""How often inference on one fixed model errs, where its test sample is small or it is confident.

The model is the true posterior of Gaussian classes, so that every null is true: Eq. (9) holds, and
the effective weights are those that it was given. Each design is run with large-sample inference
throughout ("before") and with what the functions do ("after").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from learnprop.equations.inference.few_misses import MIN_MISSES
from learnprop.equations.inference.model import gaps_of_model, joint_test_of_model
from learnprop.equations.mean_proba import (
    FloatArray,
    mean_proba_and_second_moments,
    proba_from_logits,
)
from learnprop.equations.stationary import effective_class_weight_of_model
from learnprop.reports.folders.provenance import now, write_provenance
from learnprop.reports.layout.files import write_text

FOLDER = Path("results/small-samples")
SAMPLES = 2000
LEVEL, SIZE = 0.95, 0.05


@dataclass(frozen=True)
class Design:
    """Gaussian classes a `separation` apart, test sizes, and class masses w of the posterior."""

    name: str
    separation: float
    sizes: tuple[int, ...]
    mass: tuple[float, ...] = ()

    @property
    def w(self) -> FloatArray:
        """Class mass, by default one and the same."""
        return np.array(self.mass or (1.0,) * len(self.sizes))


CONFIDENT, MODERATE = 5.5, 3.0
DESIGNS = (
    *(
        Design("confident", CONFIDENT, sizes)
        for sizes in (
            (5, 50, 500), (50, 500, 5000), (100, 1000, 1000), (200, 600, 2000), (500, 1500, 5000),
            (1500, 4500, 15000), (50, 50, 50), (200, 200, 200), (1000, 1000, 1000),
            (2000, 2000, 2000),
        )
    ),
    Design("confident", CONFIDENT, tuple(int(n) for n in np.geomspace(20, 2000, 8).round())),
    Design("confident", CONFIDENT, (500, 5000), (1.0, 10.0)),
    *(Design("moderate", MODERATE, (n, n, n)) for n in (5, 20, 50, 200)),
    Design("moderate", MODERATE, (50, 500, 500)),
    Design("moderate", MODERATE, (100, 1000, 1000), (1.0, 10.0, 10.0)),
)  # fmt: skip


def sample(design: Design, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """P and second moments of the true posterior on a fresh test sample."""
    n_classes = len(design.sizes)
    means = design.separation / np.sqrt(2) * np.eye(n_classes)  # a simplex
    y = np.repeat(np.arange(n_classes), design.sizes)
    x = means[y] + rng.normal(size=(len(y), n_classes))
    logits = x @ means.T - (means**2).sum(axis=1) / 2 + np.log(design.w)
    return mean_proba_and_second_moments(y, proba_from_logits(logits))


def outcomes(design: Design, seed: int, min_misses: float) -> dict[str, float]:
    """What one test sample leads to: whether it rejects, covers, or says that it cannot know."""
    P, M = sample(design, np.random.default_rng(np.random.SeedSequence(seed)))
    n, w = np.array(design.sizes), design.w
    weight = w / n / (w / n).sum()  # as if trained on as many
    found = {"misses": float((n * (P.sum(axis=1) - np.diag(P)))[0])}
    try:
        joint = joint_test_of_model(P, M, n, w, min_misses=min_misses)
        found |= {"rejects": float(joint.p_value <= SIZE), "joint_said": float(joint.reason != "")}
        wrong = np.where(np.arange(len(w)) == 0, 100 * w, w)
        power = joint_test_of_model(P, M, n, wrong, min_misses=min_misses).p_value <= SIZE
        found["rejects_hundred_times"] = float(power)
    except ValueError:  # no spread at all
        found |= {"rejects": 0.0, "joint_said": 1.0, "rejects_hundred_times": 0.0}
    for name, together in (("single", False), ("simultaneous", True)):
        gaps = gaps_of_model(P, M, n, w, simultaneous=together, level=LEVEL, min_misses=min_misses)
        covers = [g.low <= 0 <= g.high for g in gaps]
        found[f"{name}_covers"] = float(np.all(covers) if together else np.mean(covers))
        found[f"{name}_said"] = float(np.mean([g.reason != "" for g in gaps]))
    try:
        found_weight = effective_class_weight_of_model(
            P, M, n, n, level=LEVEL, min_misses=min_misses
        )
    except ValueError:  # a class is never left: no weights
        return found | {"weights_cover": float("nan"), "weights_said": float("nan")}
    covers = [e.low <= v <= e.high for e, v in zip(found_weight, weight, strict=True)]
    said = float(found_weight[0].reason != "")
    return found | {"weights_cover": float(np.mean(covers)), "weights_said": said}


def rates(design: Design, n_samples: int, min_misses: float) -> dict[str, float]:
    """Mean outcomes over test samples; seeds are shared by both kinds of inference."""
    rows = pd.DataFrame([outcomes(design, seed, min_misses) for seed in range(n_samples)])
    trusted = rows[rows["joint_said"] == 0]
    alone = {"trusted": float(len(trusted)), "trusted_rejects": trusted["rejects"].mean()}
    return {"samples": float(n_samples), **rows.mean().to_dict(), **alone}


def table(n_samples: int) -> pd.DataFrame:
    """One row per design and kind of inference."""
    kinds = (("before", 0.0), ("after", MIN_MISSES))
    jobs = [(design, kind, at_least) for design in DESIGNS for kind, at_least in kinds]
    found = Parallel(n_jobs=-1)(delayed(rates)(d, n_samples, least) for d, _, least in jobs)
    about = [
        {"model": d.name, "sizes": "/".join(map(str, d.sizes)), "inference": kind}
        for d, kind, _ in jobs
    ]
    return pd.DataFrame([a | row for a, row in zip(about, found, strict=True)])


def as_markdown(rows: pd.DataFrame) -> str:
    """Before and after side by side, and how often the result says that it cannot know."""
    head = (
        "| model, test sizes | expected misses | joint test rejects | single intervals cover | "
        "simultaneous | effective λ | says so | of the rest rejects | "
        "λ₀ 100 times off: rejects |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    )
    lines = []
    for _, pair in rows.groupby(["model", "sizes"], sort=False):
        before, after = (pair[pair["inference"] == kind].iloc[0] for kind in ("before", "after"))
        columns: Sequence[str] = (
            "rejects", "single_covers", "simultaneous_covers", "weights_cover",
        )  # fmt: skip
        cells = [f"{before[c]:.3f} → {after[c]:.3f}" for c in columns]
        name = f"{before['model']} {before['sizes']}"
        rest = "-" if after["trusted"] < 100 else f"{after['trusted_rejects']:.3f}"
        said, power = after["joint_said"], after["rejects_hundred_times"]
        cells += [f"{100 * said:.0f} %", rest, f"{power:.3f}"]
        lines.append(f"| {name} | {before['misses']:.2g} | {' | '.join(cells)} |")
    return "\n".join([*head, *lines]) + "\n"


def run(n_samples: int = SAMPLES) -> None:
    """Simulate every design and write ``results/small-samples``."""
    started = now()
    rows = table(n_samples)
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows.to_csv(FOLDER / "coverage.csv", index=False)
    text = as_markdown(rows)
    write_text(FOLDER / "coverage.md", text)
    design = {"samples": n_samples, "level": LEVEL, "size": SIZE, "min_misses": MIN_MISSES}
    write_provenance(
        FOLDER / "provenance.json", study="small-samples", design=design, started=started,
        command=["python", "-m", "benchmarks", "coverage"],
    )  # fmt: skip
    print(text)
