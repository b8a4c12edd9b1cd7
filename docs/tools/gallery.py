"""Writes ``docs/gallery.md``: every published figure, and the command that made it.

``make docs`` runs it; a test holds what is committed against what it would write.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from learnprop.reports.study_report import report_of
from learnprop.simulations.studies import STUDIES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "gallery.md"
SCREENS = "docs/pictures/page-*.png"

HEAD = """# Gallery

Every published figure, the command that made it, and the numbers behind it.
"""

TITLES = {
    "boosting": "Boosted trees: how far from balance they end",
    "fitted-models": "Tests of one fitted model: how often they reject",
    "small-samples": "Intervals in small samples: how often they cover",
}
"""Of folders that no study wrote."""

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
    order = {study: place for place, study in enumerate(STUDIES)}
    folders.sort(key=lambda folder: order.get(_study(folder), len(order)))
    return HEAD + _page(root) + "".join(_folder(folder) for folder in folders)


def _study(folder: Path) -> str:
    study: str = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["study"]
    return study


def _folder(folder: Path) -> str:
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    study, here = provenance["study"], f"../results/{folder.name}"
    title = report_of(study).title if study in STUDIES else TITLES[study]
    text = f"\n## {folder.name}\n\n{title}.\n\n```sh\n{shlex.join(provenance['command'])}\n```\n"
    for figure in sorted(folder.glob("*.png")):
        words = caption(study, figure.stem)
        text += f"\n![{words}]({here}/{figure.name})\n\n*{words}*\n"
    numbers = [path.name for path in sorted(folder.glob("*.csv"))]
    read = [path.name for path in sorted(folder.glob("*.md"))]
    for kind, names in ("Numbers", numbers), ("To read", [*read, "provenance.json"]):
        if names:
            text += f"\n{kind}: {', '.join(f'[{name}]({here}/{name})' for name in names)}\n"
    return text


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
    """Show the self-contained page, and what it looks like."""
    page = root / "results" / "page" / "balance.html"
    if not page.exists():
        return ""
    text = "\n## page\n\nThe page: drag imbalance and weights, and watch both sides of Eq. (10).\n"
    text += "\n```sh\nlearnprop page --out balance.html\n```\n"
    text += "\nTo open: [balance.html](../results/page/balance.html)\n"
    for screen in sorted(root.glob(SCREENS)):
        words = re.sub(r"[-_]+", " ", screen.stem.removeprefix("page-"))
        text += f"\n![The page: {words}]({screen.relative_to(root / 'docs').as_posix()})\n"
    return text


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
