"""The paper's losses from the store: accuracy, differences in pairs, curves, confusion, balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.equations.inference.estimates import mcse_of_mean
from learnprop.equations.inference.resampling import corrected_error
from learnprop.equations.losses import LOSSES
from learnprop.equations.losses import REFERENCE as REFERENCE_LOSS
from learnprop.equations.mean_proba import IntArray
from learnprop.reports.losses.balance import balance_rows
from learnprop.reports.losses.differences import (
    accuracy_by_run,
    difference_over_runs,
    error_of_test_set,
    pairs_to_compare,
    resplit_of,
)
from learnprop.reports.losses.epochs import best_epoch, epoch_rows
from learnprop.reports.losses.paper import (
    TEST_SIZE,
    binomial_error,
    paper_accuracy,
    trained_as_paper,
)
from learnprop.reports.losses.statements import Trained, statements
from learnprop.reports.protocols.networks import standardised
from learnprop.reports.statistics.columns import accuracy_of_runs
from learnprop.reports.statistics.evidence import read_cell
from learnprop.reports.statistics.runs import MAX_FAILED
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.engine.study import Study
from learnprop.simulations.records.rows import CONVERGED, Measurements, select
from learnprop.simulations.records.store import Store
from learnprop.simulations.studies.losses.block import LossCell

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "test")

PARAMETERS = tuple(dict.fromkeys(p.name for loss in LOSSES.values() for p in loss.parameters))
"""Of all losses, a column each; NaN where a loss has no such parameter."""

REFERENCE = "reference"
"""Verdict of the loss that others are compared with."""

VERDICTS = ("verdict", "corrected_verdict")
"""Over runs; and for new data, where runs split one data set."""

NOT_RUN = "not run"
"""Verdict where nothing is stored yet."""

FAILED = "failed"
"""Verdict where more than 5 % of the runs have no model: the others speak for themselves alone."""


@dataclass(frozen=True)
class Comparison:
    """What the report of the losses is drawn from.

    Attributes
    ----------
    summary : DataFrame
        One row per data set, network, loss and split: accuracy at the last epoch. On test also
        ``best_epoch_accuracy``, what one would print if one chose each run's epoch on the test set;
        no verdict is on it.
    differences : DataFrame
        One row per data set, network and pair of losses: difference of their test accuracies.
    epochs : DataFrame
        One row per data set, network, loss and epoch: test accuracy.
    confusion : DataFrame
        One row per data set, network, loss, true and predicted class: test images, mean over runs.
    balance : DataFrame
        One row per data set, network, loss, stage, split and class: both sides of Eq. (9) or E10.
    statements : DataFrame
        One row per statement of the paper and what it is put to; empty where there is none.
    as_paper : set of (dataset, model)
        What is trained as the paper says.
    images : str
        How images are standardised, where not by their own channels; else empty.
    """

    summary: pd.DataFrame
    differences: pd.DataFrame
    epochs: pd.DataFrame
    confusion: pd.DataFrame
    balance: pd.DataFrame
    statements: pd.DataFrame
    as_paper: set[tuple[str, str]]
    images: str

    @property
    def panels(self) -> list[tuple[str, str]]:
        """Every (data set, network), in their order."""
        pairs = self.summary[["dataset", "model"]].drop_duplicates()
        return list(pairs.itertuples(index=False, name=None))


def summarise(study: Study, store: Store) -> Comparison:
    """Read a comparison of losses and compute everything that its reports show."""
    import pandas as pd

    margin = study.design["margin"]
    summary: list[dict[str, Any]] = []
    epochs: list[dict[str, Any]] = []
    confusion: list[dict[str, Any]] = []
    balance: list[dict[str, Any]] = []
    tests: dict[LossCell, Measurements] = {}
    failed: list[LossCell] = []
    streams = list(dict.fromkeys(cell.stream for cell in study.cells))
    for cell in sorted(study.cells, key=lambda c: streams.index(c.stream)):
        fits, measured = read_cell(study, store, cell)
        key = _key(cell)
        last = select(fits, epoch=cell.recipe.epochs, stage="raw")
        counts = {
            "runs_attempted": len(last),
            "runs_converged": int((last.status == CONVERGED).sum()),
            "runs_failed": int((~last.has_model).sum()),
        }
        start = select(fits, epoch=0).gradient_norm
        about = {
            "gradient_at_start": float(start.mean()) if len(start) else float("nan"),
            "gradient_at_start_sd": float(start.std(ddof=1)) if len(start) > 1 else float("nan"),
        }
        parts = {split: _last(cell, measured, split) for split in SPLITS}
        for split, part in parts.items():
            row = key | {"split": split} | _accuracy(part) | about
            if split == "test":
                row |= _corrected(cell, part) | _paper(cell) | best_epoch(cell, measured, part)
            summary.append(row | counts)
        if measured is not None:
            epochs += [key | row for row in epoch_rows(cell, measured)]
        test = parts["test"]
        if test is None or measured is None:
            continue
        tests[cell] = test
        if _too_many_failed(counts):
            failed.append(cell)
        confusion += [key | row for row in _confusion_rows(cell, test)]
        balance += [key | row for row in balance_rows(cell, fits, measured)]
    differences = []
    for stream in streams:
        for a, b in pairs_to_compare([cell for cell in tests if cell.stream == stream]):
            row = {"dataset": a.dataset, "model": a.model, "loss": a.setting, "other": b.setting}
            one, other = accuracy_by_run(tests[a]), accuracy_by_run(tests[b])
            row |= difference_over_runs(one, other, margin, resplit_of(a, tests[a]))
            if {a, b} & set(failed):
                row |= {name: FAILED for name in VERDICTS if name in row}
            row["test_error"] = error_of_test_set(a, (tests[a], tests[b]))
            differences.append(row)
    frame = pd.DataFrame(summary)
    resplit = any(resplit_of(cell, test) for cell, test in tests.items())
    for name in VERDICTS if resplit else VERDICTS[:1]:
        frame[name] = _verdicts(frame, differences, name)
    return Comparison(
        summary=frame,
        differences=pd.DataFrame(differences),
        epochs=pd.DataFrame(epochs),
        confusion=pd.DataFrame(confusion),
        balance=pd.DataFrame(balance),
        statements=pd.DataFrame(statements(Trained(tests, failed, margin))),
        as_paper={(cell.dataset, cell.model) for cell in study.cells if trained_as_paper(cell)},
        images=_images(study),
    )


def _images(study: Study) -> str:
    recipe = study.cells[0].recipe  # of one study all are standardised alike
    return f"images {standardised(recipe)}" if recipe.standardise != "own" else ""


def _key(cell: LossCell) -> dict[str, Any]:
    return {
        "dataset": cell.dataset,
        "model": cell.model,
        "setting": cell.setting,
        "loss": cell.loss.name,
        **dict.fromkeys(PARAMETERS, float("nan")),
        **cell.loss.parameters,
        "matched": cell.matched,
    }


def _last(cell: LossCell, measured: Measurements | None, split: str) -> Measurements | None:
    """Measurements as trained, at the last epoch; None where there are none."""
    if measured is None:
        return None
    part = select(measured, epoch=cell.recipe.epochs, stage="raw", split=split)
    return part if len(part) else None


def _accuracy(part: Measurements | None) -> dict[str, float]:
    if part is None:
        return dict.fromkeys(("accuracy", "accuracy_sd", "accuracy_mcse", "n"), float("nan"))
    accuracy, n = accuracy_of_runs(part), int(part.class_count[0].sum())
    several = len(accuracy) > 1
    return {
        "accuracy": float(accuracy.mean()),
        "accuracy_sd": float(accuracy.std(ddof=1)) if several else float("nan"),
        "accuracy_mcse": mcse_of_mean(accuracy) if several else float("nan"),
        "n": n,
        "binomial_error": binomial_error(float(accuracy.mean()), n),
    }


def _corrected(cell: LossCell, part: Measurements | None) -> dict[str, float]:
    """Standard error of the mean accuracy for new data, where runs split one data set."""
    resplit = 0.0 if part is None else resplit_of(cell, part)
    if part is None or not resplit:
        return {}
    several = len(part) > 1
    error = corrected_error(accuracy_of_runs(part), resplit) if several else float("nan")
    return {"accuracy_corrected_error": error}


def _paper(cell: LossCell) -> dict[str, float]:
    """The paper's number with its binomial error, where ours are trained as it says."""
    printed = paper_accuracy(cell.dataset, cell.model, cell.loss)
    if cell.matched or not trained_as_paper(cell):
        printed = float("nan")
    return {"paper": printed, "paper_error": binomial_error(printed, TEST_SIZE)}


