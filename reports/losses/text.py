"""The comparison of losses as text: Tables 3, 4 and 5, all accuracies, differences, balance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reports.formatting import LATEX, TEXT, Markup, decimals, small
from reports.grid import Grid, runs_note
from reports.losses.paper import TABLE_3, TABLE_4, TABLE_5, TEST_SIZE, binomial_error
from reports.losses.summary import Comparison
from simulations.criteria import LOSSES
from simulations.datasets import dataset_named
from simulations.fitters.fit import NOT_CONVERGED

NETWORKS = {
    "cnn2c": "CNN2C",
    "cnn5c": "CNN5C",
    "mobilenetv2": "MobileNetV2",
    "resnet18": "ResNet-18",
}

_NAN = float("nan")


def loss_name(loss: str, beta: float = _NAN, matched: bool = False) -> str:
    """Write a loss as the paper calls it.

    Examples
    --------
    >>> loss_name("lgl-inr", 2.0), loss_name("lgl", matched=True)
    ('LGL-INR, β = 2', 'LGL, matched')
    """
    name = loss.upper() + (f", β = {beta:g}" if loss == "lgl-inr" and beta == beta else "")
    return name + (", matched" if matched else "")


def short_title(dataset: str) -> str:
    """Write the name of a data set where there is little room.

    Examples
    --------
    >>> short_title("digits"), short_title("kmnist")
    ('Digits', 'Kuzushiji-MNIST')
    """
    return "Digits" if dataset == "digits" else dataset_named(dataset).title


def overview_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay the accuracies out, one row per data set, network and loss.

    Parameters
    ----------
    table : Comparison
    markup : Markup

    Returns
    -------
    Grid
    """
    percent = markup.percent
    heads = (
        "data, network",
        "loss",
        f"test accuracy (SD),{percent}",
        "MCSE",
        f"paper,{percent}",
        "against SML",
        f"train accuracy,{percent}",
        "gradient at start",
        "runs",
    )
    by_key = {(*_where(r), r["split"]): r for r in table.summary.to_dict("records")}
    rows: list[tuple[str, ...] | None] = []
    before = ("", "")
    for dataset, model, setting in dict.fromkeys(key[:3] for key in by_key):
        row, train = (by_key[dataset, model, setting, split] for split in ("test", "train"))
        first = (dataset, model) != before
        rows += [None] if rows and first else []
        before = dataset, model
        rows.append(
            (
                _panel_name(row) if first else "",
                _setting(row, markup),
                _with_sd(row, markup),
                _points(row["accuracy_mcse"], markup),
                _paper(row["paper"], row["paper_error"], markup),
                str(row["verdict"]),
                _number(train["accuracy"], markup),
                "-" if math.isnan(row["gradient_at_start"]) else f"{row['gradient_at_start']:.2f}",
                f"{row['runs_attempted']} / {row['runs_converged']} / {row['runs_failed']}",
            )
        )
    note = (
        "SD and MCSE over runs, in percentage points; paper: one run, ± binomial error on its test "
        "set\ngradient at start: its norm over that of the softmax loss; matched: scaled to one\n"
        "runs: attempted / converged (no gradient in the output bias, as trained) / failed"
    )
    return Grid(heads, tuple(rows), note=note)


def differences_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay differences of test accuracies out, in percentage points, one row per pair of losses.

    Parameters
    ----------
    table : Comparison
    markup : Markup

    Returns
    -------
    Grid
    """
    heads = ("data, network", "loss", "less that of", f"difference [90{markup.percent}]",
             "verdict", "runs")  # fmt: skip
    settings = {r["setting"]: _setting(r, markup) for r in table.summary.to_dict("records")}
    rows: list[tuple[str, ...] | None] = []
    before = ""
    records = table.differences.to_dict("records")
    for row in records:
        name = _panel_name(row)
        rows += [None] if rows and name != before else []
        rows.append(
            (
                name if name != before else "",
                settings[row["loss"]],
                settings[row["other"]],
                _interval(row, markup),
                str(row["verdict"]),
                str(row["runs"]),
            )
        )
        before = name
    n = sum(r["runs"] > 1 for r in records)
    note = (
        "percentage points; higher and lower: the interval is on one side of zero\n"
        f"{n} comparisons, each on its own: of equal losses {0.1 * n:.2g} would be higher or lower"
    )
    return Grid(heads, tuple(rows), note=note)


def table3_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay Table 3 out: MNIST-type data, ours beside the paper's."""
    return _paper_grid(table, TABLE_3, markup)


