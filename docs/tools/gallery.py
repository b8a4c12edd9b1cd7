"""Writes ``docs/gallery.md``: every published figure, and the command that made it.

``make docs`` runs it; a test holds what is committed against what it would write.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "gallery.md"
PARTS = "docs/pictures/balance-*.png"

HEAD = """# Gallery

Every published figure, the command that made it, and the numbers behind it.
"""

TITLES = {
    "table1": "The paper's Table 1: both sides of Eq. (10)",
    "multiclass": "Eq. (9) of five classes",
    "controls": "What breaks the balance, and by how much",
    "claims": "The paper's other statements",
    "explore": "What a weight does: a grid of imbalance and weights",
    "fresh": "Fresh data: the gap that features open",
    "cnn-digits": "Networks on digits: as trained, and refined",
    "cnn-digits-decay": "Networks on digits: what the output layer learns by heart",
    "cnn-fashion-mnist": "Networks on Fashion-MNIST: three imbalances",
    "cnn-fashion-mnist-heldout": "Networks on Fashion-MNIST: a bias refined on held-out images",
    "losses-digits": "The paper's losses on digits, also at steps of one size",
    "losses-table3": "The paper's Table 3: its losses on three data sets",
    "losses-table3-matched": "Table 3 at steps of one size",
    "losses-table5": "The paper's Table 5: LGL-INR at three β",
    "losses-cnn2c-500": "A hidden layer of 500: the paper's losses",
    "losses-cnn2c-500-constants": "A hidden layer of 500: images by MNIST's constants",
    "losses-cnn2c-500-mean": "A hidden layer of 500: LGL averaged over its outputs",
    "boosting": "Boosted trees: how far from balance they end",
    "fitted-models": "Tests of one fitted model: how often they reject",
    "small-samples": "Intervals in small samples: how often they cover",
}
"""What one sees, by folder of results/, in their order."""

CAPTIONS = {
    "table1/table1": "Left side of Eq. (10) on test data over 100 runs, with what theory predicts "
    "and the paper's",
    "table1/zip": "Every run's own interval of the gap, ranked by how many of its arms it is from "
    "zero, and how many have zero inside",
    "multiclass/mean_proba": "Mean predicted probabilities on test data under three choices of "
    "weights, and the residual of each class",
    "multiclass/sides": "Both sides of Eq. (9) on test data by class, and their gap, with 90 % "
    "intervals",
    "fresh/gap": "Gap on fresh data over features per training sample: predicted, observed, "
    "repaired",
    "controls/controls": "Predicted and observed residuals of the controls",
    "explore/sides": "Left against right side of Eq. (10) on test data, and their gap",
    "explore/mean_proba": "Mean probability of the own class against the weight of class 0",
    "explore/accuracy": "Accuracy of each class against the weight of class 0",
    "explore/gap": "Gap on test data by weights and imbalance",
    "cnn/stages": "Left over right side of Eq. (9) by class and stage",
    "cnn/epochs": "Residual of each class over the training",
    "cnn/mean_proba": "Mean predicted probabilities on test data, and the residual of each class",
    "losses/accuracy": "Test accuracy over the training, by loss",
    "losses/confusion": "Confusion matrices on test images, by loss",
    "boosting/decay": "Left over right side of Eq. (9) over the rounds of boosting",
}
"""What a figure shows, by study and stem; of ``confusion_kmnist_cnn2c`` the first word counts."""


def page(root: Path = ROOT) -> str:
    """Write the gallery.

    Parameters
    ----------
    root : Path
        A checkout.

    Returns
    -------
    str
        Markdown, whose links are relative to docs/.
    """
    folders = sorted(path.parent for path in (root / "results").glob("*/provenance.json"))
    folders = [folder for folder in folders if folder.name != "page"]
    folders.sort(key=lambda folder: list(TITLES).index(folder.name))
    return HEAD + _page(root) + "".join(_folder(folder) for folder in folders)


def _folder(folder: Path) -> str:
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    study, here = provenance["study"], f"../results/{folder.name}"
    text = _head(folder.name, TITLES[folder.name])
    text += f"\n`results/{folder.name}`:\n\n```sh\n{shlex.join(provenance['command'])}\n```\n"
    for figure in sorted(folder.glob("*.png")):
        words = caption(study, figure.stem)
        text += f"\n![{words}]({here}/{figure.name})\n\n*{words}*\n"
    numbers = [path.name for path in sorted(folder.glob("*.csv"))]
    read = [path.name for path in sorted(folder.glob("*.md"))]
    for kind, names in ("Numbers", numbers), ("To read", [*read, "provenance.json"]):
        if names:
            text += f"\n{kind}: {', '.join(f'[{name}]({here}/{name})' for name in names)}\n"
    return text


def _head(folder: str, title: str) -> str:
    """Heading of a part, which links find by the folder, wherever the page is read."""
    return f'\n<div id="{folder}"></div>\n\n## {title}\n'


def caption(study: str, stem: str) -> str:
    """What a figure shows.

    Examples
    --------
    >>> caption("losses", "confusion_kmnist_cnn2c")
    'Confusion matrices on test images, by loss: kmnist, cnn2c'
    """
    if f"{study}/{stem}" in CAPTIONS:
        return CAPTIONS[f"{study}/{stem}"]
    first, *of = stem.split("_")
    return f"{CAPTIONS[f'{study}/{first}']}: {', '.join(of)}"


def _page(root: Path) -> str:
    """Show what the self-contained page looks like; each picture leads to one of the whole page."""
    page = root / "results" / "page" / "balance.html"
    if not page.exists():
        return ""
    text = _head("page", "The page: drag a weight, and watch the balance")
    text += "\n`results/page`:\n\n```sh\nlearnprop page --out balance.html\n```\n"
    text += (
        '\n<a href="../results/page/balance.html" target="_blank">Open the page</a>. '
        "It opens alone, in a tab of its own.\n"
    )
    for part in sorted(root.glob(PARTS), key=lambda part: part.stem):
        words = "The page at " + part.stem.removeprefix("balance-").replace("-", " px, ", 1)
        words += "" if "px" in words else " px"
        text += f"\n[![{words}](pictures/{part.name})](pictures/page-{part.stem[8:]}.png)\n"
        text += f"\n*{words}: one part; the picture leads to one from head to foot*\n"
    return text


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
