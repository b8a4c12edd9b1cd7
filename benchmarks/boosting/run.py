"""Fit, measure, and write ``results/boosting``."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from benchmarks.boosting import acted_upon, decay, figure
from learnprop.reports.folders.provenance import now, write_provenance
from learnprop.reports.layout.files import write_text
from learnprop.reports.layout.style import draw_to

FOLDER = Path("results/boosting")


def run() -> None:
    """Write both tables, as csv and for docs, the figure and where they come from."""
    started = now()
    FOLDER.mkdir(parents=True, exist_ok=True)
    left = decay.table()
    left.to_csv(FOLDER / "decay.csv", index=False)
    write_text(FOLDER / "decay.md", decay.as_markdown(left))
    draw_to(lambda: figure.draw(left), [FOLDER / "decay.png"])
    acted = acted_upon.table()
    acted.to_csv(FOLDER / "acted_upon.csv", index=False)
    for n_classes in acted_upon.SIZES:
        for split in ("train", "fresh"):
            name = f"{'two' if n_classes == 2 else 'three'}-classes-{split}.md"
            write_text(FOLDER / name, acted_upon.as_markdown(acted, n_classes, split))
    write_provenance(
        FOLDER / "provenance.json", study="boosting", started=started,
        design={
            "class_count": acted_upon.SIZES, "fresh": acted_upon.FRESH,
            "features": acted_upon.N_FEATURES, "separation": acted_upon.SEPARATION,
            "seeds": acted_upon.SEEDS, "rounds": acted_upon.ROUNDS,
        },
        command=["python", "-m", "benchmarks", "boosting"],
        libraries={name: version(name) for name in ("lightgbm", "xgboost-cpu")},
    )  # fmt: skip
    print(decay.as_markdown(left))
