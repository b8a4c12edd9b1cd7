"""Trained networks as text: the two sides by stage, class by class, and all equations at once."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from learnprop.reports.cnn.summary import Networks
from learnprop.reports.layout.cells import few_misses_note, gap_with_interval, percent_with_mcse
from learnprop.reports.layout.fold import fold
from learnprop.reports.layout.grid import COUNTED, Column, Grid, Row, counts, lay_out, runs_note
from learnprop.reports.layout.numbers import TEXT, Markup, small
from learnprop.reports.statistics.evidence import NO_MINIMUM, NOT_COMPUTED
from learnprop.reports.statistics.resplit import (
    CORRECTED,
    CORRECTED_FOR_GAPS,
    VERDICT,
    corrected_interval,
    corrected_verdict,
    percent_with_errors,
    resplit_note,
)
from learnprop.reports.statistics.runs import few_runs_note, n_models
from learnprop.reports.statistics.training_samples import same_sample_note
from learnprop.simulations.records.rows import NOT_CONVERGED

if TYPE_CHECKING:
    import pandas as pd

_NAN, _LAMBDA = float("nan"), r"\lambda"

STAGE_NAMES = {
    "raw": "as trained",
    "bias": "bias refined",
    "heldout": "bias refined, held out",
    "head": "output layer refined",
    "loo": "output layer refined, repaired",
}


REPAIRED = "repaired: off its minimum on train, where it is not meant to balance"

EXPECTED = (
    "expected: from zero, of the mean over runs at 90 %, by the sizes of the held-out and the "
    "test sample alone"
)


def overview_grid(table: Networks, markup: Markup = TEXT) -> Grid:
    """Lay the stages out beside each other, one row per imbalance, λ setting and class."""
    by_key = {
        (r["imbalance"], r["setting"], r["stage"], r["split"], r["class"]): r
        for r in table.summary.to_dict("records")
    }
    by_stage: dict[str, list[Column]] = {
        "raw": [
            ("raw, train", lambda r: _range(r["raw, train"])),
            ("raw, test", lambda r: _range(r["raw, test"])),
        ],
        "bias": [
            (
                "bias, train",
                lambda r: small(r["bias, train"].get("max_relative_difference", _NAN), markup),
            ),
            (f"bias, test [90{markup.percent}]", lambda r: gap_with_interval(r, markup)),
            ("verdict", lambda r: str(r["verdict"])),
            *_corrected(table, markup),
        ],
        "heldout": [
            (f"heldout, test [90{markup.percent}]", lambda r: _heldout(r, markup)),
            ("expected", lambda r: _expected(r["heldout, test"], markup)),
        ],
        "head": [
            (f"head, test [90{markup.percent}]", lambda r: _gap_or_verdict(r["head, test"], markup))
        ],
        "loo": [
            (
                f"repaired, test [90{markup.percent}]",
                lambda r: _gap_or_verdict(r["loo, test"], markup),
            )
        ],
    }
    columns: list[Column] = [
        (corner(markup), panel_name),
        ("class", lambda r: str(r["label"])),
        ("N", lambda r: f"{r['n_train']}"),
        *(column for stage in table.stages for column in by_stage[stage]),
    ]
    rows: list[Row] = []
    for (imbalance, setting), k in product(table.panels, range(len(table.labels))):
        at = {
            f"{stage}, {split}": by_key[imbalance, setting, stage, split, k]
            for stage in table.stages
            for split in ("train", "test")
        }
        rows.append(at | at[f"{table.headline}, test"] | {"first": k == 0})
    chosen = table.summary[table.summary["stage"] == table.headline]
    note = _note(table, chosen)
    if "heldout" in table.stages:
        note += f"\n{EXPECTED}"
    note = "\n".join([note, *_not_predicted(table)])
    heads = [head for head, _ in columns]
    minor = ["N", "raw, train", "bias, train", CORRECTED, VERDICT, "expected", "raw, test"]
    # What is repaired means nothing without what it was before.
    stages = ("repaired", "head", "heldout")
    minor += [head for stage in stages for head in heads if head.startswith(f"{stage}, ")]
    return lay_out(
        rows, columns, first="first", verbatim=(1,), keys=2, minor=tuple(minor), note=note
    )


def stage_grid(table: Networks, stage: str, markup: Markup = TEXT) -> Grid:
    """Lay everything at one stage out, one row per imbalance, λ setting, split and class.

    Parameters
    ----------
    table : Networks
    stage : {"raw", "bias", "heldout", "head", "loo"}
    markup : Markup

    Returns
    -------
    Grid
    """
    percent, p_kk = markup.percent, markup.either("p̄(k→k)", r"\bar p_{k \to k}")
    # It takes the place of what is said of new data: a page has no room for both.
    expected: list[Column] = [("expected", lambda r: _expected(r, markup))]
    columns: list[Column] = [
        (corner(markup), panel_name),
        ("split", lambda r: str(r["split"]) if r["first"] else ""),
        ("class", lambda r: str(r["label"])),
        (f"left,{percent}", lambda r: percent_with_mcse(r, "left", markup)),
        (f"right,{percent}", lambda r: percent_with_mcse(r, "right", markup)),
        (f"gap [90{percent}]", lambda r: gap_with_interval(r, markup)),
        ("verdict", lambda r: str(r["verdict"])),
        *(expected if stage == "heldout" else _corrected(table, markup)),
        (f"{p_kk},{percent}", lambda r: percent_with_mcse(r, "mean_proba", markup)),
        (f"accuracy,{percent}", lambda r: percent_with_mcse(r, "accuracy", markup)),
    ]
    chosen = table.summary[table.summary["stage"] == stage]
    keys = ["imbalance", "setting", "split"]
    groups = [rows.to_dict("records") for _, rows in chosen.groupby(keys, sort=False)]
    kept, folded = fold(groups, lambda r: f"{r['imbalance']:g}, {r['setting']}, {r['split']}")
    rows = [r | {"first": r["class"] == 0} for group in kept for r in group]
    note = "\n".join([*folded, _note(table, chosen)])
    note += f"\n{EXPECTED}" if stage == "heldout" else ""
    return lay_out(rows, columns, first="first", verbatim=(2,), note=note)


def joint_grid(table: Networks, markup: Markup = TEXT) -> Grid:
    """Lay what is said of all equations at once out, one row per imbalance, λ setting and stage."""
    records = table.joint.to_dict("records")
    key = ("imbalance", "setting", "stage")
    train = {tuple(r[k] for k in key): r for r in records if r["split"] == "train"}
    columns: list[Column] = [
        (corner(markup), panel_name),
        ("stage", lambda r: STAGE_NAMES[r["stage"]]),
        ("train", lambda r: str(train[tuple(r[k] for k in key)]["verdict"])),
        ("test", lambda r: str(r["verdict"])),
        *([] if table.shares_test_set else [(f"test, {CORRECTED}", corrected_verdict)]),
        (
            f"balanced accuracy,{markup.percent}",
            lambda r: percent_with_errors(r, "balanced_accuracy", markup),
        ),
        ("bias gradient", lambda r: small(r["max_bias_gradient"], markup)),
        ("path mean", lambda r: small(r.get("path_gradient", _NAN), markup)),
        ("ends differ by", lambda r: small(r.get("path_difference", _NAN), markup)),
        ("runs", _counts_and_reason),
    ]
    rows = [r | {"first": r["stage"] == table.stages[0]} for r in records if r["split"] == "test"]
    notes = [
        "path mean: of the minibatch bias gradient along the path",
        "ends differ by: path mean from what the biases at both ends say that it is",
        COUNTED,
        *([REPAIRED] if "loo" in table.stages else []),
        *few_runs_note(n_models(table.joint)),
    ]
    if table.n_images:
        notes += [
            resplit_note(table.n_images, "images"),
            f"{CORRECTED_FOR_GAPS}; in parentheses of the accuracy",
        ]
    note = "\n".join([*notes, *_same_images(table)])
    accuracy = f"balanced accuracy,{markup.percent}"
    minor = ("path mean", "ends differ by", "bias gradient", f"test, {CORRECTED}", accuracy)
    return lay_out(rows, columns, first="first", keys=2, minor=minor, note=note)


def _corrected(table: Networks, markup: Markup) -> list[Column]:
    """Columns of what is said of new data, where runs split one data set."""
    if table.shares_test_set:
        return []
    return [(CORRECTED, lambda r: corrected_interval(r, markup)), (VERDICT, corrected_verdict)]


def panel_name(row: Row) -> str:
    """Imbalance and λ setting, in the first row of theirs."""
    return f"{row['imbalance']:g}, {row['setting']}" if row["first"] else ""


def _counts_and_reason(row: Row) -> str:
    failed = row["verdict"] if row["verdict"] in (NO_MINIMUM, NOT_COMPUTED) else "failed"
    return counts(row) + (f" {failed}" if row["runs_failed"] else "")


def _note(table: Networks, rows: pd.DataFrame) -> str:
    """Say how many runs there are, and what their intervals contain where they split one set."""
    notes = [runs_note(rows), *few_runs_note(n_models(rows))]
    if table.n_images:
        notes += [resplit_note(table.n_images, "images"), CORRECTED_FOR_GAPS]
    else:
        notes += [*_same_images(table), *few_misses_note(rows.to_dict("records"))]
    return "\n".join(notes)


def _not_predicted(table: Networks) -> list[str]:
    return [
        f"imbalance {imbalance:g}, overfitting of the output layer: {reason}"
        for imbalance, reason in table.not_predicted.items()
    ]


def _same_images(table: Networks) -> list[str]:
    same = {f"imbalance {ratio:g}": classes for ratio, classes in table.same_images.items()}
    note = same_sample_note(same, len(table.labels))
    return [note] if note else []


def corner(markup: Markup) -> str:
    """Head of the column that says imbalance and λ setting."""
    return f"imbalance, {markup.either('λ', _LAMBDA)}"


def _gap_or_verdict(row: dict[str, Any], markup: Markup) -> str:
    """Write the gap where the output layer is at a minimum, else why it is not."""
    gap = gap_with_interval(row, markup)
    return str(row["verdict"]) if gap == "-" or row["verdict"] == NOT_CONVERGED else gap


def _heldout(row: Row, markup: Markup) -> str:
    return gap_with_interval(row["heldout, test"], markup)


def _expected(row: dict[str, Any], markup: Markup) -> str:
    """Write how far the gap of the mean may be from zero by the errors of the samples alone."""
    high = row.get("expected_high", _NAN)
    if high != high:
        return "-"
    plus_minus = f"{markup.plus_minus}{100 * high:.1f}{markup.percent}"
    return markup.math.format(plus_minus)


def _range(row: dict[str, Any]) -> str:
    """Left over right side in single runs, the least and the largest."""
    low, high = (row.get(f"{end}_ratio", _NAN) for end in ("least", "largest"))
    return "-" if low != low else f"{_factor(low)} to {_factor(high)}"


def _factor(value: float) -> str:
    return f"{value:.2g}" if 0.01 <= value < 100 else f"{value:.0e}"
