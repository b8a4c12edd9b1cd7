"""Trained networks as text: the two sides by stage, class by class, and all equations at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.class_text import few_misses_note, gap_with_interval, percent_with_mcse
from reports.cnn.summary import Networks
from reports.formatting import LATEX, TEXT, Markup, small
from reports.grid import Grid, runs_note
from reports.resplit import (
    CORRECTED,
    CORRECTED_FOR_GAPS,
    VERDICT,
    corrected_interval,
    corrected_verdict,
    percent_with_errors,
    resplit_note,
)
from reports.setting_evidence import NO_MINIMUM
from reports.training_samples import same_sample_note
from simulations.fitters.fit import NOT_CONVERGED
from simulations.stages import STAGES

if TYPE_CHECKING:
    import pandas as pd

_NAN = float("nan")

STAGE_NAMES = {"raw": "as trained", "bias": "bias refined", "head": "output layer refined"}


def overview_grid(table: Networks, markup: Markup = TEXT) -> Grid:
    """Lay the stages out beside each other, one row per imbalance, λ setting and class.

    Parameters
    ----------
    table : Networks
    markup : Markup

    Returns
    -------
    Grid
    """
    by_key = {
        (r["imbalance"], r["setting"], r["stage"], r["split"], r["class"]): r
        for r in table.summary.to_dict("records")
    }
    resplit = not table.shares_test_set
    heads = (
        _corner(markup),
        "class",
        "N",
        "raw, train",
        "raw, test",
        "bias, train",
        f"bias, test [90{markup.percent}]",
        "verdict",
        *([CORRECTED, VERDICT] if resplit else []),
        f"head, test [90{markup.percent}]",
    )
    bias = table.summary[table.summary["stage"] == "bias"]
    rows: list[tuple[str, ...] | None] = []
    for imbalance, setting in table.panels:
        rows += [None] if rows else []
        for k, label in enumerate(table.labels):
            at = {
                (stage, split): by_key[imbalance, setting, stage, split, k]
                for stage in STAGES
                for split in ("train", "test")
            }
            test, head = at["bias", "test"], at["head", "test"]
            rows.append(
                (
                    f"{imbalance:g}, {setting}" if k == 0 else "",
                    label,
                    f"{test['n_train']}",
                    _range(at["raw", "train"]),
                    _range(at["raw", "test"]),
                    small(at["bias", "train"].get("max_relative_difference", _NAN), markup),
                    gap_with_interval(test, markup),
                    str(test["verdict"]),
                    *(
                        [corrected_interval(test, markup), corrected_verdict(test)]
                        if resplit
                        else []
                    ),
                    _gap_or_verdict(head, markup),
                )
            )
    return Grid(heads, tuple(rows), verbatim=(1,), note=_note(table, bias))


def stage_grid(table: Networks, stage: str, markup: Markup = TEXT) -> Grid:
    """Lay everything at one stage out, one row per imbalance, λ setting, split and class.

    Parameters
    ----------
    table : Networks
    stage : {"raw", "bias", "head"}
    markup : Markup

    Returns
    -------
    Grid
    """
    percent = markup.percent
    p_kk = r"$\bar p_{k \to k}$" if markup is LATEX else "p̄(k→k)"
    heads = (
        _corner(markup),
        "split",
        "class",
        f"left,{percent}",
        f"right,{percent}",
        f"gap [90{percent}]",
        "verdict",
        *([] if table.shares_test_set else [CORRECTED, VERDICT]),
        f"{p_kk},{percent}",
        f"accuracy,{percent}",
    )
    rows: list[tuple[str, ...] | None] = []
    chosen = table.summary[table.summary["stage"] == stage]
    for row in chosen.to_dict("records"):
        first = row["class"] == 0
        rows += [None] if rows and first else []
        rows.append(
            (
                f"{row['imbalance']:g}, {row['setting']}" if first else "",
                row["split"] if first else "",
                str(row["label"]),
                percent_with_mcse(row, "left", markup),
                percent_with_mcse(row, "right", markup),
                gap_with_interval(row, markup),
                str(row["verdict"]),
                *(
                    []
                    if table.shares_test_set
                    else [corrected_interval(row, markup), corrected_verdict(row)]
                ),
                percent_with_mcse(row, "mean_proba", markup),
                percent_with_mcse(row, "accuracy", markup),
            )
        )
    return Grid(heads, tuple(rows), verbatim=(2,), note=_note(table, chosen))


def joint_grid(table: Networks, markup: Markup = TEXT) -> Grid:
    """Lay what is said of all equations at once out, one row per imbalance, λ setting and stage.

    Parameters
    ----------
    table : Networks
    markup : Markup

    Returns
    -------
    Grid
    """
    by_key = {
        (r["imbalance"], r["setting"], r["stage"], r["split"]): r
        for r in table.joint.to_dict("records")
    }
    heads = (
        _corner(markup),
        "stage",
        "train",
        "test",
        *([] if table.shares_test_set else [f"test, {CORRECTED}"]),
        f"balanced accuracy,{markup.percent}",
        "bias gradient",
        "path mean",
        "E9 is off by",
        "runs",
    )
    rows: list[tuple[str, ...] | None] = []
    for imbalance, setting in table.panels:
        rows += [None] if rows else []
        for stage in STAGES:
            train, test = (by_key[imbalance, setting, stage, s] for s in ("train", "test"))
            failed = NO_MINIMUM if test["verdict"] == NO_MINIMUM else "failed"
            rows.append(
                (
                    f"{imbalance:g}, {setting}" if stage == STAGES[0] else "",
                    STAGE_NAMES[stage],
                    str(train["verdict"]),
                    str(test["verdict"]),
                    *([] if table.shares_test_set else [corrected_verdict(test)]),
                    percent_with_errors(test, "balanced_accuracy", markup),
                    small(test["max_bias_gradient"], markup),
                    small(test.get("path_gradient", _NAN), markup),
                    small(test.get("path_difference", _NAN), markup),
                    f"{test['runs_attempted']} / {test['runs_converged']} / {test['runs_failed']}"
                    + (f" {failed}" if test["runs_failed"] else ""),
                )
            )
    notes = [
        "path mean: of the minibatch bias gradient along the path; E9 says it from the ends\n"
        "runs: attempted / converged / failed"
    ]
    if table.n_images:
        notes += [
            resplit_note(table.n_images, "images"),
            f"{CORRECTED_FOR_GAPS}; in parentheses of the accuracy",
        ]
    return Grid(heads, tuple(rows), note="\n".join([*notes, *_same_images(table)]))


def _note(table: Networks, rows: pd.DataFrame) -> str:
    """Say how many runs there are, and what their intervals contain where they split one set."""
    if not table.n_images:
        notes = [*_same_images(table), *few_misses_note(rows.to_dict("records"))]
        return "\n".join([runs_note(rows), *notes])
    return "\n".join([runs_note(rows), resplit_note(table.n_images, "images"), CORRECTED_FOR_GAPS])


def _same_images(table: Networks) -> list[str]:
    same = {f"imbalance {ratio:g}": classes for ratio, classes in table.same_images.items()}
    note = same_sample_note(same, len(table.labels))
    return [note] if note else []


def _corner(markup: Markup) -> str:
    return r"imbalance, $\lambda$" if markup is LATEX else "imbalance, λ"


def _gap_or_verdict(row: dict[str, Any], markup: Markup) -> str:
    """Write the gap where the output layer is at a minimum, else why it is not."""
    gap = gap_with_interval(row, markup)
    return str(row["verdict"]) if gap == "-" or row["verdict"] == NOT_CONVERGED else gap


def _range(row: dict[str, Any]) -> str:
    """Left over right side in single runs, the least and the largest."""
    low, high = (row.get(f"{end}_ratio", _NAN) for end in ("least", "largest"))
    return "-" if low != low else f"{_factor(low)} to {_factor(high)}"


def _factor(value: float) -> str:
    return f"{value:.2g}" if 0.01 <= value < 100 else f"{value:.0e}"