def table4_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay Table 4 out: CIFAR-10, ours beside the paper's."""
    return _paper_grid(table, TABLE_4, markup)


def table5_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay Table 5 out: β of LGL-INR on KMNIST, ours beside the paper's."""
    where = "dataset == 'kmnist' and model == 'cnn2c' and loss == 'lgl-inr' and not matched"
    mine = table.summary.query(f"split == 'test' and {where}").set_index("beta")
    rows = []
    for beta in sorted({*TABLE_5, *mine.index}):
        row = mine.loc[beta].to_dict() if beta in mine.index else {}
        printed = TABLE_5.get(beta, _NAN) / 100
        rows.append(
            (
                f"{beta:g}",
                _with_sd(row, markup),
                _points(row.get("binomial_error", _NAN), markup),
                _paper(printed, binomial_error(printed, TEST_SIZE), markup),
            )
        )
    heads = (
        "$\\beta$" if markup is LATEX else "β",
        f"ours (SD),{markup.percent}",
        "binomial error",
        f"paper,{markup.percent}",
    )
    full = {*TABLE_5, *mine.index} <= set(mine.index[mine["runs_attempted"] > 0])
    command = _command("kmnist", "cnn2c", " --loss lgl-inr --beta 1,2,4")
    return Grid(heads, tuple(rows), note=_notes(mine.reset_index(), "" if full else command))


