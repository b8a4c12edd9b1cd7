"""Numbers of losses.md are those of results/."""

import pytest

from tests.docs.numbers.said import page, points, results

DATA = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "kmnist": "KMNIST"}
LOSSES = {"lgl": "LGL", "sml": "SML", "lgl-inr beta=1": "LGL-INR"}


def differences(study):
    return results(f"{study}/differences").set_index(["dataset", "loss", "other"])


def accuracies(study):
    found = results(f"{study}/summary").query("split == 'test'")
    return found.set_index(["dataset", "setting"])


def ahead(row):
    """A difference with its interval, in points."""
    return f"{100 * row['difference']:+.2f} {points(row, signed=True, digits=2)}"


def what_to_take_away():
    of = differences("losses-table3")
    row = of.loc["kmnist", "lgl-inr beta=1", "sml"]
    yield f"by {ahead(row)[1:5]} points {ahead(row)[6:]}"
    assert 4 < row["difference"] / row["test_error"] < 4.5  # four standard errors
    row = of.loc["mnist", "lgl-inr beta=1", "sml"]
    yield f"ahead by {ahead(row)[1:5]} {ahead(row)[6:]}"
    row = -of.loc[("fashion-mnist", "lgl-inr beta=1", "sml"), ["difference", "low", "high"]]
    yield f"behind by {100 * row['difference']:.2f} {points(row, ('high', 'low'))}"
    of = differences("losses-table3-matched")
    for data, words in ("kmnist", "{} of a lead of {:.2f} on"), ("mnist", "{} of {:.2f} on MNIST"):
        matched, shared = (of.loc[data, f"lgl-inr beta=1{how}", "sml"] for how in (" matched", ""))
        yield words.format(ahead(matched)[1:], 100 * shared["difference"])


def table3():
    of, accuracy = differences("losses-table3"), accuracies("losses-table3")
    for data, name in DATA.items():
        cells = [
            f"{100 * row['accuracy']:.2f} ({100 * row['accuracy_sd']:.2f})"
            for row in (accuracy.loc[data, loss] for loss in LOSSES)
        ]
        rows = [
            of.loc[data, loss, other]
            for loss, other in (
                ("lgl", "sml"),
                ("lgl-inr beta=1", "sml"),
                ("lgl-inr beta=1", "lgl"),
            )
        ]
        cells += [f"{ahead(row)} {row['verdict']}" for row in rows]
        cells.append(f"{100 * max(row['test_error'] for row in rows):.2f}")
        yield f"| {name} | {' | '.join(cells)} |"


def statements():
    of = results("losses-table3/statements").set_index(["quantity", "design"])
    for words, quantity in (
        ("LGL is poorer than SML", "LGL less SML"),
        ("LGL-INR outperforms SML", "LGL-INR less SML"),
        ("LGL-INR outperforms LGL", "LGL-INR less LGL"),
    ):
        verdicts = [of.loc[quantity, f"{data} cnn2c"]["verdict"] for data in DATA]
        row = of.loc[quantity, "overall cnn2c"].rename({"observed": "difference"})
        yield f"| {words} | {' | '.join(verdicts)} | {row['verdict']}, {ahead(row)} |"
    of = results("losses-table3/statements").set_index("quantity")["observed"]
    assert (of["classes ahead of SML"], of["classes ahead of LGL"]) == (9, 8)


def papers_numbers():
    plain, hidden = accuracies("losses-table3"), accuracies("losses-cnn2c-500")
    cells = [(data, loss) for data in ("kmnist", "fashion-mnist") for loss in LOSSES]

    def line(name, of, value, error=None):
        shown = []
        for cell in cells:
            if cell not in of.index:
                shown.append("")
                continue
            row = of.loc[cell]
            shown.append(f"{100 * row[value]:.2f}")
            shown[-1] += f" ± {100 * row[error]:.2f}" if error else ""
        return " ".join(f"| {name} | {' | '.join(shown)} |".split())

    yield line("paper", plain, "paper", "paper_error")
    yield line("CNN2C", plain, "accuracy", "accuracy_mcse")
    yield line("CNN2C, best epoch", plain, "best_epoch_accuracy")
    yield line("CNN2C-500", hidden, "accuracy", "accuracy_mcse")
    yield line("CNN2C-500, best epoch", hidden, "best_epoch_accuracy")
    constants, mean = accuracies("losses-cnn2c-500-constants"), accuracies("losses-cnn2c-500-mean")
    yield line("CNN2C-500, MNIST's constants", constants, "accuracy", "accuracy_mcse")
    yield line("CNN2C-500, LGL averaged over its outputs", mean, "accuracy", "accuracy_mcse")
    moved = [100 * (constants["accuracy"] - hidden["accuracy"])["kmnist", loss] for loss in LOSSES]
    yield "{:+.2f}, {:+.2f} and {:+.2f}".format(*moved)
    below = [
        100 * (plain["paper"] - mean["accuracy"])[data, "lgl"]
        for data in ("kmnist", "fashion-mnist")
    ]
    yield "{:.1f} and {:.1f} points *below* the paper".format(*below)


def ranking():
    of = differences("losses-cnn2c-500")
    kuzushiji, fashion = of.loc["kmnist", "lgl", "sml"], of.loc["fashion-mnist", "lgl", "sml"]
    yield f"{ahead(kuzushiji)} on KMNIST, on Fashion-MNIST {ahead(fashion)}, {fashion['verdict']}"
    rows = [of.loc["kmnist", "lgl-inr beta=1", other] for other in ("lgl", "sml")]
    yield " and ".join(f"{100 * row['difference']:.2f} {points(row)}" for row in rows)


