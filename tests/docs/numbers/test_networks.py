"""Numbers of cnn.md and hidden-layers.md are those of results/."""

import math

import pytest

from tests.docs.numbers.said import page, points, results


def shown(value, error):
    """Value and error in per cent, to two digits of the error."""
    digits = 1 - math.floor(math.log10(100 * error))
    return f"{100 * value:.{digits}f} ± {100 * error:.{digits}f}"


def gap(row):
    """Gap with its interval in per cent."""
    return f"{100 * row['gap']:+.1f} {points(row, ('gap_low', 'gap_high'), signed=True)}"


def on_test(study, stage, setting, imbalance=None):
    found = results(f"{study}/summary").query("split == 'test'").set_index("label")
    chosen = (found["stage"] == stage) & (found["setting"] == setting)
    return found[chosen & ((found["imbalance"] == imbalance) | (imbalance is None))]


def failing_classes():
    inverse, equal = (on_test("cnn-digits", "bias", setting) for setting in ("inverse", "equal"))
    yield f"from {100 * inverse['gap'].iloc[0]:.0f} % in the commonest class"
    yield f"to {100 * inverse['gap'].iloc[-1]:+.0f} % in the rarest"
    fail = [(of["verdict"] == "fails").sum() for of in (inverse, equal)]
    assert sum(fail) == 9
    yield "Of the nine gaps on test that fail on digits one fails under them (class 1, inverse"
    corrected = inverse.query("corrected_verdict == 'fails'").index
    assert [*map(str, corrected)] == ["1"]
    assert not (equal["corrected_verdict"] == "fails").any()
    for study in (
        "cnn-digits",
        "cnn-digits-decay",
        "cnn-fashion-mnist",
        "cnn-fashion-mnist-heldout",
    ):
        test = results(f"{study}/summary").query("split == 'test'")
        assert not (test["verdict"] == "holds").any()  # "could not be shown for any class"
    rare = on_test("cnn-fashion-mnist", "bias", "inverse", 100).query("verdict == 'fails'")
    assert len(rare) == 6
    less, more = ([str(n) for n in rare.query(f"gap {sign} 0")["n_train"]] for sign in ("<", ">"))
    yield f"those of {less[0]}, {less[1]} and {less[2]} training images"
    yield f"those of {more[0]}, {more[1]} and {more[2]}, where the left is"


def held_out():
    study = "cnn-fashion-mnist-heldout"
    train, out = (on_test(study, stage, "inverse") for stage in ("bias", "heldout"))
    for label in train.query("verdict == 'fails'").index:
        before, after = train.loc[label], out.loc[label]
        name = f"{label}, {before['n_train']}"
        within = f"±{100 * after['expected_high']:.1f}"
        yield f"| {name} | {gap(before)} fails | {gap(after)} | {within} |"
    for label in ("trouser", "sneaker", "dress"):
        before, after = (100 * of.loc[label, "gap"] for of in (train, out))
        within = f"±{100 * out.loc[label, 'expected_high']:.1f}"
        yield f"{label} {before:+.1f} to {after:+.1f}, of {within}"
    others = train.query("verdict != 'fails'").index
    assert (out["gap"].abs() > train["gap"].abs())[others].sum() == 3
    both = [on_test(study, "heldout", setting) for setting in ("equal", "inverse")]
    assert all((of["gap"].abs() < of["expected_high"]).all() for of in both)
    widths = [100 * of["expected_high"] for of in both]
    yield f"(±{min(map(min, widths)):.0f} to ±{max(map(max, widths)):.0f} %, by class)"
    yield f"an SD of {100 * out.loc['ankle boot', 'validation_sd']:.0f} % by that sample"
    of = results(f"{study}/joint").query("split == 'test'").set_index(["setting", "stage"])
    of = of[["balanced_accuracy", "balanced_accuracy_mcse"]] * 100
    yield "{:.2f} ± {:.2f} % refined on train and".format(*of.loc["inverse", "bias"])
    yield "and {:.2f} ± {:.2f} % held out".format(*of.loc["inverse", "heldout"])
    yield "{:.2f} ± {:.2f} and".format(*of.loc["equal", "bias"])
    yield "and {:.2f} ± {:.2f}.".format(*of.loc["equal", "heldout"])


def left_out():
    def of(stage, setting):
        return on_test("cnn-digits-decay", stage, setting)

    head, loo = of("head", "inverse"), of("loo", "inverse")
    for label in ("0", "1", "7", "8", "9"):
        before, after = (table.set_axis(table.index.map(str)).loc[label] for table in (head, loo))
        cells = [
            shown(row[name], row[f"{name}_mcse"])
            for row, name in (
                (before, "overfitting_and_sampling"), (before, "overfitting_predicted"),
                (after, "residual"),
            )
        ]  # fmt: skip
        yield f"| {label}, {before['n_train']} | {' | '.join(cells)} |"
    sums = [
        [
            100 * of(stage, setting)[name].abs().sum()
            for stage, name in (
                ("head", "overfitting_and_sampling"), ("head", "overfitting_predicted"),
                ("loo", "residual"),
            )
        ]
        for setting in ("inverse", "equal")
    ]  # fmt: skip
    yield "{:.0f} % observed and {:.0f} % predicted, and {:.0f} % is left".format(*sums[0])
    yield "(equal weights: {:.0f}, {:.0f} and {:.0f} %)".format(*sums[1])
    first, last = head["gap"].iloc[[0, -1]] * 100
    yield f"are {first:.0f} % in the commonest class and {last:+.0f} % in the rarest"
    ends = [f"{100 * row['gap']:+.0f} % {points(row, ('gap_low', 'gap_high'), True, 0)}"
            for _, row in loo.iloc[[0, -1]].iterrows()]  # fmt: skip
    yield "at stage `loo` {} and {}".format(*ends)
    assert [(table["verdict"] == "fails").sum() for table in (head, loo)] == [8, 1]
    yield "eight of ten classes fail Eq. (9) before, one after"


def linearised():
    """Of hidden-layers.md what results/table1 has: the deepest training, and the gaps of all."""
    of = results("table1/summary").query("simulation == 'sim2' and split == 'test'")
    equal, *others = [row for _, row in of.iterrows()]

    def pair(row, name, sign="+"):
        return f"{row[name]:{sign}.4f} ± {row[f'{name}_mcse']:.4f}"

    for row in others:
        yield f"| 300 | {pair(row, 'overfitting')} | {pair(row, 'overfitting_predicted')} |"
    said = pair(equal, "overfitting_predicted"), pair(equal, "overfitting", "")
    yield "the derivatives say {} and {} is observed".format(*said)
    of = results("table1/depth").query("split == 'population' and stage == 'head'")
    for setting, rows in list(of.groupby("setting", sort=False))[1:]:
        first, *rest = zip(rows["max_iter"], rows["gap"], strict=True)
        yield f"| {setting} | {first[0]} | {100 * first[1]:+.1f} % |"
        for depth, gap_there in rest:
            yield f"| {depth} | {100 * gap_there:+.1f} % |"


PARTS = [
    ("cnn", failing_classes),
    ("cnn", held_out),
    ("cnn", left_out),
    ("hidden-layers", linearised),
]


@pytest.mark.parametrize(("name", "of"), PARTS)
def test_pages_of_networks_have_the_numbers_of_the_results(name, of):
    said = list(of())
    assert said
    for phrase in said:
        assert phrase in page(name)
