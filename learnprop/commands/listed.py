"""What the list of all commands says of each, so that `--help` loads no command.

Loading and making them all takes longer than everything else of ours in ``learnprop --help``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

STUDIES, YOURS, STORED, DATA = "Studies", "Your classifier", "Stored studies", "Data"
BROWSER = "In a browser"


@dataclass(frozen=True)
class Listed:
    """A command.

    Attributes
    ----------
    about : str
        First line of what it says of itself.
    panel : str
        Heading that it stands under.
    source : str
        Module and name of what carries it out; of a study nothing, its options make it.
    """

    about: str
    panel: str = STUDIES
    source: str = ""

    def load(self) -> Any:
        """Function, or typer's application, that carries it out."""
        module, _, name = self.source.partition(":")
        return getattr(import_module(f"learnprop.commands.{module}"), name)


LISTED = {
    "table1": Listed(
        "Reproduce Table 1: Eq. (10) for Sim1 and Sim2, predicted, observed and the paper's."
    ),
    "multiclass": Listed(
        "Put Eq. (9) to the test: K classes, several λ, both sides of every equation."
    ),
    "controls": Listed(
        "Break Eq. (9) on purpose: what should fail fails, and by how much; what should hold holds."
    ),
    "claims": Listed(
        "Put the paper's other statements to the test, each in a small design, with a verdict."
    ),
    "explore": Listed("See what a weight does to each class: a grid of imbalance ratios and λ."),
    "cnn": Listed(
        "Put Eq. (9) to trained networks: as trained, bias refined, output layer refined."
    ),
    "losses": Listed("Compare the paper's losses: Tables 3, 4 and 5, Figures 1 and 2."),
    "fresh": Listed("See the gap on fresh data, predicted before it is observed, and repaired."),
    "check": Listed(
        "Say which class weights a classifier acts upon, from a file of its predictions.",
        YOURS,
        "check:check",
    ),
    "status": Listed(
        "Say how far a study is: done, running, failed, time left. Also while it runs.",
        STORED,
        "stored:status",
    ),
    "replay": Listed(
        "Compute a replication's block again from its key and compare every bit with the store.",
        STORED,
        "stored:replay",
    ),
    "report": Listed(
        "Write tables, figures and a report.tex of all of them, for a paper. Nothing is fitted "
        "again.",
        STORED,
        "stored:report",
    ),
    "export": Listed(
        "Write what a study measured as one tidy table, for R, pandas or anything else.",
        STORED,
        "stored:export",
    ),
    "compare": Listed(
        "Say whether a folder has the results of another: verdicts, largest difference, machines.",
        STORED,
        "compare:compare",
    ),
    "design": Listed(
        "Find class weights for a target, and what moving the bias alone would do.",
        YOURS,
        "design:command",
    ),
    "page": Listed(
        "Write one HTML file that shows what a class weight does: drag, predict, drop your own "
        "CSV.",
        BROWSER,
        "page:page",
    ),
    "data": Listed(
        "Image data sets for the studies that train networks: list, fetch, verify.",
        DATA,
        "data:app",
    ),
}
"""By name, in the order of the page on the command line; tests hold each sentence against what the
command says. A study that is not here is loaded to be listed."""