def _confusion_rows(cell: LossCell, test: Measurements) -> list[dict[str, Any]]:
    """Test images by true and predicted class, mean over runs."""
    labels = dataset_named(cell.dataset).labels
    mean = test.confusion.mean(axis=0)
    count: IntArray = test.class_count[0]
    return [
        {
            "true": labels[i],
            "predicted": labels[j],
            "images": float(mean[i, j]),
            "of": int(count[i]),
        }
        for i, j in np.ndindex(mean.shape)
    ]


def _too_many_failed(counts: dict[str, int]) -> bool:
    return counts["runs_failed"] > MAX_FAILED * counts["runs_attempted"]


def _verdicts(summary: pd.DataFrame, differences: Sequence[dict[str, Any]], name: str) -> list[str]:
    """Verdict of each row of the summary: its test accuracy against the softmax loss's."""
    against = {
        (d["dataset"], d["model"], d["loss"]): d.get(name, "-")
        for d in differences
        if d["other"] == REFERENCE_LOSS.name
    }
    verdicts = []
    for row in summary.to_dict("records"):
        key = row["dataset"], row["model"], row["setting"]
        own = REFERENCE if row["setting"] == REFERENCE_LOSS.name else against.get(key, "-")
        if not row["runs_attempted"]:
            own = NOT_RUN
        elif _too_many_failed(row):
            own = FAILED
        verdicts.append(own)
    return verdicts