def balance_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay the balance of each loss out: Eq. (9), of LGL-INR E10; the worst class of each row.

    Parameters
    ----------
    table : Comparison
    markup : Markup

    Returns
    -------
    Grid
    """
    heads = ("data, network", "loss", "raw, train", "raw, test", "bias, train", "bias, test",
             "verdicts on test", "mean along the path", "E9 is off by")  # fmt: skip
    rows: list[tuple[str, ...] | None] = []
    before = ""
    keys = ["dataset", "model", "setting"]
    for _, mine in table.balance.groupby(keys, sort=False):
        first = mine.iloc[0].to_dict()
        name = _panel_name(first)
        rows += [None] if rows and name != before else []
        worst = mine.groupby(["stage", "split"])["largest_difference"].max()
        refined = mine.query("stage == 'bias' and split == 'test'")
        rows.append(
            (
                name if name != before else "",
                _setting(first, markup),
                *(
                    small(float(worst.get((stage, split), _NAN)), markup)
                    for stage in ("raw", "bias")
                    for split in ("train", "test")
                ),
                _verdict_counts(refined),
                small(first["path_gradient"], markup),
                small(first["path_difference"], markup),
            )
        )
        before = name
    note = (
        "left - right side over the class's mass, the largest of all classes and runs; bias: with "
        "the output bias refined on train\nmean along the path: of the minibatch gradient in the "
        "output bias, largest of all classes; E9 says it from the path's ends"
    )
    return Grid(heads, tuple(rows), note=note)


def _paper_grid(
    table: Comparison, printed: Mapping[tuple[str, str], Mapping[str, float]], markup: Markup
) -> Grid:
    """One row per network and loss, two columns per data set; what was not run is empty."""
    datasets = list(dict.fromkeys(dataset for dataset, _ in printed))
    models = list(dict.fromkeys(model for _, model in printed))
    mine = table.summary.query("split == 'test'")
    mine = mine[mine["dataset"].isin(datasets) & mine["model"].isin(models)]
    by_key = {(*_where(r)[:2], _kind(r)): r for r in mine.to_dict("records")}
    others = [k for k in dict.fromkeys(map(_kind, mine.to_dict("records"))) if k not in _PRINTED]
    rows: list[tuple[str, ...] | None] = []
    missing = []
    for model in models:
        rows += [None] if rows else []
        kinds = [*_PRINTED, *(k for k in others if any((d, model, k) in by_key for d in datasets))]
        for i, kind in enumerate(kinds):
            cells = []
            for dataset in datasets:
                row = by_key.get((dataset, model, kind), {})
                if kind in _PRINTED and not row.get("runs_attempted"):
                    missing.append((dataset, model))
                number = printed[dataset, model][kind[0]] / 100 if kind in _PRINTED else _NAN
                paper = _paper(number, binomial_error(number, TEST_SIZE), markup)
                cells += [_with_sd(row, markup), paper]
            name = loss_name(*kind) if kind[1] != 1 else loss_name(kind[0], matched=kind[2])
            rows.append((NETWORKS[model] if i == 0 else "", _text(name, markup), *cells))
    heads = ["network", "loss"]
    for dataset in datasets:
        title = dataset_named(dataset).title
        heads += [f"{title},{markup.percent}", f"{title}, paper"]
    command = _command(
        ",".join(d for d in datasets if d in {d for d, _ in missing}),
        ",".join(m for m in models if m in {m for _, m in missing}),
    )
    return Grid(tuple(heads), tuple(rows), note=_notes(mine, command if missing else ""))


Kind = tuple[str, float, bool]
"""Loss, β, and whether its step is matched."""

_PRINTED: list[Kind] = [(name, 1.0, False) for name in LOSSES]


def _kind(row: Mapping[str, Any]) -> Kind:
    return row["loss"], row["beta"] if row["loss"] == "lgl-inr" else 1.0, bool(row["matched"])


def _notes(frame: Any, command: str) -> str:
    """Say how many runs there are, and how to fill what is empty."""
    done = frame[frame["runs_attempted"] > 0]
    lines = ["ours: mean (SD over runs); paper: one run, ± binomial error"]
    if len(done):
        lines.append(runs_note(done).replace("converged", "converged as trained"))
    if command:
        lines.append(f"empty cells were not run: {command}")
    return "\n".join(lines)


def _command(datasets: str, models: str, options: str = "") -> str:
    return f"learnprop losses --dataset {datasets} --model {models}{options} --out FOLDER"


def _where(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["dataset"], row["model"], row["setting"]


def _panel_name(row: Mapping[str, Any]) -> str:
    return f"{short_title(row['dataset'])}, {NETWORKS[row['model']]}"


def _setting(row: Mapping[str, Any], markup: Markup) -> str:
    return _text(loss_name(row["loss"], row["beta"], bool(row["matched"])), markup)


def _text(name: str, markup: Markup) -> str:
    return name.replace("β", r"$\beta$") if markup is LATEX else name


def _number(value: float, markup: Markup, n: int = 2) -> str:
    return "" if math.isnan(value) else markup.math.format(f"{100 * value:.{n}f}")


def _with_sd(row: Mapping[str, Any], markup: Markup) -> str:
    """Accuracy in per cent, with its SD over runs where there is one."""
    mean, sd = row.get("accuracy", _NAN), row.get("accuracy_sd", _NAN)
    if math.isnan(mean):
        return ""
    if math.isnan(sd):
        return _number(mean, markup) + " (-)"
    return f"{_number(mean, markup)} {markup.math.format(f'({100 * sd:.2f})')}"


def _points(value: float, markup: Markup) -> str:
    if math.isnan(value):
        return "-"
    return markup.math.format(f"{100 * value:.{decimals(100 * value)}f}")


def _paper(printed: float, error: float, markup: Markup) -> str:
    if math.isnan(printed):
        return ""
    return markup.math.format(f"{100 * printed:.2f}{markup.plus_minus}{100 * error:.2f}")


def _interval(row: Mapping[str, Any], markup: Markup) -> str:
    if math.isinf(row["low"]):
        return markup.math.format(f"{100 * row['difference']:+.2f}")
    ends = f"[{100 * row['low']:+.2f}, {100 * row['high']:+.2f}]"
    return markup.math.format(f"{100 * row['difference']:+.2f}{markup.space}{ends}")


def _verdict_counts(refined: Any) -> str:
    if "verdict" not in refined or refined["verdict"].isna().all():
        return "-"
    counts = refined["verdict"].value_counts()
    order: Sequence[str] = ("holds", "inconclusive", "fails", NOT_CONVERGED, "interpolated")
    return ", ".join(f"{counts[v]} {v}" for v in order if v in counts)