def matched_digits():
    of = differences("losses-digits")
    names = {
        "lgl": "LGL",
        **{f"lgl-inr beta={beta}": f"LGL-INR, β = {beta}" for beta in (0, 1, 4)},
    }
    for loss, name in names.items():
        cells = []
        for row in (of.loc["digits", f"{loss}{how}", "sml"] for how in ("", " matched")):
            corrected = points(row, ("corrected_low", "corrected_high"), signed=True, digits=2)
            cells += [f"{ahead(row)} {row['verdict']}", corrected]
        yield f"| {name} | {' | '.join(cells)} |"
    shared = of.loc["digits", "lgl-inr beta=0", "lgl-inr beta=1"]
    matched = of.loc["digits", "lgl-inr beta=0 matched", "lgl-inr beta=1 matched"]
    yield f"learning rate (0.00 {ahead(shared)[6:]})"
    yield f"at steps of one size ({ahead(matched)})"


def matched_data():
    of = differences("losses-table3-matched")
    for data in ("mnist", "kmnist"):
        rows = [of.loc[data, f"lgl-inr beta=1{how}", "sml"] for how in ("", " matched")]
        error = 100 * max(row["test_error"] for row in rows)
        cells = [f"{ahead(row)} {row['verdict']}" for row in rows]
        yield f"| {DATA[data]} | {' | '.join(cells)} | {error:.2f} |"
    for study, data in ("losses-table3-matched", "kmnist"), ("losses-digits", "digits"):
        of = differences(study)
        row = of.loc[data, "lgl-inr beta=1 matched", "lgl-inr beta=1"]
        whole = 100 * of.loc[data, "lgl-inr beta=1", "sml"]["difference"]
        low, high = -100 * row["high"], -100 * row["low"]
        yield f"{-100 * row['difference']:.2f} [{low:.2f}, {high:.2f}] of {whole:.2f}"


def table5():
    of = accuracies("losses-table5").loc["kmnist"]
    first, *others = (of.loc[f"lgl-inr beta={beta}"] for beta in (1, 2, 4))
    cells = [f"{100 * first['accuracy']:.2f} (SD {100 * first['accuracy_sd']:.2f})"]
    cells += [f"{100 * row['accuracy']:.2f} ({100 * row['accuracy_sd']:.2f})" for row in others]
    yield ", ".join(cells) + " at β = 1, 2, 4"
    yield "{:.2f}, {:.2f}, {:.2f}".format(*(100 * of["paper"]))
    of = differences("losses-table5").loc["kmnist"]
    beta = "lgl-inr beta={}".format
    row = of.loc[beta(1), beta(4)]
    yield f"of 4 by {100 * row['difference']:.2f} {points(row)}"
    row = of.loc[beta(1), beta(2)]
    yield f"of 2 by {100 * row['difference']:.2f} {points(row, signed=True, digits=2)}"


def hard_class():
    of = results("claims/hard_class").query("quantity == 'accuracy'")
    of = of.set_index(["place", "sizes", "loss", "n_easy"]).sort_index()

    def accuracy(*which):
        row = of.loc[which]
        return f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"

    def means(place, sizes, loss, *n):
        return ", ".join(f"{of.loc[(place, sizes, loss, k), 'mean']:.3f}" for k in n)

    yield f"{accuracy('behind', 'equal', 'one-vs-all', 0)} alone and of equal size"
    yield f"{accuracy('behind', 'equal', 'one-vs-all', 6)} with six easy classes behind it"
    yield f"{accuracy('behind', 'rare', 'one-vs-all', 0)} rare and alone, and"
    yield f"{means('behind', 'rare', 'one-vs-all', 6)} rare with six"
    equal, rare = (means("behind", sizes, "softmax", 0, 6) for sizes in ("equal", "rare"))
    yield f"under softmax {equal}, {rare}"
    yield f"does as much as six ({means('behind', 'rare', 'one-vs-all', 1)})"
    yield f"({means('beside', 'rare', 'one-vs-all', 0, 1, 2)} with none, one, two)"
    softmax = means("beside", "equal", "softmax", 2)
    yield f"({means('beside', 'equal', 'one-vs-all', 0, 1, 2)}; softmax {softmax})"
    of = results("claims/summary").set_index("claim")

    def observed(claim):
        row = of.loc[claim]
        ends = sorted(abs(row[["low", "high"]]))
        return f"{abs(row['observed']):.3f} [{ends[0]:.3f}, {ends[1]:.3f}]"

    gain = observed("LGL-INR raises the hard class's accuracy")
    yield f"a gain of {gain}"
    of_hardness = "hardness weights raise the hard class's accuracy, β = {} against 0".format
    yield f"β = 1 is {observed(of_hardness(1))} below that"
    yield f"β = 8 is {observed(of_hardness(8))} below it"
    lower = observed("hardness weights lower the hard class's p̄ of the target, β = 1 against 0")
    yield f"by {lower}"
    at_one = of.loc["LGL-INR raises the hard class's accuracy", "observed"]
    beyond = of.loc["LGL-INR raises it above that of inverse weights", "observed"]
    yield f"{at_one - beyond:.3f} of these {at_one:.3f}"


PARTS = [
    what_to_take_away, table3, statements, papers_numbers, ranking, matched_digits, matched_data,
    table5, hard_class,
]  # fmt: skip


@pytest.mark.parametrize("of", PARTS)
def test_losses_have_the_numbers_of_the_results(of):
    said = list(of())
    assert said
    for phrase in said:
        assert phrase in page("losses")
