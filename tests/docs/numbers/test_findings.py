"""Numbers and tables of the pages are those of results/."""

import pytest

from tests.docs.blocks import ROOT
from tests.docs.numbers.said import page, points, results

TABLES = {
    "docs/explanation/small-samples.md": ("small-samples/coverage", "fitted-models/fitted_models"),
    "docs/how-to/boosted-trees.md": tuple(
        f"boosting/{table}"
        for table in (
            "decay", "two-classes-train", "two-classes-fresh", "three-classes-train",
            "three-classes-fresh",
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "table"), [(name, table) for name in TABLES for table in TABLES[name]]
)
def test_tables_are_those_of_the_results(name, table):
    text = (ROOT / "results" / f"{table}.md").read_text(encoding="utf-8")
    assert text in (ROOT / name).read_text(encoding="utf-8")


def table1():
    of = dict(list(results("table1/summary").groupby(["simulation", "split"])))
    yield "z = {:.1f}, {:.1f} and {:.1f} Monte Carlo".format(*of["sim1", "test"]["z_predicted"])
    assert list(of["sim1", "test"]["verdict"]) == ["holds"] * 3
    train, population = (of["sim2", split]["accuracy_0"][1:] for split in ("train", "population"))
    yield "{:.2f} and {:.2f} on train".format(*train)
    yield "{:.2f} and {:.2f} in the population".format(*population)
    assert list(of["sim2", "population"]["verdict"]) == ["holds", "fails", "fails"]


def classes():
    assert set(results("multiclass/summary")["verdict"]) == {"holds"}
    assert (results("multiclass/joint")["rejected"] > 0.05).all()
    yield "all equations hold on fresh data"


def controls():
    of = results("controls/summary")
    assert of["as_expected"].all()
    yield f"{len(of)} designs that break"


def claims():
    of = results("claims/hard_class").query("quantity == 'accuracy' and place == 'behind'")
    hard = of.set_index(["sizes", "loss", "n_easy"]).sort_index()["mean"]
    rare, equal = hard["rare"], hard["equal"]
    one, soft = "one-vs-all", "softmax"
    yield f"from an accuracy of {rare[one, 0]:.2f} to {rare[one, 6]:.2f} among six easy ones"
    yield f"(softmax: {rare[soft, 6]:.2f}), one of as many samples only from"
    yield f"{equal[one, 0]:.2f} to {equal[one, 6]:.2f} (softmax: {equal[soft, 6]:.2f})"
    gain = results("claims/summary").set_index("claim")["observed"]
    at_one = gain["LGL-INR raises the hard class's accuracy"]
    yield f"LGL-INR does, 0.00 to {at_one:.2f}"
    at_zero = at_one - gain["hardness weights raise the hard class's accuracy, β = 1 against 0"]
    yield f"at β = 0, which has none, it is {at_zero:.2f}"


def digits():
    of = results("cnn-digits/summary").query("stage == 'raw' and split == 'train'")
    yield f"factors of {of['least_ratio'].min():.2f} to {of['largest_ratio'].max():.0f}"
    against = results("losses-digits/differences").set_index(["loss", "other"])
    shared = against.loc[("lgl-inr beta=1", "sml")]
    matched = against.loc[("lgl-inr beta=1 matched", "sml")]
    yield f"{100 * shared['difference']:.1f} points ahead of the softmax loss, 90 % interval"
    yield points(shared, signed=True)
    yield f"(dashed) {100 * matched['difference']:.1f}, {points(matched, signed=True)}"
    corrected = [
        points(row, ("corrected_low", "corrected_high"), True) for row in (shared, matched)
    ]
    yield "here {} and {}".format(*corrected)


def published():
    of = results("losses-table3/differences").query("loss == 'lgl-inr beta=1' and other == 'sml'")
    of = of.set_index("dataset")
    for name, data in (("Kuzushiji-MNIST", "kmnist"), ("MNIST", "mnist")):
        row = of.loc[data]
        points_ahead = " points" if data == "kmnist" else ""
        yield f"by {100 * row['difference']:.2f}{points_ahead} {points(row)} on {name}"
    row = -of.loc["fashion-mnist", ["difference", "low", "high"]]
    yield f"behind by {100 * row['difference']:.2f} {points(row, ('high', 'low'))} on Fashion-MNIST"
    assert row["difference"] < of.loc["fashion-mnist", "test_error"]


@pytest.mark.parametrize("of", [table1, classes, controls, claims, digits, published])
def test_findings_have_the_numbers_of_the_results(of):
    said = list(of())
    assert said
    for phrase in said:
        assert phrase in page("findings")
